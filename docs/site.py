"""
The documentation as a site: hooks of MkDocs (mkdocs.yml names this file).

The pages are written for readers of the repository. README, CHANGELOG and the other files at
its root become pages of the site, and links to files that are no pages lead to the repository.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path

from mkdocs.structure.files import File

ROOT = Path(__file__).parent.parent
AT_THE_ROOT = {
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
}
"""Files at the root of the repository, and the pages that they become."""

LINK = re.compile(r"(\]\(|src=\"|srcset=\"|href=\")(?!#|mailto:)([^)\s\"#]+)")


def on_files(files, config):
    """Add the files at the root as pages."""
    for name, page in AT_THE_ROOT.items():
        text = (ROOT / name).read_text("utf-8")
        files.append(File.generated(config, page, content=text))
    return files


def on_page_markdown(markdown, page, config, files):
    """Let links lead to pages of the site where there are such pages, else to the repository."""
    sources = {target: source for source, target in AT_THE_ROOT.items()}
    source = sources.get(page.file.src_uri, f"docs/{page.file.src_uri}")
    blob = f"{config.repo_url.rstrip('/')}/blob/main/"
    raw = blob.replace("https://github.com/", "https://raw.githubusercontent.com/").replace(
        "/blob/", "/"
    )

    def led(match: re.Match[str]) -> str:
        opening, target = match.groups()
        for base in (blob, raw):
            if target.startswith(base):
                path = target.removeprefix(base)
                break
        else:
            if "://" in target:
                return match[0]
            path = posixpath.normpath(posixpath.join(posixpath.dirname(source), target))
        place = AT_THE_ROOT.get(path, path.removeprefix("docs/"))
        if (path.startswith("docs/") or path in AT_THE_ROOT) and files.get_file_from_path(place):
            here = posixpath.dirname(page.file.src_uri)
            return opening + posixpath.relpath(place, here or ".")
        return opening + blob + path

    return LINK.sub(led, markdown)
