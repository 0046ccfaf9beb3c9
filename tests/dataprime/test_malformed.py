"""Malformed answers."""

from __future__ import annotations

import gzip
import json
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxlogging.dataprime import PartialResult, QueryError, QueryFailed
from cxlogging.dataprime.http.ndjson import check_complete, parse_line, split_lines
from cxlogging.dataprime.summary import AnswerSummary

from .service import QUERY_ID, STATISTICS, Reply, line, log, result, whole

GOOD = QUERY_ID + result(log(1)) + STATISTICS


def read(body: bytes) -> int:
    summary = AnswerSummary()
    for each in split_lines([body]):
        parse_line(each, summary)
    check_complete(summary)
    return summary.count


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\n\n",
        QUERY_ID,
        GOOD[: -len(STATISTICS)],
        GOOD[:-20],
        GOOD[: len(QUERY_ID) + 40],
        b"<html><body>502</body></html>",
        QUERY_ID + b"<html>" + STATISTICS,
        QUERY_ID + b"\xff\xfe\n" + STATISTICS,
        b"\x1f\x8b\x08" + GOOD,
        b"[" * 100_000 + b"\n" + STATISTICS,
        b'{"result":{"results":[{"metadata":5}]}}\n' + STATISTICS,
        b'{"result":{"results":[{"metadata":[{"value":"v"}]}]}}\n' + STATISTICS,
        b'{"result":{"results":[5]}}\n' + STATISTICS,
        b'{"result":{"results":"rows"}}\n' + STATISTICS,
        b'{"result":{"results":7}}\n' + STATISTICS,
        b'{"result":5}\n' + STATISTICS,
        b'{"result":null}\n' + STATISTICS,
        b'{"response":{"results":null}}\n' + STATISTICS,
        b'{"queryId":{}}\n' + STATISTICS,
        b'{"queryId":5}\n{"statistics":5}\n',
        b'{"statistics":[]}\n',
        b'{"statistics":{"storage":5}}\n',
        b'{"statistics":{"storage":{"objectStore":{"limits":[1]}}}}\n',
        b'{"statistics":{"storage":{"objectStore":{"limits":{"scan":true}}}}}\n',
        b'{"statistics":{}}\n',
        b'{"statistics":{"status":null}}\n',
        b'{"statistics":{"status":"completed-ish"}}\n',
        b'{"error":"text"}\n' + STATISTICS,
        b'{"error":{}}\n' + STATISTICS,
        b'{"error":{"code":{"internal":{}}}}\n' + STATISTICS,
        b'{"error":[1,2]}\n' + STATISTICS,
        b'{"results": [}\n' + STATISTICS,
    ],
)
def test_a_malformed_answer_is_no_result(body):
    """A truncated or malformed answer raises; it never looks like a complete one."""
    with pytest.raises(QueryError):
        read(body)


@pytest.mark.parametrize(
    "body",
    [
        GOOD,
        GOOD[:-1],
        GOOD.replace(b"\n", b"\r\n"),
        b'{"warning":5}\n{"warning":{}}\n{"warning":null}\n' + GOOD,
        b'{"error":null}\n' + GOOD,
        b'{"result":{}}\n{"result":{"results":null}}\n' + GOOD,
        QUERY_ID + result(log(1)) + b'{"statistics":{"status":"COMPLETED","storage":null}}',
        QUERY_ID
        + result(log(1))
        + b'{"statistics":{"status":"COMPLETED","e2eDurationMs":"fast","outputRowCount":true}}',
    ],
)
def test_what_is_only_odd_is_read(body):
    """A missing last line feed, CRLF, empty members and invalid numbers lose no row."""
    assert read(body) == 1


def test_separators_inside_of_strings_split_nothing(client, service):
    """U+2028, U+0085 and others may be unescaped in a JSON string, and do not split lines."""
    text = "a\u2028b\u2029c\u0085d\x1ce\x0bf"
    row = {**log(1), "userData": json.dumps({"text": text}, ensure_ascii=False)}
    service.will_say(whole(row))

    assert client.query("source logs")[0]["$d.text"] == text


def test_chunks_may_end_inside_of_a_character(client, service):
    """A body that arrives byte by byte results in the same rows."""
    row = {**log(1), "userData": json.dumps({"text": "Größe 🚀"}, ensure_ascii=False)}
    body = QUERY_ID + result(row) + STATISTICS
    service.will_say(Reply([body[at : at + 1] for at in range(len(body))]))

    assert client.query("source logs")[0]["text"] == "Größe 🚀"


@given(
    st.lists(st.binary(max_size=12).map(lambda each: each.replace(b"\n", b"")), min_size=1),
    st.integers(1, 7),
)
def test_lines_are_those_of_the_body(parts, size):
    """The lines of a body do not depend on its chunks."""
    body = b"\n".join(parts)

    assert list(split_lines([body[at : at + size] for at in range(0, len(body), size)])) == parts


def test_a_huge_line_is_read():
    """A line of many megabytes, in many chunks, is one line."""
    body = QUERY_ID + result({**log(1), "userData": "x" * 8_000_000}) + STATISTICS
    summary = AnswerSummary()

    for each in split_lines(body[at : at + 65_536] for at in range(0, len(body), 65_536)):
        parse_line(each, summary)

    assert summary.count == 1


def test_a_line_without_end_is_refused():
    """A line that never ends does not exhaust memory."""
    chunk = bytes(1 << 20)

    with pytest.raises(PartialResult, match="longer than"):
        for _ in split_lines(chunk for _ in range(300)):
            pass


@pytest.mark.parametrize("ends", ["chunked", "length", "close"])
@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_a_compressed_answer_is_read(client, service, encoding, ends):
    """Bodies in gzip and deflate are decompressed, whichever way they end."""
    packed = {"gzip": gzip.compress, "deflate": zlib.compress}[encoding](GOOD * 1)
    service.will_say(Reply(packed, headers={"Content-Encoding": encoding}, ends=ends))

    assert len(client.query("source logs")) == 1


def test_a_damaged_compression_is_a_partial_result(client, service):
    """An answer that cannot be decompressed raises."""
    service.will_say(Reply(b"no gzip", headers={"Content-Encoding": "gzip"}))

    with pytest.raises(PartialResult, match="broke in the middle of the answer"):
        client.query("source logs")


def test_a_connection_that_breaks_after_the_statistics_is_whole(client, service):
    """A broken connection after the statistics does not raise."""
    service.will_say(Reply(GOOD, ends="cut"))

    assert len(client.query("source logs")) == 1


def test_an_error_after_the_statistics_is_still_an_error():
    """An error after the statistics raises."""
    with pytest.raises(QueryFailed, match="late"):
        read(GOOD + line({"error": {"message": "late"}}))


def test_an_error_that_has_no_words_is_said():
    """An error line without a message still fails the query."""
    with pytest.raises(QueryFailed, match="gives no reason"):
        read(line({"error": {"code": {"internal": {}}}}))
