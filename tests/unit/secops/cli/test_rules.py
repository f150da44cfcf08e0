"""Rules from the command line: judging what was collected, running their samples, listing them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from scanners.baseline.loader import load_rules
from scanners.baseline.model import OutcomeKind
from scanners.baseline.platforms import platforms
from scanners.schema.results import FOLDER
from scanners.ssh_baseline.pack import compose_pack
from secops.cli.main import run
from secops.cli.rules import run_samples
from tests.support.peers.tcp import Peer
from tests.support.peers.web_server import WebServer

Captured = pytest.CaptureFixture[str]
PACK = compose_pack(
    {
        "system": {"info": "uid=0\nhostname=h\ntime=1750000000"},
        "login_defs": {"/etc/login.defs": "PASS_MAX_DAYS 99999\n"},
    }
)


def schema(name: str) -> Any:
    return json.loads((FOLDER / f"{name}.schema.json").read_text(encoding="utf-8"))


def answer(capsys: Captured, name: str, *argv: str | Path, code: int = 0) -> dict[str, Any]:
    """Run a command of the group with --json; gives the document, which has the published shape."""
    assert run(["rules", name, *map(str, argv), "--json"]) == code
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    jsonschema.validate(document, schema(f"rules-{name}"))
    return document


def refused(capsys: Captured, *argv: str | Path) -> str:
    assert run(["rules", *map(str, argv), "--json"]) == 2
    text: str = json.loads(capsys.readouterr().out)["error"]["en"]
    return text


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    file = tmp_path / "host.pack"
    file.write_bytes(PACK)
    return file


# --- eval -------------------------------------------------------------------------------------------------


def test_a_pack_gives_one_outcome_per_rule(capsys: Captured, pack: Path) -> None:
    """Every rule speaks; what the pack shows is judged, what it lacks is an error and nothing else."""
    document = answer(capsys, "eval", "--platform", "linux", pack)

    outcomes = {one["rule"]: one for one in document["outcomes"]}
    assert list(outcomes) == [rule.id for rule in load_rules("linux")]
    age = outcomes["lnx-password-max-age"]
    assert (age["check"], age["outcome"]) == ("LNX-IA-007", "fail")
    assert age["facts"]["login_defs.pass_max_days"] == 99999
    assert "L3-CES1-01" in age["units"]
    assert "L3-CES1-01#4" in age["steps"]
    assert outcomes["lnx-umask"]["outcome"] == "error"


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_reasons_in_the_language_of_the_run(lang: str, capsys: Captured, pack: Path) -> None:
    """The reason follows --lang, the English one is always there."""
    document = answer(capsys, "eval", pack, "--lang", lang)

    age = next(one for one in document["outcomes"] if one["rule"] == "lnx-password-max-age")
    assert age["reason_en"].isascii()
    assert (age["reason"] == age["reason_en"]) is (lang == "en")


@pytest.mark.parametrize(
    "content", [b"", b"rubbish", b"@@pack 9 x 1\n", PACK[: len(PACK) // 2], b"\x00" * 99]
)
def test_what_is_no_whole_pack_gives_no_verdict(content: bytes, capsys: Captured, tmp_path: Path) -> None:
    """Rubbish and cut packs are told as such, and nothing passes or fails for want of looking."""
    file = tmp_path / "pack"
    file.write_bytes(content)

    document = answer(capsys, "eval", file)

    assert document["problems"]
    assert not {one["outcome"] for one in document["outcomes"]} & {"pass", "na"}


def test_profile_sets_thresholds_and_level(capsys: Captured, pack: Path) -> None:
    """A profile brings its own values, and rules above its level are not asked."""
    sample = next(
        sample
        for rule in load_rules("linux")
        if rule.id == "lnx-lockout-time"
        for sample in rule.samples
        if sample.outcome is OutcomeKind.PASS and sample.profile is None
    )
    pack.write_bytes(compose_pack({"system": {"info": "uid=0\ntime=1750000000"}, **sample.sections}))

    found = {
        name: answer(capsys, "eval", pack, "--profile", name)["outcomes"] for name in ("level-2", "strict")
    }

    assert {one["rule"] for one in found["level-2"]} == {
        rule.id for rule in load_rules("linux") if rule.min_level <= 2
    }
    assert len(found["strict"]) == len(load_rules("linux"))
    locked = {
        name: next(one for one in rows if one["rule"] == "lnx-lockout-time") for name, rows in found.items()
    }
    assert locked["level-2"]["outcome"] == "pass"
    assert locked["strict"]["outcome"] == "fail"


def test_a_saved_probe_result_is_judged_by_its_own_rules(
    capsys: Captured, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What ``secops probe web --json`` printed can be judged later, and only by rules for that kind."""
    monkeypatch.setenv("SECOPS_HOME", str(tmp_path / "home"))
    with Peer(WebServer({"": (200, {}, b"<title>t</title>")})) as peer:
        assert run(["probe", "web", f"127.0.0.1:{peer.port}", "--json"]) == 0
    saved = tmp_path / "web.json"
    saved.write_text(capsys.readouterr().out)

    document = answer(capsys, "eval", "--platform", "web", saved)

    assert [one["rule"] for one in document["outcomes"]] == [rule.id for rule in load_rules("web")]
    assert {one["outcome"] for one in document["outcomes"]} & {"pass", "fail"}
    for platform in ("linux", "tls", "sm"):
        assert platform in refused(capsys, "eval", "--platform", platform, saved)


