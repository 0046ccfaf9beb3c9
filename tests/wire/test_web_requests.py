"""Requests and answers of web frameworks are method, path, route, status and client address."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import pytest

from cxlogging.wire.sanitizing.sanitizer import Sanitizer

SECRET = "hunter2"


def cleaned(value):
    return Sanitizer().value(value)


def test_a_werkzeug_request_and_response():
    """No header, cookie or query string is shipped."""
    werkzeug = pytest.importorskip("werkzeug")
    environ = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/orders/7",
        "QUERY_STRING": f"token={SECRET}",
        "REMOTE_ADDR": "192.0.2.7",
        "HTTP_AUTHORIZATION": SECRET,
        "HTTP_COOKIE": f"session={SECRET}",
        "wsgi.url_scheme": "http",
        "SERVER_NAME": "shop",
        "SERVER_PORT": "80",
    }

    shown = cleaned(werkzeug.Request(environ))
    assert shown == {"method": "POST", "path": "/orders/7", "client": "192.0.2.7"}
    assert cleaned(werkzeug.Response("x", 418, headers={"Set-Cookie": SECRET})) == {"status": 418}


def test_a_flask_request_has_its_route():
    """Also through the proxy `flask.request`."""
    flask = pytest.importorskip("flask")
    app = flask.Flask("shop")
    found = []

    @app.get("/orders/<int:number>")
    def order(number):
        found.append(cleaned(flask.request))
        return ""

    app.test_client().get(f"/orders/7?token={SECRET}", headers={"Authorization": SECRET})
    route = "/orders/<int:number>"
    expected = {"method": "GET", "path": "/orders/7", "route": route, "client": "127.0.0.1"}
    assert found == [expected]


DJANGO = """
import django
from django.conf import settings
settings.configure(ROOT_URLCONF="__main__", SECRET_KEY="x", ALLOWED_HOSTS=["*"])
django.setup()
from django.http import HttpResponse
from django.test import Client
from django.urls import path
from cxlogging.wire.sanitizing.sanitizer import Sanitizer

def view(request, number):
    print(Sanitizer().value(request))
    response = HttpResponse("x", status=418, headers={"X-Token": "hunter2"})
    print(Sanitizer().value(response))
    return response

urlpatterns = [path("orders/<int:number>/", view)]
Client().get("/orders/7/?token=hunter2", headers={"authorization": "hunter2"})
"""


def test_a_django_request_and_response():
    """The route is there once Django has found it."""
    pytest.importorskip("django")
    command = [sys.executable, "-c", DJANGO]
    done = subprocess.run(command, capture_output=True, text=True, check=True)

    request, response = done.stdout.splitlines()
    assert eval(request) == {
        "method": "GET",
        "path": "/orders/7/",
        "route": "orders/<int:number>/",
        "client": "127.0.0.1",
    }
    assert eval(response) == {"status": 418}


def test_a_starlette_request_and_response():
    """The scope's headers stay where they are."""
    requests = pytest.importorskip("starlette.requests")
    from starlette.responses import PlainTextResponse

    scope = {
        "type": "http",
        "method": "GET",
        "path": "/orders",
        "query_string": f"token={SECRET}".encode(),
        "headers": [(b"authorization", SECRET.encode())],
        "client": ("192.0.2.7", 1),
    }

    shown = cleaned(requests.Request(scope))
    assert shown == {"method": "GET", "path": "/orders", "client": "192.0.2.7"}
    assert cleaned(PlainTextResponse("x", 418, {"x-token": SECRET})) == {"status": 418}


def test_an_aiohttp_request_and_response():
    """Although it is a mapping: its route is the pattern."""
    web = pytest.importorskip("aiohttp.web")
    from aiohttp import ClientSession

    found = []

    async def order(request):
        response = web.Response(text="x", status=418, headers={"X-Token": SECRET})
        found.extend((cleaned(request), cleaned(response)))
        return response

    async def main():
        app = web.Application()
        app.router.add_get("/orders/{number}", order)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        url = f"http://127.0.0.1:{port}/orders/7?token={SECRET}"
        async with ClientSession() as session, session.get(url):
            pass
        await runner.cleanup()

    asyncio.run(main())
    route = "/orders/{number}"
    expected = {"method": "GET", "path": "/orders/7", "route": route, "client": "127.0.0.1"}
    assert found == [expected, {"status": 418}]
