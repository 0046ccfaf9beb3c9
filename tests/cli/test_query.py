"""`cxlogging query`: what it requests, what it prints, and its exit codes."""

from __future__ import annotations

import csv
import json
import re
import shlex
import subprocess
import sys
import threading

import pytest

from ..dataprime.service import (
    ID,
    QUERY_ID,
    STATISTICS,
    Reply,
    line,
    log,
    result,
    statistics,
    whole,
)
from ..dataprime.test_jobs import SUCCESS
from .conftest import interrupt

EVIL = "wipe\x1b[2J\x9b31m bell\x07 \u202edrow del\x7f \U000e0041 end"


def data(document) -> dict:
    return {**log(1), "userData": document if isinstance(document, str) else json.dumps(document)}


def counted(*documents) -> Reply:
    rows = ({"metadata": [], "labels": [], "userData": json.dumps(each)} for each in documents)
    return whole(*rows)


def test_a_pipe_gets_json_lines(run, service):
    """Without a terminal, every row is a line of JSON, with its time to the nanosecond."""
    service.will_say(whole(log(1, "2025-01-20T00:00:00.123456789"), log(2)))

    done = run("query", "source logs", "--since", "1h")

    rows = [json.loads(each) for each in done.stdout.splitlines()]
    assert done.exit_code == 0
    assert [row["data"]["number"] for row in rows] == [1, 2]
    assert rows[0]["timestamp"] == "2025-01-20T00:00:00.123456789Z"
    assert done.stderr == ""


def test_every_option_reaches_the_service(run, service):
    """The request contains what the options say."""
    service.will_say(whole())

    run(
        *"query x --from 2025-01-20T00:00:00Z --to 2025-01-21T00:00:00Z --tier archive".split(),
        *"--syntax lucene --limit 7 --source spans --strict --preset performance".split(),
        CX_API_KEY="k",
    )

    assert service.asked[0].headers["authorization"] == "Bearer k"
    assert service.bodies == [
        {
            "query": "x",
            "metadata": {
                "tier": "TIER_ARCHIVE",
                "syntax": "QUERY_SYNTAX_LUCENE",
                "startDate": "2025-01-20T00:00:00Z",
                "endDate": "2025-01-21T00:00:00Z",
                "limit": 7,
                "defaultSource": "spans",
                "strictFieldsValidation": True,
            },
            "executionProfile": {"preset": "EXECUTION_PROFILE_PRESET_PERFORMANCE"},
        }
    ]


def test_a_query_comes_from_a_file_or_from_standard_input(run, service, tmp_path):
    """@file and - read the text of the query."""
    service.rule = lambda asked: whole()
    (tmp_path / "errors.dp").write_text("source logs\n| limit 1")

    assert run("query", f"@{tmp_path}/errors.dp").exit_code == 0
    assert run("query", "-", given="source spans").exit_code == 0

    assert [each["query"] for each in service.bodies] == ["source logs\n| limit 1", "source spans"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "pass a QUERY"),
        (["@/nowhere"], "cannot read '/nowhere': No such file"),
        (["x", "--job", "1"], "leave them out"),
        (["x", "--since", "yesterday"], "is not a time"),
        (["x", "--since", "1h", "--from", "2h"], "pass one"),
        (["x", "--limit", "0"], "limit takes 1 to 15000"),
        (["x", "--limit", "15001"], "has another limit, pass --row-limit."),
        (["x", "--limit", "9", "--row-limit", "8"], "limit takes 1 to 8 for tier 'frequent'"),
        (["x", "--background", "--since", "1h", "--row-limit", "5"], "has no --row-limit"),
        (["x", "--local", "--domain", "eu2"], "cannot be combined"),
        (["x", "--name", "report"], "add --background"),
        (["x", "--background"], "needs one of --since and --from"),
        (["x", "--background", "--since", "1h", "--limit", "5"], "has no --limit"),
        (["x", "--background", "--since", "1h", "--tier", "archive"], "has no --tier"),
        (["x", "--url", "http://example.com"], "plain http"),
        (["x", "-o", "yaml"], "'yaml' is not one of"),
    ],
)
def test_invalid_arguments_exit_with_2_before_anything_is_sent(run, service, arguments, sentence):
    """A message says what to do, and no request is sent."""
    done = run("query", *arguments)

    assert (done.exit_code, service.asked) == (2, [])
    assert sentence in done.stderr


