"""The documentation of the query client, run: its snippets that ask a service."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from .service import Asked, Reply, line, log, whole
from .test_jobs import SUCCESS

PAGE = Path(__file__).parents[2] / "docs" / "dataprime.md"
SNIPPETS = re.findall(r"^```py\n(.*?)^```$", PAGE.read_text("utf-8"), re.DOTALL | re.MULTILINE)


def answer(asked: Asked) -> Reply:
    door = asked.path.removeprefix("/api/v1/dataprime/")
    documents = {
        "background-query": {"queryId": "id", "warnings": []},
        "background-query/status": SUCCESS,
        "background-query/cancel": {},
        "background-query/data": {"response": {"results": {"results": [log(1)]}}},
    }
    return Reply(line(documents[door])) if door in documents else whole(log(1))


@pytest.mark.parametrize("code", SNIPPETS)
def test_a_snippet_of_the_page_runs(service, tmp_path, code):
    """A snippet runs to its end against a service, without a word on stderr."""
    service.rule = answer
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "CXLOGGING_URL": service.url, "PYTHONPATH": str(PAGE.parents[1])},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert service.asked


def test_the_page_names_everything_public():
    """Every argument and every public name stands on the page."""
    import cxlogging.dataprime as module

    text = PAGE.read_text("utf-8")
    names = [*module.__all__, *module.DataPrimeClient.query.__kwdefaults__]
    names += ["to_dicts", "to_jsonl", "to_csv", "to_pandas", "to_polars", "to_arrow"]

    missing = [name for name in names if not re.search(rf"\b{name}\b", text)]
    assert missing == [], json.dumps(missing)
