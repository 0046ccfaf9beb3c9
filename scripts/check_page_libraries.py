"""
Compare the libraries of the local server's page with the packages of the npm registry.

    python scripts/check_page_libraries.py

`cxlogging/devserver/page/lib/libraries.json` names each package, its version and its integrity,
and each file with its path in the package and its SHA-256. The script downloads the packages,
checks their integrity, and compares every file byte by byte. It fails where one differs, where
the folder has a file that the list does not name, and where the registry has another integrity.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import sys
import tarfile
import urllib.request
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent.parent / "cxlogging" / "devserver" / "page" / "lib"
LIST = FOLDER / "libraries.json"
REGISTRY = "https://registry.npmjs.org"
TIMEOUT = 60


def main() -> int:
    """Print one line for each file that differs, or the number of files; return the status."""
    libraries = json.loads(LIST.read_text("utf-8"))["libraries"]
    problems = [problem for library in libraries for problem in differences(library)]
    named = {file["name"] for library in libraries for file in library["files"]}
    problems += [
        f"{path.name}: is in no package of {LIST.name}"
        for path in FOLDER.iterdir()
        if path != LIST and path.name not in named
    ]
    print("\n".join(problems) or f"{len(named)} files are those of {len(libraries)} packages")
    return 1 if problems else 0


def differences(library: dict[str, Any]) -> list[str]:
    """Return a sentence for each file of *library* that is not the registry's."""
    name, version = library["name"], library["version"]
    published = json.loads(download(f"{REGISTRY}/{name}/{version}"))
    package = download(published["dist"]["tarball"])
    digest = base64.b64encode(hashlib.sha512(package).digest()).decode()
    found = {library["integrity"], published["dist"]["integrity"], f"sha512-{digest}"}
    if len(found) > 1:
        return [f"{name} {version}: the integrities differ: {', '.join(sorted(found))}"]
    problems = []
    with tarfile.open(fileobj=io.BytesIO(package)) as archive:
        for file in library["files"]:
            member = archive.extractfile(f"package/{file['path']}")
            original = b"" if member is None else member.read()
            held = (FOLDER / file["name"]).read_bytes()
            if held != original:
                problems.append(f"{file['name']}: differs from {file['path']} of {name} {version}")
            if hashlib.sha256(held).hexdigest() != file["sha256"]:
                problems.append(f"{file['name']}: has another SHA-256 than {LIST.name} says")
    return problems


def download(url: str) -> bytes:
    """Return the body of *url*."""
    with urllib.request.urlopen(url, timeout=TIMEOUT) as answer:  # noqa: S310 - constant scheme
        body: bytes = answer.read()
        return body


if __name__ == "__main__":
    sys.exit(main())
