from __future__ import annotations

import copy
import pickle

import pytest

from cxlogging.wire.http import Endpoint, Request, Secret


def test_a_secret_shows_nowhere():
    """A secret's repr and str are masked, alone and inside other values."""
    secret = Secret("canary")

    shown = f"{secret} {secret!r} {[secret]} { ({'key': secret}) }"
    assert "canary" not in shown
    assert shown.count("Secret(****)") == 4
    assert secret.reveal() == "canary"


@pytest.mark.parametrize("take", [pickle.dumps, copy.copy, copy.deepcopy])
def test_a_secret_is_not_pickled(take):
    """A Secret cannot be pickled."""
    with pytest.raises(TypeError, match="a Secret is not pickled"):
        take(Secret("canary"))


def test_an_empty_secret_is_none():
    """A secret without a value counts as missing."""
    assert not Secret("")
    assert Secret("x")


def test_a_request_shows_neither_headers_nor_body():
    """The repr of a request shows only its endpoint."""
    endpoint = Endpoint("https", "a.example", 443, "/p")

    assert (
        repr(Request(endpoint, (("K", "canary"),), b"canary")) == f"Request(endpoint={endpoint!r})"
    )


@pytest.mark.parametrize(
    ("endpoint", "address"),
    [
        (Endpoint("https", "a.example", 443, "/p"), "https://a.example/p"),
        (Endpoint("https", "a.example", 80, "/p"), "https://a.example:80/p"),
        (Endpoint("http", "127.0.0.1", 80, "/"), "http://127.0.0.1/"),
        (Endpoint("http", "127.0.0.1", 8765, "/"), "http://127.0.0.1:8765/"),
        (Endpoint("https", "::1", 443, "/"), "https://[::1]/"),
        (Endpoint("http", "::1", 8765, "/"), "http://[::1]:8765/"),
    ],
)
def test_an_address_leaves_out_its_scheme_s_own_port(endpoint, address):
    """An IPv6 host is in brackets, and the port is omitted if it is the scheme's default."""
    assert str(endpoint) == address
    assert endpoint.authority == address.split("/")[2]
