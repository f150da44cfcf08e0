"""``secops bench``: an invented district of a chosen size, and load against a running installation."""

from __future__ import annotations

from typing import Annotated

import typer

from secops.cli.common import JsonOption, platform_of_home


def register(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(help="Invented data of a chosen size, and load.", no_args_is_help=True)
    group.command("seed")(seed)
    app.add_typer(group, name="bench")


def seed(
    size: Annotated[str, typer.Argument(help="S = 12 systems, M = 1,000 systems with 100,000 findings.")],
    json_: JsonOption = False,
) -> None:
    """Fill an empty installation with an invented district, the same every time."""
    import time

    from secops.cli.output import answer, table
    from secops.errors import BadInput
    from secops.seed.district import SIZES
    from secops.seed.district import seed as write

    if size not in SIZES:
        raise BadInput(f"没有规模 {size}，可用：S、M。", f"There is no size {size}; known: S, M.", "size")
    began = time.monotonic()
    counts: dict[str, object] = dict(write(platform_of_home().engine, SIZES[size]))
    counts |= {"size": size, "seconds": round(time.monotonic() - began, 1)}
    answer(counts, lambda: table(["what", "rows"], [[key, value] for key, value in counts.items()]))
