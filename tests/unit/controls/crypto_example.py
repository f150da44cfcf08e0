"""The worked example of the crypto assessment at level 3, as a document."""

from __future__ import annotations

from decimal import Decimal
from typing import Any


def thing(
    name: str,
    d: bool = True,
    a: bool = True,
    k: bool = True,
    ra: str = "1",
    rk: str = "1",
    by: str | None = None,
) -> dict[str, Any]:
    """One object of a technical unit."""
    return {"id": name, "d": d, "a": a, "k": k, "ra": Decimal(ra), "rk": Decimal(rk), "compensated_by": by}


def useless(name: str, by: str | None = None) -> dict[str, Any]:
    """An object without any effective cryptography."""
    return thing(name, d=False, a=False, k=False, by=by)


GOOD, HALF, BAD = "compliant", "partial", "non_compliant"
TECHNICAL: dict[str, list[dict[str, Any]]] = {
    "6.1.1": [thing("room-a"), useless("room-b")],
    "6.1.2": [thing("door", k=False)],
    "6.1.3": [useless("video")],
    "6.2.1": [thing("tlcp"), thing("tls", a=False, k=False)],
    "6.2.2": [thing("tlcp"), thing("tls", a=False, k=False)],
    "6.2.3": [thing("tlcp"), thing("tls", a=False, k=False)],
    "6.2.4": [useless("border")],
    "6.2.5": [],
    "6.3.1": [thing("bastion"), useless("switch", by="bastion")],
    "6.3.2": [thing("ssh", a=False, k=False)],
    "6.3.3": [useless("rights")],
    "6.3.4": [],
    "6.3.5": [thing("log", k=False, rk="1.2")],
    "6.3.6": [useless("program")],
    "6.4.1": [thing("login")],
    "6.4.2": [thing("rights", k=False)],
    "6.4.3": [],
    "6.4.4": [thing("transfer")],
    "6.4.5": [thing("vault", k=False), useless("table")],
    "6.4.6": [thing("transfer")],
    "6.4.7": [thing("table", a=False, ra="0.5")],
    "6.4.8": [thing("seal")],
}
MANAGEMENT = {
    "7.1": [GOOD, GOOD, HALF, GOOD, GOOD, HALF],
    "7.2": [GOOD, GOOD, HALF, BAD, GOOD],
    "7.3": [GOOD, HALF, GOOD, GOOD, BAD],
    "7.4": [GOOD, HALF, GOOD],
}


def example(*, without: tuple[str, ...] = (), high_risks: int = 0) -> dict[str, Any]:
    """Give the document; units whose number starts with one of *without* are na."""
    units: list[dict[str, Any]] = []
    for number, objects in TECHNICAL.items():
        units.append(
            {"id": number, "objects": objects, "na": not objects or number.startswith(without or ("-",))}
        )
    for group, verdicts in MANAGEMENT.items():
        for place, verdict in enumerate(verdicts, start=1):
            number = f"{group}.{place}"
            units.append({"id": number, "verdict": verdict, "na": number.startswith(without or ("-",))})
    return {"level": 3, "units": units, "high_risks": high_risks}


def uniform(
    good: tuple[str, ...] = (), na: tuple[str, ...] = (), half: tuple[str, ...] = ()
) -> dict[str, Any]:
    """Every unit bad, but those starting with *good* full, with *half* at one half, with *na* left out."""
    document = example()
    for unit in document["units"]:
        number = unit["id"]
        unit["na"] = number.startswith(na or ("-",))
        is_good, is_half = number.startswith(good or ("-",)), number.startswith(half or ("-",))
        if number.startswith("6."):
            unit["objects"] = [thing("o", k=False) if is_half else thing("o", d=is_good)]
        else:
            unit["verdict"] = HALF if is_half else GOOD if is_good else BAD
    return document
