"""RQ: ``rq worker --worker-class cxlogging.integrations.rq.Worker``."""

from __future__ import annotations

import logging
from typing import Any

import rq

from ..delivery.overview import flush_all
from ..handlers.context import bound
from ..handlers.handler import ShippingHandler

FLUSH_SECONDS = 5.0


class Worker(rq.Worker):  # type: ignore[misc, unused-ignore]  # RQ has types since 3
    """
    A worker whose jobs deliver what they have logged, each record with its job's fields.

    These are ``job_id``, ``job_name`` and ``queue``. A job's process ends by ``os._exit``, which
    runs no exit hook: what waits is delivered before, for up to `FLUSH_SECONDS`.
    """

    def perform_job(self, job: Any, queue: Any, *execution: Any) -> bool:
        """Run *job* with its fields bound, and deliver its records."""
        try:
            with bound(job_id=job.id, job_name=job.func_name, queue=queue.name):
                # Since RQ 3 there is a third argument.
                return bool(super().perform_job(job, queue, *execution))
        finally:
            flush_all(FLUSH_SECONDS)

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
