"""The middleware: each record knows its request, and nothing leaks into the next one."""

from __future__ import annotations

import asyncio
import logging
import queue
import re

import pytest

import cxlogging
from cxlogging.integrations import asgi, wsgi
from cxlogging.integrations.web import KEY
from cxlogging.wire.sanitizing.flatten import flatten

log = logging.getLogger("shop")


class Kept(logging.Handler):
    """Keeps what was bound, and the record's own fields, for each record."""

    def __init__(self):
        super().__init__()
        self.records = []

    def emit(self, record):
        from cxlogging.handlers.context import current

        self.records.append((record.getMessage(), dict(current()), record))


@pytest.fixture
def kept():
    handler = Kept()
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    log.propagate = False
    cxlogging.unbind()
    yield handler
    cxlogging.unbind()
    log.removeHandler(handler)
    log.propagate = True


def environ(path="/", **more):
    return {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": path,
        "QUERY_STRING": "token=secret",
        "REMOTE_ADDR": "192.0.2.7",
        **more,
    }


def serve_wsgi(app, environ, *, close=True):
    """Do what a WSGI server does; return status, headers and body."""
    began = []

    def start_response(status, headers, exc_info=None):
        began.append((status, headers))
        return lambda data: None

    answer = app(environ, start_response)
    try:
        body = b"".join(answer)
    finally:
        if close:
            answer.close()
    status, headers = began[-1]
    return status, dict(headers), body


def hello(environ, start_response):
    log.info("hello")
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"hello"]


def test_a_wsgi_request_is_bound_to_its_records(kept):
    """Each record has the id, the method and the path, never the query string."""
    serve_wsgi(wsgi.ContextMiddleware(hello), environ("/orders/7", HTTP_X_REQUEST_ID="r-17"))

    [(message, fields, _)] = kept.records
    assert message == "hello"
    assert fields["request_id"] == "r-17"
    assert fields["http"] == {"request": {"method": "GET"}}
    assert fields["url"] == {"path": "/orders/7"}
    assert "secret" not in str(fields)


def test_a_request_without_an_id_gets_one(kept):
    """The id that is made is on the records and in the answer's header."""
    _, headers, _ = serve_wsgi(wsgi.ContextMiddleware(hello), environ())

    assert re.fullmatch("[0-9a-f]{32}", headers["X-Request-ID"])
    assert kept.records[0][1]["request_id"] == headers["X-Request-ID"]


@pytest.mark.parametrize("given", ["", "a b", "x" * 129, "r\r\nSet-Cookie: a", "ünï"])
def test_an_id_that_cannot_be_one_is_replaced(given):
    """An id of a client never brings a header, a blank or a long text into the answer."""
    sent = environ(HTTP_X_REQUEST_ID=given)
    _, headers, _ = serve_wsgi(wsgi.ContextMiddleware(hello), sent)

    assert re.fullmatch("[0-9a-f]{32}", headers["X-Request-ID"])


def test_the_header_may_have_another_name():
    """`header` is both read and sent, and an application's own header stays."""
    app = wsgi.ContextMiddleware(hello, header="X-Correlation-ID")
    _, headers, _ = serve_wsgi(app, environ(HTTP_X_CORRELATION_ID="c-1"))
    assert headers["X-Correlation-ID"] == "c-1"

    def own(environ, start_response):
        start_response("200 OK", [("x-request-id", "mine")])
        return []

    _, headers, _ = serve_wsgi(wsgi.ContextMiddleware(own), environ())
    assert headers == {"x-request-id": "mine"}


def test_nothing_leaks_from_one_request_to_the_next(kept):
    """What a request binds is gone in the next one, also where the server never closed it."""

    def binds(environ, start_response):
        log.info("before")
        cxlogging.bind(user="ada")
        return hello(environ, start_response)

    cxlogging.bind(service="shop")
    app = wsgi.ContextMiddleware(binds)
    for close in (True, False, True):
        serve_wsgi(app, environ(), close=close)

    assert ["user" in fields for _, fields, _ in kept.records] == [False, True] * 3
    assert all(fields["service"] == "shop" for _, fields, _ in kept.records)
    log.info("after")
    assert kept.records[-1][1] == {"service": "shop"}


