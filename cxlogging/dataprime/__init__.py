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
    from .fields import FieldSummary
    from .findings import Limit, QueryWarning, Statistics
    from .http.rate_limit import RateLimiter
    from .http.retry_budget import Clock
    from .jobs import Job, JobState, JobStatus
    from .request.background import Dataset
    from .request.direct import Preset, Syntax, Tier
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
    "FieldSummary",
    "Job",
    "JobState",
    "JobStatus",
    "Limit",
    "MissingPackage",
    "PartialResult",
    "Preset",
    "QueryError",
    "QueryFailed",
    "QueryResult",
    "QuerySyntaxError",
    "QueryTimeout",
    "QueryWarning",
    "RateLimited",
    "RateLimiter",
    "RequestRefused",
    "Row",
    "RowStream",
    "ServerError",
    "Severity",
    "SplitProgress",
    "Statistics",
    "Syntax",
    "Tier",
    "UnknownQuery",
    "Unreachable",
]

_NAMES = {
    ".aio.client": "AsyncDataPrimeClient AsyncJob",
    ".aio.rows": "AsyncRowStream",
    ".client": "DataPrimeClient",
    ".errors": "AuthenticationError CxQueryWarning PartialResult QueryError"
    " QueryFailed QuerySyntaxError QueryTimeout RateLimited RequestRefused ServerError"
    " UnknownQuery Unreachable",
    ".exports": "MissingPackage",
    ".findings": "Limit QueryWarning Statistics",
    ".fields": "FieldSummary",
    ".http.rate_limit": "RateLimiter",
    ".http.retry_budget": "Clock",
    ".jobs": "Job JobState JobStatus",
    ".request.background": "Dataset",
    ".request.direct": "Preset Syntax Tier",
    ".results": "QueryResult",
    ".rows": "Row Severity",
    ".split": "SplitProgress",
    ".stream": "RowStream",
}
_HOMES = {name: module for module, names in _NAMES.items() for name in names.split()}

__getattr__ = exports(__name__, _HOMES)
