"""Runs as the benchmark writes them, made up."""

from __future__ import annotations

from benchmarks.modes import MODES

MACHINE = {
    "python": "CPython 3.11.7",
    "system": "Linux",
    "processor": "some & any",
    "cpus": 2,
    "memory": "1 kB",
    "load": 0.1,
    "packages": {"cxlogging": "1.0", "watchtower": None},
}


def a_round(number, *, call_us=10.0, cpu_us=15.0, per_second=40_000, size=20, missing=0):
    """Return a round in which 1,000 records were logged, and 1,000 - *missing* arrived."""
    return {
        "round": number,
        "mean_ns": call_us * 2e3,
        "p50_ns": call_us * 1e3,
        "p99_ns": call_us * 5e3,
        "max_ns": 2e6,
        "base_p50_ns": 6_000,
        "base_cpu": 7e-6,
        "base_bytes": 20_000_000,
        "peak_bytes": 30_000_000,
        "records": 1_000,
        "cpu": cpu_us * 1e-3,
        "delivered": 1_000 - missing,
        "missing": missing,
        "duplicates": 0,
        "logged_ns": 1e9,
        "answered_ns": 1.2e9,
        "served": 800.0,
        "plain_served": 1_000.0,
        "wall": (1_000 - missing) / per_second,
        "sink_cpu": 0.001,
        "bytes": size * (1_000 - missing),
        "requests": 2,
    }


def result(rounds=3, **more):
    """Return a run in which all subjects did equally well."""
    runs = {
        mode.name: {
            each.name: [a_round(number) for number in range(rounds)] for each in mode.subjects
        }
        for mode in MODES
    }
    imports = [{"round": 0, "import_ns": 9e6}]
    runs["import"] = {"import cxlogging": imports, "cxlogging Coralogix": imports}
    idle = {"round": 0, "switches": 1, "cpu": 0.001, "threads": 2, "seconds": 60.0}
    runs["idle"] = {"cxlogging Coralogix": [idle]}
    return {"environment": MACHINE, "runs": runs, "absent": {}, **more}
