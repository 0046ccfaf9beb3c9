"""What a relay does with messages: delivers, remembers, rejects and waits."""

from __future__ import annotations

from pathlib import Path

from tests.faults.backend import Backend
from tests.nats.servers import count_messages, wait_for
from tests.relay.running import RelayProcess, destination, publish


def test_a_relay_delivers_what_the_stream_holds(address: str, vendor: Backend, tmp_path: Path):
    """Each item reaches the vendor once, and the stream is empty then."""
    names = [f"a:{number}" for number in range(500)]
    publish(address, names)

    with RelayProcess(tmp_path, address, destination(vendor)) as relay:
        assert vendor.wait_accepted(500), relay.log()
        wait_for(lambda: count_messages(address) == 0, "acknowledged")
        assert set(vendor.accepted.values()) == {1}
        wait_for(lambda: relay.metric('items_total{outcome="delivered"') == 500, "counted")
        assert relay.stop() == 0
    assert relay.events()[-1]["event"] == "the relay has stopped"