REFUSED = Reply(b'{"message":"no such key"}', status=403)
TYPO = Reply(b'{"message":"Compiler error: unknown word in line 0 at column 7"}', status=400)
BUSY = Reply(status=429, headers={"Retry-After": "3000"})
FAILED = Reply([QUERY_ID, result(log(1)), line({"error": {"message": "worker lost"}})])
CUT = Reply([QUERY_ID, result(log(1))])
LIMITED = Reply([QUERY_ID, result(log(1)), statistics(scan=True)])


@pytest.mark.parametrize(
    ("answer", "code", "sentence"),
    [
        (REFUSED, 3, "a Send-Your-Data key, which handlers send with, cannot query"),
        (TYPO, 2, "error: Compiler error: unknown word in line 0 at column 7\n  source lgos\n"),
        (BUSY, 5, "429"),
        (Reply(status=500), 5, "500"),
        (Reply(status=302), 1, "redirects are not followed"),
        (FAILED, 1, "worker lost"),
        (CUT, 6, "before its statistics: it was cut"),
        (LIMITED, 6, "rows may be missing: limits.scan reached after 1 rows"),
        (Reply([QUERY_ID, statistics("TIMED_OUT")]), 5, "TIMED_OUT"),
        (whole(), 4, ""),
    ],
    ids=str,
)
def test_the_exit_codes(run, service, answer, code, sentence):
    """3 authentication, 2 a query that does not compile, 5 try again, 6 rows missing, 4 none."""
    service.will_say(answer)

    done = run("query", "source lgos", "--fail-on-empty")

    assert done.exit_code == code
    assert sentence in done.stderr


SEVERITY = "severities are bare words in capitals"
DEFAULT = "no rows in the default window (pass --since for another)"
FREQUENT = "in the source logs (frequent search): widen the window"
FIELDS = "`cxlogging fields` lists the fields of the logs, --strict refuses others"
REST = f", search --tier archive, or loosen the filter; {FIELDS}.\n"
NOTHING = f"{DEFAULT} {FREQUENT}{REST}"
HOUR = (
    f"no rows between 2025-01-20T00:00:00Z and 2025-01-20T01:00:00Z {FREQUENT} (--since 1d){REST}"
)
UNKNOWN = line({"warning": {"compileWarning": {"warningMessage": "keypath does not exist '$d.x'"}}})


@pytest.mark.parametrize(
    ("query", "answer", "options", "said"),
    [
        (
            "source logs | filter x == 1",
            Reply([QUERY_ID, UNKNOWN, result(), STATISTICS]),
            [],
            f"warning: compileWarning: keypath does not exist '$d.x'\n{NOTHING}",
        ),
        (
            "source logs | filter $m.severity == Error",
            whole(),
            [],
            f"warning: {SEVERITY}: write ERROR, not Error\n{NOTHING}",
        ),
        (
            "source logs | filter $m.severity == 'warn' || 5 <= $metadata.severity",
            whole(),
            [],
            (
                f"warning: {SEVERITY}: write WARNING, not 'warn'\n"
                f"warning: {SEVERITY}: write ERROR, not 5\n{NOTHING}"
            ),
        ),
        (
            "source logs | filter $m.severity == Error | count",
            whole({"userData": '{"_count":0}'}),
            [],
            f"warning: {SEVERITY}: write ERROR, not Error\n",
        ),
        (
            "source logs | filter x == 1",
            whole(),
            ["--from", "2025-01-20T00:00:00Z", "--to", "2025-01-20T01:00:00.5Z"],
            HOUR,
        ),
        (
            "source logs | filter x == 1",
            whole(),
            ["--from", "2025-01-20T00:00:00Z", "--to", "2025-01-20T01:00:00.5Z", "--split"],
            HOUR,
        ),
        (
            "source logs",
            whole(),
            [],
            NOTHING,
        ),
        ("source logs | count", whole({"userData": '{"_count":0}'}), [], ""),
        ("source logs | filter $m.severity == Error", whole(log(1)), [], ""),
    ],
)
def test_an_answer_without_rows_says_why(run, service, query, answer, options, said):
    """It names unknown fields and misspelt severities, what was searched, and what to widen."""
    service.will_say(answer)

    done = run("query", query, *options)

    assert (done.exit_code, done.stderr) == (0, said)


