"""What a query sends: its text, the arguments of the client, and the request as a curl command."""

from __future__ import annotations

import json
import shlex
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from ...dataprime import jobs
from ...dataprime.client import PATH
from ...dataprime.http.endpoint import address
from ...dataprime.request.background import submission
from ...dataprime.request.direct import direct_query, row_limits

_NOT_IN_BACKGROUND = {
    "tier": "--tier",
    "limit": "--limit",
    "row_limit": "--row-limit",
    "split": "--split",
    "default_source": "--source",
    "strict_fields": "--strict",
    "preset": "--preset",
}
"""Options that background queries do not have."""


def query_text(query: str | None, job: str | None, *, explain: bool) -> str:
    """Return the text of a query given as itself, as ``-`` for standard input, or as ``@FILE``."""
    if job is not None:
        if query is not None or explain:
            raise click.UsageError("--job takes no QUERY and no --explain: leave them out.")
        return ""
    if query is None:
        raise click.UsageError(
            "pass a QUERY, such as 'source logs | limit 10', or - to read it from stdin."
        )
    if query == "-":
        return sys.stdin.read()
    if not query.startswith("@"):
        return query
    try:
        return Path(query[1:]).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        raise click.UsageError(f"cannot read {query[1:]!r}: {reason}.") from None


def check_combination(options: Mapping[str, Any], *, in_background: bool) -> None:
    """Refuse options that do not go together."""
    if not in_background:
        if options["name"] is not None:
            raise click.UsageError("--name names a background query: add --background.")
        return
    for name, option in _NOT_IN_BACKGROUND.items():
        if options[name] not in {None, False, "frequent"}:
            raise click.UsageError(f"a background query has no {option}: leave it out.")


def stream_arguments(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of `DataPrimeClient.stream` for the options of the command."""
    arguments = {name: options[name] for name in options.keys() - {"name", "row_limit", "split"}}
    return {**arguments, "split_on_limit": options["split"]}


def submit_arguments(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of `DataPrimeClient.submit` for the options of the command."""
    starts = [options[name] for name in ("since", "start") if options[name] is not None]
    if len(starts) != 1:
        raise click.UsageError("a background query needs one of --since and --from.")
    return {
        "start": starts[0],
        "end": options["end"] or "now",
        "syntax": options["syntax"],
        "name": options["name"],
        "params": options["params"],
    }


def curl_command(
    text: str, options: Mapping[str, Any], where: Mapping[str, str | None], *, background: bool
) -> str:
    """Return the request as a curl command that reads the key from the environment."""
    endpoint = address(where["domain"], where["url"])
    clock = time.time_ns()
    options = {**options, "now": None}
    if background:
        unused = {"default_source": None, "description": None, "destination": None, "now": None}
        document = submission(text, {**submit_arguments(options), **unused}, clock=clock)
        path = jobs.PATH
    else:
        row_limit = options["row_limit"]
        limits = row_limits(None if row_limit is None else {options["tier"]: row_limit})
        request = direct_query(text, options, clock=clock, row_limits=limits)
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
