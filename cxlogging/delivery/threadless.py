"""Where no thread of ours may run: records are delivered on the calling thread, when it waits."""

from __future__ import annotations

import _thread
import sys

from ..wire.guard import contained

UWSGI = (
    "uWSGI loads the application before it forks: what is logged until then is not delivered,"
    " as no thread may run beside that fork; lazy-apps = true delivers it"
)
ISOLATED = (
    "no thread may run in an isolated interpreter: records are delivered by flush() and close(),"
    " and when the interpreter ends"
)


def no_thread() -> str:
    """
    Return why no thread may be started here, and what that means; mostly nothing.

    uWSGI forks without the interpreter's lock: a thread of ours that holds it at
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
