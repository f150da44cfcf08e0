"""The examples of the page on kinds of documents are true."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema
import pytest
import yaml

from controls.documents.checks import check_documents
from controls.documents.loader import load_kinds_from
from controls.documents.samples import load_samples
from controls.documents.terms import FreshnessRule, LinkRule
from controls.terms import RuleOutcome

ROOT = Path(__file__).parents[4]
PAGE = (ROOT / "docs" / "adding-a-document-kind.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    """Give the one block of code in this language."""
    (found,) = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    return str(found)


def test_the_example_is_a_kind_and_its_samples_hold(tmp_path: Path) -> None:
    """Whoever copies it has a file that loads and is tested."""
    (tmp_path / "example-key-register.yaml").write_text(block("yaml"), encoding="utf-8")

    (kind,) = load_kinds_from(tmp_path)
    samples = load_samples(kind, tmp_path)

    assert len(samples) == 4
    for sample in samples:
        (found,) = check_documents([kind], [sample.record], sample.today, level=3)
        assert found.outcome is sample.outcome, sample.name


def test_the_example_follows_the_schema() -> None:
    """An editor that knows the schema accepts it."""
    schema = json.loads((ROOT / "policies/schema/document.schema.json").read_text(encoding="utf-8"))
    data = yaml.load(block("yaml"), Loader=yaml.BaseLoader)
    # BaseLoader keeps days as texts, and numbers too.
    data["freshness"]["months"] = int(data["freshness"]["months"])
    for answer in data["answers"]:
        answer["steps"] = [int(step) for step in answer["steps"]]

    jsonschema.validate(data, schema)


def test_the_code_runs(capsys: pytest.CaptureFixture[str]) -> None:
    """It prints who has to give what."""
    exec(compile(block("python"), "page", "exec"), {})

    printed = capsys.readouterr().out
    assert "网络安全主管部门" in printed
    assert "访谈提纲：运维负责人" in printed
    assert "机房现场核查表" not in printed


def test_the_page_explains_every_key_and_rule() -> None:
    """Keys of the schema, rules of ageing and of agreement all stand on the page."""
    schema = json.loads((ROOT / "policies/schema/document.schema.json").read_text(encoding="utf-8"))
    wanted = {*schema["properties"], *FreshnessRule, *LinkRule, *RuleOutcome} - {
        RuleOutcome.NA,
        RuleOutcome.PASS,
    }

    assert {name for name in wanted if f"`{name}`" not in PAGE} == set()
