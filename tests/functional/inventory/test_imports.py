"""Import of a register: each fault named with its row, nothing half-imported, the same file twice changes nothing.

SECOPS_FULL=1 takes the ten thousand rows of the requirement, else fifteen hundred.
"""

from __future__ import annotations

import io
import json
import os
import re
import zipfile
from typing import Any

import openpyxl
import pytest
from sqlalchemy import func, select

from secops.accounts.models import Role
from secops.inventory.models import ImportDraft
from secops.objects.models import Asset, Department, System
from secops.platform import Platform
from tests.support.builders import Rows
from tests.support.page_checks import audit_actions, last_event, plain, two_departments
from tests.support.platforms import Client, ClientAs

ROWS = 10_000 if os.environ.get("SECOPS_FULL") else 1_500
FAULTY = 300
HEAD = ["系统编码", "类型", "名称", "地址", "重要程度", "分组", "列入抽样", "备注"]


def _book(rows: list[list[Any]]) -> bytes:
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet()
    for row in rows:
        sheet.append(row)
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def _good(number: int) -> list[Any]:
    return ["SYS", "服务器", f"主机 {number}", f"192.0.2.{number % 250}", "重要", "应用服务器", "是", ""]


# One of each kind of fault: what it makes of a row, and a part of the words that name it.
FAULTS: list[tuple[Any, str]] = [
    (lambda r: ["", *r[1:]], "“系统编码”必须填写"),
    (lambda r: ["NOWHERE", *r[1:]], "没有这个系统"),
    (lambda r: ["FOREIGN", *r[1:]], "没有这个系统"),
    (lambda r: [r[0], "", *r[2:]], "“类型”必须填写"),
    (lambda r: [r[0], "飞船", *r[2:]], "没有“飞船”这个选项"),
    (lambda r: [*r[:2], "", *r[3:]], "“名称”必须填写"),
    (lambda r: [*r[:2], "长" * 161, *r[3:]], "最多 160 个字符"),
    (lambda r: [*r[:2], f"{r[2]}\n第二行", *r[3:]], "只能是一行"),
    (lambda r: [*r[:2], f"{r[2]}\u202e", *r[3:]], "控制字符"),
    (lambda r: [*r[:3], "300.1.1.1", *r[4:]], "不是 IP 地址或域名"),
    (lambda r: [*r[:3], "10.0.0.0/8", *r[4:]], "不是 IP 地址或域名"),
    (lambda r: [*r[:4], "", *r[5:]], "“重要程度”必须填写"),
    (lambda r: [*r[:4], "特别重要", *r[5:]], "没有“特别重要”这个选项"),
    (lambda r: [*r[:5], "组" * 81, *r[6:]], "最多 80 个字符"),
    (lambda r: [*r[:6], "也许", *r[7:]], "应填是或否"),
]


def _send(client: Client, content: bytes, name: str = "对象.xlsx", register: str = "assets") -> Any:
    data = {"file": (io.BytesIO(content), name)}
    return client.post(f"/registers/{register}/import", data=data, content_type="multipart/form-data")


def _preview(client: Client, content: bytes, **more: Any) -> tuple[str, str]:
    answer = _send(client, content, **more)
    assert answer.status_code == 302, plain(answer.text)
    where = answer.headers["Location"]
    return where, client.get(where).text


def _apply(client: Client, where: str, page: str) -> Any:
    found = re.search(r'name="digest" value="(\w+)"', page)
    assert found is not None
    return client.post(f"{where}/apply", data={"digest": found[1]})


def _assets(platform: Platform) -> int:
    with platform.work("test:look") as session:
        return session.scalar(select(func.count()).select_from(Asset)) or 0


@pytest.fixture
def contact(client_as: ClientAs, rows: Rows) -> Client:
    """A contact whose department has the system SYS; FOREIGN belongs to another."""
    one, two = two_departments(rows)
    rows.one(System, department_id=one, code="SYS", level=None, profile="")
    rows.one(System, department_id=two, code="FOREIGN")
    return client_as(Role.CONTACT, department_id=one)


