"""`cxlogging send`: what is detected, that nothing is dropped, and what the statistics say."""

from __future__ import annotations

import datetime
import gzip
import importlib
import json
import subprocess
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxlogging.cli.send.input import MAX_LINE_BYTES, Input
from cxlogging.cli.send.records import RecordFactory
from cxlogging.cli.send.timestamps import TimestampParser, epoch_seconds
from cxlogging.cli.shared.levels import LEVELS, level_of_line, level_of_value
from cxlogging.devserver import DevServer, Keys

from .conftest import COMMAND, environment, interrupt

UTC = datetime.timezone.utc
NOW = datetime.datetime(2026, 1, 2, tzinfo=UTC).timestamp()
PARSER = TimestampParser(utc=True, now=lambda: NOW)


def at(*parts: int) -> float:
    return datetime.datetime(*parts, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("line", "seconds"),
    [
        ("2025-01-20T10:11:12Z up", at(2025, 1, 20, 10, 11, 12)),
        ("2025-01-20 10:11:12,345 INFO up", at(2025, 1, 20, 10, 11, 12, 345_000)),
        ("[2025/01/20 10:11:12.123456789] up", at(2025, 1, 20, 10, 11, 12, 123_456)),
        ("up at 2025-01-20T10:11:12+02:00", at(2025, 1, 20, 8, 11, 12)),
        ("2025-01-20 10:11:12 -0130 up", at(2025, 1, 20, 11, 41, 12)),
        ("2025-01-20T23:59:60Z leap", at(2025, 1, 20, 23, 59, 59)),
        ('::1 - - [20/Jan/2025:10:11:12 +0100] "GET /"', at(2025, 1, 20, 9, 11, 12)),
        ("Jan  1 10:11:12 host sshd[1]: up", at(2026, 1, 1, 10, 11, 12)),
        ("<34>Dec 31 10:11:12 host su: up", at(2025, 12, 31, 10, 11, 12)),
        ("1737367872 up", 1737367872.0),
        ("1737367872.25 up", 1737367872.25),
        ("[1737367872123] up", 1737367872.123),
        ("2025-13-20T10:11:12Z", None),
        ("2025-01-20T10:61:12Z", None),
        ("order 17373678725 of 12:30:00", None),
        ("no time", None),
    ],
)
def test_the_time_of_a_line_is_detected(line, seconds):
    """ISO 8601, web server logs, syslog and epoch times; an impossible time is not one."""
    assert PARSER.of_line(line) == seconds


def test_a_time_without_zone_is_local_unless_utc_is_set():
    """Times without a zone are local times, and UTC with --utc."""
    local = TimestampParser(utc=False, now=time.time).of_line("2025-06-20 10:11:12 up")

    assert local == datetime.datetime(2025, 6, 20, 10, 11, 12).timestamp()  # noqa: DTZ001
    assert PARSER.of_line("2025-06-20 10:11:12 up") == at(2025, 6, 20, 10, 11, 12)


@pytest.mark.parametrize("unit", [1, 1_000, 1_000_000, 1_000_000_000])
def test_an_epoch_is_read_by_its_size(unit):
    """Seconds, milli-, micro- and nanoseconds; a smaller number is not a time."""
    assert epoch_seconds(1_737_367_872 * unit) == 1_737_367_872
    assert PARSER.of_value(str(1_737_367_872 * unit)) == 1_737_367_872
    assert epoch_seconds(0.25) is None
    assert epoch_seconds(float("nan")) is None


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("2025-01-20 INFO up", "INFO"),
        ("[error] up", "error"),
        ('time=1 level=warn msg="x"', "warn"),
        ('"severity": "critical"', "critical"),
        ("<Notice> up", "Notice"),
        ("WARNING: up", "WARNING"),
        ("an error in a sentence", None),
        ("errors-INFO-x", None),
        ("INFORMATIVE", None),
        ("", None),
    ],
)
def test_the_level_of_a_line_is_detected(line, word):
    """Words in capitals, in brackets, or after level=; other words are not levels."""
    assert level_of_line(line) == word


@pytest.mark.parametrize(
    ("name", "value", "level"),
    [
        ("level", "warn", (30, "WARN")),
        ("level", "Information", (20, "INFORMATION")),
        ("level", 50, (40, "ERROR")),
        ("levelno", 50, (50, "CRITICAL")),
        ("levelno", 35, (35, "LEVEL 35")),
        ("severity", 5, (40, "ERROR")),
        ("severity", "6", (50, "CRITICAL")),
        ("log.level", "fatal", (50, "FATAL")),
        ("level", 7, None),
        ("level", True, None),
        ("level", "loud", None),
        ("level", [], None),
    ],
)
def test_the_level_of_a_field_is_detected(name, value, level):
    """Words, numbers of pino in level, of Python in levelno, of Coralogix in severity."""
    assert level_of_value(name, value) == level


