"""
A soak test of a spool that two accounts share: eight processes that are killed again and again.

``python -m tests.soak.accounts --kills 190`` exits with 1 if a promised record is lost, or arrives
with the other account's key.
"""

from __future__ import annotations

import argparse
import contextlib
import random
import re
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from ..faults.backend import Backend, Request
from ..faults.harness import Child, Oracle
from ..faults.proxy import FaultProxy, Trouble
from ..faults.spooling import nothing_left
from .__main__ import STATUSES, TROUBLES, say

PROCESSES = 8
ACCOUNTS = ("first", "second")
QUIET_SECONDS = 90.0
"""For what the last ones left: it is adopted folder by folder."""

KEY = re.compile(r"authorization: bearer key-of-(\w+)", re.IGNORECASE)

OPTIONS = "flush_interval=0.2, retry_initial=0.05, retry_maximum=0.5, timeout=3, batch_count=500"

LOAD = f"""
import random
log.removeHandler(handler)
handlers = {{{{}}}}
for account in {{accounts!r}}:
    handlers[account] = cxlogging.BetterStackHandler(
        f"key-of-{{{{account}}}}", url=URL, format="ndjson", compression=None, sequence=True,
        spool={{spool!r}}, {OPTIONS})
loggers = {{{{}}}}
for account, each in handlers.items():
    loggers[account] = logging.Logger(account)
    loggers[account].addHandler(each)
def promise_to(account, number):
    loggers[account].error("<%s.{{run}}:%d>", account, number)
    os.write(PROMISES, f"{{{{account}}}}.{{run}}:{{{{number}}}}\\n".encode())
"""

BUSY = """
chance = random.Random({seed})
for number in range(10**9):
    for account in handlers:
        promise_to(account, number)
    if chance.random() < 0.2:
        time.sleep(chance.random() * 0.1)
"""

REST = """
print("ready", flush=True)
time.sleep({seconds})
"""
"""A process that has a handler for each account, and logs nothing."""


class Keys:
    """Which records arrived with which key."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self.healthy = False
        self.crossed: list[str] = []
        self.by_key: Counter[str] = Counter()

    def answer(self, request: Request) -> int:
        """Check the key of a request; fail at random until everything is *healthy*."""
        found = KEY.search(request.head)
        key = found[1] if found else "none"
        self.by_key[key] += len(request.ids)
        self.crossed += [each for each in request.ids if each.partition(".")[0] != key]
        return 202 if self.healthy else self._chance.choice([*STATUSES[:-1], 202, 202])


class Crowd:
    """Processes that share a spool, with one or both accounts each."""

    def __init__(self, url: str, spool: Path, chance: random.Random) -> None:
        self._url = url
        self.spool = spool
        self._chance = chance
        self._runs = 0
        self._running: list[Child] = []
        self.promised: list[str] = []
        self.kills = 0

    def start(self) -> None:
        """Start processes until there are as many as there should be."""
        while len(self._running) < PROCESSES:
            self._runs += 1
            accounts = self._chance.choice([ACCOUNTS, ACCOUNTS, ACCOUNTS[:1], ACCOUNTS[1:]])
            seed = self._chance.random()
            self._running.append(self.child(accounts, BUSY.format(seed=seed)))

    def child(self, accounts: tuple[str, ...], body: str) -> Child:
        """Start one process."""
        load = LOAD.format(accounts=accounts, spool=str(self.spool), run=f"r{self._runs}")
        return Child(load + body, self._url)

    def kill(self) -> None:
        """Kill one of them, chosen at random, with SIGKILL."""
        child = self._running.pop(self._chance.randrange(len(self._running)))
        self._end(child)
        self.kills += 1

    def _end(self, child: Child) -> None:
        self.promised += child.kill().promised
        child.__exit__()

    def finish(self) -> None:
        """Kill all that are left."""
        while self._running:
            self.kill()


def soak(kills: int, seed: int) -> int:
    """Run; return the exit code."""
    chance = random.Random(seed)
    say(f"seed {seed}, {kills} kills, {PROCESSES} processes, accounts {', '.join(ACCOUNTS)}\n")
    keys, began = Keys(chance), time.monotonic()
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="soak-")))
        backend = stack.enter_context(Backend(keys.answer))
        proxy = stack.enter_context(FaultProxy(backend.port))
        crowd = Crowd(proxy.url, folder / "spool", chance)
        while crowd.kills < kills - PROCESSES:
            crowd.start()
            proxy.trouble = TROUBLES[chance.choice([*TROUBLES, "none", "none", "none"])]
            proxy.cut()
            time.sleep(chance.uniform(0.1, 2.5))
            crowd.kill()
        crowd.start()
        crowd.finish()
        proxy.trouble, keys.healthy = Trouble(), True
        with crowd.child(ACCOUNTS, REST.format(seconds=600)):
            end = time.monotonic() + QUIET_SECONDS
            while not nothing_left(crowd.spool) and time.monotonic() < end:
                time.sleep(0.1)
        seconds = time.monotonic() - began
        return report(crowd, keys, backend, seconds)


def report(crowd: Crowd, keys: Keys, backend: Backend, seconds: float) -> int:
    """Print the figures; return the exit code."""
    oracle = Oracle.judge(crowd.promised, backend)
    say(
        f"{crowd.kills} kills in {seconds:.0f} s: logged {len(set(crowd.promised))}, lost"
        f" {len(oracle.lost)}, twice {len(oracle.duplicated)}, not promised {len(oracle.extra)},"
        f" crossed {len(keys.crossed)}\n"
        f"records by key {dict(keys.by_key)}; requests {len(backend.requests)};"
        f" left on disk: {'nothing' if nothing_left(crowd.spool) else 'something'}\n"
    )
    sound = not oracle.lost and not keys.crossed and nothing_left(crowd.spool)
    say("sound\n" if sound else f"NOT SOUND: {oracle.lost[:10]} {keys.crossed[:10]}\n")
    return 0 if sound else 1


def main() -> int:
    """Read the arguments, and run."""
    parser = argparse.ArgumentParser(prog="soak.accounts", description=__doc__)
    parser.add_argument("--kills", type=int, default=190)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    arguments = parser.parse_args()
    return soak(arguments.kills, arguments.seed)


if __name__ == "__main__":
    sys.exit(main())
