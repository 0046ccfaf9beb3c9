"""
The application of the mode ``web``: Flask, which logs some records a request.

gunicorn's worker makes it, so a subject's threads are those of the worker, as
in production. Besides orders it answers `web`, which leads it.
"""

from __future__ import annotations

import json
import logging
import os
import time
from typing import Any

from . import workload
from .child import attached, new_logger, peak_bytes
from .subjects import BY_NAME, Target, hide_fast
from .subjects.baselines import NoOp

SPEC = "BENCHMARKS_SPEC"
"""The variable with the subject and its target, as JSON."""

RECORDS_A_REQUEST = 10


def application() -> Any:
    """Return the application, with the handlers of the subject that `SPEC` names."""
    from flask import Flask

    spec = json.loads(os.environ[SPEC])
    app = Flask("shop")
    try:
        _routes(app, spec)
    except ImportError as error:
        _refusing(app, {"absent": str(error)})
    except Exception as error:
        _refusing(app, {"failed": f"{type(error).__name__}: {error}"})
    return app


def _refusing(app: Any, why: dict[str, str]) -> None:
    app.add_url_rule("/ready", "ready", lambda: why)


def _routes(app: Any, spec: dict[str, Any]) -> None:
    subject = BY_NAME[spec["subject"]]
    if not subject.fast:
        hide_fast()
    logger, flush = attached(subject, Target(**spec["target"]))
    base = new_logger("benchmarks.base", [NoOp()])

    def orders(number: int) -> dict[str, int]:
        return _shipped(logger, number)

    def plain(number: int) -> dict[str, int]:
        return _shipped(base, number)

    def ready() -> dict[str, str]:
        workload.warm_up(logger, workload.WARM_UP_RECORDS)
        flush()
        return {"at": "ready"}

    def flush_all() -> dict[str, int]:
        flush()
        return {"flushed_ns": time.monotonic_ns()}

    def figures() -> dict[str, Any]:
        return {"cpu": time.process_time(), "peak_bytes": peak_bytes()}

    app.add_url_rule("/orders/<int:number>", view_func=orders)
    app.add_url_rule("/plain/<int:number>", view_func=plain)
    app.add_url_rule("/ready", view_func=ready)
    app.add_url_rule("/flush", view_func=flush_all)
    app.add_url_rule("/figures", view_func=figures)


def _shipped(logger: logging.Logger, number: int) -> dict[str, int]:
    first = number * RECORDS_A_REQUEST
    for each in range(first, first + RECORDS_A_REQUEST):
        logger.info(workload.MESSAGE, each, extra=workload.extras(each))
    return {"shipped": RECORDS_A_REQUEST}
