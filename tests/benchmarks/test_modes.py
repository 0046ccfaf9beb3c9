"""What is measured: names, patterns, who takes part, what is logged."""

from __future__ import annotations

import logging
import threading
import time
import traceback

import pytest

from benchmarks import child, workload
from benchmarks.computing import computing
from benchmarks.install import REQUIREMENTS, requirements
from benchmarks.modes import BY_NAME, ENDS, MODES, OTHERS, chosen, matching, participants
from benchmarks.startup import PACKAGE, statements
from benchmarks.subjects import NO_OP, SUBJECTS, Target
from benchmarks.subjects.baselines import FILE
from benchmarks.subjects.floors import FLOORS


class Kept(logging.Handler):
    def __init__(self):
        super().__init__()
        self.records = []

    def emit(self, record):
        self.records.append(record)


@pytest.fixture
def kept():
    """A handler that keeps records, on the logger that the loops are given."""
    logger = logging.getLogger("tests.benchmarks")
    logger.propagate = False
    logger.setLevel(logging.INFO)
    handler = Kept()
    logger.addHandler(handler)
    yield logger, handler.records
    logger.removeHandler(handler)


def test_modes_are_chosen_by_name_or_pattern():
    """A pattern takes all that match; no pattern takes all."""
    modes, others = chosen(["threads-*", "idle"])

    assert [mode.argument or mode.threads for mode in modes] == [1, 2, 4, 8]
    assert others == {"idle"}
    assert chosen([]) == (MODES, set(OTHERS))


def test_an_unknown_mode_is_an_error_that_names_all():
    """A mistyped mode is an error, and nothing is measured."""
    with pytest.raises(ValueError, match="no mode is called 'brust'; there are burst, longest"):
        chosen(["brust"])


def test_only_keeps_those_asked_for_and_the_no_op_handler():
    """Parts of names, in any case, are enough."""
    found = [each.name for each in participants(BY_NAME["burst"], ["LOGTAIL"], quick=False)]

    assert found == [NO_OP.name, "logtail-python"]
    assert matching(SUBJECTS, []) == SUBJECTS


@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.name)
def test_a_quick_run_leaves_no_mode_out(mode):
    """Every mode has a few subjects that are measured with --quick, some of them ours."""
    assert any(each.kind == "ours" for each in participants(mode, [], quick=True))


def test_a_quick_run_takes_a_few_of_the_busy_modes():
    """Unless a mode is named, a quick run has one of each kind."""
    quick = {mode.name for mode in chosen([], quick=True)[0]}

    assert {"burst", "busy-2", "loop-10000", "web"} <= quick
    assert not {"busy-0", "busy-1", "busy-4", "loop-2000"} & quick
    assert chosen(["busy-1"], quick=True) == ([BY_NAME["busy-1"]], set())


def test_what_threads_cost_is_held_against_the_floors():
    """The two modes that are compared with each other have the leanest pipelines too."""
    first, last = (BY_NAME[f"threads-{each}"].subjects for each in ENDS)

    assert first == last
    assert set(map(id, FLOORS)) <= set(map(id, first))
    assert ENDS == (1, 8)


def test_names_are_unique():
    """No subject hides another in the figures."""
    names = [each.name for each in SUBJECTS]

    assert len(names) == len(set(names))


def test_every_peer_is_pinned():
    """Every measured package has a version in the requirements."""
    pinned = {each.partition("==")[0] for each in requirements(REQUIREMENTS.read_text())}
    peers = {each.packages[0] for each in SUBJECTS if each.kind == "peer"}

    assert all("==" in each for each in requirements(REQUIREMENTS.read_text()))
    assert peers <= pinned


def test_imports_are_measured_once_each():
    """An import statement that several subjects share is listed under the first one's name."""
    found = statements(SUBJECTS)

    assert found[PACKAGE] == PACKAGE
    assert found["cxlogging Coralogix"].startswith("from cxlogging import CoralogixHandler;")
    assert not [name for name in found if "spool" in name or "stdlib" in name]


@pytest.mark.parametrize(
    "loop",
    [
        workload.burst,
        workload.paced(50_000),
        workload.sized(200),
        workload.exceptions,
        workload.threaded(workload.burst, 4),
    ],
    ids=["burst", "paced", "sized", "exceptions", "threaded"],
)
def test_a_loop_logs_every_id_once_and_times_each_call(loop, kept):
    """Every loop logs all ids, in message and extras, and nothing else."""
    logger, records = kept
    times = loop(logger, range(100))

    assert sorted(record.bench_id for record in records) == list(range(100))
    assert {record.getMessage() for record in records} == {f"order {n} shipped" for n in range(100)}
    assert len(times) == 100
    assert all(time > 0 for time in times)


def test_a_heartbeat_is_late_by_what_stops_its_loop(kept):
    """All ids are logged, and a handler that blocks the loop shows in the largest lag."""
    logger, records = kept
    held = iter([0.2])
    logger.handlers[0].addFilter(lambda _: time.sleep(next(held, 0)) is None)
    lags = workload.heartbeat(20_000)(logger, range(100))

    assert [record.bench_id for record in records] == list(range(100))
    assert max(lags) > 0.15e9


def test_threads_compute_until_the_block_ends():
    """Their CPU time is counted as they go; none is left afterwards."""
    before = threading.active_count()
    deadline = time.monotonic() + 60
    with computing(2) as spent:
        assert threading.active_count() == before + 2
        while spent() < 0.02 and time.monotonic() < deadline:
            time.sleep(0.01)
    assert 0.02 <= spent() <= time.process_time()
    assert threading.active_count() == before


def test_a_file_has_a_line_a_record(tmp_path):
    """The baseline that writes a file writes level, logger and message."""
    ((handler, _),) = FILE.open(Target("", "", 0, str(tmp_path)))
    handler.handle(logging.makeLogRecord({"msg": "shipped", "levelname": "INFO", "name": "shop"}))
    handler.close()

    assert (tmp_path / "log").read_text().endswith(" INFO shop shipped\n")


def test_turns_end_when_their_time_is_over(kept):
    """A subject that waits in each call logs fewer records, and reports how many."""
    logger, records = kept
    spec = {"count": 100, "turns": 10, "threads": 0, "limit": -1}
    took = child._in_turn(workload.burst, logger, logging.getLogger("tests.base"), spec)

    assert took.records == len(took.times) == len(records) == 10


def test_an_exception_has_its_seven_frames(kept):
    """Frames differ, so that no traceback collapses them."""
    logger, records = kept
    workload.exceptions(logger, [1])

    frames = traceback.extract_tb(records[0].exc_info[2])
    assert len({frame.name for frame in frames}) == len(frames) == workload.FRAMES


@pytest.mark.parametrize("size", [200, 1_000, 100_000])
def test_a_sized_record_has_the_size(size, kept):
    """The extra has the requested length in every record."""
    logger, records = kept
    workload.sized(size)(logger, range(70))

    assert {len(record.body) for record in records} == {size}