def made(value, **names):
    return RecordFactory(PARSER, "log", **names).from_json(json.dumps(value), "x.log", 7)


def test_time_level_message_and_logger_are_taken_out_of_json():
    """They become attributes of the record; all other values are fields."""
    record = made(
        {"@timestamp": "2025-01-20T10:11:12Z", "level": "error", "msg": "no", "logger": "a", "n": 1}
    )

    assert (record.created, record.levelno, record.name) == (at(2025, 1, 20, 10, 11, 12), 40, "a")
    assert record.msg == {"message": "no", "n": 1}
    assert (record.filename, record.lineno, record.process) == ("x.log", 7, None)


def test_named_fields_may_be_nested():
    """--time-field, --level-field and --message-field accept dots for nested fields."""
    record = made(
        {"at": {"t": 1737367872}, "k": "WARN", "note": "yes", "message": "other"},
        time="at.t",
        level="k",
        message="note",
    )

    assert (record.created, record.levelno) == (1737367872.0, 30)
    assert record.msg == {
        "message": "yes",
        "extra_message": "other",
        "at": {"t": 1737367872},
    }


def test_records_without_a_time_are_counted():
    """They get the time of reading, and the statistics say how many there were."""
    factory = RecordFactory(PARSER, "log")
    factory.from_line("nothing", "x", 1)
    factory.from_line("2025-01-20T10:11:12Z", "x", 2)

    assert factory.without_time == 1


@given(st.text(max_size=300))
def test_any_line_becomes_a_record(text):
    """Any line of text is sent unchanged."""
    record = RecordFactory(PARSER, "log").from_line(text, "x", 1)

    assert record.getMessage() == text
    assert record.levelno in {*LEVELS.values()}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=8,
)
USUAL = st.sampled_from(
    ["time", "level", "severity", "message", "msg", "logger", "ts", "log.level"]
)


@given(st.dictionaries(USUAL | st.text(max_size=5), JSON, max_size=5))
def test_any_json_object_becomes_a_record(value):
    """Whatever the common names contain, a record is made and no field is lost."""
    record = RecordFactory(PARSER, "log").from_fields(value, "x", 1)

    missing = value.keys() - record.msg.keys()
    assert missing <= {"time", "level", "severity", "message", "msg", "logger", "ts", "log.level"}


def written(path, data: bytes):
    path.write_bytes(data)
    return str(path)


LINES = b"one\n\n \ntwo \xff\r\nthree"
TEXTS = ["one", "two \\xff", "three"]


def zstd(data: bytes) -> bytes:
    module = "compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd"
    compressed: bytes = importlib.import_module(module).compress(data)
    return compressed


@pytest.mark.parametrize("pack", [bytes, gzip.compress, zstd], ids=["plain", "gzip", "zstd"])
def test_lines_are_read_from_plain_and_compressed_files(tmp_path, pack):
    """Compression is detected; blank lines are skipped, invalid bytes become escapes."""
    source = Input([written(tmp_path / "a", pack(LINES)), written(tmp_path / "b", pack(b"four"))])

    assert [line.text for line in source.lines()] == [*TEXTS, "four"]
    assert source.position == source.size


def test_an_endless_line_does_not_fill_the_memory(tmp_path):
    """It is cut at 2 MiB, counted, and the next line is read."""
    source = Input([written(tmp_path / "a", b"x" * (3 * MAX_LINE_BYTES) + b"\nnext\n")])

    assert [len(line.text) for line in source.lines()] == [MAX_LINE_BYTES, 4]
    assert source.cut == 1


def test_a_file_is_followed_while_it_grows_is_cut_and_is_replaced(tmp_path):
    """Like tail -F; a line is read once it is complete."""
    path = tmp_path / "app.log"
    path.write_text("one\ntw")

    def grow():
        with path.open("a") as file:
            file.write("o\nthree\n")

    def replace():
        path.rename(tmp_path / "old")
        path.write_text("four\n")

    def cut():
        path.write_text("5\n")

    steps = iter([grow, replace, cut])
    lines = Input([str(path)], follow=True, pause=lambda _: next(steps)()).lines()

    assert [next(lines).text for _ in range(5)] == ["one", "two", "three", "four", "5"]
    lines.close()


