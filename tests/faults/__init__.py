"""Faults of the running platform, injected for real: processes are killed, the broker is emptied, the disk fills up.

Small counts run with the other tests; the full ones by ``python -m tests.faults --full``, which prints one line for
each fault. In every line ``lost`` and ``doubled`` have to be 0.
"""
