"""Uploads piece by piece, refusal of traps, previews, quotas and the nightly check, through the application."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, update

from secops.accounts.models import Role
from secops.clock import utc_now
from secops.evidence import uploads
from secops.evidence.handlers import scrub_vault
from secops.evidence.models import BlobState, Evidence, EvidenceUpload
from secops.evidence.services import read_all
from secops.objects.models import System
from secops.platform import Platform
from tests.support.builders import Rows
from tests.support.page_checks import audit_actions, last_event, two_departments
from tests.support.platforms import Client, ClientAs

PIECE = 64 * 1024


@pytest.fixture
def system(rows: Rows) -> int:
    """A level-3 system."""
    return rows.one(System, department_id=two_departments(rows)[0], level=3, profile="S3A3G3")


@pytest.fixture(autouse=True)
def _small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "PIECE", PIECE)


def _begin(client: Client, system: int, size: int, **more: Any) -> Any:
    data = {"system": system, "name": "制度.txt", "size": size, "stamp": "17", **more}
    return client.post("/evidence/uploads/", data, headers={"Accept": "application/json"})


def _piece(client: Client, token: str, offset: int, data: bytes) -> Any:
    return client.http.patch(
        f"/evidence/uploads/{token}",
        data=data,
        base_url=client.base_url,
        headers={"X-CSRFToken": client.token(), "Upload-Offset": str(offset), "Accept": "application/json"},
    )


def _offset(client: Client, token: str) -> int:
    answer = client.http.head(f"/evidence/uploads/{token}", base_url=client.base_url)
    return int(answer.headers["Upload-Offset"])


def _finish(client: Client, system: int, *tokens: str, **more: Any) -> Any:
    data = {"title": "分片", "system": system, "upload": list(tokens), **more}
    return client.post("/evidence/upload", data, content_type="multipart/form-data")


def _send(client: Client, system: int, content: bytes, **more: Any) -> str:
    token = str(_begin(client, system, len(content), **more).get_json()["token"])
    for offset in range(0, len(content), PIECE):
        assert _piece(client, token, offset, content[offset : offset + PIECE]).status_code == 200
    return token


def _evidence(platform: Platform) -> list[Evidence]:
    with platform.work("test:look") as session:
        return list(session.scalars(select(Evidence).order_by(Evidence.id)))


@pytest.mark.parametrize("size", [0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE])
def test_pieces_become_the_file(client_as: ClientAs, platform: Platform, system: int, size: int) -> None:
    """Whatever the size, the evidence has the very bytes, and nothing of the upload is left."""
    client = client_as(Role.OWNER)
    content = bytes(i * 31 % 251 for i in range(size))
    token = _send(client, system, content)
    assert _finish(client, system, token).status_code == 302
    (row,) = _evidence(platform)
    assert (row.size, row.file_name, read_all(platform, row)) == (size, "制度.txt", content)
    assert not (platform.settings.home / "uploads" / token).exists()
    assert _count_uploads(platform) == 0


def _count_uploads(platform: Platform) -> int:
    with platform.work("test:look") as session:
        return int(session.scalar(select(func.count(EvidenceUpload.id))) or 0)


def test_it_goes_on_where_it_stopped(client_as: ClientAs, platform: Platform, system: int) -> None:
    """The same file chosen again continues; a piece out of turn or sent twice is refused with the right offset."""
    client = client_as(Role.OWNER)
    content = b"a" * PIECE + b"b" * 100
    token = _begin(client, system, len(content)).get_json()["token"]
    assert _piece(client, token, 0, content[:PIECE]).status_code == 200
    again = _begin(client, system, len(content)).get_json()
    assert (again["token"], again["received"]) == (token, PIECE)
    assert _begin(client, system, len(content), stamp="18").get_json()["token"] != token
    assert _piece(client, token, 0, content[:PIECE]).status_code == 409
    assert _piece(client, token, PIECE + 1, b"b").status_code == 409
    assert _offset(client, token) == PIECE
    assert _finish(client, system, token).status_code in (400, 403)
    assert _piece(client, token, PIECE, content[PIECE:]).status_code == 200
    assert _finish(client, system, token).status_code == 302
    assert read_all(platform, _evidence(platform)[0]) == content


def test_pieces_lie_sealed(client_as: ClientAs, platform: Platform, system: int) -> None:
    """No plain text of an unfinished upload is on the disk, and a changed piece is not taken."""
    client = client_as(Role.OWNER)
    content = b"SECRETSECRET" * 1000
    token = _send(client, system, content)
    path = platform.settings.home / "uploads" / token / f"{0:016x}"
    raw = bytearray(path.read_bytes())
    assert b"SECRET" not in raw
    raw[-1] ^= 1
    path.write_bytes(raw)
    answer = _finish(client, system, token)
    assert answer.status_code == 400
    assert "分片损坏" in answer.text
    assert [row.blob_state for row in _evidence(platform)] == []


def test_wrong_uploads_are_refused(client_as: ClientAs, platform: Platform, system: int, rows: Rows) -> None:
    """Too large, too long, no name, a foreign system, somebody else's upload."""
    client = client_as(Role.OWNER)
    assert _begin(client, system, 201 * 1024 * 1024).status_code == 400
    assert _begin(client, system, 5, name="../").status_code == 400
    assert _begin(client, 9999, 5).status_code == 404
    assert _begin(client, system, -1).status_code == 400
    token = _begin(client, system, 5).get_json()["token"]
    assert _piece(client, token, 0, b"123456").status_code == 400
    assert _piece(client, token, 0, b"").status_code == 400
    other = client_as(Role.OFFICER)
    assert _piece(other, token, 0, b"12345").status_code == 404
    assert other.get(f"/evidence/uploads/{token}").status_code == 404
    assert client_as(Role.INSPECTOR).get(f"/evidence/uploads/{token}").status_code == 403


