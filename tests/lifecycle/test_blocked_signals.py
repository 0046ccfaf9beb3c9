"""Signals are for the application's own threads."""

from __future__ import annotations

WAIT = """
import os, signal
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1, signal.SIGTERM})
signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGUSR1, signal.SIGTERM})
log.info("before")  # the worker begins while nothing is blocked
handler.flush(10)
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1, signal.SIGTERM})
for number in (signal.SIGUSR1, signal.SIGTERM):
    os.kill(os.getpid(), number)
    print(signal.sigwait({number}).name)
masks = []
for task in os.listdir("/proc/self/task"):
    status = open(f"/proc/self/task/{task}/status").read()
    masks.append(int(status.split("SigBlk:")[1].split()[0], 16) >> (signal.SIGUSR2 - 1) & 1)
print(sorted(masks))
"""


def test_threads_of_ours_take_no_signals(program, queue):
    """
    A signal that the application waits for with sigwait reaches it: workers block
    all signals.
    """
    ended = program(WAIT)

    assert ended.code == 0
    ours = ["1"] * (1 + queue.threads)
    assert ended.out.split() == ["SIGUSR1", "SIGTERM", *f"[{', '.join(['0', *ours])}]".split()]
