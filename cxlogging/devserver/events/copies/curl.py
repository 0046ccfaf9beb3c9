"""A command that sends an event again."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from typing import Any

from ....vendors.registry import VENDORS


def curl_command(event: Mapping[str, Any], *, url: str) -> str:
    """Return a command for a POSIX shell that sends *event* to *url* again."""
    profile = VENDORS[event["vendor"]].profile
    sample = profile.sample_request(event)
    # The local server takes any key, so the command works as it is.
    credential = f"{sample.credential_header}${{{profile.shown_first}:-dev}}"
    body = shlex.quote(json.dumps(sample.body, separators=(",", ":"), default=str))
    return " \\\n  ".join(
        [
            f"curl {shlex.quote(url.rstrip('/') + sample.path)}",
            f'-H "{credential}"',
            "-H 'Content-Type: application/json'",
            f"--data-binary {body}",
        ]
    )