def test_faults_are_all_named_and_nothing_is_imported(contact: Client, platform: Platform) -> None:
    """Three hundred faulty rows of fifteen kinds among many good ones: each named with row and column."""
    rows = [_good(number) for number in range(ROWS)]
    wrong = {}
    for number in range(FAULTY):
        place = number * (ROWS // FAULTY)
        make, words = FAULTS[number % len(FAULTS)]
        rows[place] = make(rows[place])
        wrong[place + 2] = words
    where, page = _preview(contact, _book([HEAD, *rows]))
    assert f"有 {FAULTY} 行需要更正" in plain(page)
    assert 'name="digest"' not in page
    from secops.inventory import imports
    from secops.inventory.registers import ASSETS

    with platform.work("test:look") as session:
        draft = session.scalars(select(ImportDraft)).one()
        plan = imports.plan_import(session, ASSETS, draft.rows)
    told = {fault.row: fault.zh for fault in plan.faults}
    for row, words in wrong.items():
        if words != "没有这个系统":  # the platform itself sees the foreign system
            assert words in told[row], row
    assert contact.post(f"{where}/apply", data={"digest": "x"}).status_code == 409
    assert _assets(platform) == 0


def test_the_mended_file_goes_in_and_a_second_time_changes_nothing(
    contact: Client, platform: Platform
) -> None:
    """Good rows are created in one step; the same file again is all unchanged; one changed cell is one update."""
    rows = [_good(number) for number in range(ROWS)]
    content = _book([HEAD, *rows])
    where, page = _preview(contact, content)
    assert _apply(contact, where, page).status_code == 302
    assert _assets(platform) == ROWS
    assert last_event(platform, "inventory.import").detail["create"] == ROWS
    assert audit_actions(platform).count("assets.create") == ROWS

    _, page = _preview(contact, content)
    assert "没有可导入的内容" in plain(page)

    rows[3][5] = "数据库服务器"
    where, page = _preview(contact, _book([HEAD, *rows]))
    assert "分组：应用服务器 → 数据库服务器" in plain(page)
    assert _apply(contact, where, page).status_code == 302
    assert last_event(platform, "inventory.import").detail["update"] == 1
    assert _assets(platform) == ROWS


def test_what_the_platform_writes_it_reads_back(client_as: ClientAs, platform: Platform, rows: Rows) -> None:
    """The filled-in template of every register, read again, changes nothing."""
    from secops.inventory.registers import REGISTERS

    department = rows.one(Department, code="D1", name="教育局")
    system = rows.one(System, department_id=department, networks=["10.1.0.0/16"], extensions=["cloud"])
    rows.one(Asset, system_id=system, group_name="甲", sampled=True)
    for key, register in REGISTERS.items():
        if key not in ("systems", "assets", "departments"):
            rows.one(
                register.model,
                **({"system_id": system} if register.place == "system" else {"department_id": department}),
            )
    officer = client_as(Role.OFFICER)
    for key in REGISTERS:
        content = officer.get(f"/registers/{key}/template?filled=1").data
        _, page = _preview(officer, content, register=key)
        assert "没有可导入的内容" in plain(page), (key, plain(page)[-900:])


def test_a_twin_in_the_file_is_a_fault(contact: Client) -> None:
    """Two rows with one identity: the second is told with the number of the first."""
    _, page = _preview(contact, _book([HEAD, _good(1), _good(1)]))
    assert "与第 2 行重复" in plain(page)


def test_a_store_that_moved_shows_the_preview_again(contact: Client, platform: Platform, rows: Rows) -> None:
    """What was seen is what is written: a change in between makes the person look again."""
    where, page = _preview(contact, _book([HEAD, _good(1)]))
    with platform.work("test:look") as session:
        system = session.scalars(select(System.id).where(System.code == "SYS")).one()
    rows.one(Asset, system_id=system, kind="server", name="主机 1", address="192.0.2.9")
    answer = _apply(contact, where, page)
    assert answer.status_code == 409
    assert "预览之后数据有变化" in plain(answer.text)


def test_nobody_sees_the_draft_of_another(contact: Client, client_as: ClientAs) -> None:
    """A draft belongs to the person who sent the file."""
    where, _ = _preview(contact, _book([HEAD, _good(1)]))
    assert client_as(Role.OFFICER).get(where).status_code == 404


def test_csv_in_either_encoding(contact: Client, platform: Platform) -> None:
    """UTF-8 and GB18030, with commas, semicolons or tabs."""
    for number, (encoding, mark) in enumerate((("utf-8-sig", ","), ("gb18030", "\t"), ("utf-8", ";"))):
        lines = [mark.join(HEAD), mark.join(str(cell) for cell in _good(number))]
        where, page = _preview(contact, "\r\n".join(lines).encode(encoding), name="对象.csv")
        assert _apply(contact, where, page).status_code == 302
    assert _assets(platform) == 3


def _bomb() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * (250 << 20))
    return stream.getvalue()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "文件是空的"),
        (b"PK\x03\x04broken", "已损坏"),
        (b"%PDF-1.7\x00\x00", "只能导入 XLSX 或 CSV"),
        ("系统编码,类型\r\n".encode("utf-16"), "只能导入 XLSX 或 CSV"),
        (_book([["名称", "不认识的列"], ["a", "b"]]), "“不认识的列”不是本表的列"),
        (_book([["名称", "名称"], ["a", "b"]]), "有两列“名称”"),
        (_book([["名称"], ["a"]]), "缺少必填的列"),
    ],
    ids=["empty", "damaged", "pdf", "utf-16", "unknown-column", "column-twice", "column-missing"],
)  # fmt: skip
def test_a_file_that_is_no_sheet_is_told(contact: Client, content: bytes, words: str) -> None:
    """One sentence says what is wrong, and nothing is kept."""
    answer = _send(contact, content)
    assert answer.status_code == 400
    assert words in plain(answer.text)


