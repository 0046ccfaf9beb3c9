"""Pools of processes: records of workers that are terminated are delivered first."""

from __future__ import annotations

import logging.config
from collections.abc import Mapping
from typing import Any

from ..delivery.process.missed_signals import watch_for_missed_signals
from ..delivery.process.sigterm import install_sigterm


def initializer(config: Mapping[str, Any] | None = None) -> None:
    """
    Prepare a worker process: ``Pool(initializer=initializer, initargs=(LOGGING,))``.

    A pool that is left by its ``with`` block terminates its workers; with this they deliver what
    waits before they end. Which task a process works on is not known here: to hold the records
    of each, decorate the function that the pool calls with `cxlogging.hold`.

    Args:
        config: For `logging.config.dictConfig`, where the worker does not inherit the parent's
            logging: with the start methods ``spawn`` and ``forkserver``.
    """
    if config is not None:
        logging.config.dictConfig(dict(config))
    install_sigterm()
    watch_for_missed_signals()
