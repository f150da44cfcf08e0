"""Turns whatever stopped a command into one sentence in both languages, the next step, and an exit code.

Looks at classes only when their package is loaded already: an error of a package that was never imported
can't have been raised, and importing one here would cost more than the command itself.
"""

from __future__ import annotations

import errno
import os
import re
import sys
from dataclasses import dataclass

import typer

from secops.cli.output import BAD_INPUT, INTERRUPTED, NEGATIVE, PIPE_CLOSED, Failed
from secops.config import BadSettings
from secops.errors import BadInput, NotFound, SecopsError, os_reason

_PURE = ("controls.errors", "scanners.errors", "reports.errors", "smcrypto.errors")


@dataclass(frozen=True, slots=True)
class Explanation:
    """``kind`` is a constant word for programs; an empty ``zh`` means there is nothing to say."""

    kind: str
    zh: str
    en: str
    code: int
    # True when nobody foresaw it: the sentence then names --debug.
    unforeseen: bool = False


def explain(error: BaseException) -> Explanation:
    """Say what *error* means for the person at the terminal."""
    for ask in (_own, _stopped, _settings, _platform, _usage, _store, _pure, _system):
        found = ask(error)
        if found is not None:
            return found
    name = f"{type(error).__name__}: {error}"
    return Explanation(
        "unforeseen",
        f"程序遇到未预料的错误：{name}。已提交的数据不受影响；加 --debug 重试可看详情，或运行 secops doctor。",
        f"Something unforeseen happened: {name}. What was committed is safe; try again with --debug for details, "
        "or run secops doctor.",
        NEGATIVE,
        unforeseen=True,
    )


def _own(error: BaseException) -> Explanation | None:
    if isinstance(error, Failed):
        return Explanation("failed", error.zh, error.en, error.code)
    return None


def _stopped(error: BaseException) -> Explanation | None:
    if isinstance(error, KeyboardInterrupt | typer.Abort) or _hides_interruption(error):
        zh, en = (
            "已中断；已提交的数据都已保存，可重新运行同一命令。",
            "Stopped; what was committed is kept. Run it again.",
        )
        return Explanation("interrupted", zh, en, INTERRUPTED)
    if isinstance(error, BrokenPipeError):
        return Explanation("pipe-closed", "", "", PIPE_CLOSED)
    return None


def _hides_interruption(error: BaseException) -> bool:
    """Whether Ctrl-C came first: in the middle of a commit the store's own complaint covers it."""
    if not type(error).__module__.startswith("sqlalchemy."):
        return False
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, KeyboardInterrupt):
        cause = cause.__cause__ or cause.__context__
    return cause is not None


def _platform(error: BaseException) -> Explanation | None:
    if not isinstance(error, SecopsError):
        return None
    code = BAD_INPUT if isinstance(error, BadInput | NotFound) else NEGATIVE
    kind = re.sub(r"(?<!^)(?=[A-Z])", "-", type(error).__name__).lower()
    return Explanation(kind, error.zh, error.en, code)


def _settings(error: BaseException) -> Explanation | None:
    if not isinstance(error, BadSettings):
        return None
    from secops.doctor.faults import fault_zh

    zh = "；".join(fault_zh(fault) for fault in error.faults)
    en = " ".join(error.faults)
    return Explanation(
        "bad-settings",
        f"设置有误：{zh}。请改正环境变量后重试，各项含义见 docs/settings.md。",
        f"The settings are wrong: {en} Correct the environment and try again; docs/settings.md explains each.",
        BAD_INPUT,
    )


# --- command line -----------------------------------------------------------------------------------------

_USAGE_ZH = (
    (re.compile(r"No such option: (\S+?)[.]?(?: .*)?"), "没有选项 {}"),
    (re.compile(r"No such command '(.*)'\..*"), "没有命令 {}"),
    (re.compile(r"Missing (?:argument|option|parameter) (.*)\."), "缺少参数 {}"),
    (re.compile(r"Got unexpected extra arguments? \((.*)\)"), "多余的参数：{}"),
    (re.compile(r"Option (.*) requires an argument\."), "选项 {} 需要一个值"),
)


