"""What an HTTP status means to a shipper, where the vendor says nothing else."""

from __future__ import annotations

import json

from .http import Action, Response, Verdict

RETRIED = frozenset({408, 425, 429})
ISOLATED = frozenset({400, 406, 422})
HELD = frozenset({401, 403, 404, 405, 407, 410, 415, 421, 431})


def default_verdict(response: Response, cures: dict[int, str]) -> Verdict:
    """
    Return the verdict on *response* by its status alone.

    Args:
        response: The answer.
        cures: What a person can do about a status, by status.
    """
    status = response.status
    if 200 <= status < 300:
        return Verdict(Action.DELIVERED)  # whatever it says: reading it takes ten times its size
    cure = cures.get(status, "")
    reason = f"HTTP {status}{_words(response.body)}"
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


def _words(body: bytes) -> str:
    """Return a vendor's answer as one printable line; who shows it masks it, then cuts it."""
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
