"""`cxlogging doctor` for handlers that publish to a stream, with real servers and relays."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from nats.aio.client import Client

from cxlogging.delivery.nats.address import parse_address
from cxlogging.devserver import DevServer, Keys
from tests.nats.old_server import old_server
from tests.nats.servers import Node, free_ports, one_node, using, wait_for
from tests.relay.running import RelayProcess, init

from .conftest import COMMAND, environment

SECRET = "CANARY-s3cret"


class Examination(NamedTuple):
    """Exit code, and the last finding of each name."""

    code: int
    found: Mapping[str, Mapping[str, Any]]
    output: str


@pytest.fixture
def address(unused_address: str) -> str:
    """The address of a stream that is ready for relays."""
    init(unused_address)
    return unused_address


@pytest.fixture
def doctor(tmp_path: Path) -> Callable[..., Examination]:
    """Examine a handler that publishes to an address."""

    def examine(address: str, *arguments: str, **variables: str) -> Examination:
        kind = "cxlogging.HoneycombHandler"
        handler = {"class": kind, "dataset": "shop", "spool": address}
        root = {"handlers": ["h"], "level": "INFO"}
        path = tmp_path / "logging.json"
        kept = {"version": 1, "disable_existing_loggers": False}  # those of the client's libraries
        path.write_text(json.dumps({**kept, "handlers": {"h": handler}, "root": root}))
        done = subprocess.run(
            [*COMMAND, "doctor", "--config", str(path), "--json", "--wait", "20", *arguments],
            env=environment(**variables),
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        assert done.stdout, done.stderr
        assert SECRET not in done.stdout + done.stderr
        found = {each["name"]: each for each in json.loads(done.stdout)["findings"]}
        return Examination(done.returncode, found, done.stdout)

    return examine


@pytest.fixture
def relay(tmp_path: Path) -> Iterator[Callable[..., RelayProcess]]:
    """Start a relay that delivers to a URL."""
    started = []

    def start(address: str, url: str, more: str = "") -> RelayProcess:
        table = f'[[destination]]\nvendor = "honeycomb"\nurl = "{url}"\n{more}'
        running = RelayProcess(tmp_path, address, table, HONEYCOMB_API_KEY=SECRET)
        started.append(running)
        return running.start().wait_until_ready()

    yield start
    for each in started:
        each.process.kill()
        each.process.wait()


def test_a_fleet_without_problems(doctor, relay, address, server):
    """Server, stream, relays and dead letters are right; the event was delivered, and is found."""
    running = relay(address, server.url)
    place = parse_address("address", address)

    code, found, _ = doctor(address, CXLOGGING_URL=server.url)

    assert code == 0
    assert {each["status"] for each in found.values()} == {"ok"}
    assert found["spool"]["detail"] == f"{address}  (argument)"
    assert found["server"]["detail"].startswith(f"{place.servers[0][7:]}, nats-server 2.")
    assert found["stream"]["detail"].startswith(f"{place.stream}: 0 messages, 0 of ")
    assert f"(pid {running.process.pid})" in found["relays"]["detail"]
    assert found["consumer"]["detail"] == ("cxlogging-relay-honeycomb: 0 messages wait, 0 are held")
    assert found["dead letters"]["detail"] == "none"
    assert found["event relayed"]["detail"].startswith("delivered by a relay, ")
    assert "after it was sent" in found["seen again"]["detail"]
    assert [each["message"] for each in server.events("honeycomb")] == ["cxlogging check"]


def test_a_server_that_does_not_answer_is_a_warning_beside_others(doctor, relay, address, server):
    """The client goes on to the next server, so the exit code is 0; the warning names it."""
    relay(address, server.url)
    (port,) = free_ports(1)

    code, _, output = doctor(address.replace("nats://", f"nats://127.0.0.1:{port},"))

    servers = [each for each in json.loads(output)["findings"] if each["name"] == "server"]
    assert (code, [each["status"] for each in servers]) == (0, ["warn", "ok"])
    assert f"127.0.0.1:{port} refused the connection" in servers[0]["cause"]


def test_no_server_is_found_at_the_connection(doctor):
    """The cause names the address, and the cure the program; nothing else is examined."""
    (port,) = free_ports(1)
    code, found, _ = doctor(f"nats://127.0.0.1:{port}/LOGS")

    assert code == 1
    assert found["server"]["cause"] == f"127.0.0.1:{port} refused the connection"
    assert found["server"]["cure"] == f"Is nats-server running at 127.0.0.1:{port}?"
    assert found["event sent"]["status"] == "fail"
    assert found.keys().isdisjoint({"stream", "relays", "event relayed"})


def test_a_name_that_cannot_be_resolved(doctor):
    """The cause is that the name was not found."""
    code, found, _ = doctor("nats://no-such-host.invalid/LOGS")

    assert (code, "name no-such-host.invalid was not found" in found["server"]["cause"]) == (
        1,
        True,
    )


def test_a_missing_stream_has_the_command_that_creates_it(doctor, node):
    """The cure is `cxlogging relay init` with the address."""
    code, found, _ = doctor(f"{node.url}/MISSING")

    assert code == 1
    assert found["stream"]["cause"] == "there is no stream MISSING"
    assert f"`cxlogging relay init --nats {node.url}/MISSING`" in found["stream"]["cure"]
    assert found["event sent"]["cause"].startswith("there is no stream MISSING")


def test_a_stream_that_would_lose_records_is_a_failure(doctor, node):
    """A stream that removes the oldest messages when it is full is not what relays need."""
    address = f"{node.url}/OLDEST"

    async def create(client: Client) -> None:
        await client.jetstream().add_stream(
            name="OLDEST", subjects=["cxlogging.OLDEST.items.>"], discard="old", retention="limits"
        )

    using(address, create)
    code, found, output = doctor(address)

    assert code == 1
    assert found["consumer"]["cause"] == "there is no consumer cxlogging-relay-honeycomb"
    assert "`cxlogging relay init" in found["consumer"]["cure"]
    findings = [each for each in json.loads(output)["findings"] if each["name"] == "stream"]
    assert "retention is limits, not workqueue; discard is old, not new" in findings[0]["cause"]
    assert any("no max_bytes" in each["cause"] for each in findings)
    assert found["event sent"]["status"] == "ok"


def test_a_consumer_that_gives_up_is_a_failure(doctor, address):
    """A bound of deliveries would leave messages in the stream that no relay ever gets."""
    stream = parse_address("address", address).stream

    async def limit(client: Client) -> None:
        js = client.jetstream()
        config = (await js.consumer_info(stream, "cxlogging-relay-honeycomb")).config
        config.max_deliver = 5
        await js.add_consumer(stream, config)

    using(address, limit)
    code, found, _ = doctor(address, "--no-send")

    assert code == 1
    assert found["consumer"]["cause"].startswith("after 5 deliveries, a message stays")


def test_without_a_relay_the_event_waits(doctor, address):
    """No relay runs: that is said at once, with the command that starts one."""
    code, found, _ = doctor(address, "--wait", "600")

    assert code == 1
    for name in ("relays", "event relayed"):
        assert found[name]["cause"] == "no relay runs: records wait in the stream"
        assert f"cxlogging relay --nats {address}" in found[name]["cure"]


@pytest.mark.slow
def test_a_key_that_the_vendor_refuses_exits_with_3(doctor, relay, address):
    """The relay's key is wrong: the cause has the vendor's answer, and the event waits."""
    with DevServer(keys=Keys(honeycomb=("right",))) as server:
        relay(address, server.url)
        code, found, _ = doctor(address)

    assert code == 3
    assert "HTTP 401" in found["event relayed"]["cause"]
    assert "keys" in found["event relayed"]["cure"]


@pytest.mark.slow
def test_a_vendor_that_is_down_is_a_failure_after_the_wait(doctor, relay, address, server):
    """The cause has the relay's last error."""
    server.faults.add(status=503)
    relay(address, server.url)
    code, found, _ = doctor(address, "--wait", "8")

    assert code == 1
    assert found["event relayed"]["cause"].startswith("the event waits in the stream, after ")
    assert "503" in found["event relayed"]["cause"]


