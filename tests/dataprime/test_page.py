"""The documentation of the query client is complete."""

from __future__ import annotations

import json
import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "dataprime.md"


def test_the_page_names_everything_public():
    """The page documents every argument and every public name."""
    import cxlogging.dataprime as module

    text = PAGE.read_text("utf-8")
    names = [*module.__all__, *module.DataPrimeClient.query.__kwdefaults__]
    names += ["to_dicts", "to_jsonl", "to_csv", "to_pandas", "to_polars", "to_arrow"]

    missing = [name for name in names if not re.search(rf"\b{name}\b", text)]
    assert missing == [], json.dumps(missing)
