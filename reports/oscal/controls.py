"""Catalog and profile: every unit of a system's level, and those that bind it with who answers them."""

from __future__ import annotations

from typing import Any

from reports.lists.model import Statement, StatementRow
from reports.oscal.base import Maker, title, words
from reports.paper.frame import Pen
from reports.read_model import Language, Text

__all__ = ["catalog", "profile"]

_CATALOG = Text(
    "控制项为本平台自编摘要，标准原文以正式出版物为准。",
    "Controls are our own summaries; the published standards prevail.",
)
_PROFILE = Text(
    "本文件是自评估的适用范围，由测评机构最终认定。",
    "This is the scope of a self-assessment; the evaluation body decides in the end.",
)


def catalog(model: Statement, language: Language) -> dict[str, Any]:
    """Units of the level and its extensions as controls, grouped by class."""
    pen = Pen(language)
    make = Maker(model.meta, pen, "catalog")
    groups: dict[str, list[StatementRow]] = {}
    for one in model.rows:
        groups.setdefault(pen.of(one.class_name), []).append(one)
    document: dict[str, Any] = {
        "uuid": make.uuid("document"),
        "metadata": make.head(
            pen.t(f"测评单元目录 {model.subject.profile}", f"Catalogue of units {model.subject.profile}"), model.subject.unit, is_draft=False, nature=_CATALOG
        ),
        "groups": [
            {"id": f"g{place}", "class": "security-class", "title": title(name), "controls": [_control(make, pen, one) for one in rows]}
            for place, (name, rows) in enumerate(groups.items(), start=1)
        ],
    }  # fmt: skip
    if not groups:
        del document["groups"]
    return {"catalog": document}


def _control(make: Maker, pen: Pen, one: StatementRow) -> dict[str, Any]:
    return {
        "id": one.unit,
        "class": "assessment-unit",
        "title": title(pen.of(one.point)),
        "props": make.props({"clause": one.clause}),
        "parts": [{"id": f"{one.unit}_smt", "name": "statement", "prose": words(pen.of(one.summary))}],
    }


def profile(model: Statement, language: Language) -> dict[str, Any]:
    """What binds the system, chosen from the catalog; exclusions and providers as properties."""
    pen = Pen(language)
    make = Maker(model.meta, pen, "profile")
    source = make.uuid("catalog")
    binding = [one for one in model.rows if one.state in ("in", "asked")]
    excluded = [one for one in model.rows if one.state == "excluded"]
    chosen: dict[str, Any] = {"href": f"#{source}"}
    if binding:
        chosen["include-controls"] = [{"with-ids": [one.unit for one in binding]}]
    if excluded:
        chosen["exclude-controls"] = [{"with-ids": [one.unit for one in excluded]}]
    document: dict[str, Any] = {
        "uuid": make.uuid("document"),
        "metadata": make.head(f"{pen.of(model.subject.name)} {pen.of(model.meta.title)}", model.subject.unit, is_draft=False, nature=_PROFILE),
        "imports": [chosen],
        "merge": {"as-is": True},
    }  # fmt: skip
    alters = [_alter(make, one) for one in binding if one.responsibility is not None]
    if alters:
        document["modify"] = {"alters": alters}
    reasons = [
        {"uuid": make.uuid("excluded", one.unit), "title": title(f"{one.unit} {pen.t('不适用', 'not applicable')}"), "description": words(one.reason),
         "props": make.props({"unit": one.unit, "asked-by": one.requested_by.strip(), "approved-by": one.decided_by.strip()})}
        for one in excluded
    ]  # fmt: skip
    named = {
        "uuid": source,
        "title": pen.t("测评单元目录", "Catalogue of units"),
        "description": pen.t("由 catalog 报告的 OSCAL 格式给出。", "Given by the report of the kind catalog in the format OSCAL."),
        "rlinks": [{"href": "catalog.json"}],
    }  # fmt: skip
    document["back-matter"] = {"resources": [named, *reasons]}
    return {"profile": document}


def _alter(make: Maker, one: StatementRow) -> dict[str, Any]:
    facts = {
        "responsibility": one.responsibility.en if one.responsibility else "",
        "provider": one.provider.strip(),
        "provider-verdict": one.provider_verdict.value if one.provider_verdict else "",
        "provider-report": one.report.strip(),
        "until": one.expires_on.isoformat() if one.expires_on else "",
    }
    return {"control-id": one.unit, "adds": [{"position": "ending", "props": make.props(facts)}]}
