"""The program ``secops``: finds the commands, runs one, turns what goes wrong into one sentence.

A module of this package with a function ``register(app)`` is a group of commands; nothing else is edited to
add one. Those modules import what is heavy inside their command functions, so that ``secops catalog`` never
loads Flask, SQLAlchemy or Celery.
"""

from __future__ import annotations

import importlib
import os
import pkgutil
import sys
import traceback
from collections.abc import Sequence
from types import ModuleType
from typing import Annotated, Any

import typer

from secops import __version__, cli
from secops.cli import output
from secops.cli._explain import explain
from secops.cli.output import t


def main() -> None:
    """Entry point of the console script."""
    # What the platform writes is its owner's alone, whatever the shell says.
    os.umask(0o077)
    code = run(sys.argv[1:])
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        code = output.PIPE_CLOSED
    if code == output.PIPE_CLOSED:
        # The reader has gone; the interpreter must not complain about it at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(code)


def run(argv: Sequence[str]) -> int:
    """Run one command line (without the program's name) and give its exit code."""
    output.tune(argv, os.environ)
    with output.channels():
        try:
            command = typer.main.get_command(build())
            words = _without_general(command, list(argv)) or ["--help"]
            result = command.main(args=words, prog_name="secops", standalone_mode=False)
        except BaseException as error:
            if isinstance(error, SystemExit) and isinstance(error.__context__, BrokenPipeError):
                return output.PIPE_CLOSED
            if isinstance(error, SystemExit | GeneratorExit):
                raise
            return _report(error)
    if result == output.INTERRUPTED:
        # typer turned Ctrl-C into this exit code already.
        return _report(KeyboardInterrupt())
    return result if isinstance(result, int) and not isinstance(result, bool) else output.DONE


def build() -> typer.Typer:
    """Put the program together from every module of this package that registers commands."""
    app = typer.Typer(
        name="secops",
        help=t("网络安全等级保护与合规管理平台。", "Security and compliance platform for MLPS 2.0."),
        epilog=t(
            "每个命令都接受 --lang zh|en 与 --debug。退出码：0 完成，1 结论为否，2 输入有误。",
            "Every command takes --lang zh|en and --debug. Exit codes: 0 done, 1 negative result, 2 bad input.",
        ),
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback(invoke_without_command=False)(_general)
    for module in command_modules():
        module.register(app)
    return app


def command_modules() -> list[ModuleType]:
    """Import every module of this package; those with ``register`` hold commands, the others help them."""
    names = sorted(found.name for found in pkgutil.iter_modules(cli.__path__))
    modules = [importlib.import_module(f"secops.cli.{name}") for name in names]
    return [module for module in modules if hasattr(module, "register")]


def _general(
    version: Annotated[
        bool,
        typer.Option(
            "--version", is_eager=True, help="显示版本 / Show the version", callback=lambda on: _version(on)
        ),
    ] = False,
    lang: Annotated[str, typer.Option("--lang", help="zh | en", metavar="zh|en")] = "",
    debug: Annotated[
        bool, typer.Option("--debug", help="出错时显示详情 / Show the trace of an error")
    ] = False,
) -> None:
    # Language and trace were set by output.tune(), before the commands were even imported.
    return None


def _version(on: bool) -> None:
    if on:
        print(f"secops {__version__}")
        raise typer.Exit


def _without_general(command: Any, argv: list[str]) -> list[str]:
    """Take ``--lang`` and ``--debug`` out wherever they stand, unless the command has an option of that name.

    Raises:
        Failed: ``--lang`` with a value that is no language.
    """
    own = _options_of(_leaf(command, argv))
    kept: list[str] = []
    rest = iter(argv)
    for word in rest:
        name, _, value = word.partition("=")
        if word == "--":
            return [*kept, word, *rest]
        if word == "--debug" and "--debug" not in own:
            continue
        if name == "--lang" and "--lang" not in own:
            value = value if "=" in word else next(rest, "")
            if value not in ("zh", "en"):
                output.fail("--lang 须为 zh 或 en。", "--lang takes zh or en.", output.BAD_INPUT)
            continue
        kept.append(word)
    return kept


def _leaf(command: Any, argv: Sequence[str]) -> Any:
    for word in argv:
        command = getattr(command, "commands", {}).get(word, command)
    return command


def _options_of(command: Any) -> set[str]:
    if hasattr(command, "commands"):
        return set()
    return {name for parameter in command.params for name in parameter.opts}


def _report(error: BaseException) -> int:
    if output.voice.debug:
        traceback.print_exception(error, file=sys.stderr)
    found = explain(error)
    if not found.zh:
        return found.code
    print(t(found.zh, found.en), file=sys.stderr, flush=True)
    if output.voice.json and not output.voice.printed:
        output.json_out({"error": {"kind": found.kind, "zh": found.zh, "en": found.en}})
    return found.code