def test_rows_that_came_before_an_error_are_printed(run, service):
    """The rows of an incomplete response are printed, also as one JSON document."""
    service.will_say(CUT, CUT)

    assert len(run("query", "x").stdout.splitlines()) == 1
    assert len(json.loads(run("query", "x", "-o", "json").stdout)) == 1


def test_an_own_limit_is_not_reported(run, service):
    """If --limit cuts the rows, the exit code is 0, and nothing is printed."""
    service.will_say(whole(log(1)))

    done = run("query", "x", "--limit", "1")

    assert (done.exit_code, done.stderr) == (0, "")


def test_an_account_may_have_another_row_limit(run, service):
    """--row-limit sets the client's row_limits, for query, tail, audit and --explain."""
    service.rule = lambda asked: whole(log(1, asked.body["metadata"]["endDate"]))
    options = ("--row-limit", "30000")

    assert run("query", "x", "--limit", "30000", "--since", "1h", *options).exit_code == 0
    assert run("tail", "--count", "1", *options).exit_code == 0
    assert run("audit", "--tier", "archive", *options).exit_code == 4
    shown = run("query", "x", "--limit", "30000", *options, "--explain")

    assert [each["metadata"]["limit"] for each in service.bodies] == [30_000] * 3
    assert (shown.exit_code, '"limit": 30000' in shown.stdout) == (0, True)


def test_an_unreachable_server_is_a_temporary_failure(run):
    """An unreachable server exits with 5."""
    done = run("query", "x", "--port", "1")

    assert (
        done.exit_code,
        "Nothing listens at 127.0.0.1:1. Is `cxlogging dev` running?" in done.stderr,
    ) == (5, True)


def test_a_split_window_is_joined(run, service):
    """--split queries the halves of a window that a limit cut."""
    answers = iter([LIMITED])
    service.rule = lambda asked: next(answers, whole(log(1, asked.body["metadata"]["startDate"])))

    done = run(*"query x --split --from 2025-01-20T00:00:00Z --to 2025-01-20T01:00:00Z".split())

    assert (done.exit_code, len(done.stdout.splitlines()), len(service.asked)) == (0, 2, 3)


def test_every_format(run, service):
    """Rows are printed as a JSON array, as CSV, raw, and as a table."""
    rows = (data({"message": "paid", "total": 5, "at": {"x": 1}}), data("no json"))
    service.rule = lambda asked: whole(*rows)

    as_json = json.loads(run("query", "x", "-o", "json").stdout)
    as_csv = list(csv.DictReader(run("query", "x", "-o", "csv").stdout.splitlines()))
    as_raw = run("query", "x", "-o", "raw").stdout
    as_table = run("query", "x", "-o", "table").stdout

    assert [row["data"] for row in as_json] == [
        {"message": "paid", "total": 5, "at": {"x": 1}},
        "no json",
    ]
    assert [row["$d.at.x"] for row in as_csv] == ["1", ""]
    assert as_raw == f"{rows[0]['userData']}\nno json\n"
    assert as_table.splitlines() == [
        '2025-01-20 00:00:00.500Z  ERROR     shop  paid  total=5 at={"x": 1}',
        "2025-01-20 00:00:00.500Z  ERROR     shop  no json",
    ]


def test_aggregates_are_columns(run, service):
    """Rows of a groupby are a table with a column for each name; long cells are not cut."""
    service.will_say(counted({"subsystem": "s" * 300, "count": 5}, {"subsystem": "b", "count": 77}))

    lines = run("query", "x", "-o", "table").stdout.rstrip().splitlines()

    assert [each.split() for each in lines if each.strip()][::2] == [
        ["subsystem", "count"],
        ["s" * 300, "5"],
    ]
    assert lines[-1].endswith("   77")


def test_no_rows_are_an_empty_document(run, service):
    """No rows are an empty array, no lines, or no table; the exit code is 0 by default."""
    service.rule = lambda asked: whole()

    assert run("query", "x", "-o", "json").stdout == "[]\n"
    assert run("query", "x", "-o", "table").stdout == ""
    assert run("query", "x").exit_code == 0


def test_a_terminal_gets_a_table_in_colours(terminal, service):
    """On a terminal rows are lines with coloured severities; NO_COLOR turns colours off."""
    service.rule = lambda asked: whole(data({"message": "paid"}))

    _, coloured = terminal("query", "x")
    _, plain = terminal("query", "x", NO_COLOR="1")

    assert "\x1b[31mERROR   \x1b[0m" in coloured
    assert plain == "2025-01-20 00:00:00.500Z  ERROR     shop  paid\n"


