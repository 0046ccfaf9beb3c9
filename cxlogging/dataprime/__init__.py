"""
Query logs: `DataPrimeClient`, its rows, its background queries and its errors.

Importing this part imports `requests`; importing cxlogging alone does not.
"""

from __future__ import annotations

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

__all__ = [
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
