"""Words of jobs: kinds, causes, and the step a job is at."""

from __future__ import annotations

from secops.scans.words import cause_label, step_words
from secops.web.labels import Label
from secops.web.lang import t

KIND_LABELS: dict[str, Label] = {
    "scan": Label("扫描", "Scan"),
    "posture": Label("重算态势", "Posture recompute"),
    "report": Label("生成报告", "Report"),
    "audit-verify": Label("审计日志校验", "Audit log verification"),
    "clock-reminders": Label("期限提醒", "Reminders of dates"),
    "upload-cleanup": Label("清理未完成上传", "Unfinished uploads"),
    "vault-scrub": Label("证据库逐份校验", "Vault scrub"),
    "finding-sweep": Label("接受风险到期检查", "Accepted risks that end"),
    "evidence-expiry": Label("证据到期检查", "Evidence that expires"),
    "inheritance-expiry": Label("继承结论到期检查", "Inherited results that end"),
    "backup": Label("备份", "Backup"),
    "folder-import": Label("从目录导入证据", "Evidence from a folder"),
    "assessment-campaign": Label("批量开始测评", "Assessment campaign"),
    "selfcheck": Label("平台自评估", "Self-assessment"),
    "vault-recovery": Label("证据库核对", "Vault recovery"),
}
FORMATS: dict[str, str] = {
    "pdf": "PDF",
    "xlsx": "Excel",
    "docx": "Word",
    "csv": "CSV",
    "json": "JSON",
    "oscal": "OSCAL JSON",
}


def kind_words(kind: str) -> str:
    found = KIND_LABELS.get(kind)
    return found.text if found else kind


def form_words(renderer: str) -> str:
    """The format that a renderer's id begins with."""
    name = renderer.partition("_")[0]
    return FORMATS.get(name, renderer)


def cause_words(cause: str) -> str:
    return t("证据变化", "Evidence changed") if cause == "evidence" else cause_label(cause).text


def job_step(kind: str, step: str) -> str:
    """What it is doing, in words."""
    if kind == "scan":
        return step_words(step)
    if kind == "report" and step:
        return t(f"正在生成 {form_words(step)}", f"Writing {form_words(step)}")
    return step


def error_words(error: str) -> str:
    """Errors of the domain are kept as ``zh / en``; others as they came."""
    zh, mark, en = error.partition(" / ")
    return t(zh, en) if mark and any("\u4e00" <= letter <= "\u9fff" for letter in zh) else error
