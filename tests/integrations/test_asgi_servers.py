"""FastAPI, Starlette and Litestar under the servers of ASGI, as they are run."""

from __future__ import annotations

import signal

import pytest

from .running import until, whole

pytest.importorskip("fastapi")
pytestmark = [pytest.mark.integrations, pytest.mark.timeout(180)]

BEGINNING = """
import asyncio, logging, os
import cxlogging
from cxlogging.integrations.asgi import ContextMiddleware
from saying import say
log = logging.getLogger("shop")

async def speak(number, request):
    say(log, f"{number} first", request=request)
    cxlogging.bind(customer=number)
    await asyncio.sleep(0.01)
    say(log, f"{number} second")

def parts(number):
    async def made():
        for part in range(3):
            say(log, f"{number} part {part}")
            yield b"x" * 1000
    return made()

async def endless():
    while True:
        yield b"x" * 65536
        await asyncio.sleep(0)
"""

APPS = {
    "fastapi": BEGINNING
    + """
from fastapi import FastAPI, Request, WebSocket
from fastapi.responses import StreamingResponse
app = FastAPI()
app.add_middleware(ContextMiddleware, access_log=True)

@app.get("/orders/{number}")
async def order(number: int, request: Request):
    await speak(number, request)
    return {}

@app.get("/threads/{number}")
def in_thread(number: int):
    say(log, f"{number} thread")
    return {}

@app.get("/stream/{number}")
async def stream(number: int):
    return StreamingResponse(parts(number))

@app.get("/endless")
async def without_end():
    return StreamingResponse(endless())

@app.get("/fails")
async def fails():
    say(log, "before")
    raise LookupError("no such order")

@app.websocket("/ws")
async def ws(socket: WebSocket):
    await socket.accept()
    await socket.send_text(await socket.receive_text())
    await socket.close()
""",
    "starlette": BEGINNING
    + """
from starlette.applications import Starlette
from starlette.responses import JSONResponse, StreamingResponse
from starlette.routing import Route

async def order(request):
    await speak(request.path_params["number"], request)
    return JSONResponse({})

async def stream(request):
    return StreamingResponse(parts(request.path_params["number"]))

async def fails(request):
    say(log, "before")
    raise LookupError("no such order")

app = ContextMiddleware(Starlette(routes=[
    Route("/orders/{number:int}", order), Route("/stream/{number:int}", stream),
    Route("/fails", fails),
]), access_log=True)
""",
    "litestar": BEGINNING
    + """
from typing import Any
from litestar import Litestar, Request, get
from litestar.response import Stream

@get("/orders/{number:int}")
async def order(number: int, request: Request[Any, Any, Any]) -> dict[str, str]:
    await speak(number, request)
    return {}

@get("/stream/{number:int}")
async def stream(number: int) -> Stream:
    return Stream(parts(number))

@get("/fails")
async def fails() -> None:
    say(log, "before")
    raise LookupError("no such order")

app = ContextMiddleware(
    Litestar([order, stream, fails], logging_config=None), access_log=True)
""",
}

CONFIGURATIONS = """
import json
from cxlogging.integrations import gunicorn, uvicorn
json.dump(uvicorn.log_config("cxlogging.BetterStackHandler"), open("uvicorn.json", "w"))
hypercorn = uvicorn.log_config("cxlogging.BetterStackHandler")
for name in ("hypercorn.error", "hypercorn.access"):
    hypercorn["loggers"][name] = hypercorn["loggers"]["uvicorn"]
json.dump(hypercorn, open("hypercorn.json", "w"))
granian = uvicorn.log_config("cxlogging.BetterStackHandler", sigterm=False)
for name in ("_granian", "granian.access"):
    granian["loggers"][name] = granian["loggers"]["uvicorn"]
json.dump(granian, open("granian.json", "w"))
"""

