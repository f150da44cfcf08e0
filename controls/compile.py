"""``python -m controls.compile``: write the compiled form of the data into ``controls/_compiled``.

A folder that cannot be written is no failure: the sources are read instead, only slower.
"""

from __future__ import annotations

import sys

from controls.errors import DataError
from controls.sources import COMPILED_FILE, write_compiled

__all__ = ["main"]


def main() -> int:
    """Compile; 0 when written or when the folder is read-only, 1 when a source is wrong."""
    try:
        size = write_compiled(COMPILED_FILE)
    except DataError as error:
        print(error, file=sys.stderr)
        return 1
    except OSError as error:
        print(f"not written, the sources will be read: {error}", file=sys.stderr)
        return 0
    print(f"{COMPILED_FILE}: {size} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
