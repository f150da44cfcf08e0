"""Start a program that dies with its parent: ``guard.py PARENT_PID PROGRAM ARGUMENT…``.

The supervisor runs each child through this file with a bare interpreter (``python -I -S``), and workers call
:func:`die_with_parent` in each process they fork, since the kernel forgets the wish at a fork. So a ``kill -9``
of the supervisor, or of a worker's main process, leaves nothing behind. Standard library only; works on Linux
and does nothing elsewhere.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36


def _prctl(option: int, value: int) -> bool:
    if not sys.platform.startswith("linux"):
        return False
    return int(ctypes.CDLL(None).prctl(option, value, 0, 0, 0)) == 0


def die_with_parent(parent: int) -> None:
    """Ask the kernel to kill this process when the thread that made it ends; end now when *parent* has gone."""
    if _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL) and os.getppid() != parent:
        os._exit(1)


def adopt_orphans() -> bool:
    """Become the parent of descendants whose own parent dies; False where the system can't do that."""
    return _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def main(argv: list[str]) -> None:
    die_with_parent(int(argv[0]))
    # Keys and findings are in memory; a crash must not write them to a file.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.umask(0o077)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    os.execv(argv[1], argv[1:])


if __name__ == "__main__":
    main(sys.argv[1:])
