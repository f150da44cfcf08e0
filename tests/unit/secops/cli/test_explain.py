"""Whatever stops a command becomes one sentence in two languages, a next step and an exit code."""

from __future__ import annotations

import errno

import pytest
import typer
from sqlalchemy.exc import InvalidRequestError, OperationalError

from controls.errors import ControlsError, LevelNotCatalogued, UnknownFramework
from secops.cli._explain import explain
from secops.cli.output import Failed
from secops.config import BadSettings, Settings
from secops.doctor.faults import fault_zh
from secops.errors import BadInput, Conflict, NotFound, NotReady, Refused
from secops.store import StoreVersionError

_CASES: list[tuple[BaseException, str, int, str]] = [
    (Failed("不行。", "No.", 2), "failed", 2, "不行。"),
    (BadInput("名称为空。", "No name."), "bad-input", 2, "名称为空。"),
    (NotFound(), "not-found", 2, "没有这条记录"),
    (Refused("不可以。", "No."), "refused", 1, "不可以。"),
    (Conflict(), "conflict", 1, "刚刚被别人修改"),
    (NotReady("未就绪。", "Not ready."), "not-ready", 1, "未就绪。"),
    (StoreVersionError(None, "0001"), "store-version", 1, "secops init"),
    (StoreVersionError("0001", "0002"), "store-version", 1, "0001"),
    (
        OperationalError("SELECT 1", {}, Exception("unable to open database file")),
        "store",
        1,
        "unable to open",
    ),
    (OperationalError("INSERT", {}, Exception("database or disk is full")), "system", 1, "磁盘空间不足"),
    (OperationalError("INSERT", {}, Exception("disk I/O error")), "system", 1, "df -h"),
    (
        OperationalError("INSERT", {}, Exception("attempt to write a readonly database")),
        "system",
        1,
        "数据库只读",
    ),
    (KeyboardInterrupt(), "interrupted", 130, "已中断"),
    (typer.Abort(), "interrupted", 130, "已中断"),
    (BrokenPipeError(), "pipe-closed", 141, ""),
    (PermissionError(errno.EACCES, "x", "/srv/a"), "system", 1, "/srv/a：没有权限"),
    (OSError(errno.ENOSPC, "x"), "system", 1, "磁盘空间不足"),
    (OSError(errno.ELOOP, "x"), "system", 1, "secops doctor"),
    (ControlsError("no such unit"), "bad-input", 2, "no such unit"),
    (
        UnknownFramework("nope", "known: a-one, b-two"),
        "bad-input",
        2,
        "没有这个框架：'nope'；已有：a-one, b-two",
    ),
    (UnknownFramework("nope", "named by a-one"), "bad-input", 2, "没有这个框架：'nope'"),
    (
        LevelNotCatalogued("a-one", 5, "use 4", "请用第四级"),
        "bad-input",
        2,
        "没有第 5 级的要求项：请用第四级",
    ),
    (ZeroDivisionError("division"), "unforeseen", 1, "--debug"),
]


@pytest.mark.parametrize(
    ("error", "kind", "code", "part"), _CASES, ids=[case[1] + str(n) for n, case in enumerate(_CASES)]
)
def test_explanation(error: BaseException, kind: str, code: int, part: str) -> None:
    """Each class of error has its word, its exit code and a sentence in both languages."""
    found = explain(error)

    assert (found.kind, found.code) == (kind, code)
    assert part in found.zh
    assert bool(found.zh) == bool(found.en)
    assert "\n" not in found.zh


_WRONG = {
    "SECOPS_PORT": ("70000", "x", "1.5"),
    "SECOPS_BIND_ADDRESS": ("localhost",),
    "SECOPS_MODE": ("debug",),
    "SECOPS_LANGUAGE": ("fr",),
    "SECOPS_TIME_ZONE": ("Mars/Base",),
    "SECOPS_BROKER_URL": ("nowhere",),
    "SECOPS_DATABASE_URL": ("nowhere",),
    "SECOPS_WEB_WORKERS": ("0", "many"),
    "SECOPS_BEHIND_TLS": ("maybe", "it's: x"),
    "SECOPS_TYPO": ("1",),
}


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in _WRONG.items() for value in values]
)
def test_each_fault_is_told_in_chinese(name: str, value: str) -> None:
    """Every fault that a setting can have is told in Chinese, with the setting's name."""
    with pytest.raises(BadSettings) as caught:
        Settings.from_env({name: value})

    text = fault_zh(caught.value.faults[0])
    assert name in text
    assert any("\u4e00" <= letter <= "\u9fff" for letter in text)
    assert "invalid" not in text
    assert " must " not in text


def test_all_faults_in_one_sentence() -> None:
    """All faults of the settings are told at once, and an unknown form is passed on as it is."""
    found = explain(BadSettings(("SECOPS_PORT='x': must be 1 or more.", "something else")))

    assert found.code == 2
    assert "SECOPS_PORT" in found.zh
    assert "something else" in found.zh
    assert "docs/settings.md" in found.zh


def test_an_interruption_in_the_middle_of_a_commit_is_told_as_one() -> None:
    """The store's complaint about a half-done commit hides Ctrl-C; the person hears of the interruption."""
    covering = InvalidRequestError("This session is in 'committed' state")
    covering.__context__ = KeyboardInterrupt()

    assert explain(covering).code == 130
    assert explain(InvalidRequestError("something else")).kind == "store"
