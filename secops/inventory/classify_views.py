"""The classification wizard: what is harmed and how badly, for information and for service apart, then level, dates and items."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import request, url_for
from flask_appbuilder import expose
from werkzeug.wrappers import Response

from controls.grading import GRADING_RULE_SETS, Classification, DutyDates, classify, grading_rule_set
from controls.terms import Degree, HarmObject
from secops.catalogue.words import level_words, term
from secops.clock import utc_now
from secops.errors import BadInput
from secops.objects.models import System
from secops.objects.queries import system_head
from secops.objects.services import classify_system
from secops.objects.tables import today
from secops.posture.catalogue import selection_for
from secops.web.base import PageView
from secops.web.forms import Form
from secops.web.lang import pick, t
from secops.web.links import LINKS

MAX_KINDS = 6
SIDES = ("business", "service")
_LEVELS = ("2", "3", "4")


@dataclass(frozen=True, slots=True)
class NamedKind:
    """One kind of business information or one service, with the degrees chosen: object → degree."""

    name: str
    degrees: dict[str, str]


class ClassifyView(PageView):
    """Both sides of a system through a matrix, with the other matrix beside it."""

    route_base = "/systems"

    @expose("/<int:system_id>/classify", methods=["GET", "POST"])
    def index(self, system_id: int) -> str | Response | tuple[str, int]:
        system = system_head(self.db, system_id).system
        if request.method == "GET":
            return self._page(system, Form(**_start(system)))
        form = Form(request.form)
        counts = {side: _count(form, side) for side in SIDES}
        action = form.value("action")
        if action.startswith("more-") and action[5:] in SIDES:
            counts[action[5:]] = min(MAX_KINDS, counts[action[5:]] + 1)
            return self._page(system, form, counts)
        sides = {side: _kinds(form, side, counts[side]) for side in SIDES}
        results = _results(form, sides, self._dates(system)) if form.ok else {}
        if action == "save" and form.ok and self._save(system, form, sides, results):
            where = url_for("SystemView.show", system_id=system.id)
            return self.done(
                where,
                "定级已记录，适用的控制项随之更新。",
                "The classification is on record; the items follow it.",
            )
        page = self._page(system, form, counts, results)
        return (page, 400) if form.errors else page

    def _dates(self, system: System) -> DutyDates:
        return DutyDates(
            level_fixed=today(),
            in_operation=system.in_operation_on,
            filed=system.filed_on,
            last_evaluation=system.last_evaluation_on,
        )

    def _page(
        self,
        system: System,
        form: Form,
        counts: dict[str, int] | None = None,
        results: dict[str, Classification] | None = None,
    ) -> str:
        counts = counts or {side: _count(form, side) for side in SIDES}
        chosen = next(iter(form.values("rule_set")), GRADING_RULE_SETS[0])
        result = (results or {}).get(chosen)
        return self.page(
            "classify.html",
            system=system,
            form=form,
            sides=[(side, _SIDE_WORDS[side], range(counts[side])) for side in SIDES],
            counts=counts,
            most=MAX_KINDS,
            objects=[(one.value, term(one), t(*_EXAMPLES[one])) for one in HarmObject],
            degrees=[(one.value, term(one)) for one in Degree],
            rule_sets=[
                (key, pick(grading_rule_set(key).title), pick(grading_rule_set(key).note))
                for key in GRADING_RULE_SETS
            ],
            levels=[(level, level_words(int(level))) for level in _LEVELS],
            results=[
                (pick(grading_rule_set(key).title), one, key == chosen)
                for key, one in (results or {}).items()
            ],
            result=result,
            level_words=level_words,
            term=term,
            change=_change(system, result) if result is not None else None,
            t_side=_SIDE_WORDS,
            **LINKS,
        )

    def _save(
        self,
        system: System,
        form: Form,
        sides: dict[str, list[NamedKind]],
        results: dict[str, Classification],
    ) -> bool:
        chosen = form.choice("rule_set", GRADING_RULE_SETS)
        reason = form.text("reason", required=True, limit=2000, least=4)
        expert = form.text("expert", limit=400)
        approval = form.text("approval", limit=400)
        if not form.ok:
            return False
        result = results[chosen]
        if result.level > 4:
            form.fail(
                "",
                "第五级由国家专门部门管理，本平台的控制项到第四级为止。",
                "Level 5 is handled by a special body of the state; the items here end with level 4.",
            )
            return False
        unmet = [one for one in result.minimums if not one.met]
        if unmet and not approval:
            form.fail(
                "approval",
                "低于最低等级规则时，须写明由谁批准、为什么。",
                "Below a minimum level it takes who approved it and why.",
            )
            return False
        try:
            classify_system(
                self.db, system, rule_set=chosen, business=_pairs(sides["business"]), service=_pairs(sides["service"]),
                reason=reason, actor=self.who.name, now=utc_now(), detail=_detail(sides, result, expert, approval),
            )  # fmt: skip
        except BadInput as error:
            form.take(error)
            return False
        return True


_SIDE_WORDS = {
    "business": ("业务信息安全（S）", "Business information (S)", "系统处理的信息被泄露、篡改或毁坏时，谁会受到损害，有多严重？", "When the information is leaked, changed or destroyed: who is harmed, and how badly?"),
    "service": ("系统服务安全（A）", "System service (A)", "系统停止或变慢，服务不能正常提供时，谁会受到损害，有多严重？", "When the service stops or slows down: who is harmed, and how badly?"),
}  # fmt: skip
_EXAMPLES = {
    HarmObject.CITIZENS: ("例：群众办事受阻、企业商业信息外泄、个人信息被冒用。", "e.g. people can't get things done, a company's data leak, personal data are misused."),
    HarmObject.PUBLIC: ("例：政务服务大面积中断、应急指挥失灵、错误信息造成社会恐慌。", "e.g. government services fail widely, emergency command fails, false news cause panic."),
    HarmObject.NATIONAL: ("例：危及国家政治、经济、国防安全或关键民生。一般的区县业务系统选“无”。", "e.g. the state's political, economic or military security. An ordinary district system chooses none."),
}  # fmt: skip


def _count(form: Form, side: str) -> int:
    text = form.value(f"{side}_count")
    return min(MAX_KINDS, max(1, int(text))) if text.isdigit() and len(text) < 3 else 1


def _start(system: System) -> dict[str, Any]:
    """What an empty wizard begins with."""
    return {
        "rule_set": [GRADING_RULE_SETS[0]],
        "business_0_name": system.business[:80].split("，")[0].split("。")[0],
    }


def _kinds(form: Form, side: str, count: int) -> list[NamedKind]:
    """The filled-in kinds of one side; one without any harm is an error beside its name."""
    found = []
    for number in range(count):
        key = f"{side}_{number}"
        name = form.text(f"{key}_name", limit=80)
        degrees = {
            one.value: form.choice(f"{key}_{one.value}", [degree.value for degree in Degree], required=False)
            for one in HarmObject
        }
        degrees = {harm: degree for harm, degree in degrees.items() if degree}
        if degrees:
            found.append(NamedKind(name or t("未命名", "Unnamed"), degrees))
        elif name and number:
            form.fail(
                f"{key}_name",
                "请至少为一个客体选择损害程度，或清空名称。",
                "Choose a degree for at least one object, or clear the name.",
            )
    if not found:
        form.fail(
            f"{side}_0_name", "请至少为一个客体选择损害程度。", "Choose a degree for at least one object."
        )
    return found


def _pairs(kinds: list[NamedKind]) -> list[tuple[str, str]]:
    return [(harm, degree) for kind in kinds for harm, degree in kind.degrees.items()]


def _results(form: Form, sides: dict[str, list[NamedKind]], dates: DutyDates) -> dict[str, Classification]:
    """The answer of each rule set, for the same words."""
    carried = [int(level) for level in form.values("carried") if level in _LEVELS]
    return {
        key: classify(
            key,
            _pairs(sides["business"]),
            _pairs(sides["service"]),
            carried_levels=carried,
            big_data_public_service=form.value("big_data") == "1",
            dates=dates,
        )
        for key in GRADING_RULE_SETS
    }


def _change(system: System, result: Classification) -> dict[str, Any] | None:
    """What the new level would ask more and less than today's."""
    if result.level > 4:
        return None
    new = {unit.family for unit in selection_for(str(result.profile), tuple(system.extensions)).units}
    count = len(selection_for(str(result.profile), tuple(system.extensions)).units)
    if not system.profile:
        return {"now": None, "count": count, "more": len(new), "less": 0}
    old = {unit.family for unit in selection_for(system.profile, tuple(system.extensions)).units}
    return {"now": system.profile, "count": count, "more": len(new - old), "less": len(old - new)}


def _detail(
    sides: dict[str, list[NamedKind]], result: Classification, expert: str, approval: str
) -> dict[str, Any]:
    return {
        "business": [{"name": one.name, "degrees": one.degrees} for one in sides["business"]],
        "service": [{"name": one.name, "degrees": one.degrees} for one in sides["service"]],
        "minimums": [{"key": one.key, "level": one.level, "met": one.met} for one in result.minimums],
        "expert": expert,
        "approval": approval,
    }
