"""
Reports the statistics of all handlers of the process to the local server, whose page shows them.

A thread of its own reads them once a second and posts them: log calls do nothing for it. It
leaves before a fork and at the exit, as the package's other threads do.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from operator import itemgetter
from typing import Any

from ..errors import ConfigurationError
from ..wire import settings
from ..wire.external_errors import contained
from ..wire.http import Endpoint, Request
from ..wire.option_parsers import boolean
from .diagnostics import Diagnostics
from .http.connect import Connector
from .http.interface import TransportError
from .http.transport import HttpTransport
from .lane import Lane
from .ledger import Stats
from .options import Options
from .overview import named_workers
from .process import exit as ending
from .process.registry import AT_LAST, REPORTERS
from .process.state import PROCESS, own_thread
from .process.threadless import no_thread
from .process.watcher import Watcher
from .volume import VolumeRow, shortened

PATH = "/api/reports"
SECONDS = 1.0
"""Between two reports."""

TIMEOUT = 2.0
LAST_TIMEOUT = 0.25
"""Seconds that the report at the exit takes at most: the process waits for it."""

MAX_CALL_SITES = 100
"""Of a handler in a report; the last stands for all that have no room."""

ALL_CALL_SITES = 300
"""Of all handlers in a report, so that it stays small."""

MAX_NAME, MAX_PATH = 100, 200
"""Characters of a name, and of a path, of a call site in a report."""

HEADERS = (("Content-Type", "application/json"),)


def report_stats(url: str | None = None) -> None:
    """
    Report the statistics of all handlers of this process to the local server once a second.

    The page of ``cxlogging dev`` then shows them: what was accepted, delivered and lost, and how
    full each queue is. The setting ``CXLOGGING_REPORT_STATS=1`` does the same for programs
    that are not to be changed. The thread that reports never delays a log call, goes on in the
    children of a fork, and ends with the process. Calling it again changes the address.

    Args:
        url: Scheme, host and port of the local server, on this machine. Default:
            ``CXLOGGING_URL``.

    Raises:
        ConfigurationError: No address is set, or it is not one of this machine.
    """
    endpoint = settings.endpoint(url, None, PATH, allow_plain_http=True)
    if endpoint is None:
        raise ConfigurationError(
            f"report_stats() needs the address of the local server: set {settings.URL_VARIABLE},"
            " such as to http://127.0.0.1:8765, or pass url=."
        )
    if not settings.is_loopback(endpoint.host):
        raise ConfigurationError(
            "report_stats() reports to the local server on this machine only, and"
            f" {endpoint.source} names {endpoint.origin}: use a loopback address, such as"
            " http://127.0.0.1:8765."
        )
    REPORTER.begin(endpoint)


def report_as_configured(diagnostics: Diagnostics) -> None:
    """Call `report_stats` where ``CXLOGGING_REPORT_STATS`` asks for it; say what prevents it."""
    name = settings.REPORT_VARIABLE
    if not boolean(name, settings.held(name)):
        return
    try:
        report_stats()
    except ConfigurationError as error:
        diagnostics.say("report", "report", f"{name}: {error}".rstrip("."))


class StatsReporter:
    """Posts reports from a thread of its own, once it has an address."""

    def __init__(self) -> None:
        self._endpoint: Endpoint | None = None
        self._transport: HttpTransport | None = None
        self._pid = 0
        self._answered: bool | None = None  # until there was a first report
        self._diagnostics = Diagnostics("report_stats()")
        self._watcher = Watcher(self._is_needed, self._report, own_thread, SECONDS)

    def begin(self, endpoint: Endpoint) -> None:
        """Report to *endpoint* from now on."""
        self._endpoint, self._pid = endpoint, 0
        PROCESS.once(ending.install)
        if self._watcher not in REPORTERS:
            REPORTERS.append(self._watcher)
            AT_LAST.append(self._report_last)
        if not self._watcher.start() and self._watcher.trouble:
            sentence = f"no thread can be started to report: {self._watcher.trouble}"
            self._diagnostics.say("start", "start", sentence)
        elif reason := no_thread():
            self._diagnostics.say("start", "start", f"statistics are not reported yet: {reason}")

    def end(self) -> None:
        """Report no more, as before the local server of this process is stopped."""
        self._endpoint, self._answered = None, None

    def _is_needed(self) -> bool:
        return self._endpoint is not None and not (PROCESS.is_ending or PROCESS.is_forking)

    def _report(self) -> None:
        endpoint = self._endpoint
        if endpoint is None:
            return
        with contained:  # a failed report must end neither the thread nor the process
            if reason := self._refusal(endpoint, TIMEOUT):
                self._failed(endpoint, reason)
            else:
                self._answered = True
                self._diagnostics.passed("report")

    def _report_last(self) -> None:
        """Report how it ended, unless the server did not take the report before."""
        endpoint = self._endpoint
        if endpoint is None or self._answered is False:
            return
        with own_thread(), contained:
            is_first = self._answered is None  # of a process that has ended soon
            reason = self._refusal(endpoint, TIMEOUT if is_first else LAST_TIMEOUT)
            if reason and is_first:  # else the server may have ended before
                self._failed(endpoint, reason)
            self._connected(endpoint).close()

    def _refusal(self, endpoint: Endpoint, seconds: float) -> str:
        """Post a report; return why the server does not take it, or an empty text."""
        request = Request(endpoint, HEADERS, json.dumps(report()).encode())
        try:
            status = self._connected(endpoint).send(request, None, seconds).status
        except TransportError as error:
            return str(error)
        return "" if status == 200 else f"answered {status}: is it `cxlogging dev` of this version?"

    def _connected(self, endpoint: Endpoint) -> HttpTransport:
        if self._transport is None or self._pid != os.getpid():
            if self._transport is not None:
                self._transport.close()  # of a parent's connections only our descriptors
            self._transport = HttpTransport(Connector(endpoint, Options()))
            self._pid = os.getpid()
        return self._transport

    def _failed(self, endpoint: Endpoint, reason: str) -> None:
        self._answered = False
        if self._endpoint is not None:  # `end` was not called meanwhile
            sentence = f"the local server at {endpoint.origin} does not take statistics: {reason}"
            self._diagnostics.say("report", "report", sentence)


REPORTER = StatsReporter()
"""The one of the process."""


def report() -> dict[str, Any]:
    """Return what is reported: the process, and for each handler its statistics and its queue."""
    handlers: list[dict[str, Any]] = []
    everyone = list(named_workers())
    most = max(1, min(MAX_CALL_SITES, ALL_CALL_SITES // max(1, len(everyone))))
    for name, workers in everyone:
        lane = workers.lane
        volume = _call_sites(shortened(lane.volume.rows(name), most))
        handlers.append({"name": name, **_numbers(lane), "volume": volume})
    handlers.sort(key=itemgetter("name"))
    return {"process": f"{settings.program_name()} ({os.getpid()})", "handlers": handlers}


def _numbers(lane: Lane) -> dict[str, Any]:
    """Return the statistics of a delivery and of its queue at one instant."""

    def read() -> dict[str, Any]:
        with lane.lock:
            return {
                "vendor": lane.destination.identity["vendor"],
                "stats": _as_json(lane.stats()),
                "queue_records": lane.outstanding,
                "queue_bytes": lane.queue.bytes_held,
                "queue_limit": lane.queue.bound,
            }

    # First this, then the lock, as a thread that moves held records has it.
    return lane.ledger.between_looks(read)


def _as_json(stats: Stats) -> dict[str, Any]:
    lost = {f"{outcome} {level}": count for (outcome, level), count in stats.lost_by_level.items()}
    return {**stats._asdict(), "lost_by_level": lost, "reasons": dict(stats.reasons)}


def _call_sites(rows: Sequence[VolumeRow]) -> list[dict[str, Any]]:
    """Return *rows* as JSON objects, without their destination."""
    texts = ("logger", "function", "level")
    sites = []
    for row in rows:
        site = row._asdict()
        del site["destination"]
        site.update({name: site[name][:MAX_NAME] for name in texts}, file=row.file[-MAX_PATH:])
        sites.append(site)
    return sites
