"""Environments where no thread may be started, and the messages about them."""

from __future__ import annotations

import _thread
import sys

from ...wire.external_errors import contained

UWSGI = (
    "uWSGI loads the application before it forks: what is logged until then is not delivered,"
    " as no thread may run during that fork; lazy-apps = true delivers it"
)
ISOLATED = (
    "no thread may run in an isolated interpreter: records are delivered by flush() and close(),"
    " and when the interpreter ends"
)
STARTED = "a thread could be started: records are delivered again"


def not_started(error: BaseException) -> str:
    """Return a message about *error*, raised instead of starting a worker: effect and fix."""
    return (
        f"no thread can be started to deliver records ({error or type(error).__name__}): they wait"
        " in the buffer, and are dropped when it is full; later log calls try again, and flush(),"
        " close() and the exit deliver without one: raise the limit of threads or of memory"
        " (ulimit -u, the container's pids or memory limit)"
    )


def not_watched(error: BaseException) -> str:
    """Return a message about *error*, raised instead of starting the watcher: effect and fix."""
    return (
        f"no thread can be started to watch the spool ({error or type(error).__name__}): what a"
        " process leaves there when it is killed waits until a record is logged: raise the limit of"
        " threads or of memory (ulimit -u, the container's pids or memory limit)"
    )


def no_thread() -> str:
    """
    Return why no thread may be started here, and the effect; empty where one may.

    uWSGI forks without the interpreter's lock: a worker thread that holds it at
    that moment would leave the child waiting for it for ever. An isolated
    interpreter ends the whole process where a thread outlives it.
    """
    uwsgi = sys.modules.get("uwsgi")
    if uwsgi is not None:
        with contained:
            if uwsgi.worker_id() == 0:
                return UWSGI
    allowed = getattr(_thread, "daemon_threads_allowed", lambda: True)  # from Python 3.12
    return "" if allowed() else ISOLATED
