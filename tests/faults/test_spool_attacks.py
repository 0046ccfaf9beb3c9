"""Case 58: what other users can put into a spool, and what they can read from it."""

from __future__ import annotations

import hashlib
import os
import stat
import struct
import tracemalloc

import pytest

import cxlogging
from cxlogging.delivery.journal.frames import HEADER_BYTES

from .harness import until

NOBODY = 65_534


@pytest.fixture
def died(spooling, spool) -> list[str]:
    """Leave a spool in which a process was killed with 30 records waiting; their ids."""
    program = spooling("for n in range(30): promise('a', n)\ntime.sleep(60)", "flush_interval=60")
    program.wait_promised(30)
    return program.kill().promised


def segment(spool):
    (path,) = spool.rglob("*.seg")
    return path


@pytest.fixture
def adopt(shop, spool):
    """Have a handler look at the spool, log one record, and return what it said."""

    def run() -> list[str]:
        errors: list[str] = []
        one = shop(spool=str(spool), flush_interval=0, on_error=errors.append)
        one.log(run="own")
        assert one.handler.flush(10)
        until(lambda: not one.delivery.busy)
        one.handler.close()
        until(lambda: not len(one.delivery.workers))
        return errors

    return run


@pytest.mark.case(58)
@pytest.mark.parametrize("kind", ["a symbolic link", "a hard link", "a FIFO", "a device"])
def test_case_58_something_else_in_place_of_a_segment(died, adopt, spool, backend, tmp_path, kind):
    """A link to another file, a FIFO or a device in place of a segment: it is refused with one
    line, the other file is untouched and not sent, nothing hangs, and the handler's own records are
    delivered.
    """
    path, target = segment(spool), tmp_path / "secret"
    target.write_bytes(path.read_bytes())
    before = hashlib.sha256(target.read_bytes()).digest()
    path.unlink()
    if kind == "a symbolic link":
        path.symlink_to(target)
    elif kind == "a hard link":
        path.hardlink_to(target)
    elif kind == "a FIFO":
        os.mkfifo(path)
    else:
        if os.geteuid():
            pytest.skip("only root makes devices")
        try:
            os.mknod(path, 0o600 | stat.S_IFCHR, os.makedev(1, 5))
        except PermissionError:
            pytest.skip("no devices can be made here")
    errors = adopt()

    assert hashlib.sha256(target.read_bytes()).digest() == before
    assert target.exists()
    assert set(backend.accepted) == {"own:0"}
    assert len(errors) == 1
    assert "a segment in the spool" in errors[0]


@pytest.mark.case(58)
@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
@pytest.mark.parametrize("part", ["segment", "process", "destination", "spool"])
def test_case_58_somebody_else_s(died, adopt, spool, backend, part):
    """A segment, a folder or a spool that belongs to another user is not used and not changed; one
    line or the constructor says so.
    """
    path = segment(spool)
    places = dict(zip(("segment", "process", "destination"), (path, *path.parents), strict=False))
    os.chown(places.get(part, spool), NOBODY, NOBODY)
    content = path.read_bytes()
    if part in {"destination", "spool"}:
        with pytest.raises(cxlogging.ConfigurationError, match="belongs to user 65534"):
            adopt()
    else:
        errors = adopt()
        assert len(errors) == 1
        assert set(backend.accepted) == {"own:0"}

    assert path.read_bytes() == content


@pytest.mark.case(58)
@pytest.mark.parametrize("mode", [0o777, 0o770, 0o702])
def test_case_58_a_spool_that_others_can_write(shop, spool, mode):
    """A spool that group or others can write: the constructor refuses it, and says what to do."""
    spool.mkdir()
    spool.chmod(mode)

    with pytest.raises(cxlogging.ConfigurationError, match="is writable by others"):
        shop(spool=str(spool))
    assert list(spool.iterdir()) == []


@pytest.mark.case(58)
def test_case_58_a_length_of_4_gb(died, adopt, spool, backend):
    """A frame with a length of 4 GB: nothing is allocated for it, the others are delivered."""
    path = segment(spool)
    data = bytearray(path.read_bytes())
    data[HEADER_BYTES + 4 : HEADER_BYTES + 8] = struct.pack("<I", 2**32 - 1)
    path.write_bytes(data)
    tracemalloc.start()
    adopt()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 8 * 2**20
    assert set(backend.accepted) == {*died[1:], "own:0"}


@pytest.mark.case(58)
def test_case_58_files_are_for_their_user_alone(spooling, spool):
    """Under umask 000 every file of a spool is 0600 and every folder 0700."""
    program = spooling(
        "promise('a', 0)\ntime.sleep(60)", "flush_interval=60", before="import os; os.umask(0)\n"
    )
    program.wait_promised(1)
    everything = [spool, *spool.rglob("*")]
    program.kill()

    assert len(everything) >= 5
    for each in everything:
        wanted = 0o700 if each.is_dir() else 0o600
        assert stat.S_IMODE(each.stat().st_mode) == wanted, each


@pytest.mark.case(58)
def test_case_58_no_secret_on_disk(died, spool):
    """The key is in no file of a spool, and in no file name."""
    for each in spool.rglob("*"):
        assert "canary" not in each.name
        assert each.is_dir() or b"canary" not in each.read_bytes()
