"""
Query logs: `DataPrimeClient`, its rows, background queries and errors.

Importing this package imports nothing else: its names are loaded when used, and `requests` with
the first name that needs it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..wire.lazy_imports import exports

if TYPE_CHECKING:
    from .aio.client import AsyncDataPrimeClient, AsyncJob
    from .aio.rows import AsyncRowStream
    from .client import DataPrimeClient
    from .errors import (
        AuthenticationError,
        CxQueryWarning,
        PartialResult,
        QueryError,
        QueryFailed,
        QuerySyntaxError,
        QueryTimeout,
        RateLimited,
        RequestRefused,
        ServerError,
        UnknownQuery,
        Unreachable,
    )
    from .exports import MissingPackage
    from .findings import Limit, QueryWarning, Statistics
    from .http.retry_budget import Clock
    from .jobs import Job, JobState, JobStatus
    from .request.background import Dataset
    from .results import QueryResult
    from .rows import Row, Severity
    from .split import SplitProgress
    from .stream import RowStream

__all__ = [
    "AsyncDataPrimeClient",
    "AsyncJob",
    "AsyncRowStream",
    "AuthenticationError",
    "Clock",
    "CxQueryWarning",
    "DataPrimeClient",
    "Dataset",
    "Job",
    "JobState",
    "JobStatus",
    "Limit",
    "MissingPackage",
    "PartialResult",
    "QueryError",
    "QueryFailed",
    "QueryResult",
    "QuerySyntaxError",
    "QueryTimeout",
    "QueryWarning",
    "RateLimited",
    "RequestRefused",
    "Row",
    "RowStream",
    "ServerError",
    "Severity",
    "SplitProgress",
    "Statistics",
    "UnknownQuery",
    "Unreachable",
]

_HOMES = {
    "AsyncDataPrimeClient": ".aio.client",
    "AsyncJob": ".aio.client",
    "AsyncRowStream": ".aio.rows",
    "AuthenticationError": ".errors",
    "Clock": ".http.retry_budget",
    "CxQueryWarning": ".errors",
    "DataPrimeClient": ".client",
    "Dataset": ".request.background",
    "Job": ".jobs",
    "JobState": ".jobs",
    "JobStatus": ".jobs",
    "Limit": ".findings",
    "MissingPackage": ".exports",
    "PartialResult": ".errors",
    "QueryError": ".errors",
    "QueryFailed": ".errors",
    "QueryResult": ".results",
    "QuerySyntaxError": ".errors",
    "QueryTimeout": ".errors",
    "QueryWarning": ".findings",
    "RateLimited": ".errors",
    "RequestRefused": ".errors",
    "Row": ".rows",
    "RowStream": ".stream",
    "ServerError": ".errors",
    "Severity": ".rows",
    "SplitProgress": ".split",
    "Statistics": ".findings",
    "UnknownQuery": ".errors",
    "Unreachable": ".errors",
}

__getattr__ = exports(__name__, _HOMES)