def test_a_bomb_is_refused_unread(contact: Client) -> None:
    """A sheet that unpacks to hundreds of megabytes never reaches the parser."""
    answer = _send(contact, _bomb())
    assert answer.status_code == 400
    assert "解压后过大" in plain(answer.text)


def test_formulas_stay_text(contact: Client, platform: Platform) -> None:
    """A leading equals sign is a name like any other, in and out."""
    row = _good(1)
    row[2] = "'=HYPERLINK(1)"
    where, page = _preview(contact, _book([HEAD, row]))
    assert _apply(contact, where, page).status_code == 302
    content = contact.get("/registers/assets/template?filled=1").data
    sheet = openpyxl.load_workbook(io.BytesIO(content)).worksheets[0]
    assert sheet.cell(2, 3).data_type == "s"


def test_the_template_explains_every_column(client_as: ClientAs) -> None:
    """Required columns are marked, closed lists are drop-downs, and the second sheet explains each."""
    content = client_as(Role.OFFICER).get("/registers/assets/template").data
    book = openpyxl.load_workbook(io.BytesIO(content))
    assert [cell.value for cell in book.worksheets[0][1]][:3] == ["系统编码*", "类型*", "名称*"]
    assert book.worksheets[0].data_validations.dataValidation
    assert [cell.value for cell in book.worksheets[1]["A"]][1:] == HEAD
    assert json.dumps([cell.value for cell in book.worksheets[1]["C"]], ensure_ascii=False).count("可填") >= 2


_NMAP = """<?xml version="1.0"?>
<nmaprun scanner="nmap" args="nmap -oX -" start="1" version="7.93" xmloutputversion="1.05">
{hosts}
<runstats><finished time="2" timestr="" elapsed="1" exit="success"/><hosts up="2" down="0" total="2"/></runstats>
</nmaprun>"""
_HOST = """<host><status state="up" reason="syn-ack" reason_ttl="0"/><address addr="{address}" addrtype="ipv4"/>
<hostnames><hostname name="{name}" type="PTR"/></hostnames><ports><port protocol="tcp" portid="{port}">
<state state="open" reason="syn-ack" reason_ttl="0"/><service name="{service}" method="table" conf="3"/></port></ports></host>"""


def _discover(client: Client, system: int, content: bytes) -> Any:
    data = {"system": str(system), "file": (io.BytesIO(content), "scan.xml")}
    return client.post("/registers/assets/discover", data=data, content_type="multipart/form-data")


def test_hosts_of_a_scan_are_proposed_and_looked_at_first(
    contact: Client, platform: Platform, rows: Rows
) -> None:
    """New hosts come as a preview with a guessed kind, known ones do not, and nothing is written before a click."""
    with platform.work("test:look") as session:
        system = session.scalars(select(System.id).where(System.code == "SYS")).one()
    rows.one(Asset, system_id=system, address="192.0.2.1", name="旧主机")
    rows.one(Asset, system_id=system, address="192.0.2.77", name="静默主机")
    hosts = _HOST.format(address="192.0.2.1", name="old", port=22, service="ssh")
    hosts += _HOST.format(address="192.0.2.2", name="db.example", port=5432, service="postgresql")
    answer = _discover(contact, system, _NMAP.format(hosts=hosts).encode())
    assert answer.status_code == 302
    page = contact.get(answer.headers["Location"]).text
    words = plain(page)
    assert "1 个新地址，1 个已登记；1 个已登记的地址在报告中没有应答" in words
    assert "db.example" in words
    assert "数据库" in words
    assert _assets(platform) == 2
    assert _apply(contact, answer.headers["Location"], page).status_code == 302
    assert _assets(platform) == 3
    again = _discover(contact, system, _NMAP.format(hosts=hosts).encode())
    assert again.headers["Location"].endswith(f"/systems/{system}/assets")


def test_a_report_that_is_none_is_told(contact: Client, platform: Platform) -> None:
    """Other XML and hostile XML are refused in one sentence."""
    with platform.work("test:look") as session:
        system = session.scalars(select(System.id).where(System.code == "SYS")).one()
    for content in (b"<html/>", b'<!DOCTYPE a [<!ENTITY b "c">]><nmaprun>&b;</nmaprun>', b"not xml"):
        answer = _discover(contact, system, content)
        assert answer.status_code == 400
        assert "不是有效的 Nmap XML 报告" in plain(answer.text)
