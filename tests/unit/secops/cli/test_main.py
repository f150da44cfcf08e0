"""The program as a whole: commands, help, errors, languages."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import pytest
import typer

from secops.cli import main as program
from secops.cli import output
from secops.cli.main import command_modules, run

HEAVY = ("flask", "sqlalchemy", "celery", "alembic", "kombu", "flask_appbuilder")
LIGHT_COMMANDS = ("catalog", "classify", "score")


def secops(*argv: str, **environ: str) -> subprocess.CompletedProcess[str]:
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("SECOPS_", "LC_", "LANG"))
    }
    return subprocess.run(
        [sys.executable, "-c", "from secops.cli.main import main; main()", *argv],
        capture_output=True,
        text=True,
        check=False,
        env=kept | environ,
        timeout=60,
        encoding="utf-8",
    )


def loaded_after(argv: Sequence[str]) -> set[str]:
    """Top-level packages that are loaded after a command line was run."""
    code = "import sys; from secops.cli.main import run; run(sys.argv[1:]); print(*sorted(sys.modules), file=sys.stderr)"
    result = subprocess.run(
        [sys.executable, "-c", code, *argv],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        encoding="utf-8",
    )
    return {name.partition(".")[0] for name in result.stderr.splitlines()[-1].split()}


def test_help_loads_nothing_heavy() -> None:
    """Help imports every command module and none of the heavy packages."""
    assert not loaded_after(["--help"]) & set(HEAVY)


@pytest.mark.parametrize("name", LIGHT_COMMANDS)
def test_commands_without_store_load_nothing_heavy(name: str) -> None:
    """Commands that need no store never load Flask, SQLAlchemy or Celery, however they are called."""
    offered = typer.main.get_command(program.build()).commands
    if name not in offered:
        pytest.skip(f"{name} is not a command of this version")
    calls = [[name, sub] for sub in getattr(offered[name], "commands", {})] or [[name]]

    for call in calls:
        assert not loaded_after([*call, "--json"]) & set(HEAVY), call


def test_every_command_module_is_found() -> None:
    """Modules with register() hold commands; the helpers beside them are no commands."""
    names = {module.__name__.rpartition(".")[2] for module in command_modules()}

    assert {"init", "up", "doctor"} <= names
    assert not {"main", "output", "_explain", "common"} & names


def test_no_arguments_show_help() -> None:
    """Without arguments the help is shown, as a success."""
    result = secops()

    assert result.returncode == 0
    for name in ("init", "up", "doctor"):
        assert name in result.stdout


def test_version() -> None:
    """The version is printed on its own."""
    result = secops("--version")

    assert (result.returncode, result.stdout) == (0, "secops 0.1.0\n")


def test_wrong_command() -> None:
    """A wrong command is bad input, told in one line on standard error."""
    result = secops("nonsense")

    assert result.returncode == 2
    assert result.stdout == ""
    assert result.stderr == "没有命令 nonsense。用法见：secops --help\n"


def test_wrong_option_in_english() -> None:
    """--lang may stand anywhere and changes the language of errors."""
    result = secops("doctor", "--nonsense", "--lang", "en")

    assert result.returncode == 2
    assert result.stderr == "No such option: --nonsense. For usage see: secops doctor --help\n"


def test_wrong_language() -> None:
    """A language that is not offered is bad input."""
    result = secops("--lang", "fr", "doctor")

    assert result.returncode == 2
    assert "--lang" in result.stderr


def test_error_as_json() -> None:
    """With --json an error is the one document on standard output and the sentence on standard error."""
    result = secops("init", "--json", SECOPS_PORT="x", SECOPS_NONSENSE="1")

    document = json.loads(result.stdout)
    assert result.returncode == 2
    assert document["error"]["kind"] == "bad-settings"
    assert "SECOPS_PORT" in document["error"]["zh"]
    assert "SECOPS_NONSENSE" in document["error"]["en"]
    assert len(result.stderr.splitlines()) == 1


def test_trace_only_with_debug() -> None:
    """The trace of an error is shown with --debug and never without."""
    plain = secops("init", SECOPS_PORT="x")
    debug = secops("init", "--debug", SECOPS_PORT="x")

    assert "Traceback" not in plain.stderr
    assert "Traceback" in debug.stderr
    assert debug.stderr.endswith(plain.stderr)


def test_reader_that_leaves_early() -> None:
    """A reader that closes the pipe ends the program without a word."""
    code = "import sys; from secops.cli.main import main; sys.argv[1:] = ['doctor']; main()"
    with subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | {"SECOPS_HOME": "/none"},
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        errors = process.stderr.read()

    assert process.returncode == output.PIPE_CLOSED
    assert errors == b""


def only(monkeypatch: pytest.MonkeyPatch, function: object, **options: object) -> None:
    """Make the program consist of one command ``x`` and a command ``y``."""

    def register(app: typer.Typer) -> None:
        app.command("x")(function)  # type: ignore[arg-type]
        app.command("y")(lambda: None)

    monkeypatch.setattr(program, "command_modules", lambda: [SimpleNamespace(register=register)])


def test_general_options_are_taken_anywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """--debug and --lang are understood after the command, and what follows -- is left alone."""
    seen: list[str] = []

    def command(words: list[str]) -> None:
        seen.extend(words)

    only(monkeypatch, command)

    assert run(["x", "--lang=en", "a", "--debug", "--", "--lang", "b"]) == 0
    assert seen == ["a", "--lang", "b"]


def test_a_command_may_have_its_own_lang(monkeypatch: pytest.MonkeyPatch) -> None:
    """A command with an option --lang of its own gets the value."""
    seen: list[str] = []

    def command(lang: str = "zh") -> None:
        seen.append(lang)

    only(monkeypatch, command)

    assert run(["x", "--lang", "fr"]) == 0
    assert seen == ["fr"]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (KeyboardInterrupt(), 130),
        (OSError(28, "full"), 1),
        (ValueError("odd"), 1),
        (output.Failed("a", "b", 2), 2),
    ],
)
def test_exit_codes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: BaseException, code: int
) -> None:
    """Whatever a command raises ends in one line on standard error and an exit code."""

    def command() -> None:
        raise error

    only(monkeypatch, command)

    assert run(["x"]) == code
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_negative_result(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A command that ends by typer.Exit gives its code and no word."""

    def command() -> None:
        raise typer.Exit(1)

    only(monkeypatch, command)

    assert run(["x"]) == 1
    assert capsys.readouterr() == ("", "")


def test_error_after_the_document(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An error after the document was printed adds no second document."""

    def command(json: output.JsonFlag = False) -> None:
        output.json_out({"n": 1})
        raise ValueError("late")

    only(monkeypatch, command)

    assert run(["x", "--json"]) == 1
    assert json.loads(capsys.readouterr().out) == {"n": 1}


def test_files_are_for_the_owner(tmp_path: Path) -> None:
    """What the program writes is readable by its owner alone, whatever the umask of the shell."""
    home = tmp_path / "home"
    result = secops("init", SECOPS_HOME=str(home))

    assert result.returncode == 0
    wide = [path for path in home.rglob("*") if path.stat().st_mode & 0o077 and path.suffix != ".pub"]
    assert wide == []