def test_many_files_at_once(client_as: ClientAs, platform: Platform, system: int) -> None:
    """Each becomes evidence of its own whose title says which; a newer version is one file only."""
    client = client_as(Role.OWNER)
    tokens = [_send(client, system, b"x" * (i + 1), name=f"{i}.txt") for i in range(3)]
    assert _finish(client, system, *tokens).status_code == 302
    assert [row.title for row in _evidence(platform)] == [f"分片（{i}.txt）" for i in range(3)]
    first = _evidence(platform)[0].id
    tokens = [_send(client, system, b"y", name=f"n{i}.txt") for i in range(2)]
    assert _finish(client, system, *tokens, replaces=first).status_code == 400
    page = _finish(client, system, tokens[0], title="")
    assert page.status_code == 400
    assert f'name="upload" value="{tokens[0]}"' in page.text


def test_what_nobody_went_on_with_is_removed(client_as: ClientAs, platform: Platform, system: int) -> None:
    """A day after its last piece an upload is gone, folders without a row too; younger ones stay."""
    client = client_as(Role.OWNER)
    token = _begin(client, system, 5).get_json()["token"]
    assert _piece(client, token, 0, b"12").status_code == 200
    stray = platform.settings.home / "uploads" / ("0" * 32)
    stray.mkdir()
    assert uploads.clean(platform, now=utc_now()) == 1
    assert _offset(client, token) == 2
    assert uploads.clean(platform, now=utc_now() + timedelta(hours=25)) == 1
    assert not any((platform.settings.home / "uploads").iterdir())


def _direct(client: Client, system: int, content: bytes, name: str) -> Any:
    data = {"title": "t", "system": system, "file": (io.BytesIO(content), name)}
    return client.post("/evidence/upload", data, content_type="multipart/form-data")


def _tree(platform: Platform) -> set[Path]:
    return {path for path in (platform.settings.home / "vault").rglob("*") if path.is_file()}


