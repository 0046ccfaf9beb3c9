"""
Celery: ``setup(app)``, and records of workers and tasks arrive, each with its task's id.

Signals: https://docs.celeryq.dev/en/stable/userguide/signals.html
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..handlers.context import current, rebind
from ..handlers.handler import ShippingHandler

if TYPE_CHECKING:
    from celery import Celery

REQUEST_ID = "cxlogging_request_id"
"""The header of a task's message that carries the request id."""


def setup(app: Celery) -> None:
    """
    Keep the handlers that Celery takes from the root logger, and bind each task's fields.

    Call it once, where the application is made, after logging has been configured. Celery's own
    handler on the terminal stays. Each record of a task has ``task_id``, ``task_name``,
    ``task_queue``, ``task_retries``, ``task_parent_id`` and ``task_root_id``, and the
    ``request_id`` that was bound where the task was sent.

    Args:
        app: The application. A second call changes nothing.
    """
    del app  # Celery's signals are those of the process
    if not _receivers:
        _receivers.append(_Receivers())
        _receivers[0].connect()


class _Receivers:
    def __init__(self) -> None:
        self._handlers = _attached(logging.getLogger())
        self._before: dict[str, Mapping[str, Any]] = {}

    def connect(self) -> None:
        from celery import signals

        signals.celeryd_init.connect(self.remember)
        signals.after_setup_logger.connect(self.attach)
        signals.after_setup_task_logger.connect(self.attach)
        signals.before_task_publish.connect(self.publish)
        signals.task_prerun.connect(self.begin)
        signals.task_postrun.connect(self.end)

    def remember(self, **_: Any) -> None:
        """Look again for handlers, before the worker takes them away."""
        self._handlers = _attached(logging.getLogger()) or self._handlers

    def attach(self, logger: logging.Logger | None = None, **_: Any) -> None:
        """Put the handlers back where Celery has set up a logger."""
        if logger is None:
            return
        above = logger.parent if logger.propagate else None
        for handler in self._handlers:
            if handler not in logger.handlers and (above is None or handler not in above.handlers):
                logger.addHandler(handler)

    def publish(self, headers: dict[str, Any] | None = None, **_: Any) -> None:
        """Send the request id along with a task."""
        request_id = current().get("request_id")
        if headers is not None and isinstance(request_id, str):
            headers.setdefault(REQUEST_ID, request_id)

    def begin(self, task_id: str | None = None, task: Any = None, **_: Any) -> None:
        """Bind the task's fields, and nothing of the task before it in this thread."""
        if task_id is None or task is None:
            return
        self._before[task_id] = current()
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
        rebind({**current(), **known})

    def end(self, task_id: str | None = None, **_: Any) -> None:
        """Take the task's fields away, and what it has bound itself."""
        before = self._before.pop(task_id or "", None)
        if before is not None:
            rebind(before)


_receivers: list[_Receivers] = []
"""At most one; signals hold weak references."""


def _attached(logger: logging.Logger) -> list[ShippingHandler]:
    return [each for each in logger.handlers if isinstance(each, ShippingHandler)]


def _carried(request: Any) -> Any:
    """Return the request id that came with a task's message."""
    headers = getattr(request, "headers", None) or {}
    return getattr(request, REQUEST_ID, None) or headers.get(REQUEST_ID)
