"""Objects of real libraries are logged without a query, and without their secrets."""

from __future__ import annotations

import copy
import dataclasses
import email.message
import http.client
import http.cookiejar
import http.cookies
import io
import logging
import socket
import urllib.request
from typing import Any, NamedTuple

import pytest

from cxlogging.handlers.events import EventMaker
from cxlogging.handlers.redaction.rules import DefaultRules, build_sanitizer

SECRET = "canary4711"
HEADERS = {"Authorization": f"Bearer {SECRET}", "Cookie": f"a={SECRET}", "X-Order": "7"}
ENVIRON = {
    "REQUEST_METHOD": "GET",
    "SERVER_NAME": "shop",
    "SERVER_PORT": "80",
    "wsgi.url_scheme": "http",
    "PATH_INFO": "/cart",
    "HTTP_AUTHORIZATION": f"Bearer {SECRET}",
    "HTTP_COOKIE": f"a={SECRET}",
    "HTTP_X_ORDER": "7",
}


@dataclasses.dataclass
class Call:
    subject: Any


class Metadatum(NamedTuple):
    key: str
    value: str


def ship(value: Any) -> Any:
    """Log *value* in every place that it can have; return what arrives of it in extra."""
    maker = EventMaker(build_sanitizer(DefaultRules()), {}, None, None, lambda *_: None)
    record = logging.LogRecord("shop", 20, "/srv/o.py", 7, {"message": "m", "own": value}, (), None)
    places = {"value": value, "list": [value], "deep": {"d": (value, Call(value))}}
    record.__dict__.update(places)
    event = maker.make(record, None)
    assert SECRET not in str(event.fields) + event.message
    return event.fields["value"]


@pytest.fixture(scope="session")
def django():
    django = pytest.importorskip("django")
    from django.conf import settings

    if not settings.configured:
        settings.configure(
            DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
            INSTALLED_APPS=["django.contrib.contenttypes"],
            USE_I18N=True,
            ALLOWED_HOSTS=["*"],
        )
        django.setup()
    return django


@pytest.fixture
def no_query(django):
    from django.db import connection

    def refuse(execute, sql, *rest):
        raise AssertionError(sql)

    queries: list[str] = []
    with connection.execute_wrapper(lambda execute, sql, *rest: queries.append(sql) or refuse):
        yield
    assert queries == []


@pytest.mark.usefixtures("no_query")
def test_a_model_is_its_class_and_key():
    """A model whose fields are deferred is not loaded, and its __str__ is not called."""
    from django.contrib.contenttypes.models import ContentType

    model = ContentType.from_db("default", ["id"], [7])

    assert ship(model) == {"model": "contenttypes.ContentType", "pk": 7}


@pytest.mark.usefixtures("no_query")
def test_querysets_are_not_evaluated():
    """Querysets, their values, managers and raw querysets are shown without being evaluated."""
    from django.contrib.contenttypes.models import ContentType

    everything = ContentType.objects.all()

    assert ship(everything) == "<QuerySet of ContentType>"
    assert ship(everything.filter(model="a").values("id")) == "<QuerySet of ContentType>"
    for lazy in (ContentType.objects, ContentType.objects.raw("SELECT 1"), everything.iterator):
        assert isinstance(ship(lazy), str)


@pytest.mark.usefixtures("no_query")
def test_a_lazy_object_is_not_evaluated():
    """A SimpleLazyObject, such as request.user, is its class until something has evaluated it."""
    from django.contrib.contenttypes.models import ContentType
    from django.utils.functional import SimpleLazyObject

    lazy = SimpleLazyObject(lambda: ContentType.objects.get(pk=1))
    known = SimpleLazyObject(lambda: ContentType(id=7))
    bool(known)

    assert ship(lazy) == "<SimpleLazyObject>"
    assert ship(known) == {"model": "contenttypes.ContentType", "pk": 7}


@pytest.mark.usefixtures("no_query")
def test_lazy_text_is_its_text_where_that_costs_no_query():
    """A lazy translation is its text; a lazy function of the application's is not called."""
    from django.contrib.contenttypes.models import ContentType
    from django.utils.functional import lazy
    from django.utils.text import format_lazy
    from django.utils.translation import gettext_lazy, ngettext_lazy

    def name() -> str:
        return str(ContentType.objects.get(pk=1))

    assert ship(gettext_lazy("hello")) == "hello"
    assert ship(format_lazy("{}!", gettext_lazy("hello"))) == "hello!"
    assert ship(ngettext_lazy("one", "more", 2)) == "more"
    assert "name" in ship(lazy(name, str)())


