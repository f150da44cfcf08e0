"""What the top of every page of one assessment shows."""

from __future__ import annotations

from typing import Any

from secops.assessments.models import Assessment, AssessmentState
from secops.assessments.words import ASSESSMENT_STATES
from secops.objects.models import System
from secops.web.lang import t
from secops.web.links import LINKS, link


def assessment_context(session: Any, found: Assessment, here: str) -> dict[str, Any]:
    """What the top of every page of one assessment needs."""
    system = session.get_one(System, found.system_id)
    one = {"assessment_id": found.id}
    wanted = (
        ("show", t("概览", "Overview"), link("AssessmentView.show", **one)),
        ("grid", t("判定", "Grid"), link("AssessmentGrid.index", **one)),
        ("risks", t("风险与弥补", "Risks"), link("AssessmentRisks.index", **one)),
        ("quality", t("质量检查", "Checks"), link("AssessmentQuality.index", **one)),
        ("result", t("结论", "Conclusion"), link("AssessmentResult.index", **one)),
        ("compare", t("对比", "Compare"), link("AssessmentResult.compare", **one)),
        ("sheets", t("Excel 往返", "Excel"), link("AssessmentSheets.index", **one)),
    )
    return {
        "found": found,
        "system": system,
        "state_label": ASSESSMENT_STATES[found.state.value],
        "running": found.state is AssessmentState.RUNNING,
        "tabs": [{"text": text, "url": url, "active": key == here} for key, text, url in wanted if url],
        **LINKS,
    }
