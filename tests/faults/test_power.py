"""Case 12: the power fails, and what was not synced is lost."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest

from cxlogging.delivery.journal.disk import Disk

from .conftest import Shift
from .harness import until

IMAGES = 100


class Medium(Disk):
    """
    A real file system that remembers what of it is on the medium.

    Attributes:
        synced: The bytes of each file that a sync has reached, by path.
    """

    def __init__(self) -> None:
        self.synced: dict[Path, bytes] = {}

    def sync(self, fd):
        super().sync(fd)
        path = Path(f"/proc/self/fd/{fd}").readlink()
        if path.is_file():
            self.synced[path] = path.read_bytes()

    def bytes_of_records(self) -> int:
        return sum(len(data) for path, data in self.synced.items() if path.suffix == ".seg")


def image(medium: Medium, spool: Path, chance: random.Random) -> None:
    """Make *spool* what a power failure may leave of it: of what was not synced, any part."""
    for path in spool.rglob("*.seg"):
        data, sure = path.read_bytes(), len(medium.synced.get(path, b""))
        kept = chance.choice((sure, chance.randint(sure, len(data)), len(data)))
        # The size may have been written before the data was.
        hole = chance.random() < 0.3
        path.write_bytes(data[:kept] + (bytes(len(data) - kept) if hole else b""))
    for path in spool.rglob("*.ack"):
        if chance.random() < 0.5:
            path.unlink()


@pytest.mark.case(12)
@pytest.mark.parametrize("seed", [12, pytest.param(range(IMAGES), marks=pytest.mark.slow)])
def test_case_12_power_failure(shop, backend, figures, tmp_path, seed):
    """The power fails, with durability="system": what was logged before the last sync (one each
    flush interval) is delivered after the restart, whatever part of the rest is on the medium;
    nothing is delivered that was not logged (100 images).
    """
    for each in [seed] if isinstance(seed, int) else seed:
        chance = random.Random(each)
        spool, run = tmp_path / f"spool{each}", f"r{each}"
        medium, shift = Medium(), Shift()
        backend.behaviour = lambda request: 503
        one = shop(
            spool=str(spool),
            disk=medium,
            clock=shift.clock,
            durability="system",
            flush_interval=0.05,
            retry_initial=60,
            retry_maximum=60,
        )
        one.log(chance.randrange(1, 300), text="x" * chance.randrange(200), run=run)
        # A sync has come after the last of these records.
        logged = sum(path.stat().st_size for path in spool.rglob("*.seg"))
        until(lambda: medium.bytes_of_records() >= logged)  # noqa: B023
        sure = set(one.promised)
        one.log(chance.randrange(1, 100), run=run)
        copy = tmp_path / f"image{each}"
        shutil.copytree(spool, copy / "spool")
        moved = Medium()
        moved.synced = {
            copy / "spool" / path.relative_to(spool): data for path, data in medium.synced.items()
        }
        image(moved, copy / "spool", chance)
        backend.behaviour = lambda request: 202
        after = shop(spool=str(copy / "spool"), flush_interval=0)
        until(lambda: not after.delivery.busy)  # noqa: B023
        after.handler.close()

        accepted = {id_ for id_ in backend.accepted if id_.startswith(f"{run}:")}
        assert sure <= accepted, each
        assert accepted <= set(one.promised), each
        figures.add(
            logged=len(one.promised),
            delivered=len(accepted),
            counted=len(one.promised) - len(accepted),
        )
