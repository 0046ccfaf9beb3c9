"""``CXLOGGING = {"hold": True}``: views of both kinds, under WSGI and under ASGI."""

from __future__ import annotations

import socket

import pytest

from .running import until
from .test_django import MANAGE, SERVERS, SERVING, SETTINGS

pytest.importorskip("django")
pytestmark = [pytest.mark.integrations, pytest.mark.timeout(180)]

HELD = (
    SETTINGS.replace('{"access_log": True}', '{"access_log": True, "hold": True}')
    .replace('"sigterm": True', '"sigterm": True, "level": "INFO", "held_level": "DEBUG"')
    .replace('common.CommonMiddleware",', 'common.CommonMiddleware", "views.sync_only",')
    .replace('"root": {"level": "INFO"', '"root": {"level": "DEBUG"')
    .replace('"loggers": {', '"loggers": {"asyncio": {"level": "INFO"},'
             ' "django": {"level": "INFO"},')
)  # fmt: skip

VIEWS = """
import asyncio, logging
from django.http import JsonResponse, StreamingHttpResponse
from django.urls import path
log = logging.getLogger("shop")

def sync_only(get_response):  # under ASGI it runs in a thread, between coroutines
    def call(request):
        log.debug("item %s middleware", request.path.rpartition("/")[2])
        return get_response(request)
    return call

def speak(number):
    for part in range(3):
        log.debug("item %d %d", number, part)

def ended(number):
    if number % 10 == 1:
        raise LookupError("no such order")
    return JsonResponse({}, status=503 if number % 10 == 2 else 200)

def order(request, number):
    speak(number)
    return ended(number)

async def order_async(request, number):
    speak(number)
    await asyncio.sleep(0)
    return ended(number)

def stream(request, number):
    def parts():
        speak(number)
        yield b"part"
        if number % 10 == 1:
            raise LookupError("no such order")
    return StreamingHttpResponse(parts())

async def stream_async(request, number):
    async def parts():
        speak(number)
        yield b"part"
        if number % 10 == 1:
            raise LookupError("no such order")
    return StreamingHttpResponse(parts())

urlpatterns = [
    path("sync/<int:number>", order),
    path("async/<int:number>", order_async),
    path("stream/<int:number>", stream),
    path("stream-async/<int:number>", stream_async),
]
"""


def read_what_comes(port, path):
    """Make a request whose answer breaks off."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: shop\r\n\r\n".encode())
        while connection.recv(1000):
            pass


@pytest.mark.parametrize("name", ["gunicorn threads", "uvicorn", "runserver"])
def test_the_whole_story_of_a_failed_request_is_sent(running, name):
    """An exception, a status from 500, an error in the body; nothing of the others."""
    site = running(settings=HELD, views=VIEWS, serving=SERVING, manage=MANAGE)
    program, *arguments = (each.format(port=site.port) for each in SERVERS[name])
    process = site.start(program, *arguments)
    for at, kind in enumerate(("sync", "async")):
        for number in range(at * 10, at * 10 + 4):
            site.get(f"/{kind}/{number}")
    stream, start = ("stream-async", 30) if name == "uvicorn" else ("stream", 20)
    site.get(f"/{stream}/{start}")
    read_what_comes(site.port, f"/{stream}/{start + 1}")
    failed = (1, 2, 11, 12, start + 1)
    until(lambda: len(site.events("item ")) >= 4 * len(failed))
    site.end(process)

    said = [each["message"] for each in site.events("item ")]
    parts = ("middleware", 0, 1, 2)
    assert sorted(said) == sorted(f"item {each} {part}" for each in failed for part in parts)
    closing = {each["message"] for each in site.named("cxlogging.access")}
    assert {"GET /sync/1 500", "GET /sync/2 503", "GET /async/11 500"} <= closing
    assert not [each for each in closing if each.endswith(" 200") and "stream" not in each]