def _usage(error: BaseException) -> Explanation | None:
    if not isinstance(error, typer.TyperException):
        return None
    text = error.format_message()
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "secops"
    zh = f"参数有误：{text.rstrip('.')}"
    for pattern, sentence in _USAGE_ZH:
        match = pattern.fullmatch(text)
        if match:
            zh = sentence.format(match[1])
            break
    return Explanation(
        "usage", f"{zh}。用法见：{path} --help", f"{_sentence(text)} For usage see: {path} --help", BAD_INPUT
    )


def _sentence(text: str) -> str:
    text = text.rstrip(".")
    return text if text.endswith("?") else f"{text}."


# --- store, pure packages, operating system ---------------------------------------------------------------


def _store(error: BaseException) -> Explanation | None:
    if type(error).__name__ == "StoreVersionError" and type(error).__module__ == "secops.store":
        found, expected = error.args
        zh = "数据库还没有建立" if found is None else f"数据库的版本是 {found}，本程序需要 {expected}"
        return Explanation("store-version", f"{zh}。请先运行：secops init", str(error), NEGATIVE)
    if "sqlalchemy" not in sys.modules:
        return None
    from sqlalchemy.exc import DBAPIError, SQLAlchemyError

    if not isinstance(error, SQLAlchemyError):
        return None
    cause = str(error.orig if isinstance(error, DBAPIError) else error).strip().splitlines()
    short = cause[0][:200] if cause else type(error).__name__
    if "disk is full" in short or "No space left" in short:
        return Explanation(
            "system",
            "磁盘空间不足，本次修改已撤销，已有数据不受影响。请腾出 SECOPS_HOME 所在磁盘的空间后重新运行。",
            "The disk is full: this change was undone, what was there is safe. Free some space on the disk of "
            "SECOPS_HOME and run it again.",
            NEGATIVE,
        )
    if "disk I/O error" in short:
        return Explanation(
            "system",
            "磁盘读写失败，本次修改已撤销。多半是磁盘已满：请用 df -h 查看 SECOPS_HOME 所在磁盘，腾出空间后重新运行。",
            "The disk could not be read or written: this change was undone. Most likely it is full: look with df -h "
            "at the disk of SECOPS_HOME, free some space and run it again.",
            NEGATIVE,
        )
    if "readonly database" in short:
        return Explanation(
            "system",
            "数据库只读，本次修改已撤销。请检查 SECOPS_HOME 的属主与权限，或改用可写的目录。",
            "The store is read-only; this change was undone. Check owner and mode of SECOPS_HOME, or use another.",
            NEGATIVE,
        )
    return Explanation(
        "store",
        f"数据库操作未完成，本次修改已撤销：{short}。请检查 SECOPS_HOME 与 SECOPS_DATABASE_URL，运行 secops doctor 可定位原因。",
        f"The store did not answer as expected and this change was undone: {short}. Check SECOPS_HOME and "
        "SECOPS_DATABASE_URL; secops doctor finds the cause.",
        NEGATIVE,
    )


def _pure(error: BaseException) -> Explanation | None:
    if type(error).__module__ not in _PURE:
        return None
    # Errors of the catalogue carry a Chinese sentence, those of the other packages an English one only.
    zh = getattr(error, "zh", str(error))
    return Explanation("bad-input", f"输入有误：{zh}", f"The input is wrong: {error}", BAD_INPUT)


_STEPS = {
    errno.ENOSPC: ("请腾出磁盘空间后重试", "free some disk space and try again"),
    errno.EDQUOT: ("请腾出磁盘配额后重试", "free some of your quota and try again"),
    errno.EROFS: ("请改用可写的目录（SECOPS_HOME）", "use a folder that can be written (SECOPS_HOME)"),
    errno.EACCES: ("请检查目录属主与权限", "check owner and mode of the folder"),
    errno.EPERM: ("请检查目录属主与权限", "check owner and mode of the folder"),
}


def _system(error: BaseException) -> Explanation | None:
    if not isinstance(error, OSError) or error.errno is None:
        return None
    where = os.fsdecode(error.filename) if isinstance(error.filename, str | bytes) else ""
    reason = os_reason(error)[1]
    step_zh, step_en = _STEPS.get(
        error.errno,
        ("请检查路径，运行 secops doctor 可定位原因", "check the path; secops doctor finds the cause"),
    )
    zh = f"{where + '：' if where else ''}{os_reason(error)[0]}。{step_zh}。"
    return Explanation("system", zh, f"{where + ': ' if where else ''}{reason}; {step_en}.", NEGATIVE)
