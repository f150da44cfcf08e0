"""The kinds of report: what each is about, and in which forms it is written."""

from __future__ import annotations

from dataclasses import dataclass

SYSTEM, ASSESSMENT, DISTRICT = "system", "assessment", "district"


@dataclass(frozen=True, slots=True)
class Kind:
    """``of``: what it may be asked for; ``renderers``: ids of ``reports.registry``, in the order of the form.

    ``needs_level``: nothing can be said of a system that was not classified yet.
    """

    zh: str
    en: str
    of: tuple[str, ...]
    renderers: tuple[str, ...]
    needs_level: bool = True
    # False: built from the console only, since those who read the page do not read what is in it.
    on_page: bool = True

    @property
    def by_format(self) -> dict[str, str]:
        """Renderer by the name of its format."""
        return {name.partition("_")[0]: name for name in self.renderers}


def _paper(name: str) -> tuple[str, ...]:
    return (f"pdf_{name}", f"docx_{name}", *_list(name))


def _list(name: str) -> tuple[str, ...]:
    return (f"xlsx_{name}", f"csv_{name}", f"json_{name}")


KINDS: dict[str, Kind] = {
    "posture": Kind(
        "合规态势报告", "Posture report", (SYSTEM,),
        ("pdf_posture", "xlsx_posture", "docx_posture", "csv_posture", "json_posture"),
    ),
    "assessment-2025": Kind(
        "自评估报告（2025 版章节）", "Assessment report (2025 chapters)", (ASSESSMENT,),
        ("docx_assessment", "pdf_assessment", "xlsx_assessment", "oscal_assessment"),
    ),
    "classification": Kind("定级报告", "Classification report", (SYSTEM,), _paper("classification")),
    "crypto": Kind("密码应用安全自评估报告", "Crypto self-assessment", (ASSESSMENT,), _paper("crypto")),
    "district": Kind("网络安全与合规总览", "District overview", (DISTRICT,), _paper("district"), needs_level=False),
    "gap": Kind("差距分析报告", "Gap analysis", (SYSTEM,), (*_paper("gap"), "oscal_gap")),
    "remediation": Kind(
        "整改计划与进展报告", "Remediation plan and progress", (SYSTEM, DISTRICT), (*_paper("remediation"), "oscal_remediation"), needs_level=False,
    ),
    "soa": Kind("适用性声明", "Statement of applicability", (SYSTEM,), (*_list("soa"), "oscal_soa")),
    "catalog": Kind("测评单元目录（OSCAL）", "Catalogue of units (OSCAL)", (SYSTEM,), ("oscal_catalog",)),
    "evidence-index": Kind("证据清单", "Evidence index", (SYSTEM, DISTRICT), _list("evidence_index"), needs_level=False),
    "assets": Kind("资产清单", "Assets", (SYSTEM, DISTRICT), _list("assets"), needs_level=False),
    "findings": Kind("问题清单", "Findings", (SYSTEM, DISTRICT), _list("findings"), needs_level=False),
    "audit-extract": Kind(
        "审计日志摘录", "Extract of the audit log", (DISTRICT,), _list("audit_extract"), needs_level=False, on_page=False,
    ),
}  # fmt: skip
