"""
Query logs: `DataPrimeClient`, its rows, its background queries and its errors.

Importing this part imports nothing else: its names are loaded when used, and `requests` with the
first of them that needs it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..wire.lazy_imports import exports

if TYPE_CHECKING:
    from .aio.client import AsyncDataPrimeClient, AsyncJob
    from .aio.rows import AsyncRowStream
    from .background import Dataset
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
    from .http.transport import Clock
    from .jobs import Job, JobState, JobStatus
    from .results import QueryResult, RowStream
    from .rows import Row, Severity
    from .split import SplitProgress

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
    "Clock": ".http.transport",
    "CxQueryWarning": ".errors",
    "DataPrimeClient": ".client",
    "Dataset": ".background",
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
    "RowStream": ".results",
    "ServerError": ".errors",
    "Severity": ".rows",
    "SplitProgress": ".split",
    "Statistics": ".findings",
    "UnknownQuery": ".errors",
    "Unreachable": ".errors",
}

__getattr__ = exports(__name__, _HOMES)