def test_a_streamed_wsgi_answer_has_its_request_until_its_end(kept):
    """Records of a generator have the request's fields; the closing record counts its bytes."""

    def streams(environ, start_response):
        start_response("200 OK", [])
        for number in range(3):
            log.info("part %d", number)
            yield b"12345"

    serve_wsgi(wsgi.ContextMiddleware(streams, access_log="shop"), environ("/s"))

    *parts, closing = kept.records
    assert [fields["url"]["path"] for _, fields, _ in parts] == ["/s"] * 3
    assert closing[0] == "GET /s 200"
    assert closing[2].http["response"] == {"status_code": 200, "body": {"size": 15}}
    assert closing[2].client == {"address": "192.0.2.7"}
    assert closing[2].duration >= 0
    assert not hasattr(closing[2], "disconnected")


def test_a_client_that_leaves_is_in_the_closing_record(kept):
    """An answer that is closed before its end says so."""

    def streams(environ, start_response):
        start_response("200 OK", [])
        yield b"one"
        yield b"two"

    app = wsgi.ContextMiddleware(streams, access_log="shop")
    answer = app(environ(), lambda *_: lambda data: None)
    next(iter(answer))
    answer.close()

    assert kept.records[-1][2].disconnected is True


@pytest.mark.parametrize("when", ["call", "body"])
def test_an_error_of_a_wsgi_application_is_in_the_closing_record(kept, when):
    """It passes on to the server; the closing record is an error with its type."""

    def fails(environ, start_response):
        if when == "call":
            raise LookupError("no")
        start_response("200 OK", [])
        return parts()

    def parts():
        yield b"x"
        raise LookupError("no")

    with pytest.raises(LookupError):
        serve_wsgi(wsgi.ContextMiddleware(fails, access_log="shop"), environ())

    record = kept.records[-1][2]
    assert record.levelno == logging.ERROR
    assert record.error == {"type": "LookupError"}
    assert record.http["response"]["status_code"] == (500 if when == "call" else 200)


def test_the_length_of_a_sized_answer_is_known_to_the_server():
    """A list stays something with a length: from one part servers make Content-Length."""
    answer = wsgi.ContextMiddleware(hello)(environ(), lambda *_: lambda data: None)

    assert len(answer) == 1


def test_a_middleware_that_wraps_another_changes_nothing(kept):
    """Mounted twice, there is one id and one closing record."""
    inner = wsgi.ContextMiddleware(hello, access_log="shop")
    serve_wsgi(wsgi.ContextMiddleware(inner, access_log="shop"), environ())

    assert [message for message, *_ in kept.records] == ["hello", "GET / 200"]


def test_an_access_log_that_is_no_name_is_refused():
    """The error names what was given."""
    with pytest.raises(TypeError, match="access_log takes the name of a logger or True, not 3"):
        wsgi.ContextMiddleware(hello, access_log=3)


def scope(path="/", headers=(), **more):
    return {
        "type": "http",
        "method": "GET",
        "path": path,
        "query_string": b"token=secret",
        "headers": list(headers),
        "client": ("192.0.2.7", 1234),
        **more,
    }


async def serve_asgi(app, scope, *, leaves=False):
    """Do what an ASGI server does; return the messages of the answer."""
    sent = []
    incoming = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive():
        if incoming and not leaves:
            return incoming.pop()
        return {"type": "http.disconnect"}

    async def send(message):
        sent.append(message)

    await app(scope, receive, send)
    return sent


async def greets(scope, receive, send):
    await receive()
    log.info("hello")
    cxlogging.bind(user="ada")
    await asyncio.sleep(0)
    log.info("bye")
    await send({"type": "http.response.start", "status": 201, "headers": []})
    await send({"type": "http.response.body", "body": b"hel", "more_body": True})
    await send({"type": "http.response.body", "body": b"lo"})


