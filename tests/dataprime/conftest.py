from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from cxlogging.dataprime import Clock, DataPrimeClient

from .service import Service

KEY = "cxup_secret_key_4711"
NOW = 1_737_331_200_000_000_000  # 2025-01-20T00:00:00Z


class Time:
    """A clock that advances only when something sleeps."""

    def __init__(self) -> None:
        self.passed = 0.0
        self.sleeps: list[float] = []
        self.clock = Clock(
            now=lambda: NOW + int(self.passed * 1e9),
            monotonic=lambda: self.passed,
            sleep=self.sleep,
            random=lambda: 1.0,
        )

    def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.passed += seconds


@pytest.fixture
def service() -> Iterator[Service]:
    with Service() as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def client(service: Service, time: Time) -> Iterator[DataPrimeClient]:
    with DataPrimeClient(KEY, url=service.url, clock=time.clock) as open_client:
        yield open_client