@pytest.mark.parametrize(
    "content",
    [
        "{",
        "{}",
        '{"probe": "web", "result": {}}',
        '{"probe": "web", "result": null, "started": "2026-01-01T00:00:00+00:00", "duration_ms": 1}',
        '{"probe": "web", "result": {"a": 1}, "started": "2026-01-01T00:00:00+00:00", "duration_ms": 1}',
        '{"probe": "no.such", "result": {}, "started": "2026-01-01T00:00:00+00:00", "duration_ms": 1}',
        '{"probe": "nosuch", "result": {}, "started": "2026-01-01T00:00:00+00:00", "duration_ms": 1}',
        '{"probe": "ssh_baseline", "result": {}, "started": "2026-01-01T00:00:00+00:00", "duration_ms": 1}',
        '{"probe": 5, "result": {}, "started": "2026-01-01T00:00:00+00:00", "duration_ms": 1}',
        '{"probe": "web", "result": {}, "started": 1, "duration_ms": 1}',
        '{"probe": "web", "result": {}, "started": "2026-01-01T00:00:00+00:00", "duration_ms": 1e300}',
    ],
)
def test_other_documents_are_bad_input(content: str, capsys: Captured, tmp_path: Path) -> None:
    """A document that is not of a completed probe ends with one sentence that names the file."""
    file = tmp_path / "x.json"
    file.write_text(content)

    assert str(file) in refused(capsys, "eval", "--platform", "web", file)


@pytest.mark.parametrize(
    ("argv", "named"),
    [
        (["eval", "/none"], "/none"),
        (["eval", "/"], "no such file"),
        (["eval", "/dev/null", "--platform", "windows"], "linux"),
        (["eval", "PACK", "--platform", "tls"], "secops probe"),
        (["eval", "PACK", "--profile", "level-9"], "level-3"),
        (["test", "--platform", "windows"], "linux"),
        (["list", "--platform", "windows"], "linux"),
    ],
)
def test_bad_input(argv: list[str], named: str, capsys: Captured, pack: Path) -> None:
    """A missing file, an unknown platform and an unknown profile are bad input; none means a default."""
    assert named in refused(capsys, *[str(pack) if word == "PACK" else word for word in argv])


def test_text_for_people(capsys: Captured, tmp_path: Path) -> None:
    """A table, the counts, and nothing in it that moves a cursor."""
    file = tmp_path / "pack"
    file.write_bytes(
        compose_pack(
            {"login_defs": {"/etc/login.defs": "PASS_MAX_DAYS 90\n"}, "accounts": {"passwd": "a\x1b[2J"}}
        )
    )

    assert run(["rules", "eval", str(file), "--lang", "en"]) == 0
    shown = capsys.readouterr()

    assert "lnx-password-max-age" in shown.out
    assert f"{len(load_rules('linux'))} rules: pass" in shown.out
    assert "\x1b" not in shown.out + shown.err


# --- test and list ----------------------------------------------------------------------------------------


def test_every_sample_of_every_rule_is_run(capsys: Captured) -> None:
    """The shipped rules give what their samples say, and the counts are those of the files."""
    document = answer(capsys, "test")

    rules = [rule for name in platforms() for rule in load_rules(name)]
    assert document["failed"] == []
    assert document["rules"] == len(rules)
    assert document["samples"] == document["passed"] == sum(len(rule.samples) for rule in rules)
    assert document["platforms"].keys() == platforms().keys()


def test_a_sample_that_gives_another_outcome_is_named() -> None:
    """Each one with rule, sample, what it must give and what it gave."""
    rule = next(rule for rule in load_rules("linux") if rule.id == "lnx-password-max-age")
    passing = next(sample for sample in rule.samples if sample.outcome is OutcomeKind.PASS)
    lying = replace(rule, samples=(passing, replace(passing, name="lie", outcome=OutcomeKind.FAIL)))

    document = run_samples({"linux": [lying]})

    assert (document["samples"], document["passed"]) == (2, 1)
    (failed,) = document["failed"]
    assert (failed["rule"], failed["sample"]) == (rule.id, "lie")
    assert (failed["expected"], failed["given"]) == ("fail", "pass")
    assert failed["reason_en"]


def test_a_failing_sample_is_exit_code_one(capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    """The document is printed all the same."""
    rule = load_rules("tls")[0]
    lying = replace(rule, samples=(replace(rule.samples[0], outcome=OutcomeKind.NA),))
    monkeypatch.setattr("scanners.baseline.loader.load_rules", lambda platform: (lying,))

    document = answer(capsys, "test", "--platform", "tls", code=1)
    assert run(["rules", "test", "--platform", "tls", "--lang", "en"]) == 1

    assert len(document["failed"]) == 1
    assert rule.id in capsys.readouterr().out


def test_the_list_has_every_rule(capsys: Captured) -> None:
    """Rules with the steps that they answer, their thresholds and how many samples they have."""
    document = answer(capsys, "list")
    linux = answer(capsys, "list", "--platform", "linux")

    assert len(document["rules"]) == sum(len(load_rules(name)) for name in platforms())
    assert [one["rule"] for one in linux["rules"]] == [rule.id for rule in load_rules("linux")]
    age = next(one for one in linux["rules"] if one["rule"] == "lnx-password-max-age")
    assert {"unit": "L3-CES1-01", "step": 4} in [
        {"unit": one["unit"], "step": one["step"]} for one in age["answers"]
    ]
    assert age["params"][0]["default"] == 90
