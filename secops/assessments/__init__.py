"""Assessments: a dated, frozen piece of human judgement over targets and units. Posture is another thing beside it."""
