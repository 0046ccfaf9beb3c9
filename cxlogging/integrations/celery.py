"""
Celery: ``setup(app)``, and records of workers and tasks arrive, each with its task's id.

Signals: https://docs.celeryq.dev/en/stable/userguide/signals.html
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from ..delivery.overview import flush_all
from ..handlers.context import current, rebind
from ..handlers.handler import ShippingHandler
from ..handlers.holding.decorator import Holding, hold_option

if TYPE_CHECKING:
    from celery import Celery

    from ..handlers.holding.scope import Hold

REQUEST_ID = "cxlogging_request_id"
"""The header of a task's message that carries the request id."""

TAKEN = ("", "celery", "celery.task", "celery.redirected")
"""A worker takes the handlers of these loggers away when it starts."""

FLUSH_SECONDS = 5.0

GOOD_ENDS = ("SUCCESS", "IGNORED")
"""States in which a task has not failed: others are failure, retry and rejection."""


def setup(app: Celery, *, hold: bool | Mapping[str, Any] = False) -> None:
    """
    Keep the handlers that a worker takes from the root logger, and bind each task's fields.

    Call it once, where the application is made. What the application configures as handlers
    and levels stays, and ``--loglevel`` is that of Celery's own handler on the terminal. Each
    record of a task has ``task_id``, ``task_name``, ``task_queue``, ``task_retries``,
    ``task_parent_id`` and ``task_root_id``, and the ``request_id`` that was bound where the task
    was sent.

    Args:
        app: The application. A second call changes nothing but ``hold``.
        hold: True, or arguments of `cxlogging.hold`: a task's records below WARNING are sent if
            it fails, is to be retried or rejects its message, or logs at ERROR or above. What a
            worker holds that is killed (SIGKILL, a hard time limit) is lost.

    Raises:
        ConfigurationError: ``hold`` is no bool and no mapping of arguments.
    """
    del app  # Celery's signals are those of the process
    holding = hold_option(hold)
    if not _receivers:
        _receivers.append(_Receivers(holding))
        _receivers[0].connect()
    elif holding is not None:
        _receivers[0].holding = holding


class _Begun(NamedTuple):
    """What was there when a task began, and its hold."""

    fields: Mapping[str, Any]
    error: BaseException | None
    hold: Hold | None


class _Receivers:
    def __init__(self, holding: Holding | None) -> None:
        self.holding = holding
        self._configured: dict[str, tuple[list[ShippingHandler], int]] = {}
        self._begun: dict[str, list[_Begun]] = {}
        self.remember()

    def connect(self) -> None:
        from celery import signals

        signals.celeryd_init.connect(self.remember)
        signals.import_modules.connect(self.remember)
        signals.after_setup_logger.connect(self.attach)
        signals.after_setup_task_logger.connect(self.attach)
        signals.worker_process_shutdown.connect(self.deliver)
        signals.before_task_publish.connect(self.publish)
        signals.task_prerun.connect(self.begin)
        signals.task_postrun.connect(self.end)

    def remember(self, **_: Any) -> None:
        """Look for handlers, before a worker or beat takes them away."""
        for name in TAKEN:
            logger = logging.getLogger(name)
            if handlers := [each for each in logger.handlers if isinstance(each, ShippingHandler)]:
                self._configured[name] = (handlers, logger.level)

    def attach(
        self, logger: logging.Logger | None = None, loglevel: int | None = None, **_: Any
    ) -> None:
        """Put handlers and level back where Celery has set up a logger."""
        if logger is None:
            return
        at_root = self._configured.get("", ([], logging.NOTSET))
        if logger.name == "celery.task":
            own = self._configured.get(logger.name, ([], logging.NOTSET))
            # It does not propagate: what the root logger has is its own.
            self._put_back(logger, (at_root[0] + own[0], own[1] or at_root[1]), loglevel)
            return
        self._put_back(logger, at_root, loglevel)
        for name in TAKEN[1:]:
            if name in self._configured and name != "celery.task":
                self._put_back(logging.getLogger(name), self._configured[name], None)

    def _put_back(
        self,
        logger: logging.Logger,
        configured: tuple[list[ShippingHandler], int],
        loglevel: int | None,
    ) -> None:
        handlers, level = configured
        if loglevel and logging.NOTSET < level < loglevel:
            for each in logger.handlers:
                if each.level == logging.NOTSET and not isinstance(each, ShippingHandler):
                    each.setLevel(loglevel)
            logger.setLevel(level)
        for handler in handlers:
            if handler not in logger.handlers:
                logger.addHandler(handler)

    def deliver(self, **_: Any) -> None:
        """Deliver what waits: a process of the pool ends without exit hooks."""
        flush_all(FLUSH_SECONDS)

    def publish(self, headers: dict[str, Any] | None = None, **_: Any) -> None:
        """Send the request id along with a task."""
        request_id = current().get("request_id")
        if headers is not None and isinstance(request_id, str):
            headers.setdefault(REQUEST_ID, request_id)

    def begin(self, task_id: str | None = None, task: Any = None, **_: Any) -> None:
        """Bind the task's fields, and nothing of the task before it in this thread."""
        if task_id is None or task is None:
            return
        before = current()
        request = task.request
        delivery = request.delivery_info or {}
        fields = {
            "task_id": task_id,
            "task_name": task.name,
            "task_queue": delivery.get("routing_key"),
            "task_retries": request.retries,
            "task_parent_id": request.parent_id,
            "task_root_id": request.root_id,
            "request_id": _carried(request),
        }
        known = {name: value for name, value in fields.items() if value is not None}
        rebind({**before, **known})
        held = self.holding.begin() if self.holding is not None else None
        # A task that retries where it is called, eagerly, runs inside of itself.
        self._begun.setdefault(task_id, []).append(_Begun(before, sys.exc_info()[1], held))

    def end(
        self, task_id: str | None = None, state: str | None = None, retval: Any = None, **_: Any
    ) -> None:
        """End the task's hold, and take its fields away, with what it has bound itself."""
        begun = self._begun.get(task_id or "")
        if task_id is None or not begun:
            return
        before, earlier, held = begun.pop()
        if not begun:
            del self._begun[task_id]
        if held is not None:
            error = retval if state == "FAILURE" and isinstance(retval, BaseException) else None
            raised = sys.exc_info()[1]  # passing by, as where the result cannot be stored
            if error is None and raised is not earlier:
                error = raised
            held.close(error, failed=error is None and state not in GOOD_ENDS)
        rebind(before)


_receivers: list[_Receivers] = []
"""At most one; signals hold weak references."""


def _carried(request: Any) -> Any:
    """Return the request id that came with a task's message."""
    headers = getattr(request, "headers", None) or {}
    return getattr(request, REQUEST_ID, None) or headers.get(REQUEST_ID)
