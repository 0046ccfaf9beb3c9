"""``hold=True`` of the middleware: the whole story of a failed request, nothing of a clean one."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import threading
import weakref

import pytest

import cxlogging
from cxlogging.handlers.context import current
from cxlogging.integrations import asgi, wsgi
from cxlogging.integrations.web import KEY

from .running import holding_handler
from .test_middleware import environ, scope, serve_asgi, serve_wsgi

log = logging.getLogger("shop.held")


@pytest.fixture
def handler(server):
    with holding_handler(server, log) as made:
        yield made


@pytest.fixture
def shipped(server, handler):
    """Return what has arrived so far, in the order in which it was logged."""

    def messages():
        assert handler.flush(30)
        return [each["message"] for each in server.events("betterstack")]

    return messages


def speak():
    log.debug("debug")
    log.info("info")


async def answer(send, status=200, *parts):
    await send({"type": "http.response.start", "status": status, "headers": []})
    for part in parts:
        await send({"type": "http.response.body", "body": part, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


class Wsgi:
    """The middleware of WSGI, and a server in this thread."""

    def __init__(self, act, **options):
        def app(_environ, start_response):
            speak()
            status = act()
            start_response(f"{status} Said", [])
            return [b"hello"]

        self._app = wsgi.ContextMiddleware(app, **options)

    def ask(self):
        serve_wsgi(self._app, environ("/o"))


class Asgi:
    """The middleware of ASGI, and a server in an event loop of its own."""

    def __init__(self, act, **options):
        async def app(_scope, _receive, send):
            speak()
            await answer(send, act(), b"hello")

        self._app = asgi.ContextMiddleware(app, **options)

    def ask(self):
        asyncio.run(serve_asgi(self._app, scope("/o")))


def fails():
    raise LookupError("no")


def complains():
    log.error("error")
    return 200


def warns():
    log.warning("warning")
    return 404


both = pytest.mark.parametrize("kind", [Wsgi, Asgi])


@both
def test_of_a_clean_request_warnings_are_sent_alone(handler, shipped, kind):
    """Its records below WARNING, and its closing record, are discarded and counted."""
    kind(warns, hold=True, access_log="shop.held").ask()

    assert shipped() == ["warning"]
    assert handler.stats().held == 0
    assert handler.stats().discarded_by_reason == {"clean": 3}


@both
@pytest.mark.parametrize(
    ("act", "said"),
    [
        (lambda: 500, []),
        (lambda: 503, []),
        (complains, ["error"]),
        (fails, []),
    ],
    ids=["status 500", "status 503", "error record", "exception"],
)
def test_of_a_failed_request_everything_is_sent(shipped, kind, act, said):
    """A status from 500, a record at ERROR, or an exception that leaves the application."""
    app = kind(act, hold=True)
    if act is fails:
        with pytest.raises(LookupError):
            app.ask()
    else:
        app.ask()

    assert shipped() == ["debug", "info", *said]


@both
@pytest.mark.parametrize("act", [lambda: 500, complains, fails])
def test_the_closing_record_of_a_failed_request_is_its_last(shipped, kind, act):
    """It belongs to the request, and comes once."""
    app = kind(act, hold=True, access_log="shop.held")
    if act is fails:
        with pytest.raises(LookupError):
            app.ask()
    else:
        app.ask()

    status = 200 if act is complains else 500
    *_, last = said = shipped()
    assert last == f"GET /o {status}"
    assert said[:2] == ["debug", "info"]
    assert len(said) == (4 if act is complains else 3)


@both
def test_hold_takes_the_arguments_of_hold(shipped, kind):
    """With another level everything from it on is sent at once; named errors release nothing."""
    kind(lambda: 200, hold={"below": "INFO"}).ask()
    assert shipped() == ["info"]

    with pytest.raises(LookupError):
        kind(fails, hold={"ignore": (LookupError,)}).ask()
    assert shipped() == ["info"]


@both
@pytest.mark.parametrize("wrong", [3, "maybe", {"belw": "INFO"}, {"below": "LOUD"}])
def test_a_wrong_hold_fails_where_it_is_made(kind, wrong):
    """Not at the first request; the error names what was given."""
    with pytest.raises(cxlogging.ConfigurationError, match=r"hold|belw|LOUD"):
        kind(lambda: 200, hold=wrong)


@both
def test_without_hold_nothing_is_held(handler, shipped, kind):
    """The level of the handler applies."""
    kind(lambda: 500).ask()

    assert shipped() == ["info"]
    assert handler.stats().discarded == 0


@both
@pytest.mark.parametrize("outer", [False, True])
def test_a_mounted_application_opens_no_second_scope(handler, shipped, kind, outer):
    """One scope for a request, wherever it was asked for, and one closing record."""
    module = wsgi if kind is Wsgi else asgi
    app = kind(lambda: 500, hold=True)
    app._app = module.ContextMiddleware(app._app, hold=outer, access_log="shop.held")
    app.ask()

    assert shipped() == ["debug", "info", "GET /o 500"]
    assert handler.stats().held == 0
    assert cxlogging.current_hold() is None


def test_many_requests_at_once_are_told_apart(shipped):
    """Of tasks of one loop: all of each failed one, nothing of the others."""

    async def app(scope_, _receive, send):
        for part in range(5):
            log.debug("%s %d", scope_["path"], part)
            await asyncio.sleep(0)
        await asyncio.to_thread(log.debug, "%s thread", scope_["path"])
        await answer(send, 500 if scope_["path"].endswith("7") else 200)

    async def main():
        served = asgi.ContextMiddleware(app, hold=True)
        await asyncio.gather(*(serve_asgi(served, scope(f"/{number}")) for number in range(40)))

    asyncio.run(main())
    expected = [
        f"/{number} {part}" for number in (7, 17, 27, 37) for part in (0, 1, 2, 3, 4, "thread")
    ]
    assert sorted(shipped()) == sorted(expected)


@pytest.mark.parametrize("ends", ["well", "by an error", "by the client"])
def test_a_streamed_wsgi_answer_is_held_until_its_end(handler, shipped, ends):
    """An error in the body releases what the request said before; a client that leaves does not."""

    def streams(_environ, start_response):
        speak()
        start_response("200 OK", [])
        for number in range(3):
            log.debug("part %d", number)
            yield b"12345"
            if ends == "by an error":
                raise LookupError("no")

    answered = wsgi.ContextMiddleware(streams, hold=True)(environ(), lambda *_: lambda _: None)
    try:
        for _ in answered:
            assert handler.stats().held > 0
            if ends == "by the client":
                break
    except LookupError:
        pass
    finally:
        answered.close()

    assert shipped() == (["debug", "info", "part 0"] if ends == "by an error" else [])
    assert handler.stats().held == 0


@pytest.mark.parametrize("ends", ["well", "by an error", "by a client that is cancelled"])
def test_a_streamed_asgi_answer_is_held_until_its_end(handler, shipped, ends):
    """An error in the body releases what the request said before; a client that leaves does not."""

    async def streams(_scope, _receive, send):
        speak()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"1", "more_body": True})
        assert handler.stats().held == 2
        if ends == "by an error":
            raise LookupError("no")
        if ends != "well":
            raise asyncio.CancelledError
        await send({"type": "http.response.body", "body": b"2"})

    app = asgi.ContextMiddleware(streams, hold=True)
    with contextlib.suppress(LookupError, asyncio.CancelledError):
        asyncio.run(serve_asgi(app, scope()))

    assert shipped() == (["debug", "info"] if ends == "by an error" else [])
    assert handler.stats().held == 0


def test_starlettes_error_of_a_client_that_left_is_none(shipped):
    """`ClientDisconnect` reaches the server, and releases nothing."""
    requests = pytest.importorskip("starlette.requests")

    async def reads(_scope, receive, _send):
        speak()
        assert (await receive())["type"] == "http.disconnect"
        raise requests.ClientDisconnect

    app = asgi.ContextMiddleware(reads, hold=True, access_log="shop.held")
    with pytest.raises(requests.ClientDisconnect):
        asyncio.run(serve_asgi(app, scope(), leaves=True))
    assert shipped() == []


@pytest.mark.parametrize("fails", [False, True])
def test_background_tasks_belong_to_their_request(shipped, fails):
    """What Starlette runs after the answer is held too, and its failure releases the request's."""
    applications = pytest.importorskip("starlette.applications")
    from starlette.background import BackgroundTask
    from starlette.responses import PlainTextResponse
    from starlette.routing import Route

    def later():
        log.debug("later")
        if fails:
            raise LookupError("no")

    async def view(_request):
        speak()
        return PlainTextResponse("hello", background=BackgroundTask(later))

    app = applications.Starlette(routes=[Route("/o", view)])
    app.add_middleware(asgi.ContextMiddleware, hold=True)
    with contextlib.suppress(LookupError):
        asyncio.run(serve_asgi(app, scope("/o")))
    assert shipped() == (["debug", "info", "later"] if fails else [])