@pytest.mark.parametrize("form", ["table", "jsonl", "json", "csv"])
def test_control_characters_of_rows_are_escaped(terminal, service, form):
    """Control, bidirectional and invisible characters in a log are printed as escapes."""
    document = {"message": EVIL, EVIL: "x", "n": [EVIL]}
    service.rule = lambda asked: whole(data(document), data(EVIL))

    _, shown = terminal("query", "x", "-o", form, NO_COLOR="1")

    assert (
        re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\U000e0000-\U000e0fff]", shown) is None
    )
    assert "202e" in shown
    if form == "jsonl":
        assert json.loads(shown.splitlines()[0])["data"] == document


def test_control_characters_of_aggregates_are_escaped(terminal, service):
    """Names and values of a groupby are escaped, and markup is printed as text."""
    service.will_say(counted({EVIL: "[red]not red[/red]", "n": EVIL}))

    _, shown = terminal("query", "x", NO_COLOR="1")

    assert re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", shown) is None
    assert "[red]not red[/red]" in shown


def test_a_message_of_several_lines_cannot_imitate_a_row(run, service):
    """Further lines of a message are marked as parts of their row."""
    forged = "paid\n2025-01-20 00:00:00.500  CRITICAL  shop  forged"
    service.will_say(whole(data({"message": forged})))

    first, second = run("query", "x", "-o", "table").stdout.splitlines()

    assert first.endswith("paid")
    assert second == "    | 2025-01-20 00:00:00.500  CRITICAL  shop  forged"


def test_raw_output_is_unchanged(run, service):
    """-o raw does not escape any character."""
    service.will_say(whole(data(EVIL)))

    assert run("query", "x", "-o", "raw").stdout == f"{EVIL}\n"


def test_a_lone_surrogate_is_printed(run, service):
    """A lone surrogate becomes an escape, and the line is valid JSON."""
    service.will_say(whole({**log(1), "userData": '{"message":"\\ud800"}'}))

    assert json.loads(run("query", "x").stdout)["data"]["message"] == "\ud800"


def test_json_is_json_in_every_encoding(start, service):
    """If the encoding of stdout is ASCII, other characters are JSON escapes."""
    service.will_say(whole(data({"message": "paid \U0001f4b6 é"})))
    process = start("query", "x", variables={"PYTHONIOENCODING": "ascii"})
    out, _ = process.communicate(timeout=60)

    assert json.loads(out)["data"]["message"] == "paid \U0001f4b6 é"


def test_control_characters_of_errors_are_escaped(run, service):
    """The text of an error comes from a server, and is escaped too."""
    service.will_say(Reply(json.dumps({"message": EVIL}).encode(), status=400))

    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", run("query", "x").stderr)


def test_statistics_are_printed_on_request(run, service):
    """--stats prints rows, duration, bytes and limits on stderr."""
    service.will_say(whole(log(1)))

    done = run("query", "x", "--stats")

    assert done.stderr.splitlines()[:2] == [
        f"1 rows, query {ID}",
        "COMPLETED, 260 ms, 0 bytes read, 0 bytes read from other regions",
    ]
    assert "limit scan: 454,108 of 50,000,000,000" in done.stderr


def test_warnings_are_printed(run, service):
    """Warnings of the service are printed on stderr, and are not a failure."""
    said = line({"warning": {"compileWarning": {"warningMessage": "keypath does not exist"}}})
    service.will_say(Reply([QUERY_ID, said, result(log(1)), STATISTICS]))

    done = run("query", "x")

    assert (done.exit_code, done.stderr) == (0, "warning: compileWarning: keypath does not exist\n")


def test_explain_prints_a_working_request_and_sends_nothing(run, service):
    """The curl command sends the request of the command, and does not contain the key."""
    arguments = ["query", "filter $d.msg ~ 'it''s'", "--since", "1h", "--explain"]
    done = run(*arguments, CX_API_KEY="cxup_very_secret")

    assert service.asked == []
    assert "very_secret" not in done.output
    words = shlex.split(done.stdout.replace("\\\n", ""))
    service.will_say(whole())
    variables = {"CX_API_KEY": "k"}
    subprocess.run(done.stdout, shell=True, check=True, capture_output=True, env=variables)
    assert words[0] == "curl"
    assert service.bodies[0]["query"] == "filter $d.msg ~ 'it''s'"
    assert service.asked[0].headers["authorization"] == "Bearer k"


