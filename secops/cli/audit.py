"""``secops audit``: verify, export and sign the audit log; an export is verified on any machine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from secops.cli.common import JsonOption, platform_of_home

if TYPE_CHECKING:
    from secops.audit_log.chain import SignedCheckpoint
    from secops.audit_log.verify import VerifyResult


def register(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(help="The audit log: verify, export, sign.", no_args_is_help=True)
    group.command("verify")(verify)
    group.command("export")(export)
    group.command("checkpoint")(checkpoint)
    app.add_typer(group, name="audit")


def verify(
    export_file: Annotated[
        Path | None, typer.Option("--export", help="An export instead of this installation's database.")
    ] = None,
    checkpoint_file: Annotated[
        Path | None, typer.Option("--checkpoints", help="Signed checkpoints from outside, one a line.")
    ] = None,
    pubkey: Annotated[
        Path | None, typer.Option(help="Public key of the checkpoint signer (PEM or DER).")
    ] = None,
    json_: JsonOption = False,
) -> None:
    """Check every record; exit code 0 intact, 1 damage found, 2 could not look."""
    found = _of_export(export_file, checkpoint_file, pubkey) if export_file else _of_store(checkpoint_file)
    _tell(found)
    if not found.ok:
        raise typer.Exit(1)


def _of_store(checkpoint_file: Path | None) -> VerifyResult:
    from secops.audit_log import checkpoints
    from secops.audit_log.services import AuditHeadMissing, verify_now

    platform = platform_of_home()
    try:
        with platform.work("audit-verify") as session:
            if checkpoint_file is None:
                return checkpoints.verify_with(platform, session)
            signed = _read(checkpoint_file)
            return verify_now(session, checkpoints=signed, public_keys=checkpoints.public_keys(platform))
    except AuditHeadMissing:
        raise _not_looked("库中没有审计日志的链头", "the store holds no head of the audit log") from None


def _of_export(export_file: Path, checkpoint_file: Path | None, pubkey: Path | None) -> VerifyResult:
    from secops.audit_log.export import LogUnreadable, verify_export
    from smcrypto.errors import SmCryptoError
    from smcrypto.sm2_files import parse_public_key

    signed = _read(checkpoint_file) if checkpoint_file else []
    if signed and pubkey is None:
        raise _not_looked("检查点需要公钥（--pubkey）", "checkpoints take a public key (--pubkey)")
    try:
        keys = [parse_public_key(pubkey.read_bytes())] if pubkey else []
        with export_file.open(encoding="utf-8", errors="surrogateescape") as lines:
            return verify_export(lines, checkpoints=signed, public_keys=keys)
    except OSError as error:
        raise _not_looked(f"无法读取：{error.strerror}", f"cannot read: {error.strerror}") from None
    except (LogUnreadable, SmCryptoError) as error:
        raise _not_looked(str(error), str(error)) from None


def _read(path: Path) -> list[SignedCheckpoint]:
    from secops.audit_log.checkpoints import read_checkpoints

    try:
        return read_checkpoints(path)
    except OSError as error:
        raise _not_looked(
            f"无法读取 {path}：{error.strerror}", f"cannot read {path}: {error.strerror}"
        ) from None
    except ValueError:
        raise _not_looked(f"{path} 不是检查点文件", f"{path} is no file of checkpoints") from None


def _not_looked(zh: str, en: str) -> Exception:
    from secops.cli.output import BAD_INPUT, Failed

    return Failed(f"未能检查：{zh}。", f"Could not look: {en}.", BAD_INPUT)


def _tell(found: VerifyResult) -> None:
    from secops.cli.output import answer, t, table

    words = (
        t("完整", "intact")
        if found.ok
        else t(f"从第 {found.first_bad} 条起不可信", f"not to be trusted from record {found.first_bad} on")
    )
    rows: list[list[object]] = [
        [t("结论", "result"), words],
        [t("记录数", "records"), found.records],
        [t("损坏类型", "damage"), found.damage.value if found.damage else "–"],
        [t("说明", "detail"), found.detail or "–"],
        [t("核对的检查点", "checkpoints checked"), found.checkpoints_checked],
    ]
    answer(found.to_json(), lambda: table([t("项目", "what"), t("值", "value")], rows))


def export(
    file: Annotated[Path, typer.Argument(help="File to write; an existing one is refused.")],
    json_: JsonOption = False,
) -> None:
    """Write the log, the checkpoints and the signer's public key for checking on another machine."""
    from secops.audit_log.outward import write_export
    from secops.cli.output import answer, table
    from secops.clock import utc_now

    document = write_export(platform_of_home(), file, now=utc_now())
    answer(document, lambda: table(["what", "value"], [[key, value] for key, value in document.items()]))


def checkpoint(json_: JsonOption = False) -> None:
    """Sign now what came since the last checkpoint; exit code 1 when the witness refuses."""
    from secops.audit_log import checkpoints
    from secops.cli.output import answer, table
    from secops.clock import utc_now

    platform = platform_of_home()
    done = checkpoints.sign_due(platform, now=utc_now(), at_once=True)
    document = {"result": done, **checkpoints.state_of(platform, now=utc_now())}
    answer(document, lambda: table(["what", "value"], [[key, value] for key, value in document.items()]))
    if done == "refused":
        raise typer.Exit(1)
