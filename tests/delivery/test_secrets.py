"""No secret is shown by a diagnostic, whoever has quoted it."""

from __future__ import annotations

import base64
import contextlib
import logging
import os
from pathlib import Path
from urllib.parse import quote

import pytest

import cxlogging
from cxlogging.dataprime import DataPrimeClient
from cxlogging.dataprime.errors import QueryError
from tests.delivery.test_delivery import wait_until
from tests.delivery.test_transport import Script
from tests.wire.test_masking import remains

KEY = "hcaik_01canary/4711+abcdefghijklmnop"
PASSWORD = "pass-canary-0815"
HEADER = "canary-gw-2342-x"
HANDLERS = {
    "coralogix": (cxlogging.CoralogixHandler, {"application_name": "shop"}),
    "honeycomb": (cxlogging.HoneycombHandler, {"dataset": "shop"}),
    "betterstack": (cxlogging.BetterStackHandler, {}),
}
QUOTES = {
    "whole": f"bad key {KEY}",
    "beginning": f"unknown API key - check your credentials: {KEY[:8]}",
    "percent-encoded": f"no such path ?key={quote(KEY, safe='')}",
    "JSON": '{"error": "bad key ' + KEY.replace("/", "\\/") + '"}',
    "base64": "Basic " + base64.b64encode(f"user:{PASSWORD}".encode()).decode(),
    "header": f"X-Gateway-Token: {HEADER} was refused",
    "at the cut": "x" * 215 + f" {KEY}",
    "a URL": f"see https://user:{PASSWORD}@proxy.example/",
}


def shows(text: str) -> list[str]:
    """Return the secrets that *text* contains."""
    forms = [KEY, quote(KEY, safe=""), PASSWORD, HEADER]
    forms.append(base64.b64encode(f"user:{PASSWORD}".encode()).decode())
    return [form for form in forms if remains(text, form) or form[:LEAST_SHOWN] in text]


LEAST_SHOWN = 8


def content(folder: Path) -> str:
    """Return the content of all files below *folder*; the spool may remove some meanwhile."""
    texts = []
    for place, _, files in os.walk(folder):
        for name in files:
            with contextlib.suppress(FileNotFoundError):
                texts.append(Path(place, name).read_bytes().decode("latin-1"))
    return "".join(texts)


def said(capfd, words: str) -> str:
    """Return what was written to stderr, once it contains *words*."""
    texts = []

    def is_there() -> bool:
        texts.append(capfd.readouterr().err)
        return words in "".join(texts)

    wait_until(is_there)
    return "".join(texts)


@pytest.mark.parametrize("vendor", HANDLERS)
@pytest.mark.parametrize("status", [400, 401, 503])
@pytest.mark.parametrize("quoted", QUOTES)
def test_a_vendor_that_quotes_a_secret(vendor, status, quoted, server, tmp_path, capfd):
    """
    Whatever an answer quotes, no text of this package shows it: stderr, on_error, statistics,
    check, and what the spool keeps of a refused record.
    """
    make, names = HANDLERS[vendor]
    heard = []
    handler = make(
        KEY,
        url=server.url,
        spool=str(tmp_path) if status == 400 else None,
        flush_interval=0,
        retry_initial=0.01,
        close_timeout=0,
        proxy=f"http://user:{PASSWORD}@127.0.0.1:1",  # not for plain http, but known
        headers={"X-Gateway-Token": HEADER},
        on_error=heard.append,
        **names,
    )
    log = logging.Logger("shop")  # noqa: LOG001 - out of the tree
    log.addHandler(handler)
    server.faults.add(status=status, body=QUOTES[quoted])
    log.warning("x")
    handler.flush(0.2 if status != 400 else 20)
    checked = handler.check()
    stats = handler.stats()
    handler.close()
    handler.delivery.workers.abandon()

    err = said(capfd, f"HTTP {status}")
    kept = content(tmp_path)
    texts = {
        "stderr": err,
        "on_error": " ".join(heard),
        "last_error": stats.last_error,
        "reasons": " ".join(stats.reasons),
        "cause": checked.cause + checked.cure,
        "spool": kept,
        "repr": f"{handler!r} {handler.delivery.destination!r}",
    }
    assert {name: shows(text) for name, text in texts.items() if shows(text)} == {}


def test_a_honeycomb_status_that_quotes_the_key(server, capfd):
    """The reason for a single event is masked like the whole answer."""
    from cxlogging.vendors.honeycomb.destination import configure
    from cxlogging.wire.http import Action, Response
    from tests.fakes import Network

    body = f'[{{"status": 400, "error": "no {KEY} here"}}]'.encode()
    handler = cxlogging.HoneycombHandler(KEY, dataset="shop", url=server.url, flush_interval=0)
    handler.delivery.lane.replace(
        make_transport=lambda: Network(lambda _: Response(200, body=body))
    )
    handler.delivery.workers.reset()
    log = logging.Logger("shop")  # noqa: LOG001 - out of the tree
    log.addHandler(handler)
    log.warning("x")
    assert handler.flush(20)

    assert handler.stats().reasons == {"status 400: no **** here": 1}
    assert said(capfd, "status 400: no **** here")
    verdict = configure(KEY, dataset="shop").interpret(Response(200, body=body), 1)
    assert verdict.items[0][0] is Action.REFUSED


def test_a_proxy_that_quotes_what_it_got(capfd):
    """A proxy's refusal shows neither its user's password nor the encoded form of it."""

    def refuse(connection, number):
        head = b""
        while b"\r\n\r\n" not in head:
            head += connection.recv(65_536)
        login = next(line for line in head.decode().splitlines() if "Basic" in line)
        connection.sendall(f"HTTP/1.1 407 {login} ({PASSWORD}) refused\r\n\r\n".encode())
        connection.close()

    with Script(refuse) as proxy:
        handler = cxlogging.BetterStackHandler(
            KEY,
            ingesting_host="vendor.example",
            proxy=f"http://user:{quote(PASSWORD)}@127.0.0.1:{proxy.port}",
        )
        cause = handler.check().cause

    assert "407" in cause
    assert shows(cause) == []


def test_the_query_client_masks_what_it_shows(server):
    """
    The exception of a query shows no part of the key, and words that contain a part
    of it stay.
    """
    server.faults.add(status=400, body=f"x{'.' * 1_990}{KEY} {quote(KEY, safe='')}")
    with DataPrimeClient(KEY, url=server.url) as client, pytest.raises(QueryError) as caught:
        client.query("source logs", since="1h")

    assert shows(str(caught.value)) == []


@pytest.mark.parametrize("key", ["in", "key", "r", "status"])
def test_a_short_key_garbles_no_answer(key, server):
    """An answer is parsed unmasked: a key that is a word of it changes nothing."""
    with DataPrimeClient(key, url=server.url) as client:
        job = client.submit("source logs", start="-1h", end="now")
        job.wait(20)

        assert job.results().query_id == job.query_id
