"""
A soak test: load for minutes, with random faults and kills, with a spool and without.

``python -m tests.soak --minutes 5`` exits with 1 if a ledger does not balance, or if a record that
was promised with a spool is lost.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import random
import signal
import sys
import tempfile
import time
from pathlib import Path

from ..faults.backend import Backend, answer
from ..faults.harness import Child, Ended, Oracle
from ..faults.proxy import FaultProxy, Trouble
from ..faults.spooling import DELIVER, LEFT
from .watch import Watch, table

OPTIONS = "flush_interval=0.2, retry_initial=0.05, retry_maximum=1, timeout=3, batch_count=500"

LOAD = """
import json, random, threading
unbalanced = []
over = threading.Event()
def stop(*_):
    over.set()
def look():
    while not over.wait(0.05):
        stats = handler.stats()
        if not stats.balanced:
            unbalanced.append(repr(stats))
signal.signal(signal.SIGTERM, stop)
threading.Thread(target=look, daemon=True).start()
chance = random.Random({seed})
number = 0
while not over.is_set():
    for _ in range(chance.choice((1, 1, 1, 50))):
        promise({run!r}, number, chance.choice((10, 20, 30, 40)))
        number += 1
    over.wait(chance.random() * 0.02)
handler.flush({patience})
stats = handler.stats()
print(json.dumps({{"unbalanced": unbalanced[:3], **{{name: getattr(stats, name) for name in (
    "accepted", "delivered", "rejected", "dropped", "abandoned", "pending", "spooled",
    "requests", "retries", "balanced")}}}}))
"""

TROUBLES = {
    "none": Trouble(),
    "latency": Trouble(latency=0.05),
    "bandwidth": Trouble(bandwidth=200_000),
    "trickle": Trouble(trickle=0.01),
    "reset at once": Trouble(reset="at once"),
    "reset in the body": Trouble(reset="body"),
    "reset instead of the answer": Trouble(reset="answer"),
    "half close": Trouble(half_close=True),
    "truncation": Trouble(truncate=9),
    "black hole": Trouble(blackhole=True),
    "garbage": Trouble(answer=(b"\x00garbage\r\n\r\n",)),
}
STATUSES = (202, 202, 202, 429, 500, 503, 413)


class Stand:
    """A backend behind a proxy, with random network faults."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self.faults: dict[str, int] = {}
        self._status = 202
        self.backend = Backend(self._answer)
        self.proxy = FaultProxy(self.backend.port)
        self._change_at = 0.0

    def _answer(self, request):
        status = self._status
        if status == 413 and len(request.body) <= 20_000:
            return 202
        return answer(429, Retry_After="1") if status == 429 else status

    def tend(self, now: float) -> None:
        """Change the trouble when it is time to."""
        if now < self._change_at:
            return
        self._change_at = now + self._chance.uniform(0.2, 3)
        chosen = self._chance.choice([*TROUBLES, "refused", "status", "none", "none", "none"])
        self.faults[chosen] = self.faults.get(chosen, 0) + 1
        self.heal()
        if chosen == "refused":
            self.proxy.refuse()
        elif chosen == "status":
            self._status = self._chance.choice(STATUSES)
        else:
            self.proxy.trouble = TROUBLES[chosen]
        self.proxy.cut()

    def heal(self) -> None:
        """End all faults."""
        self._status = 202
        self.proxy.trouble = Trouble()
        if not self.proxy.is_listening:
            self.proxy.listen()


