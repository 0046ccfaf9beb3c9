"""What an HTTP status means for the items of a request, where a vendor defines nothing else."""

from __future__ import annotations

import json
from collections.abc import Mapping

from .http import Action, Response, Verdict

RETRIED = frozenset({408, 425, 429})
ISOLATED = frozenset({400, 406, 422})
HELD = frozenset({401, 403, 404, 405, 407, 410, 415, 421, 431})


def default_verdict(response: Response, cures: Mapping[int, str]) -> Verdict:
    """
    Return the verdict on *response* by its status alone.

    Any 2xx is delivered. 408, 425, 429, 5xx and 1xx are sent again later. 413 is split. 400,
    406, 422 and other 4xx are halved until the invalid item is alone. A redirect is not
    followed; it and the statuses of a wrong key or address hold everything back.

    Args:
        response: The answer.
        cures: What a person can do about a status, by status.
    """
    status = response.status
    if 200 <= status < 300:
        return Verdict(
            Action.DELIVERED
        )  # the body is not read: parsing it takes ten times its size
    cure = cures.get(status, "")
    reason = f"HTTP {status}{_quoted(response.body)}"
    if 300 <= status < 400:
        return Verdict(Action.HOLD, f"HTTP {status}: a redirect, never followed", cure=cure)
    if status in HELD:
        return Verdict(Action.HOLD, reason, cure=cure)
    if status == 413:
        return Verdict(Action.SPLIT, reason)
    if status in ISOLATED:
        return Verdict(Action.ISOLATE, reason)
    if status in RETRIED or status >= 500 or status < 200:
        return Verdict(Action.RETRY, reason)
    return Verdict(Action.ISOLATE, reason, cure=cure)


def _quoted(body: bytes) -> str:
    """Return a vendor's answer as one printable line, not masked or shortened yet."""
    text = " ".join(_sentence(body).split())
    printable = "".join(each if each.isprintable() else "?" for each in text)
    return f": {printable}" if printable else ""


def _sentence(body: bytes) -> str:
    """Return the text of an answer, out of its JSON envelope where it has one."""
    text = body.decode("utf-8", "replace")
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    if isinstance(value, dict):
        for name in ("error", "message", "detail"):
            if isinstance(value.get(name), str):
                return str(value[name])
    return text
