"""`cxlogging doctor` and `check`: problems are found, with their cause and cure."""

from __future__ import annotations

import datetime
import json
import re
import socket
import ssl
import subprocess
import sys
import threading

import pytest
import trustme

from cxlogging import BetterStackHandler, CoralogixHandler, HoneycombHandler
from cxlogging.cli.doctor.canary import canary
from cxlogging.cli.doctor.findings import Status
from cxlogging.cli.doctor.network import network, skewed, within
from cxlogging.cli.doctor.settings import settings, without_password
from cxlogging.devserver import DevServer, Keys

from .conftest import COMMAND, environment

SECRET = "cxtp_0123456789abcdef"
VARIABLES = ("CORALOGIX_", "CX_", "HONEYCOMB_", "BETTER_STACK_", "CXLOGGING_", "HTTPS_", "https_")


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch):
    import os

    for name in [each for each in os.environ if each.startswith(VARIABLES)]:
        monkeypatch.delenv(name)


def named(findings):
    """Return the last finding of each name."""
    return {each.name: each for each in findings}


@pytest.fixture
def doctor(run):
    """Run the command, and return its exit code and its findings by name."""

    def examine(*arguments, **variables):
        done = run("doctor", "--json", *arguments, **{"CXLOGGING_URL": "", **variables})
        found = json.loads(done.stdout)
        assert SECRET not in done.output
        return done.exit_code, {each["name"]: each for each in found["findings"]}

    return examine


def test_a_correct_configuration_has_no_findings(doctor, server):
    """It shows the settings with their origin, the connection, and an event sent and found."""
    code, found = doctor(CXLOGGING_URL=server.url, CORALOGIX_API_KEY=SECRET)

    assert code == 0
    assert "fail" not in {each["status"] for each in found.values()}
    assert found["api_key"]["detail"] == "cxtp_… of 21 characters  (CORALOGIX_API_KEY)"
    assert found["address"]["detail"] == f"{server.url}/logs/v1/bulk  (CXLOGGING_URL)"
    assert found["subsystem_name"]["detail"] == "python  (default)"
    assert re.fullmatch(
        r"\d+ ms after it was sent|\d\.\d s after it was sent", found["seen again"]["detail"]
    )
    assert [each["message"] for each in server.events()] == ["cxlogging check"] * 2


def test_undocumented_compression_is_tried(doctor, server):
    """A second event is sent to Coralogix with gzip, and queried like the first one."""
    code, found = doctor(CXLOGGING_URL=server.url, CORALOGIX_API_KEY=SECRET)

    assert (code, found["gzip event"]["status"]) == (0, "ok")
    assert "after it was sent" in found["gzip event"]["detail"]
    sent = [each for each in server.requests("coralogix") if each["events"]]
    compressed = [each["wire_bytes"] != each["raw_bytes"] for each in sent]
    assert sorted(compressed) == [False, True]


def test_refused_compression_is_a_warning(doctor, server):
    """The handler then sends uncompressed and loses nothing, so the exit code is 0."""
    server.faults.add(vendor="coralogix", compressed=True, status=415)

    code, found = doctor(CXLOGGING_URL=server.url, CORALOGIX_API_KEY=SECRET)

    assert (code, found["gzip event"]["status"]) == (0, "warn")
    assert "415" in found["gzip event"]["cause"]
    assert "no record is lost" in found["gzip event"]["cure"]


def test_a_lost_compressed_event_is_a_failure(doctor, service):
    """Compressed records would be lost, and the cure is an option."""
    from ..dataprime.service import Reply, log, whole

    def answer(asked):
        if "query" not in asked.path:
            return Reply(b"{}")
        plain = service.asked[0].body["logEntries"][0]["text"]
        return whole(log(1)) if json.loads(plain)["cx_check"] in asked.body["query"] else whole()

    service.rule = answer
    code, found = doctor("--wait", "0.3", CXLOGGING_URL=service.url, CORALOGIX_API_KEY=SECRET)

    assert (code, found["gzip event"]["status"]) == (1, "fail")
    assert found["gzip event"]["cure"] == "Set compression=None for this handler."


@pytest.mark.parametrize("vendor", ["honeycomb", "betterstack"])
def test_events_of_every_vendor_are_found_at_the_local_server(doctor, server, vendor):
    """The local server answers queries for events of all vendors."""
    keys = {"honeycomb": "HONEYCOMB_API_KEY", "betterstack": "BETTER_STACK_SOURCE_TOKEN"}

    code, found = doctor(**{"CXLOGGING_URL": server.url, keys[vendor]: SECRET})

    assert (code, found["seen again"]["status"]) == (0, "ok")
    assert server.count(vendor) == 1


