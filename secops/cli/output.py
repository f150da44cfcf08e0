"""How commands speak: text for people, one JSON document for programs, three exit codes.

Everything a command prints goes through here. With ``--json`` standard output carries exactly one UTF-8 JSON
document and every other word goes to standard error, stray prints of libraries included. The language is
Chinese unless ``--lang en``, ``SECOPS_LANGUAGE=en`` or a terminal of another language says otherwise.
"""

from __future__ import annotations

import json
import sys
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from typing import Annotated, Any, NoReturn, TextIO

import typer

DONE = 0
NEGATIVE = 1
BAD_INPUT = 2
INTERRUPTED = 130
PIPE_CLOSED = 141


class Failed(Exception):
    """A command can't go on; ``zh`` and ``en`` say why and what to do next, ``code`` is the exit code."""

    def __init__(self, zh: str, en: str, code: int = NEGATIVE) -> None:
        super().__init__(zh, en, code)
        self.zh = zh
        self.en = en
        self.code = code

    def __str__(self) -> str:
        return self.en


@dataclass
class Voice:
    """How this run of the program speaks."""

    language: str = "zh"
    json: bool = False
    debug: bool = False
    # The real standard output, kept while --json sends stray prints elsewhere.
    out: TextIO | None = None
    printed: bool = field(default=False, init=False)


voice = Voice()


def tune(argv: Sequence[str], environ: Mapping[str, str]) -> None:
    """Set language and form before any command is imported, so that help texts come in the right language."""
    words = list(argv[: argv.index("--")]) if "--" in argv else list(argv)
    voice.language = _language(words, environ)
    voice.json = "--json" in words
    voice.debug = "--debug" in words
    voice.out = None
    voice.printed = False


def _language(words: Sequence[str], environ: Mapping[str, str]) -> str:
    for position, word in enumerate(words):
        value = words[position + 1] if word == "--lang" and position + 1 < len(words) else ""
        if word.startswith("--lang="):
            value = word.partition("=")[2]
        if value in ("zh", "en"):
            return value
    if environ.get("SECOPS_LANGUAGE") in ("zh", "en"):
        return environ["SECOPS_LANGUAGE"]
    locale = next((environ[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if environ.get(name)), "")
    # The C locale names no language, so it says nothing against Chinese.
    if not locale or locale.partition(".")[0] in ("C", "POSIX") or locale.lower().startswith("zh"):
        return "zh"
    return "en"


def t(zh: str, en: str) -> str:
    """Pick the text of this run's language."""
    return zh if voice.language == "zh" else en


JsonFlag = Annotated[
    bool,
    typer.Option("--json", help="标准输出只有一份 JSON / One JSON document on standard output"),
]
"""Type of the parameter of every command that offers ``--json``."""


@contextmanager
def channels() -> Iterator[None]:
    """Keep standard output clean under ``--json``; never fail on a letter that the terminal can't show."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")
    voice.out = sys.stdout
    if not voice.json:
        yield
        return
    with redirect_stdout(sys.stderr):
        yield


def say(zh: str, en: str) -> None:
    """One line for the person: standard output, or standard error under ``--json``."""
    print(t(zh, en), flush=True)


def tell(zh: str, en: str) -> None:
    """One line beside the answer, such as a warning: always standard error."""
    print(t(zh, en), file=sys.stderr, flush=True)


def json_out(document: Any) -> None:
    """Print the one JSON document of this run.

    Raises:
        AssertionError: a second document; the promise is exactly one.
    """
    if voice.printed:
        raise AssertionError("a command prints one JSON document")
    voice.printed = True
    text = json.dumps(document, ensure_ascii=False, indent=2, default=str) + "\n"
    stream = voice.out or sys.stdout
    raw = getattr(stream, "buffer", None)
    if raw is None:
        stream.write(text)
    else:
        stream.flush()
        # A name with half a surrogate pair must not cost the whole document.
        raw.write(text.encode("utf-8", errors="backslashreplace"))
    stream.flush()


def answer(document: Any, text: Callable[[], None]) -> None:
    """Give *document* under ``--json``, else let *text* print for people."""
    if voice.json:
        json_out(document)
    else:
        text()


def fail(zh: str, en: str, code: int = NEGATIVE) -> NoReturn:
    """End the command with one sentence that says why and what to do next."""
    raise Failed(zh, en, code)


def width(text: str) -> int:
    """Columns of a terminal that *text* takes; Chinese letters take two."""
    return sum(
        2 if unicodedata.east_asian_width(c) in "WF" else 0 if unicodedata.combining(c) else 1 for c in text
    )


def table(headers: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print aligned columns; never wrapped, so that a pipe gets one row a line."""
    cells = [[str(cell) for cell in row] for row in (headers, *rows)]
    widths = [max(width(row[column]) for row in cells) for column in range(len(headers))]
    for number, row in enumerate(cells):
        parts = [cell + " " * (size - width(cell)) for cell, size in zip(row, widths, strict=True)]
        print("  ".join(parts).rstrip())
        if number == 0:
            print("  ".join("-" * size for size in widths))


class Progress:
    """What :func:`progress` gives: tell it each step; it draws only on a terminal."""

    def __init__(self, draw: Callable[[int, str], None]) -> None:
        self._draw = draw

    def step(self, zh: str, en: str, advance: int = 1) -> None:
        """Say what begins now; *advance* steps are behind it."""
        self._draw(advance, t(zh, en))


@contextmanager
def progress(zh: str, en: str, total: int) -> Iterator[Progress]:
    """Show a bar of *total* steps on standard error while the block runs; silent when that is no terminal."""
    if not sys.stderr.isatty():
        yield Progress(lambda advance, text: None)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(24), MofNCompleteColumn())
    with Bar(*columns, TimeElapsedColumn(), console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(t(zh, en), total=total)
        yield Progress(lambda advance, text: bar.update(task, advance=advance, description=text))
