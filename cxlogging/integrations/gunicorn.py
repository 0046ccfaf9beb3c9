"""gunicorn: a log configuration with which every record of server and application arrives."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from typing import Any

from ..delivery.process.sigterm import DeliverFirst
from .server_logs import configuration

LINE = "%(asctime)s [%(process)d] [%(levelname)s] %(name)s: %(message)s"
PLAIN = "%(message)s"
LOGGERS = {
    "": LINE,
    "gunicorn.error": LINE,
    "gunicorn.access": PLAIN,
    "uvicorn": LINE,
    "uvicorn.access": LINE,
}
"""Also those of uvicorn's worker classes."""


def log_config(
    handler: str | Mapping[str, Any], *, level: str = "INFO", **options: Any
) -> dict[str, Any]:
    """
    Return what ``logconfig_dict`` takes in ``gunicorn.conf.py``.

    The application's records, the server's own and its access records (with ``accesslog = "-"``)
    go to the handler and to the terminal; access records have their request's fields. SIGTERM
    delivers what waits, in every worker class.

    Args:
        handler: The dotted name of a handler's class, or its entry in a
            ``dictConfig``.
        level: Of all loggers.
        options: Arguments of the handler, such as ``dataset="shop"``.

    Raises:
        TypeError: *handler* is neither a name nor a mapping.
    """
    return configuration(handler, options, LOGGERS, level)


def post_worker_init(worker: Any) -> None:
    """
    Deliver on SIGINT and SIGQUIT too, by which Ctrl-C ends a worker.

    uvicorn's worker classes need it: they give these signals their default action, which runs
    no exit hook. With other worker classes it does nothing. Import it into ``gunicorn.conf.py``,
    where its name is that of the hook.
    """
    del worker
    for number in (signal.SIGINT, signal.SIGQUIT):
        if signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, DeliverFirst(signal.SIG_DFL))