# Daphne has no option for the configuration of logging.
BY_ITSELF = """
import logging.config
from configured import LOGGING
LOGGING["handlers"]["vendor"]["sigterm"] = False
logging.config.dictConfig(LOGGING)
"""

GUNICORN = """
from cxlogging.integrations.gunicorn import log_config, post_worker_init
logconfig_dict = log_config("cxlogging.BetterStackHandler")
accesslog = "-"
"""

PORT = ("--port", "{port}")
UVICORN = ("uvicorn", "app:app", "--log-config", "uvicorn.json", *PORT)
ADDRESS = ("-b", "127.0.0.1:{port}")
SERVERS = {
    "uvicorn": UVICORN,
    "uvicorn with workers": (*UVICORN, "--workers", "2"),
    "uvicorn with its reloader": (*UVICORN, "--reload"),
    "hypercorn": (
        "hypercorn", *ADDRESS, "--access-logfile", "-", "--log-config", "json:hypercorn.json",
        "app:app",
    ),
    "gunicorn": ("gunicorn", "-k", "uvicorn_worker.UvicornWorker", "-w", "2", *ADDRESS, "app:app"),
    "granian": (
        "granian", "--interface", "asgi", *PORT, "--workers", "1", "--access-log",
        "--log-config", "granian.json", "app:app",
    ),
    "daphne": ("daphne", "-p", "{port}", "app:app"),
}  # fmt: skip
ACCESS = {
    "uvicorn": "uvicorn.access",
    "hypercorn": "hypercorn.access",
    "gunicorn": "uvicorn.access",
    "granian": "granian.access",
}


@pytest.fixture
def start(running):
    def started(by, app="fastapi"):
        if by in ("daphne", "granian"):
            pytest.importorskip(by)
        configured = BY_ITSELF if by == "daphne" else ""
        files = {"app": configured + APPS[app], "configurations": CONFIGURATIONS}
        if by == "gunicorn":
            files["gunicorn.conf"] = GUNICORN
        shop = running(**files)
        done = shop.run("configurations.py")
        assert done.returncode == 0, done.stderr
        program, *arguments = (each.format(port=shop.port) for each in SERVERS[by])
        return shop, shop.start(program, *arguments)

    return started


def drive(shop):
    """Make requests whose headers and query strings nothing may ship."""
    secret = {"Authorization": "hidden", "Cookie": "session=hidden", "User_Agent": "hidden"}
    for number in range(8):
        status, headers, _ = shop.get(
            f"/orders/{number}?token=hidden", X_Request_ID=f"r-{number}", **secret
        )
        assert (status, headers["x-request-id"]) == (200, f"r-{number}")
    status, _, body = shop.get("/stream/70", X_Request_ID="r-70", **secret)
    assert len(body) == 3000
    assert shop.get("/fails", X_Request_ID="r-80", **secret)[0] == 500


def judge(shop, route):
    """Demand that each record has its own request's fields and nothing that is secret."""
    for event in shop.judge(20):
        data, (_, number, *rest) = event["data"], event["message"].split()
        assert data["http"]["request"] == {"method": "GET"}
        if number == "before":
            assert data["request_id"] == "r-80"
            continue
        assert data["request_id"] == f"r-{number}"
        assert data.get("customer") == (int(number) if rest == ["second"] else None)
        if rest == ["first"]:
            assert data["request"]["path"] == f"/orders/{number}"
            assert data["request"]["method"] == "GET"
    closing = {each["message"]: each["data"] for each in shop.named("cxlogging.access")}
    assert len(closing) == 10, sorted(closing)
    assert closing["GET /stream/70 200"]["http"]["response"]["body"] == {"size": 3000}
    assert closing["GET /orders/3 200"]["http"].get("route") == route
    assert closing["GET /orders/3 200"]["request_id"] == "r-3"
    assert closing["GET /fails 500"]["level"] == "error"
    assert all("hidden" not in whole(each) for each in shop.events()), shop.events()


