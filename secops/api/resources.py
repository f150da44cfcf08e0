"""What systems, targets, findings and evidence look like outside."""

from __future__ import annotations

from controls.terms import TargetKind
from secops.api.registry import Resource, flag, moment, number, pair, text, words
from secops.evidence.models import EvidenceSource, EvidenceState
from secops.findings.models import FindingSource, FindingState, Severity
from secops.objects.models import Hosting, Importance, SystemState
from secops.sensitivity import Sensitivity

SYSTEM = Resource(
    "System",
    (
        number("id", lambda r: r.id),
        text("code", lambda r: r.code),
        text("name", lambda r: r.name),
        number("department_id", lambda r: r.department_id),
        text("kind", lambda r: r.kind),
        text("business", lambda r: r.business),
        text("hosting", lambda r: r.hosting.value, one_of=tuple(Hosting)),
        text("state", lambda r: r.state.value, one_of=tuple(SystemState)),
        number("level", lambda r: r.level, optional=True),
        text("profile", lambda r: r.profile),
        words("extensions", lambda r: r.extensions),
        flag("internet_facing", lambda r: r.internet_facing),
        text("filing_number", lambda r: r.filing_number),
        moment("filed_on", lambda r: r.filed_on, day=True),
        moment("last_evaluation_on", lambda r: r.last_evaluation_on, day=True),
        text(
            "sensitivity",
            lambda r: Sensitivity(r.sensitivity).word,
            one_of=tuple(s.word for s in Sensitivity),
        ),
        moment("created_at", lambda r: r.created_at),
    ),
)
ASSET = Resource(
    "Asset",
    (
        number("id", lambda r: r.id),
        number("system_id", lambda r: r.system_id),
        number("department_id", lambda r: r.department_id),
        text("name", lambda r: r.name),
        text("kind", lambda r: r.kind, one_of=tuple(kind.value for kind in TargetKind)),
        text("address", lambda r: r.address),
        text("importance", lambda r: r.importance.value, one_of=tuple(Importance)),
        text("group", lambda r: r.group_name),
        flag("sampled", lambda r: r.sampled),
        text("note", lambda r: r.note),
    ),
)
FINDING = Resource(
    "Finding",
    (
        number("id", lambda r: r.id),
        number("system_id", lambda r: r.system_id),
        number("department_id", lambda r: r.department_id),
        number("asset_id", lambda r: r.asset_id, optional=True),
        text("rule_id", lambda r: r.rule_id),
        pair("title", lambda r: r.title),
        text("source", lambda r: r.source.value, one_of=tuple(FindingSource)),
        text("target", lambda r: r.target),
        text("severity", lambda r: r.severity.value, one_of=tuple(Severity)),
        text("layer", lambda r: r.layer),
        words("units", lambda r: r.units),
        pair("observed", lambda r: r.observed),
        pair("advice", lambda r: r.advice),
        text("high_risk_case", lambda r: r.high_risk_case),
        text("state", lambda r: r.state.value, one_of=tuple(FindingState)),
        text("owner", lambda r: r.owner),
        moment("due", lambda r: r.due, day=True),
        moment("opened_at", lambda r: r.opened_at),
        moment("closed_at", lambda r: r.closed_at),
    ),
)
EVIDENCE = Resource(
    "Evidence",
    (
        number("id", lambda r: r.id),
        number("system_id", lambda r: r.system_id),
        number("department_id", lambda r: r.department_id),
        text("title", lambda r: r.title),
        text("source", lambda r: r.source.value, one_of=tuple(EvidenceSource)),
        text("state", lambda r: r.state.value, one_of=tuple(EvidenceState)),
        text("file_name", lambda r: r.file_name),
        text("media_type", lambda r: r.media_type),
        number("size", lambda r: r.size),
        text("sm3", lambda r: r.sm3),
        text("given_by", lambda r: r.given_by),
        moment("given_at", lambda r: r.given_at),
        moment("effective_until", lambda r: r.effective_until, day=True),
    ),
)
