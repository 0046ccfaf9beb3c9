"""The request of a query, as a command of the shell."""

from __future__ import annotations

import json
import shlex
import time
from collections.abc import Mapping
from typing import Any

from ...dataprime import direct_query, jobs
from ...dataprime.client import PATH
from ...dataprime.http.endpoint import address
from ...dataprime.submission import submission
from .job import submitted


def explained(
    text: str, arguments: Mapping[str, Any], where: Mapping[str, str | None], *, background: bool
) -> str:
    """Return the curl command of a query; its key stands in the environment, and is not shown."""
    endpoint = address(where["domain"], where["url"])
    clock = time.time_ns()
    given = {**arguments, "now": None}
    if background:
        rest = {"default_source": None, "description": None, "destination": None, "now": None}
        document = submission(text, {**submitted(given), **rest}, clock=clock)
        path = jobs.PATH
    else:
        own = arguments["row_limit"]
        limits = direct_query.row_limits(None if own is None else {arguments["tier"]: own})
        request = direct_query.direct_query(text, given, clock=clock, row_limits=limits)
        document = request.body()
        path = PATH
    body = json.dumps(document, ensure_ascii=False)
    return " \\\n  ".join(
        [
            f"curl -sS {shlex.quote(f'{endpoint.scheme}://{endpoint.authority}{path}')}",
            '-H "Authorization: Bearer $CX_API_KEY"',
            "-H 'Content-Type: application/json'",
            f"--data-raw {shlex.quote(body)}",
        ]
    )