@pytest.fixture
def send(run, server):
    """Run the command against the local server."""

    def invoke(*arguments, to="local", **more):
        return run("send", "--to", to, "--url", server.url, *arguments, **more)

    return invoke


@pytest.mark.parametrize("vendor", ["coralogix", "honeycomb", "betterstack"])
def test_records_arrive_at_every_vendor(send, server, vendor):
    """Each has its own time, level and text; the statistics count them; the exit code is 0."""
    keys = {
        "CORALOGIX_API_KEY": "k",
        "HONEYCOMB_API_KEY": "k",
        "BETTER_STACK_SOURCE_TOKEN": "k",
        "HONEYCOMB_DATASET": "d",
    }
    lines = '2025-01-20T10:11:12.5Z ERROR lost\n{"time":1737367872,"level":"debug","msg":"m","n":5}'

    done = send(to=vendor, given=lines, **keys)

    first, second = server.events(vendor)
    assert done.exit_code == 0, done.output
    assert done.stderr == "2 read, 2 accepted: 2 delivered, 0 rejected, 0 dropped\n"
    assert (first["message"], first["time_ns"]) == (
        "2025-01-20T10:11:12.5Z ERROR lost",
        1_737_367_872_500_000_000,
    )
    assert first["severity"] > second["severity"]
    assert (second["message"], second["data"]["n"]) == ("m", 5)


def test_csv_columns_become_fields(send, server, tmp_path):
    """Files named .csv are read as CSV, compressed or not; empty cells are left out."""
    table = 'when,level,message,n\n2025-01-20T10:11:12Z,error,"two\nlines",\n,info,b,7,more\n'
    packed = written(tmp_path / "t.csv.gz", gzip.compress(table.encode()))

    done = send(packed, "--time-field", "when")

    first, second = server.events()
    assert done.exit_code == 0, done.output
    assert (first["message"], first["level"], "n" in first["data"]) == (
        "two\nlines",
        "error",
        False,
    )
    assert (second["data"]["n"], second["data"]["more"]) == ("7", ["more"])
    assert "1 without a timestamp" in done.stderr


def test_invalid_json_lines_are_sent_as_text_and_counted(send, server):
    """A line that is not a JSON object is not lost."""
    done = send("--format", "jsonl", given='{"msg":"a"}\n{"msg":\n[1]\n')

    assert [event["message"] for event in server.events()] == ["a", '{"msg":', "[1]"]
    assert "2 lines are not JSON objects and were sent as text" in done.stderr


def test_names_fields_numbers_and_redaction(send, server):
    """The options for names, fields, numbers and redaction have their effect."""
    words = (
        "--application shop --subsystem pay --field env=test --logger app --sequence --no-redact"
    )
    send(*words.split(), given='{"msg":"a","password":"p"}')
    send(given='{"msg":"b","password":"p"}')

    first, second = server.events()
    assert (first["application"], first["subsystem"]) == ("shop", "pay")
    assert (first["source"]["category"], first["data"]["env"]) == ("app", "test")
    assert first["data"]["cx_seq"].endswith("-1")
    assert (first["data"]["password"], second["data"]["password"]) == ("p", "[redacted]")


def test_the_statistics_as_json(send):
    """--json prints the statistics on stdout."""
    done = send("--json", "-q", given="a\nb")

    account = json.loads(done.stdout)
    assert (account["read"], account["delivered"], done.stderr) == (2, 2, "")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--to", "nowhere"], "is not one of"),
        (["--to", "local", "/nowhere"], "cannot read '/nowhere': No such file"),
        (["--to", "honeycomb"], "HONEYCOMB_API_KEY"),
        (["--to", "honeycomb", "--port", "1"], "needs --to local"),
        (["--to", "honeycomb", "--subsystem", "x"], "--subsystem needs --to coralogix"),
        (["--to", "local", "--field", "x"], "is not NAME=VALUE"),
        (["--to", "local", "--buffer", "much"], "--buffer takes a number"),
        (["--to", "local", "a.csv", "b.log"], "need separate commands"),
        (["--to", "local", "--format", "csv", "--follow"], "--follow does not support CSV"),
        (["--to", "local", "--rate", "0"], "0"),
    ],
)
def test_invalid_arguments_exit_with_2(run, arguments, sentence):
    """A message says what to do before anything is read."""
    done = run("send", *arguments, given="x", CXLOGGING_URL="")

    assert done.exit_code == 2
    assert sentence in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "data", "word"),
    [
        ("a.log.gz", gzip.compress(b"one\ntwo\n" * 50_000)[:-9], "cannot be read to its end"),
        ("a.log.zst", zstd(b"one\ntwo\n" * 50_000)[:-9], "cannot be read to its end"),
        ("a.csv", b'message\n"one"\n"' + (b"x" * 2**20 + b"\n") * 3, "is not a CSV row"),
    ],
)
def test_lines_before_the_damage_are_sent(send, server, tmp_path, name, data, word):
    """What precedes a damaged part arrives; a message names the file; the exit code is 1."""
    done = send(written(tmp_path / name, data))

    assert done.exit_code == 1
    assert word in done.stderr
    assert server.count() > 0