def test_explain_supports_background_queries(run, service):
    """With --background, it prints the submission."""
    done = run(*"query x --background --since 1d --name report --explain".split())

    assert (done.exit_code, service.asked) == (0, [])
    assert f"{service.url}/api/v1/dataprime/background-query " in done.stdout
    assert '"name": "report"' in done.stdout


def background(*states):
    """Return a rule that answers a background query with one status after another."""
    left = list(states)

    def rule(asked):
        door = asked.path.removeprefix("/api/v1/dataprime/background-query")
        return {
            "": lambda: Reply(line({"queryId": "job-1", "warnings": []})),
            "/status": lambda: Reply(line(left.pop(0) if len(left) > 1 else left[0])),
            "/data": lambda: Reply(line({"response": {"results": {"results": [log(7)]}}})),
        }[door]()

    return rule


RUNNING = {
    "submittedAt": "2025-01-20T00:00:00Z",
    "running": {"runningSince": "2025-01-20T00:00:00Z"},
}


def test_a_background_query_is_submitted_and_read(run, service):
    """Its rows are on stdout, and its id on stderr."""
    service.rule = background(RUNNING, SUCCESS)

    done = run(*"query x --background --since 1d --name report".split())

    assert (done.exit_code, json.loads(done.stdout)["data"]["number"]) == (0, 7)
    assert "query job-1" in done.stderr
    assert service.bodies[0]["name"] == "report"


def test_a_background_query_is_resumed(run, service):
    """--job prints the rows of a query submitted earlier, and submits none."""
    service.rule = background(SUCCESS)

    done = run(*"query --job job-1".split())

    assert json.loads(done.stdout)["data"]["number"] == 7
    assert [asked.path.rpartition("/")[2] for asked in service.asked] == [
        "status",
        "status",
        "data",
    ]


def test_a_background_query_shows_its_progress_on_a_terminal(terminal, service):
    """A progress bar shows its state while it runs; then the rows are printed."""
    service.rule = background(RUNNING, RUNNING, SUCCESS)

    code, shown = terminal("query", "x", "--background", "--since", "1d")

    assert code == 0
    assert "running" in shown
    assert "number=7" in shown


def test_ctrl_c_leaves_a_background_query_running_and_says_so(start, service):
    """It exits with 130, and prints the command that resumes it."""
    asked = threading.Event()
    answer = background(RUNNING)

    def rule(request):
        if request.path.endswith("/status"):
            asked.set()
        return answer(request)

    service.rule = rule
    process = start("query", "x", "--background", "--since", "1d")
    assert asked.wait(30)
    interrupt(process)
    _, errors = process.communicate(timeout=30)

    assert process.returncode == 130
    assert "cxlogging query --job job-1" in errors
    assert "Traceback" not in errors


def test_ctrl_c_ends_quietly(start, service):
    """It exits with 130, and prints nothing on stderr."""
    held, sent = threading.Event(), threading.Event()

    def pieces():
        yield QUERY_ID + result(log(1))
        sent.set()
        yield held

    service.will_say(Reply(pieces()))
    process = start("query", "x")
    assert sent.wait(30)
    interrupt(process)
    _, errors = process.communicate(timeout=30)
    held.set()

    assert (process.returncode, errors) == (130, "")


def test_a_closed_pipe_ends_it_quietly(start, service):
    """If `head` closes the pipe, it exits with 0 and prints no error."""
    service.will_say(Reply([QUERY_ID, *[result(*(log(n) for n in range(500)))] * 40, STATISTICS]))
    process = start("query", "x", "--limit", "15000")

    first = process.stdout.readline()
    process.stdout.close()
    errors = process.stderr.read()

    assert json.loads(first)["data"]["number"] == 0
    assert (process.wait(30), errors) == (0, "")


def test_without_click_it_says_what_to_install(tmp_path):
    """It prints the command that installs what is missing, and exits with 2."""
    (tmp_path / "click.py").write_text("raise ModuleNotFoundError(name='click')")
    code = "from cxlogging.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(tmp_path)!r}); {code}"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 2
    assert done.stderr == "The command line needs more packages: pip install 'cxlogging[cli]'\n"