class Spooled:
    """Processes that share a spool, one after the other; most of them are killed."""

    def __init__(self, stand: Stand, spool: Path, chance: random.Random) -> None:
        self._stand, self._spool, self._chance = stand, spool, chance
        self._end_at = 0.0
        self._runs = 0
        self.promised: list[str] = []
        self.ends: dict[str, int] = {}
        self.ledgers: list[dict] = []
        self.child: Child | None = None
        self.watch = Watch("with a spool")

    def _start(self, body: str) -> Child:
        code = LEFT.format(spool=str(self._spool)) + body
        return Child(code, self._stand.proxy.url, f"spool={str(self._spool)!r}, {OPTIONS}")

    def tend(self, now: float) -> None:
        """Start a process, or end it when it is time to."""
        if self.child is None:
            self._runs += 1
            load = LOAD.format(run=f"s{self._runs}", seed=self._chance.random(), patience=0.5)
            self.child = self._start(load)
            self.watch.begin(self.child.process.pid)
            self._end_at = now + self._chance.uniform(3, 25)
        elif now >= self._end_at:
            self.end(self._chance.choice(("SIGKILL", "SIGKILL", "SIGKILL", "SIGTERM")))

    def end(self, how: str) -> None:
        """End the process."""
        child, self.child = self.child, None
        if child is None:
            return
        self.ends[how] = self.ends.get(how, 0) + 1
        child.send_signal(signal.Signals[how])
        ended = child.wait(60)
        self.promised += ended.promised
        if how == "SIGTERM":
            self.ledgers.append(ledger(ended))
        child.__exit__()

    def finish(self) -> None:
        """Deliver what is left."""
        self.end("SIGKILL")
        with self._start(DELIVER) as last:
            ended = last.wait(120)
        if ended.code:
            raise AssertionError(ended.err)
        self.promised += ended.promised


def ledger(ended: Ended) -> dict:
    """Return the ledger that a process printed, and whether it balances."""
    lines = ended.out.splitlines()
    if ended.code or not lines:
        return {"balanced": False, "error": ended.err[-2_000:]}
    found = json.loads(lines[-1])
    found["balanced"] = found["balanced"] and not found["unbalanced"]
    return found


def soak(minutes: float, seed: int) -> int:
    """Run; return the exit code."""
    chance = random.Random(seed)
    say(f"seed {seed}, {minutes:g} minutes\n")
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="soak-")))
        stands = [Stand(chance), Stand(chance)]
        for stand in stands:
            stack.enter_context(stand.backend)
            stack.enter_context(stand.proxy)
        spooled = Spooled(stands[0], folder / "spool", chance)
        load = LOAD.format(run="m", seed=seed, patience=60)
        memory = stack.enter_context(Child(load, stands[1].proxy.url, OPTIONS))
        watch = Watch("in memory")
        watch.begin(memory.process.pid)
        end = time.monotonic() + minutes * 60
        while (now := time.monotonic()) < end:
            for each in (*stands, spooled):
                each.tend(now)
            watch.look()
            spooled.watch.look()
            time.sleep(0.1)
        for stand in stands:
            stand.heal()
        spooled.finish()
        memory.send_signal(signal.SIGTERM)
        ended = memory.wait(120)
        return report(stands, spooled, ended, watch)


def report(stands: list[Stand], spooled: Spooled, memory: Ended, watch: Watch) -> int:
    """Print the figures; return the exit code."""
    with_spool = Oracle.judge(spooled.promised, stands[0].backend)
    in_memory = Oracle.judge(memory.promised, stands[1].backend)
    account = ledger(memory)
    counted = sum(account.get(name, 0) for name in ("rejected", "dropped", "abandoned"))
    ledgers = [account, *spooled.ledgers]
    faults = sum(sum(stand.faults.values()) for stand in stands)
    say(f"\n{faults} changes of the network: {stands[0].faults} {stands[1].faults}\n")
    say(f"ends of processes with a spool: {spooled.ends}\n")
    say(f"ledger in memory: {account}\n\n")
    rows = (
        ("with a spool", spooled.promised, with_spool, 0, stands[0]),
        ("in memory", memory.promised, in_memory, counted, stands[1]),
    )
    for name, promised, oracle, known, stand in rows:
        say(
            f"{name}: logged {len(promised)}, lost {len(oracle.lost) - known},"
            f" counted as lost {known}, twice {len(oracle.duplicated)},"
            f" requests {len(stand.backend.requests)}\n"
        )
    say(table([spooled.watch, watch]))
    balanced = all(each["balanced"] for each in ledgers)
    sound = not with_spool.lost and len(in_memory.lost) == counted and balanced
    say("\nsound\n" if sound else f"\nNOT SOUND: balanced {balanced}, {ledgers}\n")
    return 0 if sound else 1


def say(text: str) -> None:
    """Print *text*."""
    sys.stdout.write(text)
    sys.stdout.flush()


def main() -> int:
    """Read the arguments, and run."""
    parser = argparse.ArgumentParser(prog="soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    arguments = parser.parse_args()
    return soak(arguments.minutes, arguments.seed)


if __name__ == "__main__":
    sys.exit(main())
