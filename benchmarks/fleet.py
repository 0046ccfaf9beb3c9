"""
What a fleet costs, measured, and what fleets of some sizes need, by arithmetic.

``python -m benchmarks.fleet`` takes some three minutes; ``--constants FILE`` uses saved ones. Each
attribute of `Assumptions` is an option, such as ``--rate 50``.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Iterator
from dataclasses import asdict, fields, replace
from pathlib import Path

from .fleet_plan import HOUR, Assumptions, Constants, limits, load, need, simulate
from .processes import ROOT
from .publish import placed

HOSTS = (10, 1_000, 100_000)
OUTAGES = (HOUR, 8 * HOUR)
PAGE = ROOT / "docs" / "fleet.md"
PATIENT_SECONDS = 10.0
NEVER = "never"
RECORDS = 100
"""Of a message that is full, if each takes some 650 bytes."""

UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fleet", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a minute, and rough figures")
    parser.add_argument("--json", type=Path, metavar="FILE", help="save the constants")
    parser.add_argument("--constants", type=Path, metavar="FILE", help="use saved constants")
    parser.add_argument("--publish", action="store_true", help=f"write {PAGE.name}'s tables")
    for field in fields(Assumptions):
        name = f"--{field.name.replace('_', '-')}"
        parser.add_argument(name, type=type(field.default), default=field.default)
    options = parser.parse_args()
    names = (field.name for field in fields(Assumptions))
    assumed = Assumptions(**{name: getattr(options, name) for name in names})
    if options.constants:
        measured = Constants(**json.loads(options.constants.read_text("utf-8")))
    else:
        from .fleet_costs import measure

        measured = measure(_progress, quick=options.quick)
    if options.json:
        options.json.write_text(json.dumps(asdict(measured), indent=1), "utf-8")
    text = "\n\n".join(report(measured, assumed))
    print(text)
    if options.publish:
        PAGE.write_text(placed(PAGE.read_text("utf-8"), text), "utf-8")


def _progress(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


def report(measured: Constants, assumed: Assumptions) -> Iterator[str]:
    """Yield the parts of the report, as Markdown."""
    yield f"Measured: {measured.machine}."
    yield _table(["", "measured"], constants(measured))
    yield f"Assumed: {assumptions(assumed)}."
    head = ["", *(f"{hosts:,} hosts" for hosts in HOSTS)]
    yield _table(head, needs(measured, assumed))
    patient = replace(assumed, flush_interval=PATIENT_SECONDS)
    yield f"With `flush_interval={PATIENT_SECONDS:g}` in the applications these differ:"
    rows, before = needs(measured, patient), [*needs(measured, assumed)]
    yield _table(head, (row for row, was in zip(rows, before, strict=True) if row != was))
    yield "What fails first, as a fleet of three servers, one stream and two relays grows:"
    with_patience = dict(limits(measured, patient))
    rows = (
        [what, f"{hosts:,.0f}", f"{with_patience[what]:,.0f}"]
        for what, hosts in limits(measured, assumed)
    )
    yield _table(["limit", "hosts", f"with `flush_interval={PATIENT_SECONDS:g}`"], rows)
    yield (
        "An outage of the vendor, simulated second by second: with a stream of 4 GiB, and with one"
        " for an hour, as above."
    )
    head = ["hosts", "stream", "outage", "stream full after", "first loss after", "delivered after"]
    yield _table(head, outages(measured, assumed))


def constants(measured: Constants) -> Iterator[list[str]]:
    """Yield a row for each constant."""
    call, cost = measured.call_us, measured.record_us
    yield ["log call, median: handler that does nothing", f"{call['no-op']:.1f} µs"]
    yield ["log call, median: queue in memory", f"{call['memory']:.1f} µs"]
    yield ["log call, median: queue to a stream", f"{call['stream']:.1f} µs"]
    yield ["application, CPU per record: in memory, to the vendor", f"{cost['memory']:.1f} µs"]
    yield ["application, CPU per record: to a stream", f"{cost['stream']:.1f} µs"]
    for name, title in (("no-op", "nothing"), ("memory", "in memory"), ("stream", "to a stream")):
        yield [
            f"idle application, {title}: CPU and context switches a minute",
            f"{measured.idle_ms[name]:.1f} ms, {measured.idle_switches[name]:.0f}",
        ]
    yield ["relay, CPU per record", f"{measured.relay_record_us:.1f} µs"]
    yield ["relay, CPU per message", f"{measured.relay_message_us:,.0f} µs"]
    yield ["relay, memory", f"{measured.relay_rss / 2**20:.0f} MiB"]
    per_record = measured.relay_message_us / RECORDS + measured.relay_record_us
    yield [
        f"relay, records a second and core: messages of {RECORDS}",
        f"{1e6 / per_record:,.0f}",
    ]
    for name, message, megabyte in (
        ("the stream's leader", measured.leader_message_us, measured.leader_megabyte_us),
        ("all three servers", measured.server_message_us, measured.server_megabyte_us),
    ):
        yield [f"{name}, CPU per message", f"{message:,.0f} µs"]
        yield [f"{name}, CPU per MB", f"{megabyte / 1e3:.1f} ms"]
    yield ["stream, bytes per record (of this workload)", f"{measured.item_bytes:.0f}"]
    yield ["stream, bytes per message beside its records", f"{measured.message_overhead:.0f}"]


def assumptions(assumed: Assumptions) -> str:
    """Return them in words."""
    return (
        f"{assumed.rate:g} records a second and host, {assumed.record_bytes:.0f} bytes each,"
        f" {assumed.processes} process a host, a message a second from each, {assumed.replicas}"
        f" replicas, {assumed.busy:.0%} of a core in use, relays that catch up at"
        f" {assumed.catch_up:g} times the incoming rate, a vendor that answers after"
        f" {assumed.answer * 1e3:.0f} ms, requests of {_size(assumed.request_bytes)} of records,"
        " one at a time"
    )


def needs(measured: Constants, assumed: Assumptions) -> Iterator[list[str]]:
    """Yield a row for each thing that a fleet needs."""
    loads = [load(hosts, measured, assumed) for hosts in HOSTS]
    found = [need(each, assumed) for each in loads]
    yield ["records a second", *(f"{each.records:,.0f}" for each in loads)]
    yield ["messages a second", *(f"{each.messages:,.0f}" for each in loads)]
    yield ["records of a message", *(f"{each.records / each.messages:,.0f}" for each in loads)]
    yield [
        "records a second per relay core",
        *(f"{each.records / each.relays:,.0f}" for each in loads),
    ]
    yield ["records a second per relay, one request at a time", *[f"{assumed.one_by_one:,.0f}"] * 3]
    yield ["application, share of a core", *(f"{each.publisher:.3%}" for each in loads)]
    yield ["leader, cores if it is one stream", *(f"{each.leader:.2f}" for each in loads)]
    yield ["all servers, cores", *(f"{each.servers:.2f}" for each in loads)]
    yield ["relays, cores while nothing is behind", *(f"{each.relays:.2f}" for each in loads)]
    yield ["**streams** (shards by subject)", *(f"{each.streams:,}" for each in found)]
    yield ["**relays**", *(f"{each.relays:,}" for each in found)]
    yield ["**max_bytes** per hour of outage", *(_size(each.max_bytes) for each in found)]
    yield ["**disk** of all servers per hour of outage", *(_size(each.disk) for each in found)]
    yield ["a process holds, without a stream", *(f"{_time(each.local_seconds)}" for each in found)]


def outages(measured: Constants, assumed: Assumptions) -> Iterator[list[str]]:
    """Yield a row for each fleet and outage."""
    for hosts in HOSTS:
        brought = load(hosts, measured, assumed)
        asked = need(brought, assumed)
        delivers = brought.records * assumed.catch_up
        for seconds in OUTAGES:
            for room in sorted({assumed.max_bytes, max(assumed.max_bytes, asked.max_bytes)}):
                found = simulate(brought, assumed, seconds, room, delivers)
                yield [
                    f"{hosts:,}",
                    _size(room),
                    _time(seconds),
                    NEVER if found.full is None else _time(found.full),
                    NEVER
                    if found.losing is None
                    else f"{_time(found.losing)} ({found.dropped:,.0f} records)",
                    NEVER if found.drained is None else _time(found.drained),
                ]


def _size(count: float) -> str:
    power = min(int(math.log(max(count, 1), 1024)), len(UNITS) - 1)
    number = count / 1024**power
    return f"{number:{'.1f' if number < 10 else ',.0f'}} {UNITS[power]}"


def _time(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 2 * HOUR else f"{seconds / HOUR:.1f} h"


def _table(head: list[str], rows: Iterator[list[str]]) -> str:
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


if __name__ == "__main__":
    main()
