"""``secops verify`` and ``secops package``: evidence packages, checked anywhere and written here."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from secops.cli.common import JsonOption


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("verify")(verify)
    app.command("package")(package)


def verify(
    package_file: Annotated[Path, typer.Argument(metavar="PACKAGE", help="An evidence package.")],
    pubkey: Annotated[
        Path | None, typer.Option(help="The signer's public key (PEM or DER), got from elsewhere.")
    ] = None,
    passphrase_file: Annotated[
        Path | None, typer.Option("--passphrase-file", help="File with the passphrase of a sealed package.")
    ] = None,
    json_: JsonOption = False,
) -> None:
    """Check a package without any database; exit code 0 intact, 1 damage found, 2 could not look."""
    from secops.cli.output import BAD_INPUT, Failed, answer, t, table
    from secops.package.verify import NotAPackage, verify_package
    from smcrypto.errors import SmCryptoError
    from smcrypto.sm2_files import parse_public_key

    try:
        known = [parse_public_key(pubkey.read_bytes())] if pubkey else []
        secret = passphrase_file.read_bytes().rstrip(b"\r\n") if passphrase_file else None
        found = verify_package(package_file, secret=secret, known=known)
    except OSError as error:
        raise Failed(
            f"未能检查：无法读取（{error.strerror}）。",
            f"Could not look: cannot read ({error.strerror}).",
            BAD_INPUT,
        ) from None
    except (NotAPackage, SmCryptoError) as error:
        raise Failed(f"未能检查：{error}。", f"Could not look: {error}.", BAD_INPUT) from None
    words = t("完整", "intact") if found.ok else t("有损坏", "damaged")
    rows: list[list[object]] = [
        [t("结论", "result"), words],
        [t("损坏类型", "damage"), found.damage or "–"],
        [t("位置", "where"), found.member or "–"],
        [t("说明", "detail"), found.detail or "–"],
        [t("系统", "system"), found.system],
        [t("文件数", "members"), found.members],
        [t("回执", "receipts"), found.receipts],
        [t("审计事件", "events"), found.events],
        [t("签名者指纹", "signer"), found.signer],
        [
            t("签名者已知", "signer known"),
            t("是", "yes") if found.signer_known else t("否：用的是包内公钥", "no: the key inside was used"),
        ],
        [t("未能检查", "not examined"), "; ".join(found.not_examined) or "–"],
    ]
    answer(found.to_json(), lambda: table([t("项目", "what"), t("值", "value")], rows))
    if not found.ok:
        raise typer.Exit(1)


def package(
    system: Annotated[str, typer.Argument(help="Code of the system.")],
    file: Annotated[Path, typer.Argument(help="File to write; an existing one is refused.")],
    passphrase_file: Annotated[
        Path | None, typer.Option("--passphrase-file", help="Seal it under the passphrase in this file.")
    ] = None,
    with_log: Annotated[bool, typer.Option("--with-log", help="The whole audit log besides.")] = False,
    json_: JsonOption = False,
) -> None:
    """Write the evidence of one system with receipts, events and proofs, signed."""
    from sqlalchemy import select

    from secops.backup.services import read_passphrase
    from secops.cli.common import platform_of_home
    from secops.cli.output import BAD_INPUT, Failed, answer, table
    from secops.clock import utc_now
    from secops.objects.models import System
    from secops.package import writer
    from secops.scope import Principal

    secret = read_passphrase(passphrase_file) if passphrase_file else None
    platform = platform_of_home()
    with platform.work("package") as session:
        number = session.scalar(select(System.id).where(System.code == system))
    if number is None:
        raise Failed(f"没有系统 {system}。", f"There is no system {system}.", BAD_INPUT)
    try:
        stream = file.open("xb")
    except OSError as error:
        raise Failed(
            f"无法写入 {file}：{error.strerror}", f"Cannot write {file}: {error.strerror}", BAD_INPUT
        ) from None
    try:
        with stream:
            done = writer.write(
                platform,
                Principal.platform("package"),
                number,
                stream,
                secret=secret,
                with_log=with_log,
                now=utc_now(),
            )
    except BaseException:
        file.unlink(missing_ok=True)
        raise
    document = {
        "file": str(file),
        "members": done.members,
        "bytes": done.bytes,
        "events": done.events,
        "signer": done.signer,
    }
    answer(document, lambda: table(["what", "value"], [[key, value] for key, value in document.items()]))
