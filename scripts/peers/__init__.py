"""Other programs' ways to run CCExpert's model, for scripts/bench_peers.py.

Each module but `work` has `Peer(job)`, an object with `caption(number, seconds)`. If there is a `prepare(job)`, it writes
the files that the peer reads to job["prepared"]; it runs once and is not measured.
"""
