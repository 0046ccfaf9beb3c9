"""RQ: ``rq worker --worker-class cxlogging.integrations.rq.Worker``."""

from __future__ import annotations

from typing import Any

import rq

from ..delivery.overview import flush_all
from ..handlers.context import bound

FLUSH_SECONDS = 5.0


class Worker(rq.Worker):  # type: ignore[misc]  # RQ has no types
    """
    A worker whose jobs deliver what they have logged, each record with ``job_id`` and ``queue``.

    A job's process ends by ``os._exit``, which runs no exit hook: what waits is delivered before,
    for up to `FLUSH_SECONDS`.
    """

    def perform_job(self, job: Any, queue: Any) -> bool:
        """Run *job* with its fields bound, and deliver its records."""
        try:
            with bound(job_id=job.id, job_name=job.func_name, queue=queue.name):
                return bool(super().perform_job(job, queue))
        finally:
            flush_all(FLUSH_SECONDS)
