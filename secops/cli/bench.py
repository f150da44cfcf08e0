"""``secops bench``: an invented district of a chosen size, and load against a running installation."""

from __future__ import annotations

from typing import Annotated

import typer

from secops.cli.common import JsonOption, platform_of_home


def register(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(help="Invented data of a chosen size, and load.", no_args_is_help=True)
    group.command("seed")(seed)
    group.command("load")(load)
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


def load(
    users: Annotated[int, typer.Option(min=1, max=500, help="People at a time.")],
    seconds: Annotated[float, typer.Option(min=1, max=86400, help="How long.")] = 60.0,
    think: Annotated[
        float, typer.Option(min=0, max=3600, help="Seconds between two pages of one person.")
    ] = 5.0,
    url: Annotated[str, typer.Option(help="Address of the server; empty: the one of this home.")] = "",
    json_: JsonOption = False,
) -> int:
    """Let people of several roles walk a running installation with invented data; exit code 1 when a limit is missed."""
    from secops.cli.output import answer, table
    from secops.seed.load import run

    found = run(platform_of_home(), users=users, seconds=seconds, think=think, url=url)
    rows = found.rows()
    heads = ["page", "number", "p50", "p95", "worst", "limit", "held"]
    document = {
        "users": users, "seconds": round(found.seconds, 1), "think": think, "answers": len(found.answers),
        "failed": len(found.failed), "per_second": round(len(found.answers) / found.seconds, 2), "pages": rows,
    }  # fmt: skip

    def text() -> None:
        table(heads, [[row[head] for head in heads] for row in rows])
        print(
            f"{document['answers']} answers, {document['per_second']} a second, {document['failed']} failed"
        )

    answer(document, text)
    # Without pauses the machine is asked for all it has; its limits are those of the machine then.
    return 1 if found.failed or (think and not all(row["held"] for row in rows)) else 0
