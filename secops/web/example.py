"""The mark of invented sample data inside a list."""

from __future__ import annotations

from markupsafe import Markup

from secops.web.lang import t


def with_example(text: str, is_example: bool) -> Markup:
    """*text*, and the badge behind it when the row belongs to sample data."""
    if not is_example:
        return Markup("{}").format(text)
    badge = Markup('<span class="badge-state tone-example" title="{}">{}</span>')
    title = t("示例数据，并非真实登记", "Invented sample data, not a real record")
    return Markup("{} {}").format(text, badge.format(title, t("示例", "Example")))
