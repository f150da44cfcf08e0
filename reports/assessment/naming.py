"""Names the files of an assessment report."""

from __future__ import annotations

from reports.assessment.model import AssessmentReport
from reports.read_model import Language
from reports.text import safe_file_stem


def file_name(report: AssessmentReport, language: Language, suffix: str) -> str:
    """Give ``<system>-assessment-<report number>-<language>.<suffix>``, safe on any file system."""
    parts = [report.system.code or report.system.name, "assessment", report.meta.report_number]
    return f"{safe_file_stem('-'.join(parts))}-{language.value}.{suffix}"