def test_an_empty_environment_says_what_to_set(doctor):
    """The exit code is 1, and the cure names the variables."""
    code, found = doctor()

    assert code == 1
    assert "CORALOGIX_API_KEY" in found["handlers"]["cure"]


def test_a_half_configured_vendor_says_what_is_missing(doctor):
    """A key without a domain cannot send."""
    code, found = doctor("--offline", CORALOGIX_API_KEY=SECRET)

    assert code == 1
    assert found["settings"]["cure"] == "Set CORALOGIX_DOMAIN (or domain=)."


def test_a_refused_key_exits_with_3(doctor):
    """The cause is the vendor's message, without the key."""
    with DevServer(keys=Keys(coralogix=("right",))) as server:
        code, found = doctor(CXLOGGING_URL=server.url, CORALOGIX_API_KEY=SECRET)

    assert code == 3
    assert "HTTP 401" in found["event sent"]["cause"]
    assert "Send-Your-Data" in found["event sent"]["cure"]
    assert "seen again" not in found


def test_an_event_that_is_not_found_is_a_failure(doctor, service):
    """The event was accepted, but not found within --wait."""
    from ..dataprime.service import Reply, whole

    service.rule = lambda asked: whole() if "query" in asked.path else Reply(b"{}")
    code, found = doctor("--wait", "0.3", CXLOGGING_URL=service.url)

    assert code == 1
    assert "no query found it within 0.3 s" in found["seen again"]["cause"]
    query = next(each.body["query"] for each in service.asked if "query" in each.path)
    sent = json.loads(service.asked[0].body["logEntries"][0]["text"])
    assert query == f"source logs | filter $d.cx_check == '{sent['cx_check']}' | limit 1"


@pytest.mark.parametrize(
    ("status", "outcome", "word"),
    [
        (403, "fail", "Send-Your-Data key"),
        (404, "skip", "does not answer queries"),
        (500, "warn", "500"),
    ],
)
def test_failed_queries(doctor, service, status, outcome, word):
    """A refused query key is a failure, a missing query API is not, other errors are warnings."""
    from ..dataprime.service import Reply

    service.rule = lambda asked: Reply(status=status) if "query" in asked.path else Reply(b"{}")
    _, found = doctor("--wait", "0.3", CXLOGGING_URL=service.url)

    assert found["seen again"]["status"] == outcome
    assert word in found["seen again"]["cause"] + found["seen again"]["detail"]


def test_without_a_query_key_no_query_is_sent():
    """Coralogix needs CX_API_KEY; no query API of other vendors is supported."""
    from cxlogging.cli.doctor.canary import _client
    from cxlogging.wire.http import Endpoint

    assert "CX_API_KEY" in _client(Endpoint("https", "ingress.eu2.coralogix.com", 443, "/"))
    assert "no query API" in _client(Endpoint("https", "api.honeycomb.io", 443, "/"))


def test_no_send_and_offline_do_what_they_say(doctor, server):
    """--no-send sends no event; --offline opens no connection."""
    code, found = doctor("--no-send", CXLOGGING_URL=server.url)
    assert (code, "connection" in found, "event sent" in found) == (0, True, False)

    code, found = doctor("--offline", CXLOGGING_URL="http://127.0.0.1:9")
    assert (code, "connection" in found, "event sent" in found) == (0, False, False)
    assert server.count() == 0


def test_a_closed_port_is_found(doctor):
    """The cause is that nothing listens there."""
    code, found = doctor(CXLOGGING_URL="http://127.0.0.1:9")

    assert code == 1
    assert found["connection"]["cause"] == "Nothing listens at 127.0.0.1:9."


def test_a_name_that_cannot_be_resolved_is_found():
    """DNS fails, and no connection is tried."""
    handler = BetterStackHandler("t", ingesting_host="no-such-host.invalid")
    found = named(network("x", handler, 5.0))

    assert found["DNS"].status is Status.FAIL
    assert "no-such-host.invalid has no address" in found["DNS"].cause
    assert found["connection"].status is Status.SKIP


