"""Exports of results to dicts, files and tables."""

from __future__ import annotations

import csv
import datetime
import io
import json
import subprocess
import sys

import pytest

from cxlogging.dataprime import MissingPackage, QueryResult, Row
from cxlogging.dataprime.exports import table
from cxlogging.dataprime.language.time_fields import time_fields
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
    assert (tmp_path / "no.csv").read_text() == ""


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


IDS = made(
    Row('{"id":9007199254740993,"ok":true,"name":"ü","hour":1737331200000000000}'),
    Row('{"id":null,"ok":null,"name":null,"hour":null}'),
)


def test_pandas_keeps_the_types_beside_nulls():
    """In pandas an id of 64 bits beside a null stays itself, a time a time, a flag a flag."""
    pytest.importorskip("pandas")
    frame = IDS.to_pandas()

    assert frame["id"][0] == 9007199254740993
    assert frame["hour"][0] == MOMENT
    types = {name: str(kind) for name, kind in frame.dtypes.items()}
    assert types["id"] == "Int64"
    assert types["ok"] == "boolean"
    assert types["hour"] == "datetime64[us, UTC]"
    assert frame.isna().loc[1].all()


def test_polars_and_arrow_keep_the_types_beside_nulls():
    """In polars and Arrow ids, times and flags keep their types beside nulls."""
    pytest.importorskip("polars")
    pytest.importorskip("pyarrow")

    for rows in (IDS.to_polars().to_dicts(), IDS.to_arrow().to_pylist()):
        assert rows == [
            {"id": 9007199254740993, "ok": True, "name": "ü", "hour": MOMENT},
            {"id": None, "ok": None, "name": None, "hour": None},
        ]


