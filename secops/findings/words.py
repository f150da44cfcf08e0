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
    "verify": ("确认已整改", "Fix confirmed", "good"),
    "close": ("关闭", "Closed", "good"),
    "ask-acceptance": ("申请接受风险", "Acceptance asked for", "warn"),
    "grant-acceptance": ("批准接受风险", "Risk accepted", "mute"),
    "refuse-acceptance": ("不接受风险", "Acceptance refused", "warn"),
    "withdraw-acceptance": ("撤回接受风险申请", "Request taken back", "mute"),
    "end-acceptance": ("终止接受风险", "Acceptance ended", "bad"),
    "acceptance-expired": ("接受风险到期，重新打开", "Acceptance expired: open again", "bad"),
    "acceptance-grown": ("风险变大，接受失效，重新打开", "The risk has grown: open again", "bad"),
    "ask-extension": ("申请延期", "More time asked for", "warn"),
    "grant-extension": ("批准延期", "More time granted", "info"),
    "refuse-extension": ("不批准延期", "More time refused", "warn"),
    "withdraw-extension": ("撤回延期申请", "Request taken back", "mute"),
    "comment": ("评论", "Comment", "plain"),
    "attach": ("附上材料", "Paper attached", "info"),
    "assign": ("指派责任人", "Owner named", "info"),
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
    # Title of a date that the step asks for, and whether it asks for compensating measures.
    until_zh: str = ""
    until_en: str = ""
    compensation: bool = False
    note_required: bool = True

    @property
    def until(self) -> str:
        """Title of the field for a date; "" when none is asked for."""
        return t(self.until_zh, self.until_en)

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
    "verify": ActionWords(
        "确认已整改",
        "Confirm the fix",
        "check2-square",
        "primary",
        "由提交人以外的人核对证明后确认；之后可以关闭。规则发现的问题应优先复测。",
        "Somebody else than who handed it in looks at the proof and confirms; then it can be closed. Prefer a retest where a rule found it.",
        "核对了什么",
        "What was looked at",
    ),
    "close": ActionWords(
        "关闭",
        "Close",
        "check2-circle",
        "primary",
        "已确认整改，关闭问题。通报问题须先附销号材料。",
        "The fix is confirmed. A finding of a notice needs its closure letter first.",
    ),
    "ask-acceptance": ActionWords(
        "申请接受风险",
        "Ask to accept the risk",
        "hand-thumbs-up",
        "quiet",
        "由网络安全专员中的另一人决定；到期或风险变大时自动失效。",
        "Another person, an officer, decides; it ends on its day or when the risk grows.",
        "为何现在不能整改",
        "Why it can't be fixed now",
        "接受到哪一天",
        "Accepted until",
        compensation=True,
    ),
    "grant-acceptance": ActionWords(
        "批准接受风险",
        "Accept the risk",
        "hand-thumbs-up",
        "primary",
        "状态变为“已接受风险”，到期自动重新打开。",
        "The state becomes 'risk accepted'; on its day the finding opens again.",
        "决定意见",
        "Your words",
        note_required=False,
    ),
    "refuse-acceptance": ActionWords(
        "不接受",
        "Refuse",
        "x-circle",
        "plain",
        "问题照旧整改。",
        "The finding goes on as before.",
        "理由",
        "Why not",
    ),
    "end-acceptance": ActionWords(
        "终止接受",
        "End the acceptance",
        "arrow-counterclockwise",
        "plain",
        "回到“待处理”。",
        "Back to 'open'.",
        "终止原因",
        "Why it ends",
    ),
    "ask-extension": ActionWords(
        "申请延期",
        "Ask for more time",
        "calendar-plus",
        "quiet",
        "由网络安全专员决定；批准前期限不变。",
        "An officer decides; until then the date stays.",
        "延期原因",
        "Why more time is needed",
        "新的期限",
        "New due date",
    ),
    "grant-extension": ActionWords(
        "批准延期",
        "Grant more time",
        "calendar-check",
        "primary",
        "期限改为申请的日期。",
        "The due date becomes the one asked for.",
        "决定意见",
        "Your words",
        note_required=False,
    ),
    "refuse-extension": ActionWords(
        "不批准延期",
        "Refuse",
        "x-circle",
        "plain",
        "期限不变。",
        "The date stays.",
        "理由",
        "Why not",
    ),
    "comment": ActionWords(
        "发表评论",
        "Comment",
        "chat-left-text",
        "plain",
        "写入历史，不改变状态。",
        "Goes into the history; the state stays.",
        "评论",
        "Comment",
    ),
}