class Listener:
    """A server that accepts connections, with TLS if it has a context."""

    def __init__(self, context=None):
        self.context, self.held = context, []
        self.sock = socket.create_server(("127.0.0.1", 0))
        self.port = self.sock.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                sock, _ = self.sock.accept()
                if self.context is None:
                    self.held.append(sock)  # without a word
                    continue
                with self.context.wrap_socket(sock, server_side=True) as line:
                    line.recv(65536)
                    line.sendall(b"HTTP/1.1 405 No\r\nDate: Mon, 20 Jan 2025 10:11:12 GMT\r\n\r\n")
            except OSError:
                if self.sock.fileno() < 0:
                    return

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for sock in (self.sock, *self.held):
            sock.close()


@pytest.fixture
def authority(tmp_path):
    made = trustme.CA()
    made.cert_pem.write_to_path(tmp_path / "ca.pem")
    return made


def context_of(authority, **more):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", **more).configure_cert(context)
    return context


def test_tls_and_the_clock_are_checked(authority, tmp_path):
    """The certificate's issuer and expiry are shown; a Date of last year is a wrong clock."""
    with Listener(context_of(authority)) as listener:
        url = f"https://127.0.0.1:{listener.port}"
        handler = HoneycombHandler("k", dataset="d", url=url, ca_file=str(tmp_path / "ca.pem"))
        found = named(network("x", handler, 5.0))

    assert found["connection"].status is Status.OK
    assert re.search(
        r"TLSv1\.\d, certificate by trustme .*, valid for [\d,]+ days", found["TLS"].detail
    )
    assert found["clock"].status is Status.FAIL
    assert "ahead of the vendor's" in found["clock"].cause


def test_a_certificate_that_expires_soon_is_a_warning(authority, tmp_path):
    """It warns in the last two weeks."""
    end = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=3)
    with Listener(context_of(authority, not_after=end)) as listener:
        url = f"https://127.0.0.1:{listener.port}"
        handler = HoneycombHandler("k", dataset="d", url=url, ca_file=str(tmp_path / "ca.pem"))
        found = named(network("x", handler, 5.0))

    assert found["TLS"].status is Status.WARN
    assert "expires in 2 days" in found["TLS"].cause


def test_an_untrusted_certificate_is_found(authority):
    """The cure is ca_file, as behind a company's proxy."""
    with Listener(context_of(authority)) as listener:
        handler = HoneycombHandler("k", dataset="d", url=f"https://127.0.0.1:{listener.port}")
        found = named(network("x", handler, 5.0))

    assert "is not trusted" in found["connection"].cause
    assert "ca_file=" in found["connection"].cure


def test_a_silent_server_takes_no_longer_than_the_limit():
    """If TLS is never answered, the step ends with a time-out."""
    with Listener() as listener:
        handler = HoneycombHandler("k", dataset="d", url=f"https://127.0.0.1:{listener.port}")
        found = named(network("x", handler, 0.3))

    assert "did not answer in time" in found["connection"].cause


def test_a_step_that_hangs_is_abandoned():
    """A call that never returns, such as some DNS lookups, is not waited for."""
    with pytest.raises(TimeoutError):
        within(0.05, threading.Event().wait)
    assert within(5.0, lambda: 7) == 7


def test_a_proxy_is_named_without_its_password(monkeypatch):
    """The proxy is shown without user and password."""
    monkeypatch.setenv("HTTPS_PROXY", "http://user:pa55@127.0.0.1:9")
    handler = HoneycombHandler("k", dataset="d")
    found = named(network("x", handler, 1.0))

    assert found["proxy"].detail == "http://****@127.0.0.1:9"
    assert "pa55" not in repr(list(found.values()))
    assert without_password("http://proxy:1") == "http://proxy:1"


@pytest.mark.parametrize(
    ("skew", "status", "word"),
    [
        (1.0, Status.OK, "within 1 s"),
        (-4.0, Status.OK, "within 4 s"),
        (60.0, Status.WARN, "0:01:00 ahead of"),
        (-3_700.0, Status.FAIL, "1:01:40 behind"),
    ],
)
def test_a_wrong_clock(skew, status, word):
    """A few seconds are fine, a minute is a warning, five minutes are a failure."""
    found = skewed("x", skew)

    assert found.status is status
    assert word in found.detail + found.cause


