"""The client: ask, stream, submit."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Generator, Mapping
from types import TracebackType
from typing import Any

import requests

from ..errors import ConfigurationError
from ..vendors.coralogix.destination import address_warnings
from ..wire.option_parsers import shown
from . import jobs, reading, request
from .background import Dataset, submission
from .errors import CxQueryWarning, RateLimited
from .http.address import address, query_key, seconds
from .http.answer import Answer
from .http.transport import Clock, Door, Patience
from .request import DirectQuery, direct
from .results import QueryResult, RowStream, collected
from .rows import Row
from .split import SplitProgress, split

PATH = "/api/v1/dataprime/query"


class DataPrimeClient:
    """
    Queries logs over HTTP.

    Args:
        api_key: A personal or team key with the DataQuerying preset; else
            ``CX_API_KEY``, else ``CORALOGIX_API_KEY``.
        domain: A domain (``eu2.coralogix.com``) or a region (``eu2``); else the variables
            of `CoralogixHandler`, ``CORALOGIX_DOMAIN`` first.
        url: Replaces ``https://api.<domain>``; plain http to this machine alone.
        timeout: Seconds that `query` and `submit` take at most, retries included.
        silence: Seconds that the service may say nothing.
        retry_budget: Seconds of waiting for a rate limit or a passing 5xx, for one call.
        row_limits: Largest ``limit`` by tier, where an account has others than 15,000 rows
            (``"frequent"``) and 50,000 (``"archive"``).
        session: A `requests.Session` of the caller's, which the caller closes.
        clock: Time and sleeping.
    """

    def __init__(
        self,
        api_key: str | None = None,
        domain: str | None = None,
        url: str | None = None,
        *,
        timeout: float | None = 300.0,
        silence: float = 60.0,
        retry_budget: float = 60.0,
        row_limits: Mapping[str, int] | None = None,
        session: requests.Session | None = None,
        clock: Clock | None = None,
    ) -> None:
        endpoint = address(domain, url)
        for sentence in address_warnings(domain, url):
            warnings.warn(sentence, CxQueryWarning, stacklevel=2)
        key = query_key(api_key, endpoint)
        self.timeout = None if timeout is None else seconds("timeout", timeout)
        self.row_limits: Mapping[str, int] = request.row_limits(row_limits)
        self._clock = clock or Clock()
        self._door = Door(
            endpoint,
            key,
            session,
            clock=self._clock,
            silence=seconds("silence", silence),
            budget=seconds("retry_budget", retry_budget, least=0.0),
        )

    def query(
        self,
        query: str,
        *,
        since: Any = None,
        start: Any = None,
        end: Any = None,
        tier: str = "frequent",
        syntax: str = "dataprime",
        limit: int | None = None,
        default_source: str | None = None,
        strict_fields: bool = False,
        now: Any = None,
        preset: str | None = None,
        timeout: float | None = None,
        split_on_limit: bool = False,
        on_progress: Callable[[SplitProgress], None] | None = None,
    ) -> QueryResult:
        """Return all rows of *query*; its arguments are those of `stream`."""
        given = {name: value for name, value in locals().items() if name != "self"}
        given["timeout"] = self.timeout if timeout is None else timeout
        return collected(self.stream(**given))

    def stream(
        self,
        query: str,
        *,
        since: Any = None,
        start: Any = None,
        end: Any = None,
        tier: str = "frequent",
        syntax: str = "dataprime",
        limit: int | None = None,
        default_source: str | None = None,
        strict_fields: bool = False,
        now: Any = None,
        preset: str | None = None,
        timeout: float | None = None,
        split_on_limit: bool = False,
        on_progress: Callable[[SplitProgress], None] | None = None,
    ) -> RowStream:
        """
        Return the rows of *query* as they arrive; the request leaves with the first.

        Times are aware datetimes, ISO 8601 strings, or relative to *now*: ``"1h"``, ``"now-2d"``.

        Args:
            query: Its text.
            since: Where the window begins; it ends now unless *end* is given.
            start: The same.
            end: Where the window ends.
            tier: ``"frequent"`` or ``"archive"``.
            syntax: ``"dataprime"`` or ``"lucene"``.
            limit: Most rows of one request.
            default_source: The source where the query names none.
            strict_fields: True refuses a query that names unknown fields.
            now: What ``now()`` is in the query, and what relative times refer to.
            preset: ``"accuracy"`` or ``"performance"``.
            timeout: Seconds for all of it.
            split_on_limit: Asks again about halves of the window where a limit cut the rows.
            on_progress: Called after every part of a split window.
        """
        names = "since start end tier syntax limit default_source strict_fields now preset"
        given = {name: value for name, value in locals().items() if name in names.split()}
        asked = direct(query, given, clock=self._clock.now(), row_limits=self.row_limits)
        patience = self._door.patience(None if timeout is None else seconds("timeout", timeout))
        answer = self._answer(asked)
        if not isinstance(split_on_limit, bool):
            raise ConfigurationError(
                f"split_on_limit takes True or False, not {shown(split_on_limit)}."
            )
        if not split_on_limit:
            return RowStream(answer, self._rows(asked, answer, patience))
        if asked.start is None or asked.end is None:
            raise ConfigurationError("split_on_limit needs a window: pass since= or start=.")
        return self._split(asked, patience, on_progress)

    def submit(
        self,
        query: str,
        *,
        start: Any,
        end: Any,
        syntax: str = "dataprime",
        now: Any = None,
        default_source: str | None = None,
        name: str | None = None,
        description: str | None = None,
        destination: str | Dataset | Mapping[str, Any] | None = None,
    ) -> jobs.Job:
        """
        Submit *query* to run in the background, for a million rows and 30 minutes.

        It is sent once: where the connection breaks, nobody knows whether it was taken.

        Args:
            query: Its text.
            start: Where the window begins.
            end: Where it ends.
            syntax: ``"dataprime"`` or ``"lucene"``.
            now: What ``now()`` is in the query, and what relative times refer to.
            default_source: The source where the query names none, such as ``"default/logs"``.
            name: A name of 2 to 255 characters.
            description: At most 2,048 characters.
            destination: ``"temporary"`` (30 days), a `Dataset`, or the API's own dict.
        """
        given = {each: value for each, value in locals().items() if each not in {"self", "query"}}
        document = submission(query, given, clock=self._clock.now())
        patience = self._door.patience(self.timeout)
        return jobs.submitted(
            self._door, self._door.post(jobs.PATH, document, patience, safe=False), query
        )

    def job(self, query_id: str) -> jobs.Job:
        """Return the background query of this id, submitted here or elsewhere."""
        if not isinstance(query_id, str) or not query_id.strip():
            raise ConfigurationError("query_id takes the id that submit() gave.")
        return jobs.Job(self._door, query_id)

    def _answer(self, asked: DirectQuery) -> Answer:
        limit = request.SOFT_LIMIT if asked.limit is None else asked.limit
        answer = Answer(asked.query, limit, asked=asked.limit is not None)
        answer.window = (asked.start, asked.end)
        documented = request.ROW_LIMITS[asked.tier]
        answer.ceiling = documented if limit > documented else None
        return answer

    def _rows(
        self, asked: DirectQuery, answer: Answer, patience: Patience
    ) -> Generator[Row, None, None]:
        while True:
            try:
                reply = self._door.post(PATH, asked.body(), patience)
                yield from reading.rows(self._door, reply, answer)
            except RateLimited as error:
                if answer.count:
                    raise
                patience.after(error)
            else:
                answer.end()
                return

    def _split(
        self,
        asked: DirectQuery,
        patience: Patience,
        on_progress: Callable[[SplitProgress], None] | None,
    ) -> RowStream:
        def ask(part: DirectQuery) -> tuple[list[Row], Answer]:
            answer = self._answer(part)
            own = Patience(self._clock, self._door.budget, patience.deadline)
            return list(self._rows(part, answer, own)), answer

        whole = Answer(asked.query, asked=False)
        whole.window = (asked.start, asked.end)
        return RowStream(whole, split(asked, ask, whole, on_progress))

    def mount(self, adapter: requests.adapters.BaseAdapter) -> None:
        """Have *adapter* open the connections."""
        self._door.mount(adapter)

    def close(self) -> None:
        """Close the client's connections."""
        self._door.close()

    def __enter__(self) -> DataPrimeClient:  # noqa: PYI034 - Self is younger than 3.10
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<DataPrimeClient {self._door.base}>"
