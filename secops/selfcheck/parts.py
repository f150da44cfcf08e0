"""What several checks ask."""

from __future__ import annotations

from importlib.util import find_spec

from sqlalchemy import inspect

from secops.selfcheck.line import Found, Verdict
from secops.selfcheck.rig import Bench, Visitor


def missing(zh: str, en: str) -> Found:
    """The thing that the line asks for is not there at all."""
    return Found(Verdict.NON_COMPLIANT, f"缺少：{zh}", f"missing: {en}")


def has_module(name: str) -> bool:
    return find_spec(name) is not None


def has_table(bench: Bench, name: str) -> bool:
    return inspect(bench.platform.engine).has_table(name)


def has_endpoint(bench: Bench, part: str) -> bool:
    """Whether a page of the own account or of administration has *part* in its name."""
    return any(part in rule.endpoint.lower() for rule in bench.app.url_map.iter_rules())


def change_password(visitor: Visitor, old: str, new: str) -> int:
    fields = {"old_password": old, "new_password": new, "again": new}
    return visitor.post("/account/password", fields, form="/account/password").status_code
