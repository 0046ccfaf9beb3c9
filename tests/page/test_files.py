"""The files of the page: what is served, and what their code may do."""

from __future__ import annotations

import hashlib
import json
import re
import urllib.error
import urllib.request
from collections import Counter
from pathlib import Path

import pytest

import cxlogging.devserver

PAGE = Path(cxlogging.devserver.__file__).parent / "page"
OWN = sorted(path for path in PAGE.rglob("*.js") if path.parent.name != "lib")
IMPORT = re.compile(r'^(?:import|export)\b[^"]*\bfrom "([^"]+)"|^import "([^"]+)"', re.MULTILINE)
MARKUP = (
    "innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function",
    "DOMParser", "srcdoc", "dangerouslySetInnerHTML", 'setAttribute("on', "javascript:",
)  # fmt: skip
"""Ways to turn text into markup or code."""


def code(path):
    """Return a module without its comments."""
    return re.sub(r"^\s*//.*$", "", path.read_text("utf-8"), flags=re.MULTILINE)


def test_the_first_file_has_no_inline_script_and_names_files_of_the_server_alone(server):
    """Each of them is served with a content type that a strict browser takes."""
    with urllib.request.urlopen(server.url) as answer:
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        html = answer.read().decode()
    assert re.search(r"<script>|<style|style=|\son\w+=", html) is None
    for path in re.findall(r'(?:src|href)="([^"]+)"', html):
        with urllib.request.urlopen(server.url + path) as answer:
            kind = "text/css" if path.endswith(".css") else "text/javascript"
            assert answer.headers["content-type"] == f"{kind}; charset=utf-8"
            assert answer.read() == (PAGE / path.removeprefix("/page/")).read_bytes()


@pytest.mark.parametrize("path", ["/page/", "/page/app/", "/page/app/%6dain.js", "/page/lib/x.js",
                                  "/page/../page.css", "/page/lib/preact.LICENSE"])  # fmt: skip
def test_only_the_files_of_the_page_are_served(server, path):
    """The list is read when the server starts; no path is looked up in the file system."""
    with pytest.raises(urllib.error.HTTPError, match="404") as refused:
        urllib.request.urlopen(server.url + path)
    refused.value.close()


@pytest.mark.parametrize("path", OWN, ids=lambda path: path.relative_to(PAGE).as_posix())
def test_a_module_imports_what_is_there_and_makes_no_markup_of_text(path):
    """Its imports are files of the page; it has at most 300 lines."""
    text = code(path)
    for names in IMPORT.findall(text):
        name = "".join(names)
        assert name.startswith("."), name
        assert (path.parent / name).resolve().is_file(), name
    assert [way for way in MARKUP if way in text] == []
    assert len(path.read_text("utf-8").splitlines()) <= 300


def test_modules_import_each_other_in_one_direction():
    """There is no circle of imports."""
    imports = {
        path: {(path.parent / "".join(names)).resolve() for names in IMPORT.findall(code(path))}
        for path in OWN
    }
    left = dict(imports)
    while ready := [path for path, needs in left.items() if needs.isdisjoint(left)]:
        for path in ready:
            del left[path]
    assert sorted(path.relative_to(PAGE).as_posix() for path in left) == []


def test_no_folder_has_more_than_fifteen_files():
    """A reader sees a folder at a glance."""
    sizes = Counter(path.parent.name for path in PAGE.rglob("*") if path.is_file())
    assert {name: size for name, size in sizes.items() if size > 15} == {}


def test_the_libraries_are_those_of_the_list():
    """Each has a version, a licence and hashes; scripts/check_page_libraries.py asks npm."""
    folder = PAGE / "lib"
    libraries = json.loads((folder / "libraries.json").read_text("utf-8"))["libraries"]
    named = {"libraries.json"}
    for library in libraries:
        assert {"name", "version", "licence", "integrity", "home"} <= library.keys()
        assert any(file["path"] == "LICENSE" for file in library["files"])
        for file in library["files"]:
            held = (folder / file["name"]).read_bytes()
            assert hashlib.sha256(held).hexdigest() == file["sha256"]
            named.add(file["name"])
    assert {path.name for path in folder.iterdir()} == named
