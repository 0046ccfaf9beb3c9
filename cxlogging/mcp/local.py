"""The local server as a source: its JSON API, over HTTP."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import requests

from ..wire.settings import nothing_listens
from .source import Found, LogEvent, LogSource, Search, ToolError

TIMEOUT = (3.0, 60.0)
"""Seconds to connect, and without data; a query of the local server ends after 30."""

Parameters = Sequence[tuple[str, str]]


class LocalSource(LogSource):
    """
    The events of a local server.

    Args:
        url: Its address, such as ``http://127.0.0.1:8765``.
    """

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")
        self.name = f"the local server at {self._url}"
        self.window = "in the store of the local server"
        self.sample = 2_000
        self._session = requests.Session()
        self._session.trust_env = False  # the server is on this machine: no proxy

    def search(self, search: Search) -> Found:
        """Return the newest events that match."""
        answer = self._get("/api/rows", [*_filter(search), *_page(search)])
        if answer["kind"] != "table":
            more, notes = answer["next_before"] is not None, answer.get("warnings", ())
            return Found(answer["rows"], more, answer["total"], notes=notes)
        table = answer["table"]
        rows = [dict(zip(table["columns"], row, strict=True)) for row in table["rows"]]
        return Found(table=rows, more=table["truncated"], notes=table["warnings"])

    def cursor(self, event: LogEvent) -> str:
        """Return what continues a search after *event*."""
        return str(event["id"])

    def event(self, event_id: str) -> LogEvent:
        """Return the whole event with this id."""
        number = event_id.strip().lstrip("#")
        if not (number.isascii() and number.isdecimal()):
            raise ToolError(f"id takes the number after # in an answer, not {event_id!r}.")
        answer = self._get(f"/api/event/{number}")
        event = dict(answer["event"])
        event["traces"] = [each["text"] for each in event.get("traces", ())]
        return {**event, **{name: answer.get(name) for name in ("wire", "request", "related")}}

    def related(self, event: LogEvent) -> Mapping[str, Sequence[LogEvent]]:
        """Return by name of an id the events that share it."""
        return {name: rows for name, rows in (event["related"] or {}).items() if event[name]}

    def rejected(self, limit: int) -> Sequence[Mapping[str, Any]]:
        """Return the newest rejected requests, newest first."""
        answer = self._get("/api/rejected", [("limit", str(limit))])
        rows: Sequence[Mapping[str, Any]] = answer["rejected"]
        return rows

    def fields(self, search: Search) -> Sequence[Mapping[str, Any]]:
        """Return the keypaths of the events that match."""
        answer = self._get("/api/fields", list(_filter(search)))
        rows: Sequence[Mapping[str, Any]] = answer["fields"]
        return rows

    def volume(self, by: str, since: int | None) -> Mapping[str, Any]:
        """Return who sent how much."""
        return self._get("/api/volume", [("by", by), *_filter(Search(since=since))])

    def absence(self) -> str:
        """Return why a search may have found nothing."""
        count = sum(self._get("/api/counts")["counts"].values())
        if count:
            return f"There are {count:,} events in all: ask for fewer conditions."
        return (
            f"No event has arrived at {self._url} yet. Run the application with"
            f" CXLOGGING_URL={self._url} and a handler of cxlogging."
        )

    def _get(self, path: str, parameters: Parameters = ()) -> Mapping[str, Any]:
        try:
            response = self._session.get(
                f"{self._url}{path}",
                params=list(parameters),
                timeout=TIMEOUT,
                allow_redirects=False,
            )
        except requests.ConnectionError:
            raise ToolError(f"{nothing_listens(urlsplit(self._url).netloc)} {_START}") from None
        except requests.RequestException as error:
            raise ToolError(f"{self.name} gave no answer: {type(error).__name__}.") from None
        try:
            document = response.json()
        except ValueError:
            document = None
        if response.status_code == 200 and isinstance(document, dict):
            return document
        raise ToolError(self._refusal(response.status_code, document))

    def _refusal(self, status: int, document: object) -> str:
        if not isinstance(document, dict) or not isinstance(document.get("error"), str):
            return f"{self._url} answered HTTP {status}: is it `cxlogging dev`, in this version?"
        shown = (document.get(name) for name in ("error", "caret", "hint"))
        return "\n".join(each for each in shown if isinstance(each, str) and each)


_START = "Start it in another terminal, then run the application again: `cxlogging dev`."


def _filter(search: Search) -> Iterator[tuple[str, str]]:
    if search.query:
        yield "q", search.query
    if search.severity > 1:
        yield from (("level", str(each)) for each in range(search.severity, 7))
    if search.since is not None:
        yield "from", str(search.since)


def _page(search: Search) -> Iterator[tuple[str, str]]:
    yield "limit", str(search.limit)
    if search.before:
        number = search.before.strip().lstrip("#")
        if not (number.isascii() and number.isdecimal()):
            raise ToolError(
                f"before takes the number that an earlier answer ended with, not {search.before!r}."
            )
        yield "before", number
