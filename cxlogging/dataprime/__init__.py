"""
Query logs: `DataPrimeClient`, its rows, its background queries and its errors.

Importing this part imports `requests`; importing cxlogging alone does not. The
asynchronous names are loaded when used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

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
from .jobs import Job, JobState, JobStatus
from .results import QueryResult, RowStream
from .rows import Row, Severity
from .split import SplitProgress
from .transport import Clock

if TYPE_CHECKING:
    from .aio import AsyncDataPrimeClient, AsyncJob
    from .async_rows import AsyncRowStream

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
    "AsyncDataPrimeClient": ".aio",
    "AsyncJob": ".aio",
    "AsyncRowStream": ".async_rows",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(home, __name__), name)
    globals()[name] = value
    return value
