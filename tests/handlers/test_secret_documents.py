"""Secrets in messages that are JSON, and in what web frameworks put into extra."""

from __future__ import annotations

import json
import logging

import pytest

import cxlogging

SCOPE = {"type": "http", "headers": [(b"authorization", b"canary"), (b"cookie", b"a=canary")]}


@pytest.fixture(params=["BetterStackHandler", "CoralogixHandler", "HoneycombHandler"])
def events(request, server):
    log = logging.getLogger("documents")
    log.setLevel(logging.INFO)
    more = {"dataset": "d"} if request.param == "HoneycombHandler" else {}
    handler = getattr(cxlogging, request.param)("canary-key", url=server.url, **more)
    log.addHandler(handler)

    def ship(*args, **options):
        log.info(*args, **options)
        assert handler.flush(10)
        return json.dumps(server.events())

    yield ship
    log.removeHandler(handler)
    handler.close()


@pytest.mark.parametrize(
    "message",
    [
        '{"user": 1, "password": "canary"}',
        '[{"headers": {"Authorization": "canary"}}]',
        '[["cookie", "canary"]]',
    ],
)
def test_a_message_that_is_a_document_is_redacted(events, message):
    """The values of sensitive names are hidden in a message that is itself JSON."""
    assert "canary" not in events(message)
    assert "canary" not in events("%s", message)


def test_an_asgi_scope_is_redacted(events):
    """The headers of a scope, bytes in pairs, are hidden by name."""
    assert "canary" not in events("x", extra={"scope": SCOPE, "in": [SCOPE]})
