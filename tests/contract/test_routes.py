"""Every route that a framework brings stands in a golden file, so that an upgrade shows what it adds.

Routes of our own views are held by the permission file in both directions (test_permissions.py).
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from flask import Flask

from secops.platform import Platform

GOLDEN = Path(__file__).parents[1] / "golden" / "routes.txt"


def _module(app: Flask, endpoint: str) -> str:
    view = app.view_functions[endpoint]
    owner = getattr(view, "__self__", None)
    return type(owner).__module__ if owner is not None else view.__module__


def test_the_routes_are_these(platform: Platform, make_app: Callable[[Platform], Flask]) -> None:
    """Method, address and endpoint of each; write the file anew with WRITE_GOLDEN=1 and read what changed."""
    app = make_app(platform)
    found = sorted(
        f"{rule.rule} {','.join(sorted((rule.methods or set()) - {'HEAD', 'OPTIONS'}))} {rule.endpoint}"
        for rule in app.url_map.iter_rules()
        if not _module(app, rule.endpoint).startswith("secops.")
    )
    if os.environ.get("WRITE_GOLDEN"):
        GOLDEN.write_text("\n".join(found) + "\n", encoding="utf-8")

    assert found == GOLDEN.read_text(encoding="utf-8").splitlines()
