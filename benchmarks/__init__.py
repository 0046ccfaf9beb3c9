"""
What logging through cxlogging costs, beside its peers: ``python -m benchmarks``.

`subjects` names who is measured and `modes` in which ways; `child` measures one
of them in a process of its own, with a loop of `workload`; `sink` takes the
deliveries at its `services`; `run` interleaves the rounds, with the processes of
`processes`; `figures` and `aims` make numbers of them, `report`, `picture` and
`publish` show these; `stages` looks inside the call.
"""
