"""Cases 37 to 39, 42 and 44: log calls in odd places, and records that misbehave."""

from __future__ import annotations

import json

import pytest

CANARY = "canary-token"


@pytest.mark.slow
@pytest.mark.timeout(180)
@pytest.mark.case(37)
def test_case_37_signals_finalizers_weak_references(child, backend, figures):
    """For 60 s, a signal every millisecond, finalizers and weak references, all of which log, with
    a garbage collection at each allocation: no deadlock, every record has its outcome.
    """
    ended = child(
        """
        import gc, weakref
        gc.set_threshold(1)
        import itertools
        numbers = {kind: itertools.count() for kind in ("signal", "del", "weak")}
        def say(kind):  # counted in one step: threads and signals meet here
            log.warning("<%s:%d>", kind, next(numbers[kind]))
        class Dying:
            def __init__(self): self.cycle = self
            def __del__(self): say("del")
        class Watched:
            pass
        signal.signal(signal.SIGALRM, lambda *_: say("signal"))
        signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
        end = time.monotonic() + 60
        busy_records = [0, 0]
        def busy(which):
            while time.monotonic() < end:
                Dying()
                watched = Watched()
                watcher = weakref.ref(watched, lambda _: say("weak"))
                del watched
                log.info("<busy%d:%d>", which, busy_records[which])
                busy_records[which] += 1
        thread = threading.Thread(target=busy, args=(1,))
        thread.start()
        busy(0)
        thread.join()
        signal.setitimer(signal.ITIMER_REAL, 0)
        gc.collect()
        gc.set_threshold(700)
        flushed = handler.flush(30)
        counts = {kind: next(number) for kind, number in numbers.items()}
        stats = handler.stats()
        logged = sum(counts.values()) + sum(busy_records)
        # The collector runs some finalizers on the worker: what they log there is counted apart.
        print(flushed, stats.balanced, stats.accepted + stats.suppressed - logged,
              stats.accepted - stats.delivered - stats.dropped, min(counts.values()) > 100)
        print(stats.accepted, stats.delivered, stats.dropped + stats.suppressed)
        """
    ).wait(150)

    assert ended.code == 0, ended.err
    verdicts, numbers = ended.out.splitlines()
    assert verdicts.split() == ["True", "True", "0", "0", "True"]
    accepted, delivered, counted = map(int, numbers.split())
    figures.add(logged=accepted, delivered=delivered, counted=counted)


@pytest.mark.case(38)
def test_case_38_the_root_logger_at_debug(child, backend, figures):
    """On the root logger at DEBUG, with urllib3's and asyncio's loggers, one record makes one
    request, and none of our own traffic becomes a record.
    """
    ended = child(
        """
        logging.getLogger().setLevel(logging.DEBUG)
        log.removeHandler(handler)
        logging.getLogger().addHandler(handler)
        promise("a", 0)
        end = time.monotonic() + 2
        while time.monotonic() < end:
            handler.flush(0.1)
            time.sleep(0.02)
        print(handler.stats().accepted)
        """,
        "flush_interval=0.05",
    ).wait()

    assert (ended.code, ended.out.strip()) == (0, "1")
    assert len(backend.requests) == 1
    assert figures.judge(ended.promised, backend).lost == []


RUDE = {
    "raises": "raise RuntimeError('no')",
    "recurses": "return repr(self)",
    "sleeps": "started.set(); time.sleep(2); return 'slept'",
    "exits": "raise SystemExit(9)",
    "interrupts": "raise GeneratorExit",
    "logs": "log.info('<inner:0>'); return 'logged'",
    "returns no text": "return 5",
    "needs memory": "raise MemoryError",
}


@pytest.mark.timing
@pytest.mark.case(39)
@pytest.mark.parametrize("kind", RUDE)
@pytest.mark.parametrize("place", ["args", "extra"])
def test_case_39_values_that_misbehave(child, backend, figures, kind, place):
    """The repr and str of a value raise, recurse, sleep, exit or log: the application does not
    notice, the record arrives, what could not be represented is marked, and other threads do not
    wait.
    """
    ended = child(
        f"""
        started = threading.Event()
        class Rude:
            def __repr__(self): {RUDE[kind]}
            __str__ = __repr__
        def rude():
            started.set()
            if {place!r} == "args":
                log.info("<rude:0> %s", Rude())
            else:
                log.info("<rude:0>", extra={{"value": Rude()}})
            os.write(PROMISES, b"rude:0\\n")
        thread = threading.Thread(target=rude)
        begun = time.monotonic()
        thread.start()
        started.wait(10)
        for n in range(100):
            promise("quick", n)
        quick = time.monotonic() - begun
        thread.join()
        print(quick, handler.flush(10))
        """
    ).wait()

    assert (ended.code, "Traceback" in ended.err) == (0, False), ended.err
    quick, flushed = ended.out.split()
    assert (float(quick) < 1.5, flushed) == (True, "True")
    assert len(ended.promised) == 101
    assert figures.judge(ended.promised, backend).lost == []
    if kind not in {"sleeps", "logs"}:
        text = b"".join(request.body for request in backend.requests).decode()
        assert "<unrepresentable" in text or "unprintable" in text or "cx_" in text


@pytest.mark.case(42)
def test_case_42_values_that_change_after_the_call(shop, backend, figures):
    """A dict in args, a list in extra and an attribute of an object change right after the log
    call: what arrives is what they were.
    """

    class Cart:
        def __init__(self):
            self.total = 1

        def __str__(self):
            return f"total {self.total}"

    one = shop(flush_interval=60)
    cart, items, order = Cart(), ["a"], {"state": "new"}
    one.logger.info("<a:0> %s %s", cart, order, extra={"items": items})
    one.promised.append("a:0")
    cart.total, order["state"] = 2, "changed"
    items.append("b")

    assert one.handler.flush(10)
    event = json.loads(backend.requests[0].body)
    assert event["message"] == "<a:0> total 1 {'state': 'new'}"
    assert event["items"] == ["a"]
    assert figures.judge(one.promised, backend).lost == []


@pytest.mark.case(44)
def test_case_44_broken_arguments_formatters_filters(child, backend, figures):
    """Arguments that do not match the message, a formatter with a KeyError, a filter that raises,
    1,000 times each: one line on stderr for each kind, without secrets, and all other records are
    delivered.
    """
    ended = child(
        """
        class Bad(logging.Formatter):
            def format(self, record): raise KeyError("canary-token")
        def bad(record):
            if record.msg == "filter me": raise ValueError("canary-token")
            return True
        for n in range(1000):
            log.info("<misfit:%d> %d %s", n, "canary-token")
            os.write(PROMISES, b"misfit:%d\\n" % n)
        handler.addFilter(bad)
        for n in range(1000):
            log.info("filter me")
            promise("sound", n)
        handler.setFormatter(Bad())
        for n in range(1000):
            promise("formatted", n)
        print(handler.flush(20), handler.stats().balanced, handler.stats().dropped)
        """
    ).wait()

    assert (ended.code, ended.out.split()) == (0, ["True", "True", "1000"])
    lines = ended.err.splitlines()
    assert 2 <= len(lines) <= 4
    assert not any(CANARY in line for line in lines)
    assert sum("a filter failed" in line for line in lines) == 1
    assert sum("a formatter failed" in line for line in lines) == 1
    promised = [each for each in ended.promised if not each.startswith("misfit")]
    assert len(promised) == 2_000
    assert figures.judge(promised, backend).lost == []
    assert b"".join(r.body for r in backend.requests).count(b"<misfit:%d>") == 1_000
