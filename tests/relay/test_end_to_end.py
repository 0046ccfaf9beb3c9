"""Handlers without keys, a stream, a relay, and the vendors' APIs as the local server has them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from cxlogging.devserver import DevServer
from tests.nats.servers import count_messages, wait_for
from tests.relay.running import KEYS, RelayProcess, environment, wait_empty

APPLICATION = """
import logging, sys
import cxlogging
for vendor, handler in {
    "coralogix": cxlogging.CoralogixHandler(
        application_name="shop", subsystem_name="web", computer_name="host7", spool=sys.argv[1]),
    "honeycomb": cxlogging.HoneycombHandler(dataset="orders", spool=sys.argv[1]),
    "betterstack": cxlogging.BetterStackHandler(spool=sys.argv[1]),
}.items():
    log = logging.getLogger(vendor)
    log.addHandler(handler)
    for number in range(50):
        log.warning("%s %s", vendor, number, extra={"number": number})
"""


def test_three_vendors_get_what_their_handlers_logged(
    address: str, server: DevServer, tmp_path: Path
):
    """The events are those of a handler with a key: names, host, fields; each arrives once."""
    without_keys = {name: text for name, text in environment().items() if name not in KEYS}
    subprocess.run(
        [sys.executable, "-c", APPLICATION, address], env=without_keys, check=True, timeout=60
    )
    assert count_messages(address) >= 3

    tables = "".join(
        f'[[destination]]\nvendor = "{vendor}"\nurl = "{server.url}"\nkey_env = "ANY_KEY"\n'
        for vendor in ("coralogix", "honeycomb", "betterstack")
    )
    with RelayProcess(tmp_path, address, tables, ANY_KEY="key-of-the-relay-1234") as relay:
        wait_for(lambda: server.count() == 150, relay.log())
        wait_empty(address)
    for vendor in ("coralogix", "honeycomb", "betterstack"):
        numbers = sorted(each["data"]["number"] for each in server.events(vendor))
        assert numbers == list(range(50))
        assert not server.rejected(vendor)
    first = server.events("coralogix")[0]
    assert first["application"] == "shop"
    assert first["source"]["computerName"] == "host7"
