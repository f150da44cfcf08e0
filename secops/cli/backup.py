"""``secops backup`` and ``secops restore``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from secops.cli.common import JsonOption, platform_of_home

_PassphraseOption = Annotated[
    Path, typer.Option("--passphrase-file", help="File with the passphrase, readable by its owner only.")
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("backup")(backup)
    app.command("restore")(restore)


def backup(
    folder: Annotated[Path, typer.Argument(help="Folder for the two files, data and keys.")],
    passphrase_file: _PassphraseOption,
    json_: JsonOption = False,
) -> None:
    """Write database, vault and keys, sealed, while the platform runs; both files are read again afterwards."""
    from secops.backup import services
    from secops.cli.output import answer, table
    from secops.clock import utc_now

    secret = services.read_passphrase(passphrase_file)
    done = services.backup(platform_of_home(), folder, secret, now=utc_now()).to_json()
    answer(done, lambda: table(["what", "value"], [[key, value] for key, value in done.items()]))


def restore(
    data: Annotated[Path, typer.Argument(help="The .data file.")],
    keys: Annotated[Path, typer.Argument(help="The .keys file of the same backup.")],
    passphrase_file: _PassphraseOption,
    checkpoint_file: Annotated[
        Path | None,
        typer.Option("--checkpoints", help="Signed checkpoints from outside: shows an older backup."),
    ] = None,
    json_: JsonOption = False,
) -> None:
    """Put a backup into an empty home, then check all of it; exit code 1 when something is wrong or older."""
    from secops import models  # noqa: F401
    from secops.audit_log.checkpoints import read_checkpoints
    from secops.backup import services
    from secops.cli.output import BAD_INPUT, Failed, answer, table
    from secops.clock import utc_now
    from secops.config import Settings
    from secops.platform import Platform

    secret = services.read_passphrase(passphrase_file)
    try:
        outside = read_checkpoints(checkpoint_file) if checkpoint_file else []
    except (OSError, ValueError):
        raise Failed(
            f"{checkpoint_file} 不是检查点文件。", f"{checkpoint_file} is no file of checkpoints.", BAD_INPUT
        ) from None
    settings = Settings.from_env()
    settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    platform = Platform.open(settings)
    found = services.restore(platform, data, keys, secret, outside=outside, now=utc_now())
    document = found.to_json()
    answer(document, lambda: table(["what", "value"], [[key, value] for key, value in document.items()]))
    if not found.ok:
        raise typer.Exit(1)
