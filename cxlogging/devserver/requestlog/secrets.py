"""Hides the keys that a request or its answer quotes, before either is stored."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache

from ...vendors.emulation.types import AcceptedKeys
from ...wire.masking import Masker, header_secrets
from ...wire.settings import LOCAL_KEY


def masker(headers: Mapping[str, str], key_headers: Iterable[str], keys: AcceptedKeys) -> Masker:
    """
    Return what hides the keys that were given to the server or sent in *headers*.

    Args:
        headers: Of the request, with names in lower case.
        key_headers: The names of those that carry a key, whatever they are called.
        keys: The keys that the server accepts.
    """
    found = {*map(_as_latin_1, keys.known()), *_sent(headers, frozenset(key_headers))}
    return _masker(frozenset(found - {LOCAL_KEY}))


def _sent(headers: Mapping[str, str], key_headers: frozenset[str]) -> Iterator[str]:
    for name, value in headers.items():
        yield from header_secrets("key" if name in key_headers else name, value)


def _as_latin_1(key: str) -> str:
    # As HTTP's headers are decoded: a character for each byte, so that bodies can be searched.
    return key.encode("utf-8", "surrogateescape").decode("latin-1")


@lru_cache(maxsize=64)
def _masker(secrets: frozenset[str]) -> Masker:
    return Masker(secrets)
