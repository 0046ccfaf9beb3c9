"""Case 59: attacks on the local server by web pages, programs and log texts."""

from __future__ import annotations

import gzip
import http.client
import json
import socket
import time

import pytest

from cxlogging.devserver import DevServer
from tests.page.driver import MISSING, Page, start_browser

JSON = {"Content-Type": "application/json"}
KEY = {"Authorization": "Bearer k", "X-Honeycomb-Team": "k"}
EVIL = '<img src=x onerror="document.title=1"><script>document.title=2</script>\x1b]0;evil\x07'


@pytest.fixture
def local():
    with DevServer() as running:
        yield running


def ask(local, method="GET", path="/api/health", body=b"", headers=None, timeout=10):
    line = http.client.HTTPConnection("127.0.0.1", local.port, timeout=timeout)
    try:
        line.request(method, path, body, headers or {})
        answer = line.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()
    finally:
        line.close()


@pytest.mark.case(59)
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.com"}, 403),
        ({"Origin": "http://evil.com"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Content-Type": "text/plain"}, 403),
        (JSON, 200),
    ],
)
def test_case_59_foreign_pages(local, headers, status):
    """Another host name, another origin, a content type that a page may send without a preflight:
    403.
    """
    body = json.dumps({"status": 503}).encode()
    merged = {**JSON, **headers}
    answered, seen, _ = ask(local, "POST", "/api/faults", body, merged)

    assert answered == status
    assert "Access-Control-Allow-Origin" not in seen
    assert len(local.faults.active()) == (status == 200)


@pytest.mark.case(59)
def test_case_59_a_body_of_1_gb(local):
    """A body that is announced with 1 GB gets 413 before any of it is read."""
    with socket.create_connection(("127.0.0.1", local.port), timeout=10) as line:
        line.sendall(
            b"POST / HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nAuthorization: Bearer k\r\n"
            b"Content-Type: application/json\r\nContent-Length: 1073741824\r\n\r\n" % local.port
        )
        assert line.recv(100).split()[1] == b"413"
    assert local.count() == 0


@pytest.mark.case(59)
@pytest.mark.parametrize("path", ["/logs/v1/bulk", "/"])
def test_case_59_a_gzip_bomb(local, path):
    """1 GB of zeros in 1 MB of gzip gets 413, and is not decompressed."""
    bomb = gzip.compress(bytes(2**24)) * 64
    headers = {**JSON, **KEY, "Content-Encoding": "gzip"}
    began = time.process_time()

    assert ask(local, "POST", path, bomb, headers)[0] == 413
    assert time.process_time() - began < 5
    assert local.count() == 0


@pytest.mark.case(59)
@pytest.mark.parametrize(
    "name", ["..%2F..%2Fetc%2Fpasswd", "../../etc/passwd", "..%2f..%2fetc", "%00"]
)
def test_case_59_a_dataset_that_is_a_path(local, name):
    """A path as the name of a dataset is a name or refused; it is never opened."""
    body = json.dumps([{"data": {"message": "x"}}]).encode()
    status, _, answer = ask(local, "POST", f"/1/batch/{name}", body, {**JSON, **KEY})

    assert status in {200, 400, 404}
    assert b"root:" not in answer
    assert all(event["vendor"] == "honeycomb" for event in local.events())
    assert ask(local)[0] == 200


@pytest.mark.case(59)
@pytest.mark.timeout(60)
def test_case_59_1000_idle_connections(local):
    """1,000 silent connections delay a real one by no more than the 5 s after which they are
    closed.
    """
    idle = []
    try:
        while len(idle) < 1_000:
            idle.append(socket.create_connection(("127.0.0.1", local.port), timeout=10))
        end = time.monotonic() + 15
        served = 0
        while served != 200 and time.monotonic() < end:
            try:
                served = ask(local, timeout=10)[0]
            except OSError:
                continue
        assert served == 200
    finally:
        for line in idle:
            line.close()


def evil(local) -> None:
    body = json.dumps([{"data": {"message": EVIL}}]).encode()
    assert ask(local, "POST", "/1/batch/d", body, {**JSON, **KEY})[0] == 200


@pytest.mark.case(59)
def test_case_59_texts_on_a_terminal(local, tmp_path):
    """A log text with escape sequences is printed with them escaped."""
    evil(local)
    from cxlogging.cli.shared.screen import safe

    assert "\x1b" not in safe(EVIL)
    assert "\x07" not in safe(EVIL)


@pytest.mark.case(59)
def test_case_59_the_page_s_policy(local):
    """Every answer has a policy that allows only scripts from the server's own files; data is never
    a page.
    """
    evil(local)
    for path in ("/", "/api/events", "/api/health", "/nothing"):
        _, headers, _ = ask(local, path=path)
        assert "default-src 'none'; script-src 'self'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
    assert ask(local, path="/api/events")[1]["content-type"].startswith("application/json")


@pytest.mark.servers
@pytest.mark.case(59)
def test_case_59_texts_on_the_page(local, tmp_path):
    """A log text with an image whose error runs a script is shown as text by a real browser."""
    if MISSING:
        pytest.skip(MISSING)
    evil(local)
    browser = start_browser(str(tmp_path))
    try:
        page = Page(browser, local.url).open()
        page.until(
            "document.querySelector('.rows .row')?.textContent.includes('<img src=x onerror=')"
        )
        assert page.run("document.querySelectorAll('img, body script').length") == 0
        assert page.run("document.title") == "cxlogging dev"
    finally:
        browser.quit()
