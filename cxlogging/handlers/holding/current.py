"""Where the open scope is kept: a module of its own, as every handler's import includes it."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

CURRENT: ContextVar[Any] = ContextVar("cxlogging_hold", default=None)
"""The innermost `Hold` of this context, perhaps closed by now, or None."""
