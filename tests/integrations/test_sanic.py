"""Sanic under its own server, as it is run."""

from __future__ import annotations

import signal

import pytest

from .running import whole

pytest.importorskip("sanic")
pytestmark = [pytest.mark.integrations, pytest.mark.timeout(180)]
APP = """
import logging, logging.config
import cxlogging
from configured import LOGGING
from saying import say
LOGGING["filters"] = {"access": {"()": "cxlogging.integrations.server_logs.AccessFields"}}
LOGGING["handlers"]["vendor"].update(sigterm=False, filters=["access"])
logging.config.dictConfig(LOGGING)
from sanic import Sanic, json

app = Sanic("shop")
log = logging.getLogger("shop")

@app.on_request
async def begin(request):
    cxlogging.unbind()
    cxlogging.bind(request_id=str(request.headers.get("x-request-id")))

@app.get("/orders/<number:int>")
async def order(request, number):
    say(log, f"{number} first", request=request)
    cxlogging.bind(customer=number)
    say(log, f"{number} second")
    return json({})

@app.get("/fails")
async def fails(request):
    raise LookupError("no such order")
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_each_record_of_a_request_arrives_with_its_request(running, number):
    """All records, once, with what the request has bound; access records as fields."""
    shop = running(app=APP)
    # With a manager process Sanic 25.12 itself often does not end, whatever the handlers.
    process = shop.start(
        "sanic", "app:app", f"--port={shop.port}", "--access-logs", "--single-process"
    )
    for each in range(8):
        shop.get(
            f"/orders/{each}?token=hidden", X_Request_ID=f"r-{each}", Authorization="Bearer hidden"
        )
    shop.get("/fails", X_Request_ID="r-80")
    shop.end(process, number)

    for event in shop.judge(16):
        data, (_, which, word) = event["data"], event["message"].split()
        assert data["request_id"] == f"r-{which}"
        assert data.get("customer") == (int(which) if word == "second" else None)
    failures = [each for each in shop.events() if "no such order" in whole(each)]
    assert [each["data"]["request_id"] for each in failures] == ["r-80"]
    access = {each["message"]: each["data"] for each in shop.named("sanic.access")}
    assert len(access) == 9
    assert access["GET /orders/3 200"]["client"] == {"address": "127.0.0.1"}
    assert all("hidden" not in whole(each) for each in shop.events()), shop.events()
