"""Exports of results to dicts, files and tables."""

from __future__ import annotations

import csv
import datetime
import json
import subprocess
import sys

import pytest

from cxlogging.dataprime import MissingPackage, QueryResult, Row
from cxlogging.dataprime.exports import table
from cxlogging.dataprime.summary import AnswerSummary
from cxlogging.errors import CxLoggingError

from .service import whole

MOMENT = datetime.datetime(2025, 1, 20, tzinfo=datetime.timezone.utc)


def made(*rows: Row) -> QueryResult:
    return QueryResult(AnswerSummary(), list(rows))


LOGS = made(
    Row(
        '{"user":{"id":"u1"},"n":1,"tags":["a"]}',
        {"timestamp": "2025-01-20T00:00:00.000000001", "severity": "5", "logid": "1"},
        {"applicationname": "shop"},
    ),
    Row("no json, ü", {"timestamp": "soon", "severity": "7"}, {"subsystemname": "pay"}),
    Row('{"n":2.5,"empty":{}}', {"timestamp": "2025-01-20T00:00:01"}),
)
COUNTS = made(Row('{"app":"shop","count":5}'), Row('{"app":"desk","count":7}'))


def test_a_result_is_a_sequence():
    """A result has a length, an order, indexes and slices."""
    assert (len(COUNTS), COUNTS[1]["count"], len(COUNTS[:1])) == (2, 7, 1)
    assert [row["app"] for row in COUNTS] == ["shop", "desk"]
    assert repr(COUNTS) == "<QueryResult without id: 2 rows>"


def test_dicts():
    """A log is a dict of its parts, an aggregate its own data."""
    first = LOGS.to_dicts()[0]

    assert first["timestamp"] == MOMENT
    assert (first["severity"], first["data"]["user"]) == ("ERROR", {"id": "u1"})
    assert first["metadata"]["logid"] == "1"
    assert COUNTS.to_dicts() == [{"app": "shop", "count": 5}, {"app": "desk", "count": 7}]


def test_json_lines(tmp_path):
    """Each row is a line of JSON in UTF-8, its time to the nanosecond."""
    assert LOGS.to_jsonl(tmp_path / "rows.jsonl") == 3

    lines = (tmp_path / "rows.jsonl").read_bytes().split(b"\n")
    documents = [json.loads(line) for line in lines if line]
    assert documents[0]["timestamp"] == "2025-01-20T00:00:00.000000001Z"
    assert documents[1]["data"] == "no json, ü"
    assert documents[1]["timestamp"] is None


def test_a_stream_is_written_as_it_comes(client, service, tmp_path):
    """A stream has the same exports, row by row where the format allows it."""
    row = {"metadata": [], "labels": [], "userData": '{"count":1}'}
    service.will_say(whole(row, row))

    assert client.stream("source logs").to_jsonl(tmp_path / "rows.jsonl") == 2


def test_csv(tmp_path):
    """A table has one column for each keypath, lists as JSON, and empty cells for null."""
    assert LOGS.to_csv(tmp_path / "rows.csv") == 3

    with (tmp_path / "rows.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows[0]["timestamp"] == "2025-01-20T00:00:00+00:00"
    assert rows[0]["severity"] == "ERROR"
    assert (rows[0]["$d.user.id"], rows[0]["$d.n"], rows[0]["$d.tags"]) == ("u1", "1.0", '["a"]')
    assert (rows[1]["$d"], rows[1]["$d.n"], rows[1]["$l.subsystemname"]) == (
        "no json, ü",
        "",
        "pay",
    )
    assert (rows[1]["$m.timestamp"], rows[1]["$m.severity"]) == ("soon", "7")
    assert rows[2]["$d.empty"] == "{}"


def test_an_empty_result_is_an_empty_table(tmp_path):
    """A table of no rows has no columns."""
    assert (made().to_dicts(), table(made()), made().to_csv(tmp_path / "no.csv")) == ([], {}, 0)


def test_columns_are_of_one_type():
    """Mixed columns become strings, ints with floats become floats, and huge ints strings."""
    rows = [
        Row('{"mixed":1,"number":1,"huge":99999999999999999999,"flag":true}'),
        Row('{"mixed":"a","number":0.5,"huge":1,"flag":false}'),
        Row("{}"),
    ]

    assert table(rows) == {
        "mixed": ["1", "a", None],
        "number": [1.0, 0.5, None],
        "huge": ["99999999999999999999", "1", None],
        "flag": [True, False, None],
    }


@pytest.mark.parametrize(
    ("method", "package"),
    [("to_pandas", "pandas"), ("to_polars", "polars"), ("to_arrow", "pyarrow")],
)
def test_a_missing_package_is_named(method, package, tmp_path):
    """Without the library the error says what to install; it is a CxLoggingError."""
    (tmp_path / f"{package}.py").write_text("raise ImportError('not here')")
    code = f"""
import sys
sys.path.insert(0, {str(tmp_path)!r})
from tests.dataprime.test_exports import COUNTS
try:
    COUNTS.{method}()
except ImportError as error:
    print(type(error).__name__, error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert (
        done.stdout
        == f"MissingPackage this export needs the package {package}: pip install {package}.\n"
    )
    assert issubclass(MissingPackage, CxLoggingError)


FRAME = """
class DataFrame:
    def __init__(self, columns):
        self.columns = columns
def table(columns):
    return DataFrame(columns)
"""


@pytest.mark.parametrize(
    ("method", "package"),
    [("to_pandas", "pandas"), ("to_polars", "polars"), ("to_arrow", "pyarrow")],
)
def test_a_frame_is_made_of_the_columns(method, package, tmp_path):
    """The library gets the columns, and is imported only by this call."""
    (tmp_path / f"{package}.py").write_text(FRAME)
    code = f"""
import sys
sys.path.insert(0, {str(tmp_path)!r})
from tests.dataprime.test_exports import COUNTS
before = {package!r} in sys.modules
print(before, COUNTS.{method}().columns)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "False {'app': ['shop', 'desk'], 'count': [5, 7]}\n"
