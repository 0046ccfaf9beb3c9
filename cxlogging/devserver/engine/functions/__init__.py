"""The functions of the language, by name."""

from __future__ import annotations

from . import arrays, general, numbers, strings, times
from .function import Function

FUNCTIONS: dict[str, Function] = {
    **arrays.FUNCTIONS,
    **general.FUNCTIONS,
    **numbers.FUNCTIONS,
    **strings.FUNCTIONS,
    **times.FUNCTIONS,
}

UNSUPPORTED_FUNCTIONS = frozenset({"recordLocation"})
"""Functions that the service supports, and this engine does not."""

OTHER_NAMES = {
    "lower": "toLowerCase", "lowercase": "toLowerCase", "tolower": "toLowerCase",
    "upper": "toUpperCase", "uppercase": "toUpperCase", "toupper": "toUpperCase",
    "len": "length", "size": "length", "strlen": "length", "count_distinct": "distinct_count",
    "countdistinct": "distinct_count", "uniq": "distinct_count", "dcount": "distinct_count",
    "cardinality_of": "distinct_count", "mean": "avg", "average": "avg", "coalesce": "firstNonNull",
    "ifnull": "firstNonNull", "nvl": "firstNonNull", "iif": "if", "iff": "if", "like": "contains",
    "includes": "contains", "has": "contains", "regex": "matches", "regexp": "matches",
    "match": "matches", "split": "splitParts", "join": "arrayJoin", "bin": "roundTime",
    "bucket": "roundTime", "date_trunc": "roundTime", "datetrunc": "roundTime",
    "strftime": "formatTimestamp", "to_char": "formatTimestamp", "strptime": "parseTimestamp",
    "todatetime": "parseTimestamp", "pow": "power", "stdev": "stddev", "quantile": "percentile",
    "first": "any_value", "any": "any_value", "latest": "max_by", "array_agg": "collect",
    "make_list": "collect", "iscontained": "inArray", "cidrmatch": "ipInSubnet",
    "p50": "percentile", "p90": "percentile", "p95": "percentile", "p99": "percentile",
}  # fmt: skip
"""Functions of other languages, in lower case, and what they are called here."""
