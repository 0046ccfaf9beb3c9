"""A relay and an application with the rights that docs/relay.md names, and no others."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from tests.faults.backend import Backend
from tests.nats.servers import one_node, wait_for
from tests.relay.running import KEYS, RelayProcess, cxlogging, destination, environment

PAGE = (Path(__file__).parents[2] / "docs" / "relay.md").read_text("utf-8")


def user(name: str, publish: list[str]) -> str:
    listed = ", ".join(f'"{each}"' for each in publish)
    rights = f'publish: [{listed}], subscribe: ["_INBOX.>"]'
    return f"{{ user: {name}, password: secret-{name}, permissions: {{ {rights} }} }}"


def test_the_documented_rights_are_enough(tmp_path: Path, vendor: Backend):
    """With them, and no others, an application publishes and a relay delivers and rejects."""
    block = PAGE.partition("A relay needs to subscribe")[2].partition("```text")[2]
    relay_rights = block.partition("```")[0].split()
    assert len(relay_rights) == 9
    (application,) = re.findall(
        r"an application needs to publish to (.*?), and to", PAGE, re.DOTALL
    )
    app_rights = re.findall(r"`([^`]+)`", application)
    users = ", ".join([user("app", app_rights), user("relay", relay_rights), user("admin", [">"])])
    config = f"authorization {{ users: [{users}] }}\n"
    with one_node(tmp_path / "nats", config=config) as node:
        place = f"{node.url}/LOGS"
        admin = {"NATS_USER": "admin", "NATS_PASSWORD": "secret-admin"}
        done = cxlogging("relay", "init", "--nats", place, "--replicas", "1", **admin)
        assert done.returncode == 0, done.stderr
        refused = cxlogging("relay", "status", "--nats", place)
        assert refused.returncode == 3, refused.stderr
        as_app = {"NATS_USER": "app", "NATS_PASSWORD": "secret-app"}
        log_two_records(place, **as_app)
        table = destination(vendor, 'dataset = "shop"')
        as_relay = {"NATS_USER": "relay", "NATS_PASSWORD": "secret-relay"}
        with RelayProcess(tmp_path, place, table, **as_relay) as relay:
            assert vendor.wait_accepted(1), relay.log()
            wait_for(lambda: relay.metric('items_total{outcome="rejected"') == 1, relay.log())
            wait_for(lambda: relay.metric("held_messages") == 0, "acknowledged")
            assert "cannot" not in relay.log()
        listed = cxlogging("relay", "rejected", "--nats", place, **as_relay)
        assert "<b:1>" in listed.stdout, listed.stderr
        again = cxlogging("relay", "rejected", "resend", "--all", "--nats", place, **admin)
        assert again.stdout == "sent again: 1\n", again.stderr


def log_two_records(place: str, **more: str) -> None:
    """Log one record for the dataset of the relay, and one for another, as an application does."""
    code = f"""
import logging
from cxlogging import HoneycombHandler
for dataset, text in (("shop", "<a:1>"), ("other", "<b:1>")):
    handler = HoneycombHandler(dataset=dataset, spool={place!r})
    log = logging.getLogger(dataset)
    log.addHandler(handler)
    log.warning(text)
    assert handler.flush(20) in {{True, None}}
    assert handler.stats().spooled == 1, handler.stats()
"""
    without_keys = {name: text for name, text in environment(**more).items() if name not in KEYS}
    done = subprocess.run(
        [sys.executable, "-c", code], env=without_keys, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
