"""Every view of assessments, for registration."""

from __future__ import annotations

from secops.assessments.grid_views import AssessmentGrid
from secops.assessments.judge_views import AssessmentQuality, AssessmentRisks
from secops.assessments.plan_views import AssessmentView
from secops.assessments.result_views import AssessmentResult
from secops.assessments.sheet_views import AssessmentSheets

VIEWS: tuple[type, ...] = (
    AssessmentView,
    AssessmentGrid,
    AssessmentRisks,
    AssessmentQuality,
    AssessmentResult,
    AssessmentSheets,
)
