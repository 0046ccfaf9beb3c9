"""What is built from the project: the sdist, the wheel, and what they declare."""

from __future__ import annotations

import configparser
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
CONFIG = configparser.ConfigParser()
CONFIG.read(ROOT / "setup.cfg", "utf-8")


def tracked():
    """Return the files of the project, as version control has them."""
    done = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.skip("not a checkout")
    return {name for name in done.stdout.splitlines() if (ROOT / name).exists()}


@pytest.mark.slow
def test_the_sdist_holds_the_project_and_the_wheel_the_package(tmp_path):
    """The sdist holds all that is under version control; the wheel holds the package, typed."""
    for name in tracked():  # a copy: what an earlier build left behind would be built in again
        (tmp_path / "project" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / "project" / name)
    done = subprocess.run(
        [sys.executable, "-m", "build", "--outdir", str(tmp_path), str(tmp_path / "project")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr

    sdist, wheel = next(tmp_path.glob("*.tar.gz")), next(tmp_path.glob("*.whl"))
    with tarfile.open(sdist) as archive:
        held = {name.partition("/")[2] for name in archive.getnames()}
    assert sorted(tracked() - held - {".gitignore"}) == []
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    package = {name for name in tracked() if name.startswith("cxlogging/")}
    assert sorted(package - names) == []
    assert {name.partition("/")[0] for name in names if ".dist-info/" not in name} == {"cxlogging"}


def requirements(text):
    """Return name and lowest version of each requirement of a part of setup.cfg."""
    return dict(re.findall(r"^([\w.-]+)(?:\[\w+\])?>=([\d.]+)", text, re.MULTILINE))


def test_the_lowest_versions_that_are_tested_are_those_that_are_allowed():
    """The file of lowest versions names what the package imports, as low as setup.cfg allows."""
    extras = CONFIG["options.extras_require"]
    allowed = requirements(CONFIG["options"]["install_requires"])
    for extra in ("fast", "cli", "dev", "nats"):
        allowed |= requirements(extras[extra])
    pinned = dict(
        re.findall(r"^([\w.-]+)==([\d.]+)", (ROOT / ".ci" / "lowest.txt").read_text(), re.MULTILINE)
    )

    assert pinned.keys() == allowed.keys()
    for name, version in allowed.items():
        assert re.fullmatch(rf"{re.escape(version)}(\.0)*", pinned[name]), name
