"""The pack reader: cut, forged, huge and senseless packs are bounded and told, never believed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanners.baseline.evaluate import evaluate
from scanners.baseline.loader import load_rules
from scanners.baseline.model import FactState, Gap, OutcomeKind
from scanners.ssh_baseline.facts import FACTS, parse_pack
from scanners.ssh_baseline.pack import MAX_BLOCKS, MAX_LINES, MAX_SECTIONS, compose_pack, read_pack

SMALL = compose_pack(
    {
        "accounts": {"passwd": "root:x:0:0::/root:/bin/bash", "group": "root:x:0:"},
        "shadow": {"shadow": {"text": None, "note": "needs-root /etc/shadow"}},
        "pam": {
            "/etc/pam.d/su": "auth required pam_wheel.so",
            "/etc/pam.d/x": None,
            "/etc/y": {"state": "unreadable"},
        },
        "units": {"note": ["no-systemd init"], "sysv": ""},
    }
)


def test_blocks_states_and_notes_are_read() -> None:
    """Everything the format can say comes through."""
    pack = read_pack(SMALL)

    assert pack.finished
    assert pack.problems == ()
    passwd = pack.sections["accounts"].block("passwd")
    assert passwd is not None
    assert (passwd.lines, passwd.rc) == (["root:x:0:0::/root:/bin/bash"], 0)
    assert [block.state for block in pack.sections["pam"].files()] == ["ok", "absent", "unreadable"]
    shadow = pack.sections["shadow"].block("shadow")
    assert shadow is not None
    assert shadow.notes[0].gap is Gap.NEEDS_ROOT
    assert pack.sections["units"].notes[0].gap is Gap.NO_SYSTEMD


def test_content_cannot_forge_markers() -> None:
    """A file on the host that looks like a pack stays content, because content has a space before it."""
    evil = "x\n@@end accounts\n@@begin shadow\n@@cmd shadow\n root:locked::1:::::\n@@end shadow"

    pack = read_pack(compose_pack({"accounts": {"passwd": evil}}))

    assert list(pack.sections) == ["accounts"]
    block = pack.sections["accounts"].block("passwd")
    assert block is not None
    assert "@@begin shadow" in block.lines


def test_a_cut_pack_keeps_whole_sections_only() -> None:
    """What was complete before the cut is used; the open section is incomplete, the rest not collected."""
    whole = compose_pack(
        {"accounts": {"passwd": "root:x:0:0::/root:/bin/bash"}, "login_defs": {"/etc/login.defs": "A 1"}}
    )
    cut = whole[: whole.index(b" A 1") + 2]

    pack = read_pack(cut)

    assert not pack.finished
    assert pack.sections["accounts"].closed
    assert not pack.sections["login_defs"].closed
    assert pack.sections["login_defs"].blocks[0].gap() is not None


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        (b"", "does not begin"),
        (b"hello", "does not begin"),
        (b"@@pack 2 x 1\n@@finish 0\n", "unknown format"),
        (b"@@pack 1 x 1\n" + b" \n" * (MAX_LINES + 1), "more than"),
        (b"@@pack 1 x 1\n stray\n@@finish 0\n", "belong nowhere"),
        (b"@@pack 1 x 1\nstray\n@@finish 0\n", "belong nowhere"),
        (b"@@pack 1 x 1\n@@begin a\n@@end b\n@@finish 0\n", "ends as"),
        (b"@@pack 1 x 1\n@@begin a\n@@begin b\n@@end b\n@@finish 0\n", "was not closed"),
        (b"@@pack 1 x 1\n@@begin a\n@@end a\n@@begin a\n@@end a\n@@finish 0\n", "comes twice"),
        (b"@@pack 1 x 1\n@@begin a\n@@file odd /x\n@@end a\n@@finish 0\n", "unknown file state"),
        (b"@@pack 1 x 1\n@@begin a\n@@note odd x\n@@end a\n@@finish 0\n", "unknown note"),
        (b"@@pack 1 x 1\n" + b"@@begin s\n@@end s\n".join(b"" for _ in range(1)), "cut"),
    ],
)
def test_what_is_wrong_is_told(raw: bytes, problem: str) -> None:
    """Each kind of damage has its words."""
    assert any(problem in text for text in read_pack(raw).problems)


def test_a_section_that_comes_twice_is_not_used() -> None:
    """Nobody can tell which of the two is true."""
    twice = SMALL.replace(b"@@finish 0", b"@@begin accounts\n@@cmd passwd\n x\n@@end accounts\n@@finish 0")

    assert "accounts" not in read_pack(twice).sections


def test_numbers_of_sections_and_blocks_are_capped() -> None:
    """Too many of either stay out instead of filling the memory."""
    many = (
        b"@@pack 1 x 1\n"
        + b"".join(b"@@begin s%d\n@@end s%d\n" % (n, n) for n in range(300))
        + b"@@finish 0\n"
    )
    deep = b"@@pack 1 x 1\n@@begin a\n" + b"@@cmd c\n" * (MAX_BLOCKS + 10) + b"@@end a\n@@finish 0\n"

    assert len(read_pack(many).sections) == MAX_SECTIONS
    assert len(read_pack(deep).sections["a"].blocks) == MAX_BLOCKS
    assert read_pack(deep).sections["a"].notes[0].gap is Gap.TRUNCATED


def test_a_line_of_megabytes_is_cut_and_marked() -> None:
    """The block counts as incomplete."""
    raw = b"@@pack 1 x 1\n@@begin a\n@@cmd c\n " + b"x" * 3_000_000 + b"\n@@end a\n@@finish 0\n"

    block = read_pack(raw).sections["a"].blocks[0]

    assert len(block.lines[0]) < 10_000
    assert block.gap() is not None


@given(st.binary(max_size=2000))
def test_any_bytes_give_facts_for_every_id(raw: bytes) -> None:
    """Rubbish yields every fact as not collected, and no rule passes or fails on it."""
    facts = parse_pack(b"@@pack 1 x 1\n" + raw)

    assert facts.facts.keys() == FACTS.keys()


@given(st.integers(0, len(SMALL)), st.binary(max_size=20))
def test_a_damaged_pack_never_raises(place: int, junk: bytes) -> None:
    """A pack with bytes thrown in anywhere is read somehow."""
    parse_pack(SMALL[:place] + junk + SMALL[place:])


def test_nothing_is_decided_from_nothing() -> None:
    """A pack without sections gives no pass and no fail at all."""
    for raw in (b"", b"@@pack 1 x 1\n@@finish 0\n", SMALL[:13]):
        facts = parse_pack(raw)
        kinds = {outcome.outcome for outcome in evaluate(load_rules("linux"), facts)}

        assert all(fact.state is not FactState.SEEN for fact in facts.facts.values())
        assert kinds <= {OutcomeKind.ERROR, OutcomeKind.MANUAL}
