"""The sensitivity labels (敏感度): a closed, ordered list for records, and as clearance for accounts.

A record may be seen by whoever has at least its label as clearance, inside their scope. State secrets (国家秘密)
are no label of this list: the platform isn't approved for them and refuses them.
"""

from __future__ import annotations

from enum import IntEnum

from secops.errors import BadInput, Refused


class Sensitivity(IntEnum):
    """Stored as its number, so that a comparison in SQL is the rule itself."""

    PUBLIC = 0
    INTERNAL = 1
    SENSITIVE = 2
    RESTRICTED = 3

    @property
    def word(self) -> str:
        """Constant word for forms, files and labels of badges."""
        return self.name.lower()


USUAL = Sensitivity.INTERNAL
HIGHEST = max(Sensitivity)

_SECRET_WORDS = (
    "state-secret",
    "secret",
    "confidential",
    "top-secret",
    "涉密",
    "国家秘密",
    "秘密",
    "机密",
    "绝密",
)


def sensitivity_of(word: str) -> Sensitivity:
    """Read a word of the list.

    Raises:
        Refused: a state secret, under whichever name.
        BadInput: any other word.
    """
    text = word.strip().lower()
    if text in _SECRET_WORDS:
        raise Refused(
            "本平台不得存储、处理国家秘密；涉密系统和材料请按保密规定在涉密网络中管理。",
            "State secrets must not be kept here; such systems and papers belong into networks approved for them.",
        )
    for member in Sensitivity:
        if text == member.word:
            return member
    raise BadInput("没有这个敏感度标记。", "There is no such sensitivity label.", "sensitivity")