def test_a_trap_leaves_an_event_and_nothing_else(
    client_as: ClientAs, platform: Platform, system: int
) -> None:
    """The reason is told, the refusal is on record, no row and no file stays."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("../../x", "x")
    before = _tree(platform)
    answer = _direct(client_as(Role.OWNER), system, out.getvalue(), "a.zip")
    assert answer.status_code == 400
    assert "压缩包内路径指向包外" in answer.text
    assert _evidence(platform) == []
    assert _tree(platform) == before
    event = last_event(platform, "evidence.refuse")
    assert (event.result, event.reason, event.detail["file_name"]) == (
        "refused",
        "archive-traversal",
        "a.zip",
    )


def test_what_is_doubtful_is_kept_and_only_downloaded(
    client_as: ClientAs, platform: Platform, system: int
) -> None:
    """A PDF with a script is evidence all the same; the page says so, and there is no preview."""
    client = client_as(Role.OWNER)
    assert _direct(client, system, b"%PDF-1.7 /JS (x)", "a.pdf").status_code == 302
    number = _evidence(platform)[0].id
    page = client.get(f"/evidence/{number}").text
    assert "PDF 含有脚本" in page
    assert "未配置防病毒引擎" in page
    assert f"/evidence/{number}/preview" not in page
    assert client.get(f"/evidence/{number}/preview").status_code == 404


@pytest.mark.parametrize(
    ("content", "name", "kind"),
    [
        ("口令".encode("gb18030") * 40, "a.txt", "text/plain; charset=utf-8"),
        (b"<script>alert(1)</script> plain words", "a.txt", "text/plain; charset=utf-8"),
        (b"%PDF-1.7\n%%EOF", "a.pdf", "application/pdf"),
    ],
)
def test_a_preview_runs_nothing(
    client_as: ClientAs, platform: Platform, system: int, content: bytes, name: str, kind: str
) -> None:
    """The type is what was found, the policy lets nothing run or load, and looking is on record."""
    client = client_as(Role.OWNER)
    assert _direct(client, system, content, name).status_code == 302
    number = _evidence(platform)[0].id
    answer = client.get(f"/evidence/{number}/preview")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == kind
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert ("sandbox" in policy) is (kind != "application/pdf")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "evidence.read" in audit_actions(platform)
    if name == "a.txt" and content.startswith("口".encode("gb18030")):
        assert answer.text == "口令" * 40


def test_quotas_hold(client_as: ClientAs, platform: Platform, system: int) -> None:
    """What one person gave in a day and what a department holds are limited by setting."""
    client = client_as(Role.OWNER)
    served: Any = client.app.extensions["secops"]
    assert _direct(client, system, b"x", "a.txt").status_code == 302
    with platform.engine.begin() as connection:
        connection.execute(update(Evidence.__table__).values(size=2 * 1024 * 1024))
    usual = served.settings
    for change, words in (({"upload_daily_limit_mb": 2}, "24 小时"), ({"department_quota_mb": 2}, "配额")):
        served.settings = replace(usual, **change)
        answer = _direct(client, system, b"x", "a.txt")
        assert answer.status_code == 400
        assert words in answer.text
    served.settings = usual
    assert _direct(client, system, b"x", "a.txt").status_code == 302


def test_the_nightly_check_finds_a_flipped_bit(client_as: ClientAs, platform: Platform, system: int) -> None:
    """Damage is marked, told of, and the file shown no more; whole files stay as they are."""
    client = client_as(Role.OWNER)
    for name in ("a.txt", "b.txt"):
        assert _direct(client, system, name.encode() * 50, name).status_code == 302
    first, second = _evidence(platform)
    path = next(path for path in _tree(platform) if path.name == first.blob_id)
    raw = bytearray(path.read_bytes())
    raw[-5] ^= 1
    path.write_bytes(raw)
    counts = scrub_vault(platform)
    assert (counts["ok"], counts["damaged"]) == (1, 1)
    states = {row.id: row.blob_state for row in _evidence(platform)}
    assert states == {first.id: BlobState.DAMAGED, second.id: BlobState.OK}
    assert last_event(platform, "vault.damaged").object_id == str(first.id)
    assert client.get(f"/evidence/{first.id}/download").status_code == 404
