"""The course of the demo: traffic, an outage, the report, and serving until Ctrl-C."""

from __future__ import annotations

import time
from collections.abc import Callable

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn
from rich.text import Text

from ... import volume
from ...vendors.registry import TITLES
from ..shared.progress import progress_bar
from .environment import DemoEnvironment
from .next_steps import print_next_steps, print_page
from .report import print_conclusion, print_costliest, print_query, print_vendor
from .results import VendorResult, differences
from .traffic import Traffic

OUTAGE = (0.4, 0.65)
"""When the outage begins and ends, as parts of the time that the clients run."""

TRICKLE_PAUSE = 0.4
"""Mean seconds between two requests after the report."""

MAX_SETTLE_SECONDS = 60.0
POLL_SECONDS = 0.05
Stopped = Callable[[], bool]


def run_demo(port: int, seconds: float, *, once: bool, stopped: Stopped) -> bool | None:
    """
    Run the demo; return True if every record arrived, None if it was stopped before the report.

    Args:
        port: The port of the local server; if it is taken, a free one is used.
        seconds: How long clients send requests to the shop.
        once: Return after the report, instead of serving until *stopped*.
        stopped: Polled; ends the demo when it returns True.
    """
    console = Console()
    with DemoEnvironment(port) as demo:
        if demo.notice:
            Console(stderr=True).print(Text(demo.notice, "yellow"), soft_wrap=True)
        print_page(console, demo.server.url)
        traffic = Traffic("127.0.0.1", demo.shop.server_port)
        columns = (
            TextColumn("{task.description:<26}"),
            BarColumn(bar_width=None),
            TaskProgressColumn(),
            TextColumn("{task.fields[count]}"),
        )
        with progress_bar(*columns, keep=True) as progress:
            _run_traffic(demo, traffic, seconds, progress, stopped)
        if stopped():
            return None
        problems = _report(console, demo, traffic)
        if not once:
            print_next_steps(console, demo.server.port, demo.shop.server_port)
            _keep_going(demo, stopped)
    return not problems


def _run_traffic(
    demo: DemoEnvironment, traffic: Traffic, seconds: float, progress: Progress, stopped: Stopped
) -> None:
    """Run the clients, with an outage of all vendors in the middle, and wait for delivery."""
    task = progress.add_task("clients visit the shop", total=seconds, count="")
    began = time.monotonic()
    traffic.start()
    while (passed := time.monotonic() - began) < seconds and not stopped():
        down = _is_down(demo, passed / seconds)
        demo.set_outage(down=down)
        phase = "all vendors answer 503" if down else "clients visit the shop"
        progress.update(task, completed=passed, description=phase, count=_count(demo, traffic))
        time.sleep(POLL_SECONDS)
    demo.set_outage(down=False)
    traffic.stop()
    progress.update(task, description="waiting for the last records")
    deadline = time.monotonic() + MAX_SETTLE_SECONDS
    while not stopped() and not demo.settle(2 * POLL_SECONDS) and time.monotonic() < deadline:
        progress.update(task, count=_count(demo, traffic))
    completed, phase = (None, "stopped") if stopped() else (seconds, "done")
    progress.update(task, completed=completed, description=phase, count=_count(demo, traffic))


def _is_down(demo: DemoEnvironment, progress: float) -> bool:
    """Return True during the outage, which lasts until every vendor has refused a request."""
    begin, end = OUTAGE
    return begin <= progress < end or (progress >= end and len(demo.refused) < len(TITLES))


def _count(demo: DemoEnvironment, traffic: Traffic) -> str:
    return f"{traffic.responses().total():>6,} requests {demo.logged.total:>7,} records"


def _report(console: Console, demo: DemoEnvironment, traffic: Traffic) -> list[str]:
    """Print the report, and return what is wrong."""
    stats, problems = demo.stats(), [f"A client failed: {each}." for each in traffic.failures]
    responses = traffic.responses()
    kinds = ", ".join(f"{count:,} x {status}" for status, count in sorted(responses.items()))
    console.print(f"{responses.total():,} requests to the shop: {kinds}", highlight=False)
    console.print()
    results = [
        VendorResult(vendor, stats[vendor], demo.logged.messages, demo.arrived(vendor))
        for vendor in TITLES
    ]
    for result in results:
        problems += differences(result)
        sample = demo.logged.sample_message
        found = demo.server.store.newest(1, vendor=result.vendor, contains=sample)
        print_vendor(console, result, found[0] if found else None)
    problems += print_query(console, demo.server.url, results)
    print_costliest(console, volume())
    print_conclusion(console, demo.logged.total, demo.refused.total(), problems)
    return problems


def _keep_going(demo: DemoEnvironment, stopped: Stopped) -> None:
    """Send a few requests a second to the shop, so that there is something to watch."""
    trickle = Traffic("127.0.0.1", demo.shop.server_port, clients=1, pause=TRICKLE_PAUSE)
    trickle.start()
    while not stopped():
        time.sleep(2 * POLL_SECONDS)
    trickle.stop()
    demo.server.faults.clear()  # the last records are delivered whatever the user has set