@pytest.mark.slow
def test_an_event_that_no_destination_takes_is_rejected(doctor, relay, address, server):
    """The cause has the relay's reason, and dead letters are a warning from then on."""
    relay(address, server.url, 'dataset = "another"')

    code, found, _ = doctor(address)
    again = doctor(address, "--no-send")

    assert code == 1
    cause = found["event relayed"]["cause"]
    assert cause.startswith("the relay has rejected the event: no [[destination]]")
    assert "dataset=shop" in cause
    assert (again.code, again.found["dead letters"]["status"]) == (0, "warn")
    assert f"`cxlogging relay rejected --nats {address}`" in again.found["dead letters"]["cure"]


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[Node]:
    """A server with a user who may only publish, as an application needs it."""
    rights = "publish: ['cxlogging.LOGS.items.>'], subscribe: ['_INBOX.>']"
    users = f"{{user: app, password: '{SECRET}', permissions: {{{rights}}}}}, {{user: all}}"
    config = f"authorization {{ users: [{users}] }}\nno_auth_user: all\n"
    with one_node(tmp_path / "guarded", config=config) as node:
        init(f"{node.url}/LOGS")
        yield node


@pytest.mark.slow
def test_a_login_that_may_only_publish_is_enough(doctor, guarded):
    """What it may not look at is skipped with the reason; the event is published."""
    code, found, _ = doctor(f"{guarded.url}/LOGS", NATS_USER="app", NATS_PASSWORD=SECRET)

    assert code == 0
    assert found["login"]["detail"] == "user app  (NATS_USER)"
    assert found["event sent"]["status"] == "ok"
    for name in ("stream", "event relayed"):
        assert found[name]["status"] == "skip"
        assert "may not do" in found[name]["detail"]