@pytest.mark.usefixtures("no_query")
def test_a_request_of_django():
    """A request, its META, its headers and its cookies ship no credentials."""
    from django.core.handlers.asgi import ASGIRequest
    from django.core.handlers.wsgi import WSGIRequest

    request = WSGIRequest({**ENVIRON, "wsgi.input": io.BytesIO()})
    scope = {
        "type": "http",
        "method": "GET",
        "path": "/cart",
        "headers": pairs(),
        "query_string": b"",
    }

    assert ship(request) == {"method": "GET", "path": "/cart"}
    assert ship(request.META)["HTTP_X_ORDER"] == "7"
    assert ship(request.headers)["X-Order"] == "7"
    assert ship({"cookies": request.COOKIES}) == {"cookies": "[redacted]"}
    assert ship(ASGIRequest(scope, None)) == {"method": "GET", "path": "/cart"}


def test_a_socket_has_no_text_of_its_own():
    """`runserver` leaves its connection on the record: the text is the same for all of them."""
    with socket.socket() as one, socket.socket() as other:
        assert ship(one) == ship(other) == "<socket>"


def pairs(kind=bytes):
    return [
        (kind(name.lower(), "latin-1"), kind(value, "latin-1")) for name, value in HEADERS.items()
    ]


@pytest.fixture
def engine():
    sqlalchemy = pytest.importorskip("sqlalchemy")
    engine = sqlalchemy.create_engine("sqlite://")
    engine.queries = []
    sqlalchemy.event.listen(
        engine, "before_cursor_execute", lambda c, cursor, sql, *rest: engine.queries.append(sql)
    )
    yield engine
    engine.dispose()


@pytest.mark.parametrize("as_dataclass", [False, True])
def test_an_object_of_sqlalchemy_causes_no_query(engine, as_dataclass):
    """Neither unloaded relationships and expired columns nor lazy queries are asked for."""
    from sqlalchemy import ForeignKey, orm, select

    bases = (orm.MappedAsDataclass,) if as_dataclass else ()
    base = type("Base", (*bases, orm.DeclarativeBase), {})
    mapped = {
        "id": orm.mapped_column(primary_key=True),
        "parent_id": orm.mapped_column(ForeignKey("users.id")),
    }
    annotations = {"id": orm.Mapped[int], "parent_id": orm.Mapped["int | None"]}
    body = {"__tablename__": "users", "__annotations__": annotations, **mapped}
    user = type("User", (base,), {**body, "__module__": __name__})
    user.children = orm.relationship(user)
    base.metadata.create_all(engine)
    with orm.Session(engine) as session:
        one = user(id=7, parent_id=None)
        session.add(one)
        session.commit()  # what it holds has expired
        engine.queries.clear()

        assert ship(one) == "<User 7>"
        for lazy in (session.query(user), select(user), session, engine, user.children):
            ship(lazy)
        assert engine.queries == []


def test_a_row_of_sqlalchemy_is_a_mapping(engine):
    """A row has names, by which it is redacted."""
    from sqlalchemy import text

    with engine.connect() as connection:
        row = connection.execute(text(f"SELECT 7 AS id, '{SECRET}' AS password")).one()

    assert ship(row) == {"id": 7, "password": "[redacted]"}
    assert ship(row._mapping) == {"id": 7, "password": "[redacted]"}


def test_an_address_of_sqlalchemy(engine):
    """The password of a database's address is hidden, in the address and in an engine."""
    from sqlalchemy import create_engine, make_url

    url = make_url(f"sqlite://u:{SECRET}@h/d")

    assert ship(url)["username"] == "u"
    assert SECRET not in str(ship(copy.copy(engine)))
    ship(create_engine("sqlite://"))


def test_what_werkzeug_holds():
    """Headers, those of an environment, a request and a response print no credentials."""
    werkzeug = pytest.importorskip("werkzeug")
    from werkzeug.datastructures import EnvironHeaders, Headers

    request = werkzeug.Request(ENVIRON)

    assert "X-Order" in ship(Headers(HEADERS))
    assert "X-Order" in ship(EnvironHeaders(ENVIRON))
    assert ship(request) == {"method": "GET", "path": "/cart"}
    for value in (request.headers, request.environ, {"cookies": request.cookies}):
        ship(value)
    ship(werkzeug.Response("x", headers={"Set-Cookie": SECRET}))
    ship(werkzeug.Response("x", headers={"Set-Cookie": SECRET}).headers)


def test_what_flask_holds():
    """Flask's proxies are what they stand for, and outside of a request their repr."""
    flask = pytest.importorskip("flask")
    app = flask.Flask("shop")
    app.secret_key = SECRET

    assert "unbound" in ship(flask.request)
    with app.test_request_context("/cart", headers=HEADERS):
        flask.session["token"] = SECRET
        flask.g.token = SECRET
        assert ship(flask.request) == {"method": "GET", "path": "/cart"}
        assert ship(flask.session) == {"token": "[redacted]"}
        for value in (flask.g, flask.current_app, app.config, flask.request.authorization):
            ship(value)


