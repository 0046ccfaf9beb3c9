"""The large case: everything that can happen to a fleet happens while it carries 50,000 records."""

from __future__ import annotations

import os

import pytest

from .faults import SCRIPT
from .fleet import VENDOR, assert_sound, running_fleet, say

RECORDS = 50_000
PRODUCERS = 4
RELAYS = 2
RATE = 150.0
"""Records a second of each producer while faults happen."""

MAX_BYTES = 3 * 2**20
PAYLOAD = 500
"""Random bytes of each record; as text they take twice as many."""

SEED = int(os.environ.get("FLEET_SEED", "17"))


@pytest.mark.fleet
@pytest.mark.timeout(600)
def test_a_fleet_loses_nothing(tmp_path, capsys):
    """
    50,000 records from four producers reach the vendor through two relays. Meanwhile the leader of
    the stream is killed three times, a relay twice, a node is frozen, the vendor fails, and the
    stream runs full. Nothing is lost, at most one request for each relay that was killed comes
    twice, and every ledger balances.
    """
    each = RECORDS // PRODUCERS
    part = each // (len(SCRIPT) + 1)
    with running_fleet(tmp_path, SEED) as fleet, capsys.disabled():
        say(f"\nseed {SEED}")
        fleet.prepare(MAX_BYTES, RELAYS)
        fleet.produce(*[VENDOR] * PRODUCERS, payload=PAYLOAD)
        for fault in fleet.chance.sample(SCRIPT, len(SCRIPT)):
            before = fleet.logged
            fleet.log(part, RATE)
            fleet.wait_logged(before + part)
            say(f"{fleet.seconds:5.0f} s  {fault(fleet)}")
            fleet.wait_whole()
            fleet.wait_moving()
            fleet.wait_logged(before + PRODUCERS * part)
        fleet.log(each - len(SCRIPT) * part, 1e6)
        stats = fleet.finish()
        say(f"{fleet.seconds:5.0f} s  all has arrived")
        assert fleet.logged == RECORDS
        say(assert_sound(fleet, stats, batches=sum(relay.kills for relay in fleet.relays)))