def test_contradicting_variables_are_reported(run):
    """One line on stderr says which variable is used; the query continues."""
    done = run(
        *("query", "source logs", "--limit", "1"),
        CXLOGGING_URL="",
        CX_API_KEY="k",
        CORALOGIX_LOG_URL="http://127.0.0.1:9",
        CORALOGIX_ENDPOINT="http://127.0.0.1:10",
    )

    assert done.exit_code == 5
    assert done.stderr.count("CORALOGIX_LOG_URL counts") == 1
    assert "127.0.0.1:9" in done.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("options", "variables", "coloured"),
    [
        ("-o table", {}, False),
        ("-o table", {"FORCE_COLOR": "1"}, True),
        ("-o table", {"CLICOLOR_FORCE": "1"}, True),
        ("-o table", {"FORCE_COLOR": "0"}, False),
        ("-o table", {"FORCE_COLOR": ""}, False),
        ("-o table", {"FORCE_COLOR": "1", "TERM": "dumb"}, True),
        ("-o table", {"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
        ("-o table", {"FORCE_COLOR": "1", "NO_COLOR": ""}, True),
        ("-o table --color never", {"FORCE_COLOR": "1"}, False),
        ("-o table --color always", {"NO_COLOR": "1"}, True),
        ("-o jsonl", {"FORCE_COLOR": "1"}, False),
        ("", {"FORCE_COLOR": "1"}, False),
    ],
)
@pytest.mark.parametrize("rows", [log(1), {"userData": '{"_count":5}'}], ids=["logs", "columns"])
def test_colours_in_a_pipe(run, service, options, variables, coloured, rows):
    """--color overrides NO_COLOR, which overrides FORCE_COLOR and CLICOLOR_FORCE; JSON has none."""
    service.rule = lambda asked: whole(rows)
    if "_count" in rows["userData"] and coloured:
        pytest.skip("columns have no colours of their own")

    done = run("query", "x", *options.split(), **variables)

    assert (done.exit_code, "\x1b[" in done.stdout) == (0, coloured)


def test_messages_on_stderr_have_colours_as_the_variables_say(run, service):
    """Messages follow the same variables as the data."""
    service.rule = lambda asked: whole()

    assert run("query", "x", FORCE_COLOR="1").stderr.startswith("\x1b[33mno rows")
    assert run("query", "x", FORCE_COLOR="1", NO_COLOR="1").stderr.startswith("no rows")
    assert run("qurey", FORCE_COLOR="1").stderr.splitlines()[-1].startswith("\x1b[31;1merror:")


def test_a_source_and_the_archive_are_named_where_nothing_was_found(run, service):
    """The note names the query's source, and does not send to the archive who was there."""
    service.rule = lambda _: whole()

    done = run("query", "source system/alerts | limit 1", "--tier", "archive", "--since", "30d")

    assert "in the source system/alerts (the archive): widen the window, or" in done.stderr


def test_parameters(run, service):
    """--param quotes a text, and takes JSON after :=; a mistake is an error of usage."""
    service.rule = lambda _: whole(log(1))

    query = "x == {user} && y in {ids}"
    done = run("query", query, "--param", "user=o'neill=", "--param", "ids:=[1, 2]")

    assert done.exit_code == 0, done.output
    assert service.bodies[0]["query"] == "x == 'o\\'neill=' && y in [1, 2]"
    for wrong in ("user", "=x", "user:=x"):
        assert run("query", query, "--param", wrong).exit_code == 2


def test_the_fields_of_the_logs(run, service, terminal):
    """Fields lists keypaths, types, shares and examples, as a table or JSON; none exits with 4."""
    service.rule = lambda _: whole(log(1), log(2))
    listed, as_json = run("fields"), run("fields", "filter a == 1", "--json", "--sample", "5")

    assert listed.exit_code == 0
    assert re.search(r'^\$d\.user\.id +string +100%  "u1"$', listed.stdout, re.MULTILINE)
    found = {each["keypath"]: each for each in json.loads(as_json.stdout)}
    assert found["$d.number"] == {
        "keypath": "$d.number", "types": ["number"], "share": 1.0, "example": 1,
    }  # fmt: skip
    assert service.bodies[1]["metadata"]["limit"] == 5
    service.rule = lambda _: whole()
    nothing = run("fields", "--since", "2h")
    assert (nothing.exit_code, "no logs since 2h" in nothing.stderr) == (4, True)
    assert "no logs that the query returns since 1h" in run("fields", "filter a == 1").stderr
