"""Words of findings: their number, the steps of their history, what each action asks and does."""

from __future__ import annotations

from dataclasses import dataclass

from secops.web.lang import t


def number(finding_id: int) -> str:
    """``P-00042``, the way people speak of a finding."""
    return f"P-{finding_id:05}"


# action of an event → (words, tone)
_STEPS: dict[str, tuple[str, str, str]] = {
    "open": ("发现问题", "Found", "bad"),
    "reopen": ("重新打开", "Opened again", "bad"),
    "plan": ("制定整改计划", "Planned", "info"),
    "start": ("开始整改", "Work began", "info"),
    "submit": ("提交整改结果", "Fix submitted", "info"),
    "return": ("退回", "Returned", "warn"),
    "false-positive": ("判为误报", "Judged a false positive", "mute"),
    "retest": ("申请复测", "Retest asked for", "info"),
    "retest-passed": ("复测通过，关闭", "Retest passed: closed", "good"),
    "retest-failed": ("复测未通过，退回", "Retest failed: returned", "bad"),
    "assessed": ("测评判定满足，关闭", "An assessment finds it met: closed", "good"),
    "register-fits": ("登记册显示已消除，关闭", "The register shows that the cause is gone: closed", "good"),
    "scan-passed": ("扫描未再发现（需复测才关闭）", "A scan passed (only a retest closes)", "good"),
}


def step_words(action: str) -> str:
    words = _STEPS.get(action)
    return t(words[0], words[1]) if words else action


def step_tone(action: str) -> str:
    words = _STEPS.get(action)
    return words[2] if words else "plain"


@dataclass(frozen=True, slots=True)
class ActionWords:
    """What the button of one action says, and what it asks before it acts."""

    zh: str
    en: str
    icon: str
    kind: str
    about_zh: str
    about_en: str
    note_zh: str = ""
    note_en: str = ""

    @property
    def text(self) -> str:
        return t(self.zh, self.en)

    @property
    def about(self) -> str:
        return t(self.about_zh, self.about_en)

    @property
    def note(self) -> str:
        """Title of the field for words; "" when none are asked for."""
        return t(self.note_zh, self.note_en)


ACTION_WORDS: dict[str, ActionWords] = {
    "plan": ActionWords(
        "制定整改计划",
        "Plan the fix",
        "calendar-plus",
        "primary",
        "写明做什么、谁负责、何时完成。",
        "Say what will be done, by whom, until when.",
    ),
    "start": ActionWords(
        "开始整改",
        "Start work",
        "wrench-adjustable",
        "plain",
        "状态变为“整改中”。",
        "The state becomes 'in progress'.",
    ),
    "submit": ActionWords(
        "提交整改结果",
        "Submit the fix",
        "send",
        "primary",
        "提交后由复测或测评人员确认；复测通过才会关闭。",
        "A retest or an assessor confirms it; only a passing retest closes the finding.",
        "做了什么",
        "What was done",
    ),
    "retest": ActionWords(
        "申请复测",
        "Ask for a retest",
        "arrow-repeat",
        "primary",
        "只重查这一条规则、这一个对象。通过则关闭，未通过则退回。",
        "Looks again at exactly this rule and target. A pass closes it, a fail returns it.",
    ),
    "return": ActionWords(
        "退回",
        "Return",
        "arrow-return-left",
        "plain",
        "退回给责任人继续整改。",
        "Back to the owner for more work.",
        "退回原因",
        "Why it is returned",
    ),
    "false-positive": ActionWords(
        "判为误报",
        "False positive",
        "slash-circle",
        "quiet",
        "以后的扫描仍会检查；理由写入历史和审计日志。",
        "Later scans still look; the reason goes into history and audit log.",
        "判断理由",
        "Why it is none",
    ),
    "reopen": ActionWords(
        "重新打开",
        "Open again",
        "arrow-counterclockwise",
        "plain",
        "回到“待处理”。",
        "Back to 'open'.",
        "重新打开的原因",
        "Why it is opened again",
    ),
}