def test_a_websocket_is_not_held(handler, shipped):
    """It may last for days: each message can be held where it is handled."""

    async def app(_scope, _receive, _send):
        speak()
        with cxlogging.hold():
            log.debug("message 1")
        with cxlogging.hold():
            log.debug("message 2")
            log.error("error 2")

    asyncio.run(asgi.ContextMiddleware(app, hold=True)({"type": "websocket"}, None, None))

    assert shipped() == ["info", "message 2", "error 2"]
    assert handler.stats().discarded == 1


@pytest.mark.parametrize("status", [200, 500])
def test_an_answer_that_is_never_closed_holds_until_the_next_request(handler, shipped, status):
    """Such a server's requests do not pile up: each ends the one before it in the thread."""

    def app(_environ, start_response):
        log.debug("debug")
        start_response(f"{status} Said", [])
        return [b"hello"]

    served = wsgi.ContextMiddleware(app, hold=True)
    for _ in range(5):
        serve_wsgi(served, environ(), close=False)

    assert handler.stats().held == 1
    assert shipped() == (["debug"] * 4 if status == 500 else [])
    serve_wsgi(served, environ())
    assert shipped() == (["debug"] * 6 if status == 500 else [])
    assert (handler.stats().held, cxlogging.current_hold()) == (0, None)