def test_what_starlette_holds():
    """A request is its scope, of which the headers are hidden by name, as its own headers are."""
    pytest.importorskip("starlette")
    from starlette.datastructures import Headers, MutableHeaders
    from starlette.requests import Request

    scope = {"type": "http", "method": "GET", "path": "/cart", "headers": pairs()}

    assert ship(Request(scope))["path"] == "/cart"
    assert ship(Headers(HEADERS))["x-order"] == "7"
    for value in (
        MutableHeaders(HEADERS),
        Headers(raw=pairs()).raw,
        {"cookies": Request(scope).cookies},
    ):
        ship(value)


def test_what_requests_and_urllib3_hold():
    """Requests, prepared ones, their headers, sessions, and jars of cookies."""
    import requests
    import urllib3

    request = requests.Request("GET", "http://shop/", headers=HEADERS, auth=("u", SECRET))
    response = requests.Response()
    response.headers["Set-Cookie"] = SECRET
    session = requests.Session()
    session.auth = ("u", SECRET)
    session.cookies.set("anything", SECRET)

    assert ship(request.prepare()) == "<PreparedRequest [GET]>"
    assert ship(request.prepare().headers)["X-Order"] == "7"
    assert ship(session.cookies) == {"cookies": "[redacted]"}
    for value in (request, response, response.headers, session, session.__dict__):
        ship(value)
    assert ship(urllib3.HTTPHeaderDict(HEADERS))["X-Order"] == "7"
    ship(urllib3.Retry(remove_headers_on_redirect=["Authorization"]))


def test_what_httpx_holds():
    """Requests, responses, headers, cookies and clients."""
    httpx = pytest.importorskip("httpx")

    request = httpx.Request(
        "GET", f"http://u:{SECRET}@shop/", headers=HEADERS, cookies={"a": SECRET}
    )
    response = httpx.Response(200, headers={"Set-Cookie": f"a={SECRET}"}, request=request)

    assert ship(httpx.Headers(HEADERS))["x-order"] == "7"
    assert ship(response.cookies) == {"cookies": "[redacted]"}
    for value in (
        request,
        request.headers,
        request.headers.raw,
        response,
        response.headers,
        request.url,
    ):
        ship(value)


def test_what_aiohttp_holds():
    """Headers, what is known of a request, and a response, whose repr prints its headers."""
    aiohttp = pytest.importorskip("aiohttp")
    multidict = pytest.importorskip("multidict")
    from yarl import URL

    headers = multidict.CIMultiDict(HEADERS)
    proxy = multidict.CIMultiDictProxy(headers)
    url = URL("http://shop/")
    request = aiohttp.RequestInfo(url, "GET", proxy, url)

    class Response(aiohttp.ClientResponse):
        def __init__(self):
            self._headers, self._url, self.status, self.reason = proxy, url, 200, "OK"
            self._cache = {}

        def __del__(self, _warnings=None):
            """It has no connection to give back."""

    assert ship(headers)["X-Order"] == ship(proxy)["X-Order"] == "7"
    assert "200 OK" in ship(Response())
    for value in (request, [request], multidict.MultiDict(HEADERS)):
        ship(value)


def test_what_the_standard_library_holds():
    """Messages, requests, environments, scopes, and cookies in each of their forms."""
    message, answer = email.message.Message(), http.client.HTTPMessage()
    request = urllib.request.Request("http://shop/", headers=HEADERS)
    jar, simple = http.cookiejar.CookieJar(), http.cookies.SimpleCookie(f"a={SECRET}")
    jar.set_cookie(cookie())
    for name, value in HEADERS.items():
        message[name] = answer[name] = value
    scope = {"type": "http", "headers": pairs(), "state": {}}

    for value in (
        message,
        answer,
        request,
        request.headers,
        request.header_items(),
        message.items(),
    ):
        ship(value)
    assert ship(ENVIRON)["HTTP_X_ORDER"] == "7"
    assert ship(scope)["type"] == "http"
    assert ship(jar) == ship(simple) == {"cookies": "[redacted]"}
    assert ship(cookie()) == {"domain": "shop", "cookie": "[redacted]"}
    ship(simple["a"])


def cookie():
    return http.cookiejar.Cookie(
        0,
        "a",
        SECRET,
        None,
        False,
        "shop",
        True,
        False,
        "/",
        True,
        False,
        None,
        True,
        None,
        None,
        {},
    )


def test_a_key_and_a_value_that_are_fields():
    """Pairs that are named tuples or mappings, as gRPC's metadata, are redacted like pairs."""
    assert ship([Metadatum("authorization", SECRET), Metadatum("a", "b")])[1] == {
        "key": "a",
        "value": "b",
    }
    assert ship([{"name": "Cookie", "value": SECRET}, {"name": "a", "value": "b"}])[1] == {
        "name": "a",
        "value": "b",
    }