@pytest.mark.slow
def test_a_login_that_may_not_publish_is_a_failure(doctor, guarded):
    """The cause has the server's words, and the cure the rights that are needed."""
    init(f"{guarded.url}/OTHER")
    code, found, _ = doctor(f"{guarded.url}/OTHER", NATS_USER="app", NATS_PASSWORD=SECRET)

    assert code == 1
    assert "permissions violation" in found["event sent"]["cause"]
    assert "Allow it to publish" in found["event sent"]["cure"]


def test_a_wrong_password_is_a_failure(doctor, guarded):
    """The cause is the refused login, and the cure names the variables."""
    code, found, _ = doctor(f"{guarded.url}/LOGS", NATS_USER="app", NATS_PASSWORD="wrong")

    assert code == 3
    assert "refused the login" in found["server"]["cause"]
    assert "NATS_PASSWORD" in found["server"]["cure"]


def test_a_server_that_is_too_old_is_a_failure(doctor, tmp_path):
    """The cause has the version and the reason, the cure is an upgrade."""
    (tmp_path / "config").write_text(json.dumps({"ports_file_dir": str(tmp_path)}))
    process = subprocess.Popen([old_server(tmp_path), "-c", str(tmp_path / "config")])
    try:
        path = tmp_path / f"nats-server_{process.pid}.ports"
        wait_for(lambda: path.exists() and path.read_text(), "it listens")
        code, found, _ = doctor(f"{json.loads(path.read_text())['nats'][0]}/LOGS", "--no-send")
    finally:
        process.kill()
        process.wait()

    assert code == 1
    assert "nats-server 2.10.26: relays need 2.10.27 or newer, as" in found["server"]["cause"]
    assert found["server"]["cure"].startswith("Upgrade the servers")


def test_no_send_and_offline_do_what_they_say(doctor, address, tmp_path):
    """--no-send publishes nothing; --offline opens no connection."""
    _, found, _ = doctor(address, "--no-send")
    offline = doctor("nats://127.0.0.1:1/LOGS", "--offline")

    assert "event sent" not in found
    assert "relays" in found
    assert offline.code == 0
    assert "server" not in offline.found


def test_a_password_without_tls_is_a_warning(doctor):
    """A password for another machine should travel by TLS."""
    code, found, _ = doctor(
        "nats://192.0.2.1/LOGS",
        "--no-send",
        "--limit",
        "0.5",
        NATS_USER="app",
        NATS_PASSWORD=SECRET,
    )

    assert code == 1
    assert found["login"]["status"] == "warn"
    assert "tls://" in found["login"]["cure"]