def test_asgi_requests_do_not_see_each_other(kept):
    """Of many at once each record has its own request, and only what that one has bound."""
    app = asgi.ContextMiddleware(greets, access_log="shop")

    async def main():
        ids = [(b"x-request-id", b"r-%d" % number) for number in range(20)]
        await asyncio.gather(
            *(serve_asgi(app, scope(f"/{at}", [each])) for at, each in enumerate(ids))
        )
        log.info("after")

    asyncio.run(main())

    assert len(kept.records) == 61
    for message, fields, _ in kept.records[:-1]:
        assert fields["request_id"] == f"r-{fields['url']['path'][1:]}"
        assert ("user" in fields) == (message != "hello")
    assert kept.records[-1][1] == {}


@pytest.mark.parametrize(
    ("vendor", "handler", "fields"),
    [
        ("honeycomb", cxlogging.HoneycombHandler, {"dataset": "shop"}),
        ("betterstack", cxlogging.BetterStackHandler, {}),
    ],
)
def test_requests_that_take_turns_are_sent_with_their_own_path(server, vendor, handler, fields):
    """Each record has the path of its request, and the route from when this is found on."""
    attached = handler("key", url=server.url, **fields)
    log.addHandler(attached)

    async def orders(scope, receive, send):
        for step in ("one", "two"):
            log.warning(step)
            await asyncio.sleep(0)
        scope[KEY].found(f"{scope['path']}/{{id}}")
        for step in ("three", "four"):
            log.warning(step)
            await asyncio.sleep(0)

    async def serve_all():
        app = asgi.ContextMiddleware(orders)
        ids = [b"r-%d" % number for number in range(20)]
        await asyncio.gather(
            *(
                serve_asgi(app, scope(f"/{each.decode()}", [(b"x-request-id", each)]))
                for each in ids
            )
        )

    try:
        asyncio.run(serve_all())
    finally:
        log.removeHandler(attached)
    attached.close()

    sent = [each.get("data", each) for each in server.events(vendor)]
    flat = [flatten(each, 1_000, 1_000) for each in sent]
    assert len(flat) == 80
    for each in flat:
        message, path = each.get("body") or each["message"], f"/{each['request_id']}"
        assert each["url.path"] == path
        assert each["http.request.method"] == "GET"
        route = f"{path}/{{id}}" if message in {"three", "four"} else None
        assert each.get("http.route") == route


def test_asgi_requests_of_one_task_do_not_see_each_other(kept):
    """Also where a server, or a test's client, calls the application in one task."""
    app = asgi.ContextMiddleware(greets)

    async def main():
        for _ in range(2):
            await serve_asgi(app, scope())

    asyncio.run(main())
    assert ["user" in fields for _, fields, _ in kept.records] == [False, True] * 2


def test_an_asgi_answer_has_the_id_and_its_closing_record(kept):
    """Header, status, bytes and client of a streamed answer."""
    sent = asyncio.run(
        serve_asgi(asgi.ContextMiddleware(greets, access_log="shop"), scope("/orders"))
    )

    assert sent[0]["headers"] == [(b"X-Request-ID", kept.records[0][1]["request_id"].encode())]
    record = kept.records[-1][2]
    assert record.getMessage() == "GET /orders 201"
    assert record.http["response"] == {"status_code": 201, "body": {"size": 5}}
    assert record.client == {"address": "192.0.2.7"}


def test_a_client_that_leaves_before_the_asgi_answer_counts_as_499(kept):
    """No answer was sent: the closing record says that the client left."""

    async def waits(scope, receive, send):
        assert (await receive())["type"] == "http.disconnect"

    app = asgi.ContextMiddleware(waits, access_log="shop")
    asyncio.run(serve_asgi(app, scope(), leaves=True))

    assert kept.records[-1][0] == "GET / 499"
    assert kept.records[-1][2].disconnected is True


def test_a_disconnect_after_the_answer_is_none(kept):
    """Servers say `http.disconnect` also when all has been sent."""

    async def late(scope, receive, send):
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body", "body": b""})
        await receive()

    app = asgi.ContextMiddleware(late, access_log="shop")
    asyncio.run(serve_asgi(app, scope(), leaves=True))

    assert kept.records[-1][0] == "GET / 200"
    assert not hasattr(kept.records[-1][2], "disconnected")


