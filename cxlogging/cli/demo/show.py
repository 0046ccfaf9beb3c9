"""The demo from curtain to curtain."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn
from rich.text import Text

from ...vendors.registry import TITLES
from ..shared.bars import above
from .query import ask
from .report import conclude, show
from .stage import Stage
from .traffic import Traffic
from .verdict import Account, complaints

OUTAGE = (0.4, 0.65)
PATIENCE = 60.0
Over = Callable[[], bool]
_TICK = 0.05


def play(port: int, seconds: float, *, once: bool, over: Over) -> bool | None:
    """
    Run the demo; True when all that was logged arrived, None where it ended before.

    Args:
        port: Of the local server; where it is taken, a free one.
        seconds: How long the clients visit the shop.
        once: Return after the report, instead of serving on.
        over: Asked again and again; True ends the demo.
    """
    errors, console = Console(stderr=True), Console()
    with Stage(port) as stage:
        if stage.notice:
            errors.print(Text(stage.notice, "yellow"), soft_wrap=True)
        traffic = Traffic("127.0.0.1", stage.shop.server_port)
        with _progress(errors) as progress:
            _visit(stage, traffic, seconds, progress, over)
        if over():
            return None
        wrong = _report(console, stage, traffic)
        if not once:
            _invite(console, stage)
            while not over():
                time.sleep(2 * _TICK)
    return not wrong


def _visit(stage: Stage, traffic: Traffic, seconds: float, progress: Progress, over: Over) -> None:
    """Run the clients, with an outage of all vendors in the middle."""
    task = progress.add_task("clients visit the shop", total=seconds, count="")
    began = time.monotonic()
    traffic.start()
    while (passed := time.monotonic() - began) < seconds and not over():
        down = _is_down(stage, passed / seconds)
        stage.outage(down=down)
        phase = "all vendors answer 503" if down else "clients visit the shop"
        progress.update(task, completed=passed, description=phase, count=_count(stage, traffic))
        time.sleep(_TICK)
    stage.outage(down=False)
    traffic.stop()
    progress.update(task, description="waiting for the last records")
    patience = time.monotonic() + PATIENCE
    while not over() and not stage.settle(2 * _TICK) and time.monotonic() < patience:
        progress.update(task, count=_count(stage, traffic))
    completed, phase = (None, "stopped") if over() else (seconds, "done")
    progress.update(task, completed=completed, description=phase, count=_count(stage, traffic))


def _is_down(stage: Stage, progress: float) -> bool:
    """Tell whether it is time for the outage, which lasts until every vendor has felt it."""
    begin, end = OUTAGE
    return begin <= progress < end or (progress >= end and len(stage.refused) < len(TITLES))


def _count(stage: Stage, traffic: Traffic) -> str:
    return f"{traffic.answers().total():>6,} requests {stage.witness.total:>7,} records"


def _report(console: Console, stage: Stage, traffic: Traffic) -> list[str]:
    stats, wrong = stage.stats(), [f"A client failed: {each}." for each in traffic.failures]
    console.print(_answers(traffic), highlight=False)
    console.print()
    accounts = [
        Account(vendor, stats[vendor], stage.witness.messages, stage.arrived(vendor))
        for vendor in TITLES
    ]
    for account in accounts:
        wrong += complaints(account)
        found = stage.local.store.newest(1, vendor=account.vendor, contains=stage.witness.specimen)
        show(console, account, found[0] if found else None)
    wrong += ask(console, stage.local.url, accounts)
    conclude(console, stage.witness.total, stage.refused.total(), wrong)
    return wrong


def _answers(traffic: Traffic) -> str:
    answers = traffic.answers()
    kinds = ", ".join(f"{count:,} x {status}" for status, count in sorted(answers.items()))
    return f"{answers.total():,} requests to the shop: {kinds}"


def _invite(console: Console, stage: Stage) -> None:
    console.print()
    for label, address in (
        ("The page", f"{stage.local.url}/"),
        ("The shop", f"http://127.0.0.1:{stage.shop.server_port}/items"),
    ):
        console.print(Text.assemble(f"{label}  ", (address, "bold cyan")), soft_wrap=True)
    console.print("Visit the shop, and see it on the page. Ctrl-C to stop.", style="dim")


@contextlib.contextmanager
def _progress(console: Console) -> Iterator[Progress]:
    progress = Progress(
        TextColumn("{task.description:<26}"),
        BarColumn(bar_width=None),
        TaskProgressColumn(),
        TextColumn("{task.fields[count]}"),
        console=console,
        expand=True,
        disable=not sys.stderr.isatty(),  # FORCE_COLOR makes no terminal of a pipe
    )
    with progress, above(console):
        yield progress
