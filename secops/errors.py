"""Errors of the application that a person can act on.

SecopsError
├── BadInput            what was given is wrong; ``field`` names it
├── NotFound            no such row, or not one this person may see (the two look the same)
├── Refused             a rule forbids it: four eyes, role, state
├── Conflict            somebody else changed it in between
└── NotReady            the platform can't do it now; the message says what to do
"""

from __future__ import annotations

import errno
import os


class SecopsError(Exception):
    """Base; ``zh`` and ``en`` are one sentence each, written for the person in front of the screen."""

    status = 400

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(zh, en)
        self.zh = zh
        self.en = en

    def __str__(self) -> str:
        return self.en

    def text(self, language: str) -> str:
        return self.zh if language == "zh" else self.en


class BadInput(SecopsError):
    """What was given is wrong."""

    status = 400

    def __init__(self, zh: str, en: str, field: str = "") -> None:
        super().__init__(zh, en)
        self.args = (zh, en, field)
        self.field = field


class NotFound(SecopsError):
    """No such row in this person's scope."""

    status = 404

    def __init__(
        self,
        zh: str = "没有这条记录，或不在您的权限范围内。",
        en: str = "There is no such record in your scope.",
    ) -> None:
        super().__init__(zh, en)


class Refused(SecopsError):
    """A rule forbids it."""

    status = 403


class Conflict(SecopsError):
    """Somebody else was faster."""

    status = 409

    def __init__(
        self,
        zh: str = "这条记录刚刚被别人修改过。请刷新后再改，您输入的内容仍保留在页面上。",
        en: str = "Somebody changed this record in between. Reload and try again; your input is kept on the page.",
    ) -> None:
        super().__init__(zh, en)


class NotReady(SecopsError):
    """Something the platform needs is missing right now."""

    status = 503


_REASONS_ZH = {
    errno.ENOSPC: "磁盘空间不足",
    errno.EDQUOT: "磁盘配额已用完",
    errno.EROFS: "文件系统只读",
    errno.EACCES: "没有权限",
    errno.EPERM: "没有权限",
    errno.ENOENT: "没有这个文件或目录",
    errno.EISDIR: "是一个目录",
    errno.ENOTDIR: "不是目录",
    errno.EMFILE: "打开的文件过多",
}


def os_reason(error: OSError) -> tuple[str, str]:
    """Why the operating system refused, in Chinese and in English, without a full stop."""
    if error.errno is None:
        return str(error), str(error)
    english = os.strerror(error.errno)
    return _REASONS_ZH.get(error.errno, english), english