@pytest.mark.parametrize(
    ("handler", "name", "status", "word"),
    [
        (lambda: CoralogixHandler("cxup_1", domain="eu2"), "kind of key", Status.WARN, "personal"),
        (lambda: CoralogixHandler("cxtp_1", domain="eu2"), "region", Status.OK, "eu2"),
        (lambda: CoralogixHandler("k", domain="coralogix.us"), "region", Status.OK, "us1"),
        (
            lambda: CoralogixHandler("k", domain="eu2.coralogix.con"),
            "region",
            Status.WARN,
            "Did you mean 'eu2.coralogix.com'?",
        ),
        (lambda: HoneycombHandler("a" * 32), "kind of key", Status.OK, "Classic"),
        (lambda: HoneycombHandler("hcalk_1"), "kind of key", Status.WARN, "configuration key"),
        (lambda: HoneycombHandler("hcaik_1"), "kind of key", Status.OK, "ingest key"),
        (lambda: HoneycombHandler("k", timeout=5), "timeout", Status.OK, "5.0  (argument)"),
        (
            lambda: HoneycombHandler("k", headers={"X-Secret": "s3cr3t"}),
            "headers",
            Status.OK,
            "X-Secret  (argument)",
        ),
        (
            lambda: HoneycombHandler("k", proxy="http://u:s3cr3t@proxy:1"),
            "proxy",
            Status.OK,
            "http://****@proxy:1",
        ),
    ],
)
def test_settings_show_kinds_of_keys_regions_and_options(handler, name, status, word):
    """Options are shown if they differ from the default; secrets are not shown."""
    found = named(settings("x", handler()))

    assert found[name].status is status
    assert word in found[name].detail + found[name].cause
    assert "s3cr3t" not in repr(found)


def test_the_origin_of_a_setting_is_an_argument_a_variable_or_the_default(monkeypatch):
    """The finding names the variable."""
    monkeypatch.setenv("CORALOGIX_DOMAIN", "eu2")
    monkeypatch.setenv("CORALOGIX_SUBSYSTEM_NAME", "pay")
    found = named(settings("x", CoralogixHandler("k", application_name="shop")))

    assert found["api_key"].detail == "… of 1 characters  (argument)"
    assert found["address"].detail.endswith("(CORALOGIX_DOMAIN)")
    assert found["application_name"].detail == "shop  (argument)"
    assert found["subsystem_name"].detail == "pay  (CORALOGIX_SUBSYSTEM_NAME)"


def test_the_spool_is_checked(tmp_path, server):
    """It shows how much waits and how much space is free."""
    handler = HoneycombHandler("k", dataset="d", url=server.url, spool=str(tmp_path / "spool"))
    found = named(settings("x", handler))
    handler.close()

    assert found["spool state"].status in {Status.OK, Status.WARN}
    assert re.search(r"0 records wait", found["spool state"].detail + found["spool state"].cause)


