"""Small fleets: servers restart and leaders change while records of every vendor pass."""

from __future__ import annotations

from ..nats.servers import Cluster, Node
from .fleet import assert_sound, running_fleet
from .processes import HANDLERS

COUNT = 400
RATE = 400.0
MAX_BYTES = 2**24


def test_records_pass_while_the_server_is_killed(tmp_path):
    """One server is killed (-9) and started again, twice: every record arrives once."""
    with running_fleet(tmp_path, nodes=1) as fleet:
        assert isinstance(fleet.cluster, Node)
        fleet.prepare(MAX_BYTES, relays=1, more="ack_wait = 10")
        fleet.produce("coralogix", "betterstack")
        for number in range(1, 3):
            fleet.log(COUNT, RATE)
            fleet.wait_logged(number * COUNT)
            fleet.cluster.restart()
            fleet.wait_moving()
        stats = fleet.finish()

        assert_sound(fleet, stats, batches=0)


def test_records_pass_while_leaders_step_down(tmp_path):
    """A cluster's stream changes its leader three times: every vendor has every record once."""
    with running_fleet(tmp_path) as fleet:
        assert isinstance(fleet.cluster, Cluster)
        fleet.prepare(MAX_BYTES, relays=2, more="ack_wait = 5")
        fleet.produce(*HANDLERS)
        for number in range(1, 4):
            fleet.log(COUNT, RATE)
            fleet.wait_logged(number * COUNT)
            fleet.cluster.step_down("LOGS")
            fleet.wait_moving()
        stats = fleet.finish()

        assert_sound(fleet, stats, batches=0)
        for producer in fleet.producers:
            assert fleet.server.count(producer.vendor) == 3 * COUNT
