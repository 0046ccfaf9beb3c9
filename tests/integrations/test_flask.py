"""Flask, as it is run: each record knows its request, also under the servers of production."""

from __future__ import annotations

import signal

import pytest

from .running import until, whole

pytest.importorskip("flask")
pytestmark = [pytest.mark.integrations, pytest.mark.timeout(180)]

APP = """
    import logging, logging.config, os, threading, time
    from configured import LOGGING
    logging.config.dictConfig(LOGGING)
    import cxlogging, flask
    from cxlogging.integrations.flask import init_app
    from saying import say

    app = flask.Flask("shop")
    init_app(app, access_log=True)
    log = logging.getLogger("shop")

    @app.get("/orders/<int:number>")
    def order(number):
        say(log, f"{number} first", request=flask.request)
        cxlogging.bind(customer=number)
        say(app.logger, f"{number} second")
        return {"number": number}

    @app.get("/stream/<int:number>")
    def stream(number):
        def parts():
            for part in range(3):
                say(log, f"{number} part {part}")
                yield "x" * 1000
        return parts()

    @app.get("/endless")
    def endless():
        def parts():
            while True:
                yield "x" * 65536
        return parts()

    @app.get("/fails")
    def fails():
        say(log, "before")
        raise LookupError("no such order")
"""

SERVERS = {
    "flask run": ("flask", "--app", "app", "run", "--no-reload", "--port", "{port}"),
    "flask run with its reloader": ("flask", "--app", "app", "--debug", "run", "--port", "{port}"),
    "gunicorn sync": ("gunicorn", "-w", "2", "-b", "127.0.0.1:{port}", "app:app"),
    "gunicorn threads": ("gunicorn", "--threads", "4", "-b", "127.0.0.1:{port}", "app:app"),
    "gunicorn preload": ("gunicorn", "--preload", "-w", "2", "-b", "127.0.0.1:{port}", "app:app"),
}


def start(running, name):
    shop = running(app=APP)
    program, *arguments = (each.format(port=shop.port) for each in SERVERS[name])
    return shop, shop.start(program, *arguments)


@pytest.mark.parametrize("name", SERVERS)
def test_each_record_of_a_request_arrives_with_its_request(running, name):
    """Under every server: all records, once; id, method, path and route; nothing of another."""
    shop, process = start(running, name)
    for number in range(8):
        status, headers, _ = shop.get(
            f"/orders/{number}?token=hidden", X_Request_ID=f"r-{number}", Cookie="session=hidden"
        )
        assert (status, headers["x-request-id"]) == (200, f"r-{number}")
    status, _, body = shop.get("/stream/70", X_Request_ID="r-70")
    assert len(body) == 3000
    assert shop.get("/fails", X_Request_ID="r-80")[0] == 500
    if "reloader" in name:
        until(lambda: len(shop.named("cxlogging.access")) >= 10)
        shop.end_reloader(process)
    else:
        shop.end(process)

    for event in shop.judge(20):
        data, (_, number, *rest) = event["data"], event["message"].split()
        if number == "before":
            assert data["request_id"] == "r-80"
            continue
        assert data["request_id"] == f"r-{number}"
        assert data["http"]["request"] == {"method": "GET"}
        if number != "70":
            assert data["http"]["route"] == "/orders/<int:number>"
            assert data["url"] == {"path": f"/orders/{number}"}
            assert data.get("customer") == (int(number) if rest == ["second"] else None)
            if rest == ["first"]:
                assert data["request"]["path"] == f"/orders/{number}"
                assert data["request"]["method"] == "GET"
        assert "hidden" not in whole(event)
    closing = {each["message"]: each["data"] for each in shop.named("cxlogging.access")}
    assert len(closing) == 10
    assert closing["GET /stream/70 200"]["http"]["response"]["body"] == {"size": 3000}
    assert closing["GET /orders/3 200"]["http"]["route"] == "/orders/<int:number>"
    assert closing["GET /orders/3 200"]["request_id"] == "r-3"
    assert closing["GET /fails 500"]["level"] == "error"
    failures = [each for each in shop.events() if "no such order" in whole(each)]
    # In debug mode Flask hands the exception to the server instead of logging it.
    wanted = [] if "reloader" in name else ["r-80"]
    assert [each["data"]["request_id"] for each in failures] == wanted


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("name", ["flask run", "gunicorn sync"])
def test_the_last_records_arrive_when_it_is_stopped(running, name, number):
    """What was logged right before the signal arrives, and the server ends by itself."""
    shop, process = start(running, name)
    for each in range(5):
        shop.get(f"/orders/{each}")
    shop.end(process, number)

    shop.judge(10)


def test_the_reloader_loses_nothing(running):
    """Records of the process before a change of the code arrive, and those of the one after."""
    shop, process = start(running, "flask run with its reloader")
    shop.get("/orders/1")
    shop.change("app.py", "/orders/2", "item 2 changed")
    shop.end_reloader(process)
    shop.judge(4)


@pytest.mark.parametrize("name", ["gunicorn sync", "gunicorn threads"])
def test_a_client_that_leaves_early_is_counted(running, name):
    """The closing record says so, and has the bytes that were made until then."""
    shop, process = start(running, name)
    shop.get("/orders/1")
    shop.leave_early("/endless", 100_000)

    [event] = until(lambda: shop.events("GET /endless"), 30)
    shop.end(process)
    assert event["data"]["disconnected"] is True
    assert event["data"]["http"]["response"]["body"]["size"] >= 65536