def test_importing_and_listing_rows_imports_no_library():
    """Data frame libraries are imported by their exports alone."""
    code = (
        "import sys; from tests.dataprime.test_exports import COUNTS; COUNTS.to_dicts();"
        " sys.exit(bool({'pandas', 'polars', 'pyarrow'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_ids_beside_fractions_stay_themselves():
    """A whole number that no float holds makes its column one of strings."""
    rows = [Row('{"n":9007199254740993}'), Row('{"n":0.5}')]

    assert table(rows) == {"n": ["9007199254740993", "0.5"]}


def test_a_name_with_a_dot_is_not_a_path():
    """x.y beside x: {y} are two columns, and each column's name finds its value in the row."""
    log = Row('{"x.y":1,"x":{"y":2},"it\'s[0]":3}', {"logid": "1"}, {"a.b": "c"})
    aggregate = Row('{"x.y":1,"x":{"y":2}}')

    columns = table([log])
    assert (columns["$d['x.y']"], columns["$d.x.y"], columns["$l['a.b']"]) == ([1], [2], ["c"])
    assert all(log[name] == values[0] for name, values in columns.items() if name[0] == "$")
    assert table([aggregate]) == {"['x.y']": [1], "x.y": [2]}
    assert aggregate["['x.y']"] == 1


def test_tables_and_lines_go_to_open_files(tmp_path):
    """to_csv and to_jsonl take a path or a file, which stays open."""
    text = io.StringIO()

    assert COUNTS.to_csv(text) == 2
    assert COUNTS.to_jsonl(text) == 2

    assert text.getvalue() == (
        'app,count\r\nshop,5\r\ndesk,7\r\n{"app": "shop", "count": 5}\n'
        '{"app": "desk", "count": 7}\n'
    )
    assert COUNTS.to_csv(str(tmp_path / "rows.csv")) == 2


def test_a_result_is_a_table_in_notebooks():
    """_repr_html_ has typed columns, readable times, and escapes every text."""
    hostile = made(Row('{"<b>":"<script>alert(1)</script>","hour":1737331200000000000,"n":5}'))

    shown = hostile._repr_html_()
    assert "<script>" not in shown
    assert "<b>" not in shown
    assert "&lt;script&gt;" in shown
    assert "2025-01-20 00:00:00Z" in shown
    assert '<th title="int">n</th>' in shown
    assert hostile.columns == {"<b>": str, "hour": datetime.datetime, "n": int}
    many = made(*[Row('{"n":1}')] * 101)._repr_html_()
    assert "101 rows; the first 100 are shown." in many
    assert many.count("<tr>") == 101


BUCKETS = "source logs | groupby $m.timestamp / 1h as hour, user_id aggregate count() as n"


def test_time_buckets_are_times_in_every_export(client, service, tmp_path):
    """What the query makes of times is a datetime; an id that looks like one stays a number."""
    looks_like_a_time = 1737331200000000001
    row = {"hour": 1737331200000000000, "user_id": looks_like_a_time, "n": 3}
    service.rule = lambda _: whole({"userData": json.dumps(row)})

    found = client.query(BUCKETS)

    typed = {"hour": MOMENT, "user_id": looks_like_a_time, "n": 3}
    assert found.to_dicts() == [typed]
    assert found[0].data == row, "the data stays as it came"
    text = io.StringIO()
    found.to_jsonl(text)
    found.to_csv(text)
    assert text.getvalue() == (
        f'{{"hour": "2025-01-20T00:00:00Z", "user_id": {looks_like_a_time}, "n": 3}}\n'
        f"hour,user_id,n\r\n2025-01-20T00:00:00+00:00,{looks_like_a_time},3\r\n"
    )


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("groupby roundTime($m.timestamp, 1h) as h aggregate count() as n", {"h"}),
        ("groupby user aggregate min($m.timestamp) as first, max(id) as id", {"first"}),
        ("source logs | countby $m.timestamp", {"timestamp"}),
        ("choose $m.timestamp, id", {"timestamp"}),
        ("create t from parseTimestamp(x) | choose t, id", {"t"}),
        ("top 5 $m.timestamp / 1m as minute by count()", {"minute"}),
        ("multigroupby ($m.timestamp / 1h as h, id), (id) agg count() as n", {"h"}),
        ("groupby id agg max(toUnixTime($m.timestamp, 'nanosecond')) as h", set()),
        ("groupby a as c, $m.timestamp / 1h as h agg count() as n | filter c == 1", {"h"}),
        ("source logs | groupby id, $m.timestamp as t | orderby t | choose t, id", {"t"}),
        ("bottom 5 id by max($m.timestamp) as t", {"t"}),
        ("groupby id agg max(id) as h // by $m.timestamp as h", set()),
        ("groupby id as `x` agg any_value('now $m.timestamp') as h", set()),
    ],
)
def test_the_text_of_a_query_tells_which_fields_are_times(query, names):
    """Results of expressions on times are times, under their alias or their default name."""
    fields = time_fields(query)
    candidates = {"h", "first", "_min0", "timestamp", "t", "minute", "id"}

    assert {name for name in candidates if fields.includes(name, 10**18 + 7)} == names
    assert not any(fields.includes(name, 4711) for name in candidates)


def test_a_time_without_an_alias_is_found_by_elimination():
    """A default name such as _min0 is not in the query: it belongs to the unnamed time."""
    fields = time_fields("groupby user agg min($m.timestamp), max(id) as id")

    filtered = time_fields("filter $m.timestamp > now() - 1h | groupby user agg max(id)")
    assert not filtered.includes("_max0", 10**18 + 7)
    ordered = time_fields("groupby user agg max(id) | orderby $m.timestamp / 1h")
    assert not ordered.includes("_max0", 10**18 + 7)
    assert fields.includes("_min0", 10**18 + 7)
    assert not fields.includes("user", 10**18 + 7)
    assert not fields.includes("id", 10**18 + 7)


def test_without_the_query_whole_seconds_are_times():
    """Rows of a job that is known by its id alone: only whole seconds count as times."""
    assert time_fields("").includes("hour", 1737331200000000000)
    assert not time_fields("").includes("id", 1737331200000000001)
