"""The collector script: plain shell, reads only, marks what it cannot read, keeps secrets at home."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from scanners.ssh_baseline.pack import read_pack
from scanners.ssh_baseline.script import collector_script

SCRIPT = collector_script().decode()
SHELLS = [shell for shell in ("dash", "bash", "busybox") if shutil.which(shell)]


def argv(shell: str) -> list[str]:
    return ["busybox", "ash", "-s"] if shell == "busybox" else [shell, "-s"]


def run(code: str, shell: str = "sh", **replaced: str) -> str:
    """Run *code* with the functions of the script but without its main part; paths may be replaced."""
    functions = SCRIPT.rpartition("main() {")[0]
    for name, value in replaced.items():
        functions = functions.replace(f"/etc/{name}", value)
    done = subprocess.run(
        argv(shell),
        input=(functions + "TIMEOUT=timeout\nWEAK=no\n" + code).encode(),
        capture_output=True,
        timeout=60,
        env={"PATH": "/usr/bin:/bin"},
        check=False,
    )
    return done.stdout.decode("utf-8", "replace")


def test_it_is_short_enough_to_be_read() -> None:
    """The owner of a host can read it before running it."""
    lines = SCRIPT.splitlines()

    assert len(lines) < 300
    assert lines[0] == "#!/bin/sh"
    assert "only READS" in SCRIPT[:200]


def test_it_writes_to_no_file() -> None:
    """Every redirection goes to nowhere or to another descriptor; nothing that changes a host is called."""
    code = re.sub(
        r"'[^']*'", "''", "\n".join(line for line in SCRIPT.splitlines() if not line.startswith("#"))
    )
    targets = re.findall(r"(?<![<>=-])\d?>>?\s*([^\s;|)]+)", re.sub(r'"[^"\n]*"', '""', code))

    assert {target for target in targets if not target.startswith("&")} <= {"/dev/null"}
    called = set(re.findall(r"(?:^|[;|&({]|\bthen|\bdo|\belse)\s*([a-z_]+)\b", code, re.MULTILINE))
    changing = [
        "rm",
        "mv",
        "cp",
        "touch",
        "mkdir",
        "mktemp",
        "tee",
        "chmod",
        "chown",
        "ln",
        "kill",
        "nc",
        "eval",
    ]
    assert called.intersection(changing) == set()


@pytest.mark.parametrize("shell", SHELLS)
def test_every_shell_accepts_it(shell: str) -> None:
    """No feature of one shell only."""
    check = argv(shell)[:-1] + ["-n"]

    assert subprocess.run(check, input=SCRIPT.encode(), capture_output=True, check=False).returncode == 0


def test_a_cut_script_does_nothing() -> None:
    """Whatever part arrives, nothing runs before the last line."""
    for share in (0.3, 0.7, 0.99):
        part = SCRIPT[: int(len(SCRIPT) * share)]
        done = subprocess.run(["sh", "-s"], input=part.encode(), capture_output=True, timeout=30, check=False)
        assert done.stdout == b""


@pytest.mark.parametrize("shell", SHELLS)
def test_files_are_shown_with_their_state(shell: str, tmp_path: Path) -> None:
    """Content, absence and oddity are told apart; content is indented."""
    (tmp_path / "plain").write_text("@@end evil\nsecond\n\nlast without newline")
    os.mkfifo(tmp_path / "pipe")

    out = run(f"show {tmp_path}/plain; show {tmp_path}/none; show {tmp_path}/pipe; show {tmp_path}", shell)

    assert out.splitlines() == [
        f"@@file ok {tmp_path}/plain",
        " @@end evil",
        " second",
        " ",
        " last without newline",
        f"@@file absent {tmp_path}/none",
        f"@@file special {tmp_path}/pipe",
        f"@@file special {tmp_path}",
    ]


@pytest.mark.skipif(os.geteuid() == 0 and shutil.which("setpriv") is None, reason="needs an ordinary user")
def test_what_an_ordinary_user_cannot_read_is_not_called_absent(tmp_path: Path) -> None:
    """A file in a closed folder may exist, so it counts as unreadable."""
    closed = tmp_path / "closed"
    closed.mkdir()
    (closed / "file").write_text("x")
    (tmp_path / "secret").write_text("x")
    (tmp_path / "secret").chmod(0o000)
    closed.chmod(0o000)
    tmp_path.chmod(0o755)
    for parent in tmp_path.parents[:2]:
        parent.chmod(parent.stat().st_mode | 0o011)
    code = f"show {closed}/file; show_dir {closed} ''; show {tmp_path}/secret"
    functions = SCRIPT.rpartition("main() {")[0] + code
    drop = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if os.geteuid() == 0 else []

    out = subprocess.run(
        [*drop, "sh", "-s"], input=functions.encode(), capture_output=True, check=True
    ).stdout.decode()
    closed.chmod(0o700)

    assert out.splitlines() == [
        f"@@file unreadable {closed}/file",
        f"@@file unreadable {closed}",
        f"@@file unreadable {tmp_path}/secret",
    ]


def test_commands_are_bounded_and_told() -> None:
    """A slow, a missing, a failing and a talkative program each leave their mark."""
    out = run(
        "cmd slow 1 5 sleep 30; cmd gone 1 5 no-such-program; cmd bad 5 5 sh -c 'exit 7'; cmd loud 5 3 seq 100"
    )

    assert out.splitlines()[:6] == [
        "@@cmd slow",
        "@@rc 124",
        "@@note timed-out sleep",
        "@@cmd gone",
        "@@note missing-tool no-such-program",
        "@@cmd bad",
    ]
    assert "@@rc 7" in out
    assert " 3\n@@note truncated 3\n" in out
    assert " 4\n" not in out


def test_hashes_become_states(tmp_path: Path) -> None:
    """No hash, no salt and no part of them leaves the host."""
    shadow = tmp_path / "shadow"
    shadow.write_text(
        "root:$6$saltsalt$HASHHASH:20000:0:99999:7:::\nsame:$6$saltsalt$HASHHASH:20000:0:90:7:::\n"
        "off:!$y$j9T$abc$DEFDEF:1:::::\nnever:!!:1:::::\nstar:*:1:::::\nempty::1:::::\nold:abJnggxhB/yWI:1:::::\n"
        "chinese:$sm3$salt$SM3HASH:1:::::\nodd:NP:1:::::\n"
    )

    out = run("sec_shadow", shadow=str(shadow))

    states = {
        line.split(":")[0].strip(): line.strip().split(":")[1:3]
        for line in out.splitlines()
        if line[:1] == " "
    }
    assert states["root"] == ["hash", "6"]
    assert states["off"] == ["locked-hash", "y"]
    assert states["never"] == states["star"] == ["locked", ""]
    assert states["empty"] == ["empty", ""]
    assert states["old"] == ["hash", "des"]
    assert states["chinese"] == ["hash", "sm3"]
    assert states["odd"] == ["invalid", ""]
    assert " @same: root same\n" in out
    for secret in ("HASHHASH", "saltsalt", "DEFDEF", "abJnggxhB", "SM3HASH"):
        assert secret not in out


def test_a_hash_in_the_password_file_is_masked(tmp_path: Path) -> None:
    """Very old systems keep hashes where everybody reads."""
    passwd = tmp_path / "passwd"
    passwd.write_text("old:abJnggxhB/yWI:1:1::/:/bin/sh\nempty::2:2::/:/bin/sh\nnew:x:3:3::/:/bin/sh\n")

    out = run("sec_accounts", passwd=str(passwd))

    assert " old:masked:1:1::/:/bin/sh" in out
    assert " empty::2:2::/:/bin/sh" in out
    assert " new:x:3:3::/:/bin/sh" in out


@pytest.mark.parametrize(
    "line",
    [
        "0 1 * * * root mysqldump -pHunter2x --all",
        "0 1 * * * root mysqldump --password=Hunter2x db",
        "MYSQL_PWD=Hunter2x",
        "PASSWORD: Hunter2x",
        "passwd = 'Hunter2x'",
        "curl -u user:Hunter2x https://example.org",
        "wget https://user:Hunter2x@example.org/x",
        "curl -H 'Authorization: Bearer Hunter2x' x",
        'action(type="omelasticsearch" uid="u" pwd="Hunter2x")',
        "api_token=Hunter2x",
        "client_secret: Hunter2x",
    ],
)
def test_secrets_in_schedules_are_masked(line: str, tmp_path: Path) -> None:
    """What looks like a secret is replaced, the rest of the line stays."""
    (tmp_path / "crontab").write_text(line + "\n")

    out = run(f'show {tmp_path}/crontab "$HARD"')

    assert "Hunter2x" not in out
    assert "***" in out


def test_audit_rules_are_not_spoilt_by_masking(tmp_path: Path) -> None:
    """The word passwd in a rule is no secret."""
    rule = "-w /etc/passwd -p wa -k identity"
    (tmp_path / "rules").write_text(rule + "\n")

    assert f" {rule}\n" in run(f"show {tmp_path}/rules")


def test_secrets_in_settings_give_places_only(tmp_path: Path) -> None:
    """File, line and kind, never the value; comments and placeholders do not count."""
    folder = tmp_path / "conf"
    folder.mkdir()
    (folder / "db.properties").write_text(
        "# password=commented1\nuser=app\ndb.password=hunter22\npassword=${FROM_ENV}\nsecret_key: abcd1234\npassword=\n"
    )

    functions = SCRIPT.rpartition("main() {")[0].replace("find /etc /opt", f"find {folder}")
    code = functions + "TIMEOUT=timeout\nsec_secrets"
    own = subprocess.run(
        ["sh", "-s"], input=code.encode(), capture_output=True, check=True, timeout=60
    ).stdout.decode()

    places = [line.strip() for line in own.splitlines() if str(folder) in line]
    assert places == [f"{folder}/db.properties:3:password", f"{folder}/db.properties:5:secret"]
    assert "hunter22" not in own


@pytest.mark.skipif(shutil.which("perl") is None, reason="needs perl")
def test_weak_passwords_are_compared_only_when_allowed(tmp_path: Path) -> None:
    """Without the word on the command line nothing is compared; with it, only yes or no comes out."""
    hashed = (
        subprocess.run(
            [
                "perl",
                "-e",
                "print crypt('P@ssw0rd', '$6$abcdefgh$'), ' ', crypt('x9!kQz77vv', '$6$abcdefgh$')",
            ],
            capture_output=True,
            check=True,
        )
        .stdout.decode()
        .split()
    )
    shadow = tmp_path / "shadow"
    shadow.write_text(f"weak:{hashed[0]}:1:::::\nstrong:{hashed[1]}:1:::::\nlocked:!{hashed[0]}:1:::::\n")

    refused = run("sec_weak_passwords", shadow=str(shadow))
    allowed = run("WEAK=yes; sec_weak_passwords", shadow=str(shadow))

    assert refused == "@@cmd result\n@@note skipped permission\n"
    assert [line.strip() for line in allowed.splitlines()] == ["@@cmd result", "weak:match", "strong:clear"]


@pytest.mark.parametrize("shell", SHELLS)
def test_the_whole_script_gives_a_clean_pack(shell: str) -> None:
    """On this machine, whoever runs it, every section comes and no line is stray."""
    quick = SCRIPT.replace("limit 20 find", "limit 1 find").replace("cmd apt 30", "cmd apt 1")
    done = subprocess.run(
        argv(shell), input=quick.encode(), capture_output=True, timeout=200, check=False, env={}
    )

    pack = read_pack(done.stdout)

    assert done.returncode == 0
    assert pack.problems == ()
    assert pack.finished
    named = re.findall(r"^sec_([a-z_]+)\(\)", SCRIPT, re.MULTILINE)
    assert sorted(pack.sections) == sorted(named)
    documented = set(
        re.findall(r"^\| `([a-z_]+)` \|", Path("docs/collector-pack.md").read_text(), re.MULTILINE)
    )
    assert set(named) <= documented
