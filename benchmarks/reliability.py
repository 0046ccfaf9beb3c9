"""
What becomes of 1,000 records when something goes wrong: ``python -m benchmarks.reliability``.

Each case is a program of its own that logs to a server of this process. `--write` puts the table
into docs/comparison.md.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import logging
import math
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from . import workload
from .child import attached
from .processes import ROOT, closed_target, environment
from .services import Received, answer, ids, plain, service_of
from .subjects import BY_NAME, Subject, Target
from .subjects.ours import OURS
from .subjects.peers import CORALOGIX_LOGGER, LIBHONEY, LOGTAIL, OPENTELEMETRY

COUNT = 1_000
POISON = b"POISON"
OUTAGE_SECONDS = 5.0
RECOVERY_SECONDS = 20.0
CHILD_SECONDS = 120
QUIET_SECONDS = 1.5
PAGE = ROOT / "docs" / "comparison.md"
BEGIN, END = "<!-- table: begin -->", "<!-- table: end -->"

SUBJECTS: Sequence[Subject] = [
    *(each for each in OURS if each.fast),
    LOGTAIL,
    LIBHONEY,
    CORALOGIX_LOGGER,
    OPENTELEMETRY,
]


class Vendor:
    """
    A server that takes what the services take, and has the trouble that a case asks for.

    Attributes:
        arrived: How often each record was acknowledged.
        poison: Whether a request is refused (400) for a record that holds `POISON`.
        outage: Seconds after the first request during which each is answered 503.
    """

    def __init__(self, *, poison: bool = False, outage: float = 0.0) -> None:
        self.arrived: Counter[int] = Counter()
        self.poison, self.outage = poison, outage
        self.moved = self._began = 0.0
        self._lock = threading.Lock()
        vendor = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                headers = {name.lower(): value for name, value in self.headers.items()}
                service = service_of(self.path, headers)
                encoding = headers.get("content-encoding", "")
                self.wfile.write(vendor.take(Received(service, encoding, len(body), body)))

            do_GET = do_POST  # noqa: N815 - the name that the library calls

            def log_message(self, *_: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            def handle_error(self, *_: Any) -> None:
                pass  # a killed program's connection

        self._server = Server(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def take(self, received: Received) -> bytes:
        """Return the answer to a request, and count what it acknowledges."""
        now = self.moved = time.monotonic()
        self._began = self._began or now
        if now - self._began < self.outage:
            return b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"
        if self.poison and POISON in plain(received):
            return self._refuse(received)
        self._keep(received)
        return answer(received)

    def _refuse(self, received: Received) -> bytes:
        """Refuse a whole request, as most vendors do, or the one event of it."""
        if received.service != "honeycomb":
            return b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"
        events = json.loads(plain(received))
        refused = [POISON.decode() in json.dumps(event) for event in events]
        taken = [event for event, is_refused in zip(events, refused, strict=True) if not is_refused]
        self._keep(dataclasses.replace(received, encoding="", body=json.dumps(taken).encode()))
        body = json.dumps([{"status": 400 if each else 202} for each in refused]).encode()
        return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)

    def _keep(self, received: Received) -> None:
        with self._lock:
            self.arrived.update(each for each in ids(received) if each >= 0)

    def settle(self, most: float = 10.0) -> None:
        """Wait until nothing has come for a while."""
        end = time.monotonic() + most
        while time.monotonic() < min(end, self.moved + QUIET_SECONDS):
            time.sleep(0.05)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def log(logger: logging.Logger, numbers: range) -> None:
    for number in numbers:
        logger.info(workload.MESSAGE, number, extra=workload.extras(number))


def ends(logger: logging.Logger, flush: Callable[[], None]) -> None:
    """The program ends right after its last log call."""
    del flush
    log(logger, range(COUNT))


def forks(logger: logging.Logger, flush: Callable[[], None]) -> None:
    """It logs, forks two workers that log, and all end."""
    log(logger, range(200))
    flush()
    for part in range(2):
        if not os.fork():
            log(logger, range(200 + 400 * part, 600 + 400 * part))
            sys.exit()
    for _ in range(2):
        os.wait()


def outage(logger: logging.Logger, flush: Callable[[], None]) -> None:
    """It logs 200 records a second while the vendor answers 503 for five seconds, and goes on."""
    del flush
    begin = time.monotonic()
    for number in range(COUNT):
        time.sleep(max(0.0, begin + number / 200 - time.monotonic()))
        log(logger, range(number, number + 1))
    time.sleep(RECOVERY_SECONDS)
    os._exit(0)


def odd(logger: logging.Logger, flush: Callable[[], None]) -> None:
    """Each tenth record has an extra that is not JSON: an object, NaN, bytes or a cycle."""
    del flush
    cycle: dict[str, Any] = {}
    cycle["self"] = cycle
    values = [object(), math.nan, b"\xff\x00", cycle]
    for number in range(COUNT):
        extra = workload.extras(number)
        if number % 10 == 0:
            extra["value"] = values[number // 10 % len(values)]
        logger.info(workload.MESSAGE, number, extra=extra)


def poison(logger: logging.Logger, flush: Callable[[], None]) -> None:
    """The vendor refuses each request that holds record 500."""
    del flush
    for number in range(COUNT):
        text = workload.MESSAGE + (" POISON" if number == COUNT // 2 else "")
        logger.info(text, number, extra=workload.extras(number))


def killed(logger: logging.Logger, flush: Callable[[], None]) -> None:
    """It is killed by SIGKILL right after its last log call, and started again."""
    del flush
    log(logger, range(COUNT))
    os.kill(os.getpid(), signal.SIGKILL)


def again(logger: logging.Logger, flush: Callable[[], None]) -> None:
    """It starts again, and ends ten seconds later."""
    del logger, flush
    time.sleep(10)


CASES: dict[str, tuple[str, Callable[..., None]]] = {
    "exit": ("the program ends", ends),
    "fork": ("it forks two workers", forks),
    "outage": ("503 for 5 s", outage),
    "odd": ("odd extras", odd),
    "poison": ("one refused record", poison),
    "kill": ("`kill -9`, and a new start", killed),
    "dead": ("seconds to exit, vendor down", ends),
}


def child(spec: dict[str, Any]) -> None:
    subject = BY_NAME[spec["subject"]]
    logger, flush = attached(subject, Target(**spec["target"]))
    try:
        (again if spec["case"] == "again" else CASES[spec["case"]][1])(logger, flush)
    finally:
        if subject is LIBHONEY:  # as its documentation asks; the others do it by themselves
            logger.handlers[0].client.close()  # type: ignore[attr-defined]


def run(case: str, subject: Subject, target: dict[str, Any]) -> float:
    """Run a program to its end; return the seconds from its first second on."""
    spec = {"case": case, "subject": subject.name, "target": target}
    began = time.monotonic()
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks.reliability", "--child", json.dumps(spec)],
        cwd=ROOT,
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            process.wait(CHILD_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
    return time.monotonic() - began


def measure(case: str, subject: Subject) -> str:
    """Return what came of a case, as a cell of the table."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as directory:
        if case == "dead":
            dead = {**closed_target(), "directory": directory}
            vendor = Vendor()
            alive = {**dead, "url": vendor.url}
            usual = run(case, subject, alive)
            vendor.close()
            return f"{max(run(case, subject, dead) - usual, 0):.1f} s"
        vendor = Vendor(poison=case == "poison", outage=OUTAGE_SECONDS if case == "outage" else 0)
        target = {**closed_target(), "url": vendor.url, "directory": directory}
        run(case, subject, target)
        if case == "kill":
            run("again", subject, target)
        vendor.settle()
        vendor.close()
    distinct, twice = len(vendor.arrived), vendor.arrived.total() - len(vendor.arrived)
    return f"{distinct:,}" + (f" (+{twice} twice)" if twice else "")


def table(results: dict[str, dict[str, str]]) -> str:
    cases = [title for title, _ in CASES.values()]
    lines = [f"| | {' | '.join(cases)} |", f"|---|{'---:|' * len(cases)}"]
    lines += [f"| {name} | {' | '.join(cells.values())} |" for name, cells in results.items()]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.reliability", description=__doc__)
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--only", nargs="+", default=[], metavar="TEXT", help="parts of names")
    parser.add_argument("--case", nargs="+", default=list(CASES), choices=CASES, help="some cases")
    parser.add_argument("--write", action="store_true", help="write docs/comparison.md")
    options = parser.parse_args()
    if options.child:
        child(json.loads(options.child))
        return
    results: dict[str, dict[str, str]] = {}
    for subject in SUBJECTS:
        if options.only and not any(text in subject.name for text in options.only):
            continue
        cells = results.setdefault(subject.name, {})
        for case in options.case:
            cells[case] = measure(case, subject)
            print(subject.name, case, cells[case], file=sys.stderr, flush=True)
    print(table(results))
    if options.write:
        write(PAGE, table(results))


def write(page: Path, text: str) -> None:
    before, _, rest = page.read_text("utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    page.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}", "utf-8")


if __name__ == "__main__":
    main()
