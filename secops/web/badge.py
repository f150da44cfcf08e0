"""One value of a closed list as pages show it: words, tone, icon."""

from __future__ import annotations

from dataclasses import dataclass

from secops.web.lang import language


@dataclass(frozen=True, slots=True)
class Label:
    """One value: its words, its tone, and an icon where the tone's own would mislead.

    Tones: ``good, warn, bad, info, mute, open`` (nobody has looked yet) and ``plain`` (says nothing of a state).
    """

    zh: str
    en: str
    tone: str = "plain"
    icon: str = ""

    @property
    def text(self) -> str:
        return self.en if language() == "en" else self.zh

    @property
    def symbol(self) -> str:
        """Name of the icon that stands beside the word; "" for none."""
        return self.icon or TONE_ICONS[self.tone]


TONE_ICONS: dict[str, str] = {
    "good": "check-circle-fill",
    "warn": "exclamation-triangle-fill",
    "bad": "x-circle-fill",
    "info": "info-circle-fill",
    "mute": "dash-circle",
    "open": "circle",
    "plain": "",
}
