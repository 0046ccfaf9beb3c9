"""Django with its own LOGGING, as it is run: in development, under WSGI and under ASGI."""

from __future__ import annotations

import signal

import pytest

from .running import until, whole

pytest.importorskip("django")
pytestmark = [pytest.mark.integrations, pytest.mark.timeout(180)]

SETTINGS = """
SECRET_KEY = "hidden"
DEBUG = False
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "views"
WSGI_APPLICATION = "serving.wsgi"
USE_TZ = True
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "shop.db"}}
MIDDLEWARE = [
    "cxlogging.integrations.django.ContextMiddleware",
    "django.middleware.common.CommonMiddleware",
]
CXLOGGING = {"access_log": True}
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"access": {"()": "cxlogging.integrations.server_logs.AccessFields"}},
    "handlers": {"vendor": {"class": "cxlogging.BetterStackHandler", "sigterm": True,
                            "filters": ["access"]}},
    "root": {"level": "INFO", "handlers": ["vendor"]},
    "loggers": {"django.server": {"handlers": ["vendor"], "level": "INFO", "propagate": False}},
}
"""

VIEWS = """
import asyncio, logging
import cxlogging
from django.contrib.auth.models import User
from django.http import JsonResponse, StreamingHttpResponse
from django.urls import path
from saying import say
log = logging.getLogger("shop")

def order(request, number):
    say(log, f"{number} first", request=request)
    cxlogging.bind(customer=number)
    if number == 3:
        request._cached_user = User(pk=4711)  # what a login middleware leaves
        request.user = request._cached_user
    say(log, f"{number} second")
    return JsonResponse({})

async def order_async(request, number):
    say(log, f"{number} first", request=request)
    cxlogging.bind(customer=number)
    await asyncio.sleep(0.01)
    say(log, f"{number} second")
    return JsonResponse({})

def stream(request, number):
    def parts():
        for part in range(3):
            say(log, f"{number} part {part}")
            yield b"x" * 1000
    return StreamingHttpResponse(parts())

def endless(request):
    def parts():
        while True:
            yield b"x" * 65536
    return StreamingHttpResponse(parts())

async def endless_async(request):
    async def parts():
        while True:
            yield b"x" * 65536
            await asyncio.sleep(0)
    return StreamingHttpResponse(parts())

def fails(request):
    say(log, "before")
    raise LookupError("no such order")

urlpatterns = [
    path("orders/<int:number>", order),
    path("async/<int:number>", order_async),
    path("stream/<int:number>", stream),
    path("endless", endless),
    path("endless-async", endless_async),
    path("fails", fails),
]
"""

SERVING = """
import os
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")
from django.core.asgi import get_asgi_application
from django.core.wsgi import get_wsgi_application
wsgi = get_wsgi_application()
asgi = get_asgi_application()
"""

MANAGE = """
import os, sys
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")
from django.core.management import execute_from_command_line
execute_from_command_line(sys.argv)
"""

SERVERS = {
    "runserver": ("python", "manage.py", "runserver", "--noreload", "{port}"),
    "runserver with its reloader": ("python", "manage.py", "runserver", "{port}"),
    "gunicorn": ("gunicorn", "-w", "2", "-b", "127.0.0.1:{port}", "serving:wsgi"),
    "gunicorn threads": ("gunicorn", "--threads", "4", "-b", "127.0.0.1:{port}", "serving:wsgi"),
    "uvicorn": ("uvicorn", "--port", "{port}", "serving:asgi"),
}


@pytest.fixture
def start(running):
    def started(name):
        site = running(settings=SETTINGS, views=VIEWS, serving=SERVING, manage=MANAGE)
        program, *arguments = (each.format(port=site.port) for each in SERVERS[name])
        return site, site.start(program, *arguments)

    return started


