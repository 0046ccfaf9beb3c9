"""
What logging through cxlogging costs, beside its peers: ``python -m benchmarks``.

`subjects` names who is measured, `child` measures one of them in a process of
its own, `sink` takes the deliveries, `run` interleaves the rounds, `report`
prints them, `stages` looks inside the call.
"""
