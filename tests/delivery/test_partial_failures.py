"""Answers that say how many items of a request failed, and not which."""

from __future__ import annotations

import pytest

from cxlogging.delivery.delivery import Delivery
from cxlogging.delivery.options import Options
from cxlogging.wire.http import Action, Response, Verdict
from tests.fakes import Lines, Network, hold_back


class Counting(Lines):
    """A vendor whose answer says how many of the lines failed."""

    def interpret(self, response: Response, count: int) -> Verdict:
        failed = int(response.body)
        reason = f"{failed} of {count} failed" if failed else ""
        return Verdict(Action.DELIVERED, reason, failed=failed)


def refuse_poison(lines: list[bytes]) -> Response:
    failed = sum(b"poison" in line for line in lines)
    return Response(200, body=b"%d" % failed)


@pytest.mark.parametrize("poison", [[0], [1, 3], [0, 1, 2, 3]], ids=str)
def test_items_of_a_request_that_failed_in_part_are_sent_singly(poison):
    """Each record is counted once, by the answer to its own request: delivered or rejected."""
    network, lost = Network(refuse_poison), []
    options = Options.parse(
        {
            "compression": None,
            "flush_interval": 3600,
            "on_drop": lambda outcome, count, level: lost.append((outcome, count, level)),
        }
    )
    target = Delivery(Counting(), options, transport=lambda: network)
    hold_back(target)
    sent = [b"poison %d" % n if n in poison else b"line %d" % n for n in range(4)]
    for line in sent:
        target.put(20, line)

    assert target.flush(20)
    stats = target.stats()
    assert network.requests == [sent, *([line] for line in sent)]
    assert (stats.accepted, stats.delivered, stats.rejected) == (4, 4 - len(poison), len(poison))
    assert stats.reasons == {"1 of 1 failed": len(poison)}
    assert stats.balanced
    assert lost == [("rejected", 1, 20)] * len(poison)
    target.close()


def test_an_item_that_failed_alone_is_rejected_at_once():
    """A request of one record that failed is not sent again."""
    network = Network(refuse_poison)
    options = Options.parse({"compression": None, "flush_interval": 0})
    target = Delivery(Counting(), options, transport=lambda: network)
    target.put(20, b"poison")

    assert target.flush(20)
    assert network.requests == [[b"poison"]]
    assert (target.stats().delivered, target.stats().rejected) == (0, 1)
    target.close()