@pytest.mark.parametrize("name", SERVERS)
def test_each_record_of_a_request_arrives_with_its_request(start, name):
    """Under every server, of sync and async views: all records, once; route and user too."""
    site, process = start(name)
    secret = {"Authorization": "hidden", "Cookie": "session=hidden"}
    for number in range(8):
        kind = "async" if number % 2 == 0 else "orders"
        status, headers, _ = site.get(
            f"/{kind}/{number}?token=hidden", X_Request_ID=f"r-{number}", **secret
        )
        assert (status, headers["x-request-id"]) == (200, f"r-{number}")
    status, _, body = site.get("/stream/70", X_Request_ID="r-70", **secret)
    assert len(body) == 3000
    assert site.get("/fails", X_Request_ID="r-80", **secret)[0] == 500
    assert site.get("/nowhere?token=hidden", X_Request_ID="r-90", **secret)[0] == 404
    if "reloader" in name:
        until(lambda: len(site.named("cxlogging.access")) >= 11)
        until(lambda: len(site.named("django.server")) >= 11)
        site.end_reloader(process)
    else:
        site.end(process, signal.SIGINT if "runserver" in name else signal.SIGTERM)

    for event in site.judge(20):
        data, (_, number, *rest) = event["data"], event["message"].split()
        assert data["http"]["request"] == {"method": "GET"}
        if number == "before":
            assert data["request_id"] == "r-80"
            continue
        assert data["request_id"] == f"r-{number}"
        kind = "stream" if number == "70" else ("orders", "async")[int(number) % 2 == 0]
        assert data["http"]["route"] == f"/{kind}/<int:number>"
        assert data.get("customer") == (int(number) if rest == ["second"] else None)
        if rest == ["first"]:
            assert data["request"]["path"] == f"/{kind}/{number}"
    closing = {each["message"]: each["data"] for each in site.named("cxlogging.access")}
    assert len(closing) == 11
    assert closing["GET /stream/70 200"]["http"]["response"]["body"] == {"size": 3000}
    assert closing["GET /orders/3 200"]["user"] == {"id": 4711}
    assert closing["GET /orders/3 200"]["request_id"] == "r-3"
    assert closing["GET /fails 500"]["level"] == "error"
    failures = [each for each in site.events() if "no such order" in whole(each)]
    assert [each["data"]["request_id"] for each in failures] == ["r-80"]
    missing = [each for each in site.named("django.request") if "nowhere" in each["message"]]
    assert [each["data"]["request_id"] for each in missing] == ["r-90"]
    if "runserver" in name:
        [line] = [each for each in site.named("django.server") if "/orders/3" in each["message"]]
        assert line["message"] == "GET /orders/3 200"
        assert line["data"]["http"]["response"]["status_code"] == 200
        assert "socket" not in whole(line)
    assert all("hidden" not in whole(each) for each in site.events())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("name", ["runserver", "gunicorn", "uvicorn"])
def test_the_last_records_arrive_when_it_is_stopped(start, name, number):
    """What was logged right before the signal arrives, and the server ends by itself."""
    site, process = start(name)
    for each in range(5):
        site.get(f"/orders/{each}")
    site.end(process, number)

    site.judge(10)


def test_a_reload_loses_nothing(start):
    """Records of the process before a change of the code arrive, and those of the one after."""
    site, process = start("runserver with its reloader")
    site.get("/orders/1")
    site.change("views.py", "/orders/2", "item 2 changed")
    site.end_reloader(process)
    site.judge(4)


@pytest.mark.parametrize(
    ("name", "path"),
    [("gunicorn", "/endless"), ("gunicorn threads", "/endless"), ("uvicorn", "/endless-async")],
)
def test_a_client_that_leaves_early_is_counted(start, name, path):
    """The closing record says so, and has the bytes that were made until then."""
    site, process = start(name)
    site.get("/orders/1")
    site.leave_early(path, 100_000)

    [event] = until(lambda: site.events(f"GET {path}"))
    site.end(process)
    assert event["data"]["disconnected"] is True
    assert event["data"]["http"]["response"]["body"]["size"] >= 65536