def tree(tmp_path, setup, *more):
    """Run the doctor on an application; return its findings about loggers."""
    (tmp_path / "shop.py").write_text(f"import logging, logging.config, cxlogging\n{setup}")
    done = subprocess.run(
        [*COMMAND, "doctor", "--offline", "--json", "--app", "shop:setup", *more],
        cwd=tmp_path,
        env=environment(CXLOGGING_URL="http://127.0.0.1:9"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr
    if not done.stdout:
        return done.returncode, done.stderr
    return done.returncode, json.loads(done.stdout)["findings"]


CONFIG = """
def setup():
    logging.getLogger("early")
    logging.config.dictConfig({
        "version": 1,
        "handlers": {"cx": {"class": "cxlogging.CoralogixHandler", "application_name": "shop"}},
        "root": {"level": "WARNING", "handlers": ["cx"]},
        "loggers": {"alone": {"propagate": False}},
    })
"""


def causes(findings, status):
    return [f"{each['name']}: {each['cause']}" for each in findings if each["status"] == status]


def test_the_loggers_of_an_application_are_checked(tmp_path):
    """It finds levels that hide records, propagate=False, and disabled loggers."""
    code, found = tree(tmp_path, CONFIG)

    assert code == 0
    assert "cx at root, level NOTSET" in [each["detail"] for each in found]
    said = causes(found, "warn")
    assert "levels: the level of the root logger is WARNING: lower levels are not logged" in said
    assert any(each.startswith("propagation: records of alone reach no handler") for each in said)
    assert any(each.startswith("disabled loggers: records of early are discarded") for each in said)


SOUND = """
def setup():
    logging.basicConfig(level="INFO", handlers=[cxlogging.HoneycombHandler(dataset="d")])
"""
DOUBLE = """
def setup():
    logging.getLogger().setLevel("INFO")
    handler = cxlogging.HoneycombHandler(dataset="d")
    logging.getLogger().addHandler(handler)
    logging.getLogger("shop").addHandler(handler)
"""
TWINS = """
def setup():
    logging.getLogger().setLevel("INFO")
    for _ in range(2):
        logging.getLogger().addHandler(cxlogging.HoneycombHandler(dataset="d"))
    logging.getLogger().addHandler(cxlogging.HoneycombHandler(dataset="other"))
"""
IDLE = """
def setup():
    global idle
    idle = cxlogging.HoneycombHandler(dataset="d")
"""
OFF = SOUND + "    logging.disable(logging.WARNING)\n"


@pytest.mark.parametrize(
    ("setup", "status", "said"),
    [
        (SOUND, "warn", []),
        (DOUBLE, "warn", ["duplicates: each record of shop goes 2 times to Honeycomb"]),
        (TWINS, "warn", ["duplicates: each record of root"]),
        (IDLE, "fail", ["handlers: no handler of cxlogging is attached to a logger"]),
        (IDLE, "warn", ["handlers: created, but not attached to a logger: Honeycomb"]),
        (OFF, "warn", ["levels: logging.disable(30) suppresses all records up to WARNING"]),
    ],
)
def test_duplicates_and_unattached_handlers_are_found(tmp_path, setup, status, said):
    """Every record should be sent to each destination once."""
    _, found = tree(tmp_path, setup)

    told = causes(found, status)
    assert len(told) == len(said) or (setup == DOUBLE and told)
    assert all(any(each.startswith(one) for each in told) for one in said), told


MISSPELT = """
KIND = "cxlogging.HoneycombHandler"
setup = {"version": 1, "handlers": {"h": {"class": KIND, "datset": "x"}}}
"""


@pytest.mark.parametrize(
    ("setup", "word"),
    [
        ("", "has no attribute 'setup'"),
        ("def setup(): raise RuntimeError('no database')", "RuntimeError: no database"),
        (MISSPELT, "Did you mean 'dataset'?"),
    ],
)
def test_an_application_that_cannot_be_configured(tmp_path, setup, word):
    """The exit code is 2, and the message has the reason that logging hides."""
    code, said = tree(tmp_path, setup)

    assert code == 2
    assert word in said


@pytest.mark.parametrize("form", ["json", "toml", "yaml", "yml", "ini", "cfg"])
def test_a_configuration_comes_from_a_file(tmp_path, form, server):
    """The configuration is at the top level or under the key logging."""
    if form == "toml":
        pytest.importorskip("tomllib")
    if form in {"yaml", "yml"}:
        pytest.importorskip("yaml")
    yaml = (
        "logging:\n  version: 1\n  handlers:\n    cx: {class: cxlogging.CoralogixHandler}\n"
        "  root: {handlers: [cx], level: INFO}\n"
    )
    ini = (
        "[loggers]\nkeys=root\n[handlers]\nkeys=cx\n[formatters]\nkeys=\n"
        "[logger_root]\nlevel=INFO\nhandlers=cx\n"
        "[handler_cx]\nclass=cxlogging.CoralogixHandler\nkwargs={'application_name': 'shop'}\n"
    )
    texts = {
        **dict.fromkeys(["yaml", "yml"], yaml),
        **dict.fromkeys(["ini", "cfg"], ini),
        "json": json.dumps(
            {
                "version": 1,
                "handlers": {"cx": {"class": "cxlogging.CoralogixHandler"}},
                "root": {"handlers": ["cx"], "level": "INFO"},
            }
        ),
        "toml": "[logging]\nversion = 1\n[logging.handlers.cx]\n"
        'class = "cxlogging.CoralogixHandler"\n[logging.root]\nhandlers = ["cx"]\nlevel = "INFO"\n',
    }
    path = tmp_path / f"logging.{form}"
    path.write_text(texts[form])
    done = subprocess.run(
        [*COMMAND, "check", "--config", str(path)],
        env=environment(CXLOGGING_URL=server.url),
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert ": Coralogix (127.0.0.1)" in done.stdout
    assert server.count("coralogix") == 1


@pytest.mark.parametrize(
    ("name", "text", "word"),
    [
        ("a.json", "{", "a.json cannot be read: "),
        ("a.json", "[]", "a.json does not contain a table for logging.config.dictConfig."),
        ("a.yaml", "a: [", "a.yaml cannot be read: "),
        ("a.yaml", "just a text", "a.yaml does not contain a table"),
        ("a.ini", "no section", "logging rejects a.ini: "),
        ("a.ini", "[a]\nb=c\n", "logging rejects a.ini: "),
        ("a.INI", "", "logging rejects a.INI: "),
    ],
)
@pytest.mark.parametrize("command", ["check", "doctor"])
def test_an_invalid_configuration_file(run, tmp_path, command, name, text, word):
    """The exit code is 2, and the message names the file and the error."""
    if name.endswith("yaml"):
        pytest.importorskip("yaml")
    path = tmp_path / name
    path.write_text(text)

    done = run(command, "--config", str(path))

    assert done.exit_code == 2
    assert word in done.stderr
    assert "Traceback" not in done.output


@pytest.mark.parametrize(
    ("name", "missing", "sentence"),
    [
        ("a.yaml", ["yaml"], "YAML needs a package: pip install pyyaml"),
        ("a.toml", ["tomllib", "tomli"], "TOML needs Python 3.11 or a package: pip install tomli"),
    ],
)
def test_a_missing_package_is_named(run, tmp_path, monkeypatch, name, missing, sentence):
    """If the parser is not installed, the message says what to install."""
    for each in missing:
        monkeypatch.setitem(sys.modules, each, None)
    path = tmp_path / name
    path.write_text("")

    done = run("check", "--config", str(path))

    assert (done.exit_code, sentence in done.stderr) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--config", "/nowhere.json"], "No such file"),
        (["--config", __file__], "ending .json, .toml, .yaml, .yml, .cfg, .conf, .ini, not"),
        (["--app", "a:b", "--config", "c.json"], "pass one"),
        (["--app", "no_such_module_here:x"], "No module named"),
    ],
)
def test_invalid_arguments_exit_with_2(run, arguments, word):
    """The message is one sentence, without a traceback."""
    done = run("doctor", *arguments)

    assert (done.exit_code, word in done.stderr) == (2, True)


def test_the_findings_are_printed_for_people(run, server):
    """Each finding has a mark and a name, and each problem a cause and a cure."""
    done = run("doctor", CXLOGGING_URL=server.url)
    bad = run("doctor", CXLOGGING_URL="http://127.0.0.1:9")

    assert re.search(r"^  ✓ event sent  accepted in \d+ ms$", done.stdout, re.MULTILINE)
    assert re.search(r"^\d+ ok$", done.stdout, re.MULTILINE)
    assert "  ✗ connection\n      Nothing listens at 127.0.0.1:9.\n      → Is" in bad.stdout


def test_check_sends_one_event_with_each_handler(run, server):
    """It prints a line for each handler, or JSON with the event's id."""
    keys = {"HONEYCOMB_API_KEY": "k", "BETTER_STACK_SOURCE_TOKEN": "k"}
    done = run("check", "--json", CXLOGGING_URL=server.url, **keys)
    results = json.loads(done.stdout)

    assert done.exit_code == 0
    assert server.count("honeycomb") == server.count("betterstack") == 1
    assert server.events("honeycomb")[0]["data"]["cx_check"] == results["honeycomb"]["id"]
    assert run("check", CXLOGGING_URL="http://127.0.0.1:9").exit_code == 1


def test_check_without_a_handler_is_a_usage_error(run):
    """The exit code is 2, and the message names cxlogging doctor."""
    done = run("check", CXLOGGING_URL="")

    assert (done.exit_code, "cxlogging doctor" in done.stderr) == (2, True)


def test_an_event_without_an_address_is_not_queried():
    """The cause is the missing setting."""
    found = named(canary("x", CoralogixHandler(), 1.0))

    assert "is not set" in found["event sent"].cause
    assert list(found) == ["event sent"]


def test_contradicting_variables_are_a_warning(doctor):
    """The warning names both variables, and which one is used."""
    _, found = doctor(
        *("--offline", "--no-send"),
        CORALOGIX_API_KEY=SECRET,
        CORALOGIX_DOMAIN="eu2",
        CORALOGIX_LOG_URL="http://127.0.0.1:9/api/v1/logs",
    )

    assert found["settings"]["status"] == "warn"
    assert "CORALOGIX_DOMAIN counts" in found["settings"]["cause"]
    assert found["address"]["detail"].endswith("(CORALOGIX_DOMAIN)")


def test_the_address_of_another_server_has_its_origin(doctor):
    """A proxy that CORALOGIX_LOG_URL names is shown with that variable."""
    _, found = doctor(
        *("--offline", "--no-send"),
        CORALOGIX_API_KEY=SECRET,
        CORALOGIX_LOG_URL='"http://127.0.0.1:9/api/v1/logs"',
    )

    assert found["address"]["detail"] == "http://127.0.0.1:9/logs/v1/bulk  (CORALOGIX_LOG_URL)"
