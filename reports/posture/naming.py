"""Names the files of a posture report."""

from __future__ import annotations

from reports.read_model import Language, PostureReport
from reports.text import safe_file_stem


def file_name(report: PostureReport, language: Language, suffix: str) -> str:
    """Give ``<system>-posture-<report number>-<language>.<suffix>`` in characters that any file system takes."""
    parts = [report.system.code or report.system.name, "posture", report.meta.report_number]
    return f"{safe_file_stem('-'.join(parts))}-{language.value}.{suffix}"
