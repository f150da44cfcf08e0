"""``secops keys``: which keys there are, and the next main key."""

from __future__ import annotations

from typing import Annotated

import typer

from secops.cli.common import JsonOption, platform_of_home


def register(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(help="Keys: list, rotate.", no_args_is_help=True)
    group.command("list")(list_)
    group.command("rotate")(rotate)
    app.add_typer(group, name="keys")


def list_(json_: JsonOption = False) -> None:
    """Names, versions and kinds; never key material."""
    from secops.cli.output import answer, table

    keys = platform_of_home().keys
    rows = [
        {
            "kid": one.kid,
            "name": one.name,
            "version": one.version,
            "kind": one.kind.value,
            "current": one.is_current,
        }
        for one in keys.key_info()
    ]
    document = {"certified": keys.certified, "keys": rows}
    answer(
        document,
        lambda: table(
            ["kid", "name", "version", "kind"], [[r["kid"], r["name"], r["version"], r["kind"]] for r in rows]
        ),
    )


def rotate(
    resume: Annotated[
        bool, typer.Option("--resume", help="No new key: only finish a rotation that was cut off.")
    ] = False,
    json_: JsonOption = False,
) -> None:
    """Make the next main key and bring the vault under it; may be cut off and resumed."""
    from secops.cli.output import answer, table
    from secops.evidence import rotation

    platform = platform_of_home()
    kid = platform.keys.current_kid if resume else rotation.rotate(platform)
    found = rotation.rewrap_vault(platform)
    document = {"kid": kid, "rewrapped": found.done, "already": found.current}
    answer(document, lambda: table(["what", "value"], [[key, value] for key, value in document.items()]))