@pytest.mark.parametrize("by", SERVERS)
def test_each_record_of_a_request_arrives_with_its_request(start, by):
    """Under every server: all records, once; the traceback; access records as fields."""
    shop, process = start(by)
    drive(shop)
    if by == "daphne":  # it looks for failures once a second
        until(lambda: "no such order" in whole(shop.events()))
    shop.end(process)

    judge(shop, "/orders/{number}")
    failures = [each for each in shop.events() if "no such order" in whole(each)]
    assert len(failures) == 1, failures
    if by != "granian":  # it logs a text, without the exception
        assert failures[0]["data"]["request_id"] == "r-80"  # although its server logs it
    if by == "daphne":  # it logs no access records
        return
    access = shop.named(ACCESS[by.split()[0]])
    assert len(access) == 10
    [fields] = [each["data"] for each in access if each["data"]["url"]["path"] == "/orders/3"]
    assert fields["http"]["request"] == {"method": "GET"}
    assert fields["http"]["response"]["status_code"] == 200
    assert fields["client"] == {"address": "127.0.0.1"}


@pytest.mark.parametrize(
    ("app", "route"),
    [("starlette", "/orders/{number:int}"), ("litestar", "/orders/{number}")],
)
def test_other_frameworks_of_asgi(start, app, route):
    """The same middleware serves them, and knows the route where the framework leaves it."""
    shop, process = start("uvicorn", app)
    drive(shop)
    shop.end(process)

    judge(shop, route)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("by", ["uvicorn", "uvicorn with workers", "gunicorn", "granian", "daphne"])
def test_the_last_records_arrive_when_it_is_stopped(start, by, number):
    """What was logged right before the signal arrives, and the server ends by itself."""
    shop, process = start(by)
    for each in range(5):
        shop.get(f"/orders/{each}")
    shop.end(process, number)

    shop.judge(10)


def test_a_reload_loses_nothing(start):
    """Records of the process before a change of the code arrive, and those of the one after."""
    shop, process = start("uvicorn with its reloader")
    shop.get("/orders/1")
    shop.change("app.py", "/orders/2", "item 2 changed")
    shop.end(process)
    shop.judge(4)


@pytest.mark.parametrize("by", ["uvicorn", "hypercorn"])
def test_a_client_that_leaves_early_is_counted(start, by):
    """The closing record says so, and has the bytes that were made until then."""
    shop, process = start(by)
    shop.get("/orders/1")
    shop.leave_early("/endless", 100_000)

    closing = until(
        lambda: [each for each in shop.named("cxlogging.access") if "endless" in each["message"]]
    )
    shop.end(process)
    assert closing[0]["data"]["disconnected"] is True
    assert closing[0]["data"]["http"]["response"]["body"]["size"] >= 65536


def test_requests_in_threads_have_their_request(start):
    """Views that the framework runs in its thread pool know their request, many at once too."""
    import concurrent.futures

    shop, process = start("uvicorn")
    shop.get("/orders/900")
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(
            pool.map(
                lambda number: shop.get(f"/threads/{number}", X_Request_ID=f"r-{number}"), range(40)
            )
        )
    shop.end(process)
    for event in shop.judge(42):
        if event["message"].endswith("thread"):
            assert event["data"]["request_id"] == f"r-{event['message'].split()[1]}"


def test_websockets_pass_untouched(start):
    """A websocket is accepted, answers and closes, with no closing record."""
    websockets = pytest.importorskip("websockets.sync.client")
    shop, process = start("uvicorn")
    shop.get("/orders/1")
    with websockets.connect(f"ws://127.0.0.1:{shop.port}/ws?token=hidden") as socket:
        socket.send("ping")
        assert socket.recv() == "ping"
    shop.end(process)
    shop.judge(2)
    assert [each["message"] for each in shop.named("cxlogging.access")] == ["GET /orders/1 200"]
    assert all("hidden" not in whole(each) for each in shop.events())
