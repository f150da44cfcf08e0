"""How commands speak."""

from __future__ import annotations

import io
import json
import sys

import pytest

from secops.cli import output


@pytest.fixture(autouse=True)
def _fresh() -> None:
    output.tune([], {})


@pytest.mark.parametrize(
    ("argv", "environ", "language"),
    [
        ([], {}, "zh"),
        ([], {"LANG": "zh_CN.GBK"}, "zh"),
        ([], {"LANG": "en_US.UTF-8"}, "en"),
        ([], {"LANG": "de_DE.UTF-8"}, "en"),
        ([], {"LANG": "C.UTF-8"}, "zh"),
        ([], {"LANG": "POSIX"}, "zh"),
        ([], {"LANG": "zh_CN.UTF-8", "LC_ALL": "en_GB.UTF-8"}, "en"),
        ([], {"LANG": "en_US.UTF-8", "SECOPS_LANGUAGE": "zh"}, "zh"),
        (["--lang", "en"], {"SECOPS_LANGUAGE": "zh"}, "en"),
        (["doctor", "--lang=zh"], {"LANG": "en_US.UTF-8"}, "zh"),
        (["--lang", "fr"], {}, "zh"),
        (["--", "--lang", "en"], {}, "zh"),
        (["x", "--lang"], {}, "zh"),
    ],
)
def test_language(argv: list[str], environ: dict[str, str], language: str) -> None:
    """Chinese, unless an option, the platform's setting or a terminal of another language says otherwise."""
    output.tune(argv, environ)

    assert output.voice.language == language
    assert output.t("中", "en") == ("中" if language == "zh" else "en")


def test_json_owns_standard_output(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    """Under --json standard output has one UTF-8 document; texts and stray prints go to standard error."""
    output.tune(["x", "--json"], {})

    with output.channels():
        print("stray")
        output.say("一句话", "a sentence")
        output.json_out({"名称": "门户 ✓", "bad": "\udcff"})
        output.table(["a"], [["b"]])

    out, err = capsysbinary.readouterr()
    assert json.loads(out.decode("utf-8"))["名称"] == "门户 ✓"
    assert "stray" in err.decode()
    assert "一句话" in err.decode()


def test_one_document_only() -> None:
    """A second document is a mistake of the program and is refused."""
    output.json_out({})

    with pytest.raises(AssertionError):
        output.json_out({})


def test_answer_takes_the_form_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    """The same answer is a document under --json and text otherwise."""
    output.answer({"n": 1}, lambda: print("one"))
    assert capsys.readouterr().out == "one\n"

    output.tune(["--json"], {})
    output.answer({"n": 1}, lambda: print("one"))

    assert json.loads(capsys.readouterr().out) == {"n": 1}


def test_table_aligns_chinese(capsys: pytest.CaptureFixture[str]) -> None:
    """Chinese letters count as two columns, and lines end without blanks."""
    output.table(["名称", "n"], [["门户网站", 1], ["a", 22]])

    lines = capsys.readouterr().out.splitlines()
    assert lines == ["名称      n", "--------  --", "门户网站  1", "a         22"]
    assert {output.width(line[: line.rindex(" ") + 1]) for line in (lines[0], lines[2], lines[3])} == {10}


def test_tell_never_uses_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    """What is said beside the answer goes to standard error."""
    output.tell("注意", "mind")

    assert capsys.readouterr() == ("", "注意\n")


def test_letters_that_the_terminal_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal that can't show a letter gets a question mark instead of a crash."""
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="iso-8859-1"))

    with output.channels():
        output.say("完成 ok", "")

    assert raw.getvalue() == b"?? ok\n"


def test_progress_is_silent_without_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """Where standard error is no terminal nothing is drawn."""
    with output.progress("扫描", "scan", 2) as bar:
        bar.step("一", "one")

    assert capsys.readouterr() == ("", "")


def test_progress_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal the present step is drawn on standard error."""

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setenv("TERM", "xterm")

    with output.progress("扫描", "scan", 2) as bar:
        bar.step("第一步", "one")

    assert "第一步" in screen.getvalue()


def test_fail_carries_both_languages() -> None:
    """A failure knows its sentence in both languages and its exit code."""
    with pytest.raises(output.Failed) as caught:
        output.fail("不行", "no", 2)

    assert (caught.value.zh, str(caught.value), caught.value.code) == ("不行", "no", 2)