def test_a_file_that_the_server_sends_is_a_whole_answer(kept):
    """With the extension `http.response.pathsend` no body comes by: nobody has left early."""

    async def sends(scope, receive, send):
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.pathsend", "path": "/srv/file"})
        await receive()

    app = asgi.ContextMiddleware(sends, access_log="shop")
    asyncio.run(serve_asgi(app, scope(), leaves=True))

    assert kept.records[-1][0] == "GET / 200"
    assert not hasattr(kept.records[-1][2], "disconnected")


def test_a_request_that_the_server_cancels_counts_as_left(kept):
    """Some servers cancel the application where the client is gone: that is no error of it."""

    async def waits(scope, receive, send):
        await asyncio.sleep(60)

    async def main():
        app = asgi.ContextMiddleware(waits, access_log="shop")
        serving = asyncio.ensure_future(serve_asgi(app, scope()))
        await asyncio.sleep(0)
        serving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await serving

    asyncio.run(main())
    assert kept.records[-1][0] == "GET / 499"
    assert kept.records[-1][2].levelno == logging.INFO
    assert kept.records[-1][2].disconnected is True


def test_an_error_of_an_asgi_application_is_in_the_closing_record(kept):
    """It passes on, and the request's fields are gone afterwards."""

    async def fails(scope, receive, send):
        cxlogging.bind(user="ada")
        raise LookupError("no")

    async def main():
        with pytest.raises(LookupError):
            await serve_asgi(asgi.ContextMiddleware(fails, access_log="shop"), scope())
        log.info("after")

    asyncio.run(main())
    assert kept.records[0][0] == "GET / 500"
    assert kept.records[0][2].error == {"type": "LookupError"}
    assert kept.records[1][1] == {}


@pytest.mark.parametrize("kind", ["websocket", "lifespan"])
def test_other_protocols_pass_untouched(kind):
    """The application gets the very scope and functions of the server."""
    got = []

    async def app(*arguments):
        got.append(arguments)

    arguments = ({"type": kind}, object(), object())
    asyncio.run(asgi.ContextMiddleware(app)(*arguments))

    assert got == [arguments]


class ClosedError(Exception):
    """One that takes no attributes."""

    def __setattr__(self, name, value):
        raise AttributeError(name)


@pytest.mark.parametrize("queued", [False, True])
@pytest.mark.parametrize("kind", ["wsgi", "asgi"])
def test_an_error_that_the_server_logs_afterwards_has_its_request(server, kind, queued):
    """An exception passes on to the server, which logs it when the request is over."""
    handler = cxlogging.HoneycombHandler("key", dataset="shop", url=server.url)
    attached = cxlogging.ContextQueueHandler(queue.SimpleQueue()) if queued else handler
    log.addHandler(attached)

    def fails(environ, start_response):
        raise LookupError("no")

    async def fails_too(scope, receive, send):
        raise LookupError("no")

    try:
        if kind == "wsgi":
            serve_wsgi(wsgi.ContextMiddleware(fails), environ("/a", HTTP_X_REQUEST_ID="r-17"))
        else:
            sent = scope("/a", [(b"x-request-id", b"r-17")])
            asyncio.run(serve_asgi(asgi.ContextMiddleware(fails_too), sent))
    except LookupError:
        log.exception("the server says")
        log.warning("without it")
    finally:
        log.removeHandler(attached)
    while queued and not attached.queue.empty():
        handler.handle(attached.queue.get())
    handler.close()

    said, without = (each["data"] for each in server.events("honeycomb"))
    assert (said["request_id"], said["url.path"]) == ("r-17", "/a")
    assert "request_id" not in without


def test_an_error_that_takes_no_attributes_passes_all_the_same():
    """It reaches the server as it is."""

    def fails(environ, start_response):
        raise ClosedError

    with pytest.raises(ClosedError):
        serve_wsgi(wsgi.ContextMiddleware(fails), environ())
