"""Small kinds and records with defaults, for the tests of documents."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

from controls.applicability import select
from controls.catalog import Text
from controls.documents.checks import check_documents
from controls.documents.model import Answer, DocumentKind, DocumentRecord, Freshness, Limit, Link, Topic
from controls.documents.outcomes import KindOutcome
from controls.documents.scope import DocumentScope
from controls.documents.terms import (
    Field,
    FreshnessRule,
    Holder,
    Judged,
    LinkRule,
    PeriodOrigin,
    ReviewState,
    Trait,
)
from controls.ids import UnitId
from controls.loader import load_catalog
from controls.terms import LevelProfile, TargetKind

TODAY = date(2025, 6, 30)
RECENT = date(2025, 3, 10)
YEARLY = Freshness(
    FreshnessRule.AGE, Field.DATE, Limit(12, PeriodOrigin.CUSTOMARY), {}, Text("惯例。", "Customary.")
)
NEVER = Freshness(FreshnessRule.ONCE, None, None, {}, Text("长期有效。", "Does not age."))


def kind(kind_id: str = "plan", **changes: Any) -> DocumentKind:
    """Make a kind that wants an issuer, an approver and a date within the last year."""
    made = DocumentKind(
        id=kind_id,
        checks=(),
        high_risk_cases=(),
        name=Text(f"材料{kind_id}", f"paper {kind_id}"),
        description=Text("一份材料。", "A paper."),
        file_names=("材料",),
        target=TargetKind.DOCUMENT,
        holder=Holder.OPERATIONS,
        answers=(Answer(UnitId("L3-MMS1-42"), 1),),
        when=(),
        requires=(Field.ISSUER, Field.APPROVER, Field.DATE),
        approver=Text("领导签批。", "Signed by the head."),
        judged=Judged.BEST,
        topics=(),
        freshness=YEARLY,
        links=(),
        looks_at=Text("看内容。", "Read it."),
    )
    return replace(made, **changes)


def record(record_id: str = "a", kind_id: str = "plan", **changes: Any) -> DocumentRecord:
    """Make an accepted record that satisfies ``kind()``."""
    made = DocumentRecord(
        record_id,
        kind_id,
        ReviewState.ACCEPTED,
        number=f"no-{record_id}",
        issuer="运维部",
        approver="负责人",
        dated=RECENT,
    )
    return replace(made, **changes)


def link(rule: LinkRule, to: str = "other", months: int | None = None) -> Link:
    """Make a cross-reference."""
    return Link(to, rule, months, Text("应一致。", "Must agree."))


def topic(key: str, from_level: int = 1) -> Topic:
    """Make a topic."""
    return Topic(key, Text(f"内容{key}", f"topic {key}"), from_level)


def check(
    of: DocumentKind,
    *records: DocumentRecord,
    level: int = 3,
    beside: tuple[DocumentKind, ...] = (),
    **more: Any,
) -> KindOutcome:
    """Check one kind on the day of these tests."""
    return check_documents((of, *beside), records, TODAY, level=level, **more)[0]


def system(profile: str = "S3A3G3", traits: Mapping[Trait, bool] | None = None) -> DocumentScope:
    """Make the scope of one system with the general requirements."""
    catalog = load_catalog()
    return DocumentScope(select(catalog, LevelProfile.parse(profile)), catalog, traits or {})