@pytest.mark.parametrize("status", [200, 500])
def test_an_answer_that_another_thread_closes_is_held_to_its_end(handler, shipped, status):
    """Its closing record belongs to it, and that thread's own records do not."""

    def app(_environ, start_response):
        speak()
        start_response(f"{status} Said", [])
        return [b"hello"]

    served = wsgi.ContextMiddleware(app, hold=True, access_log="shop.held")
    answered = served(environ("/o"), lambda *_: lambda _: None)
    b"".join(answered)

    def closes():
        log.info("closing")
        answered.close()

    thread = threading.Thread(target=closes)
    thread.start()
    thread.join()

    held = ["debug", "info", "GET /o 500"] if status == 500 else []
    assert sorted(shipped()) == sorted(["closing", *held])
    assert handler.stats().held == 0
    log.info("after")  # in the thread whose request is over
    assert shipped()[-1] == "after"
    assert cxlogging.current_hold() is None


@pytest.mark.parametrize("status", [200, 500])
def test_a_request_that_calls_another_application_holds_both(shipped, status):
    """As a test's client does in a view: the inner request's clean records are the outer's."""

    def inner(_environ, start_response):
        log.debug("inner")
        start_response("200 OK", [])
        return []

    def outer(_environ, start_response):
        log.debug("before")
        serve_wsgi(wsgi.ContextMiddleware(inner, hold=True), environ("/inner"))
        assert current()["url"] == {"path": "/outer"}
        log.debug("after")
        start_response(f"{status} Said", [])
        return []

    served = wsgi.ContextMiddleware(outer, hold=True)
    serve_wsgi(served, environ("/outer"))
    assert shipped() == (["before", "inner", "after"] if status == 500 else [])
    assert current() == {}


def test_answers_that_are_never_closed_do_not_stay_in_memory():
    """Each request that comes after lets the one before it go."""

    def app(_environ, start_response):
        start_response("200 OK", [])
        return [b"hello"]

    served, requests = wsgi.ContextMiddleware(app, hold=True), []
    for _ in range(4):
        made = environ()
        serve_wsgi(served, made, close=False)
        requests.append(weakref.ref(made[KEY]))
    del made
    gc.collect()

    assert [each() is None for each in requests] == [True, True, True, False]
    serve_wsgi(served, environ())


@pytest.mark.parametrize("path", ["/clean", "/fails", "/stream", "/stream-fails"])
def test_flask(shipped, path):
    """Unhandled errors, teardown functions and streams with the request's context are held."""
    flask = pytest.importorskip("flask")
    from cxlogging.integrations.flask import init_app

    app = flask.Flask("shop.held")  # its logger is the one that the handler is on
    init_app(app, hold=True, access_log="shop.held")

    @app.get("/clean")
    def clean():
        speak()
        return "hello"

    @app.get("/fails")
    def fails():
        speak()
        raise LookupError("no")

    @app.get("/<name>")
    def stream(name):
        def parts():
            log.debug("part of %s", flask.request.path)
            yield "part"
            if name == "stream-fails":
                raise LookupError("no")

        speak()
        return flask.Response(flask.stream_with_context(parts()))

    @app.teardown_request
    def over(_error):
        log.debug("teardown")

    began = []
    app.config["PROPAGATE_EXCEPTIONS"] = False
    answered = app.wsgi_app(
        {**environ(path), "wsgi.url_scheme": "http", "HTTP_HOST": "shop", "SERVER_NAME": "shop"},
        lambda status, *_: began.append(status),
    )
    try:
        b"".join(answered)
    except LookupError:
        assert path == "/stream-fails"
    finally:
        answered.close()

    expected = {
        "/clean": [],
        "/stream": [],
        "/fails": ["debug", "info", "Exception on /fails [GET]", "teardown", "GET /fails 500"],
        "/stream-fails": ["debug", "info", "part of /stream-fails"],
    }[path]
    said = shipped()
    assert [each for each in said if each not in ("teardown", "GET /stream-fails 200")] == [
        each for each in expected if each != "teardown"
    ]
    assert ("teardown" in said) == ("fails" in path)
