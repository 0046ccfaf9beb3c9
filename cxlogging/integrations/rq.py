"""RQ: ``rq worker --worker-class cxlogging.integrations.rq.Worker``."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import rq

from ..delivery.overview import flush_all
from ..handlers.context import bound
from ..handlers.handler import ShippingHandler
from ..handlers.holding.decorator import hold_option

if TYPE_CHECKING:
    from ..handlers.holding.scope import Hold

FLUSH_SECONDS = 5.0


class Worker(rq.Worker):  # type: ignore[misc, unused-ignore]  # RQ has types since 3
    """
    A worker whose jobs deliver what they have logged, each record with its job's fields.

    These are ``job_id``, ``job_name`` and ``queue``. A job's process ends by ``os._exit``, which
    runs no exit hook: what waits is delivered before, for up to `FLUSH_SECONDS`.

    Attributes:
        hold: True, or arguments of `cxlogging.hold`, in a class of your own: a job's records
            below WARNING are sent if it fails, is to be retried, or logs at ERROR or above.

    Raises:
        ConfigurationError: ``hold`` of a subclass is no bool and no mapping of arguments.
    """

    hold: bool | Mapping[str, Any] = False
    _held: Hold | None = None

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        hold_option(cls.hold)

    def perform_job(self, job: Any, queue: Any, *execution: Any) -> bool:
        """Run *job* with its fields bound, and deliver its records."""
        try:
            with bound(job_id=job.id, job_name=job.func_name, queue=queue.name):
                # Since RQ 3 there is a third argument.
                return self._perform_held(job, queue, *execution)
        finally:
            flush_all(FLUSH_SECONDS)

    def _perform_held(self, *arguments: Any) -> bool:
        holding, succeeded = hold_option(self.hold), False
        self._held = holding.begin() if holding is not None else None
        try:
            succeeded = bool(super().perform_job(*arguments))
            return succeeded
        finally:
            if self._held is not None:
                self._held.close(failed=not succeeded)

    def handle_job_retry(self, *arguments: Any, **named: Any) -> None:
        """Send what a job has logged that asks to be run again."""
        if self._held is not None:
            self._held.release()
        super().handle_job_retry(*arguments, **named)

    def handle_exception(self, *arguments: Any) -> None:
        """Log the exception of a job, for the handlers of the root logger too."""
        _attach(self.log)
        super().handle_exception(*arguments)

    def handle_job_success(self, *arguments: Any, **named: Any) -> None:
        """Log that a job is done, for the handlers of the root logger too."""
        _attach(self.log)
        super().handle_job_success(*arguments, **named)


def _attach(logger: logging.Logger) -> None:
    """RQ's logger does not propagate: give it what the application has configured by now."""
    if not logger.propagate:
        for handler in logging.getLogger().handlers:
            if isinstance(handler, ShippingHandler) and handler not in logger.handlers:
                logger.addHandler(handler)