def test_skip_continues_an_earlier_run(send, server):
    """--skip skips the first records."""
    send("--skip", "2", given="a\nb\nc\nd")

    assert [event["message"] for event in server.events()] == ["c", "d"]


def test_a_rate_is_kept(send, server):
    """Six records at 20 a second take at least a quarter of a second."""
    began = time.monotonic()
    send("--rate", "20", given="a\nb\nc\nd\ne\nf")

    assert time.monotonic() - began >= 0.25
    assert server.count() == 6


@pytest.mark.slow
def test_nothing_is_dropped_while_the_destination_is_slow(start, server, tmp_path):
    """With room for a few records, reading waits: all arrive, and memory stays small."""
    path = tmp_path / "app.log"
    path.write_text("".join(f"line {n} {'x' * 200}\n" for n in range(3_000)))
    server.faults.add(delay=0.02)
    server.faults.add(status=503, times=2)
    process = start(
        *("send", str(path), "--to", "local", "--url", server.url, "--buffer", "100kB", "--json")
    )
    out, errors = process.communicate(timeout=100)

    account = json.loads(out)
    assert process.returncode == 0, errors
    assert (account["delivered"], account["dropped"]) == (3_000, 0)
    assert server.count() == 3_000


def test_rejected_records_are_a_partial_failure(send, server):
    """The exit code is 6, and the vendor's reason is printed."""
    server.faults.add(status=400, contains="poison", body='{"message":"bad"}')

    done = send(given="a\npoison\nb")

    assert done.exit_code == 6
    assert "2 delivered, 1 rejected" in done.stderr
    assert "rejected 1: HTTP 400" in done.stderr


def test_a_wrong_key_stops_reading():
    """It exits with 3 at once, even if the input is endless."""
    with DevServer(keys=Keys(coralogix=("right",))) as server:
        process = subprocess.Popen(
            [*COMMAND, "send", "--to", "coralogix", "--url", server.url],
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment(CORALOGIX_API_KEY="wrong_key_1"),
        )
        process.stdin.write(b"one\n")
        process.stdin.flush()
        code = process.wait(60)
        _, errors = process.communicate()

    assert code == 3, errors
    assert b"error: HTTP 401" in errors
    assert b"wrong_key_1" not in errors


def test_ctrl_c_says_how_to_continue(start, server):
    """It delivers what was read, prints --skip with the number, and exits with 130."""
    process = start(*("send", "--to", "local", "--url", server.url), stdin=subprocess.PIPE)
    process.stdin.write("one\ntwo\n")
    process.stdin.flush()
    assert server.wait_for(None, 1, timeout=30)
    interrupt(process)
    _, errors = process.communicate(timeout=60)

    assert process.returncode == 130
    assert "--skip 2" in errors
    assert "Traceback" not in errors


def test_an_unreachable_destination_exits_with_5(send, server):
    """After --wait without an acknowledgement, it gives up and says what is left and why."""
    server.faults.add(status=503)

    done = send("--wait", "0.5", given="a\nb")

    assert done.exit_code == 5
    assert "2 waiting" in done.stderr
    assert "last error: HTTP 503" in done.stderr


def test_a_pipe_is_followed_as_it_is_written(start, server):
    """Lines written to a pipe arrive while the pipe stays open."""
    process = start("send", "--to", "local", "--url", server.url, stdin=subprocess.PIPE)
    process.stdin.write("first\n")
    process.stdin.flush()
    assert server.wait_for(None, 1, timeout=30)
    process.stdin.write("second\n")
    process.stdin.close()
    process.stdin = None
    assert process.wait(30) == 0

    assert [event["message"] for event in server.events()] == ["first", "second"]


def test_a_terminal_shows_progress(terminal, server, tmp_path):
    """A progress bar while it runs, and the statistics at the end."""
    path = tmp_path / "app.log"
    path.write_text("line\n" * 2_000)
    server.faults.add(delay=0.6)

    code, shown = terminal("send", str(path), "--to", "local", "--url", server.url)

    assert code == 0
    assert "waiting" in shown
    assert "2,000 read, 2,000 accepted: 2,000 delivered" in shown
