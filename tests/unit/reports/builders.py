"""Frozen posture models for tests and benchmarks: empty, typical, largest, hostile.

Everything follows from the arguments; nothing here is random. Names and results are invented, the ids, classes
and control points have the form of the catalogue.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

from reports.posture.figures import summarise
from reports.read_model import (
    Cell,
    CountBasis,
    EvidenceRow,
    Filing,
    FindingRow,
    Importance,
    ItemResult,
    Layer,
    PostureReport,
    ReportMeta,
    ReportTarget,
    RuleSet,
    ScanRecord,
    Severity,
    SystemInfo,
    Text,
    TrendPoint,
    Verdict,
    VerdictOrigin,
)

BEIJING = timezone(timedelta(hours=8))
NOW = datetime(2026, 11, 25, 9, 30, tzinfo=BEIJING)

#: Class code, names, clause chapter, number of level-3 items and some control points with their marks.
CLASSES: tuple[tuple[str, Text, str, int, tuple[tuple[str, str, str], ...]], ...] = (
    (
        "PES",
        Text("安全物理环境", "Secure physical environment"),
        "8.1.1",
        22,
        (
            ("物理位置选择", "Site selection", "G"),
            ("防火", "Fire protection", "G"),
            ("电力供应", "Power supply", "A"),
        ),
    ),
    (
        "CNS",
        Text("安全通信网络", "Secure communication network"),
        "8.1.2",
        8,
        (("网络架构", "Network architecture", "G"), ("通信传输", "Communication transmission", "G")),
    ),
    (
        "ABS",
        Text("安全区域边界", "Secure area boundary"),
        "8.1.3",
        20,
        (("边界防护", "Boundary protection", "G"), ("访问控制", "Access control", "G")),
    ),
    (
        "CES",
        Text("安全计算环境", "Secure computing environment"),
        "8.1.4",
        34,
        (
            ("身份鉴别", "Identity authentication", "S"),
            ("访问控制", "Access control", "S"),
            ("安全审计", "Security audit", "G"),
            ("数据备份恢复", "Data backup and recovery", "A"),
        ),
    ),
    (
        "SMC",
        Text("安全管理中心", "Security management centre"),
        "8.1.5",
        12,
        (("系统管理", "System management", "G"), ("集中管控", "Central control", "G")),
    ),
    ("PSS", Text("安全管理制度", "Security management policy"), "8.1.6", 7, (("管理制度", "Policies", "G"),)),
    ("ORS", Text("安全管理机构", "Security organisation"), "8.1.7", 14, (("岗位设置", "Posts", "G"),)),
    ("HRS", Text("安全管理人员", "Personnel security"), "8.1.8", 12, (("人员录用", "Recruitment", "G"),)),
    (
        "CMS",
        Text("安全建设管理", "Construction management"),
        "8.1.9",
        34,
        (("定级和备案", "Classification and filing", "G"), ("外包软件开发", "Outsourced development", "G")),
    ),
    (
        "MMS",
        Text("安全运维管理", "Operations management"),
        "8.1.10",
        48,
        (("环境管理", "Environment", "G"), ("漏洞和风险管理", "Vulnerability management", "G")),
    ),
)
MANAGEMENT = {"PSS", "ORS", "HRS", "CMS", "MMS"}
ITEMS_AT_LEVEL_3 = sum(row[3] for row in CLASSES)

REASONS = (
    Text(
        "需要人工访谈或现场核查，尚未安排", "Needs an interview or an on-site check that is not yet planned"
    ),
    Text("主机未授权扫描", "No scan of this host is authorised"),
    Text(
        "SSH 连接超时，10.20.3.7:22 在 8 秒内无响应", "SSH timed out: no answer from 10.20.3.7:22 within 8 s"
    ),
    Text("没有适用于该类对象的规则", "No rule exists for this kind of target"),
    Text("证据已提交，等待审核", "Evidence was submitted and waits for review"),
)
GROUNDS = (
    Text(
        "规则 ssh-root-login-disabled 通过：PermitRootLogin=no",
        "Rule ssh-root-login-disabled passed: PermitRootLogin=no",
    ),
    Text(
        "规则 auditd-running 未通过：auditd 服务未启用，日志未外发",
        "Rule auditd-running failed: auditd is off and logs are not forwarded",
    ),
    Text("证据《机房出入登记表》已覆盖近六个月", "The room register covers the last six months"),
    Text(
        "规则 tls-min-version 未通过：443 端口仍接受 TLS 1.0",
        "Rule tls-min-version failed: port 443 still accepts TLS 1.0",
    ),
)
KINDS = (
    Text("服务器", "Server"),
    Text("数据库", "Database"),
    Text("网络设备", "Network device"),
    Text("应用系统", "Application"),
    Text("安全设备", "Security device"),
    Text("机房", "Machine room"),
)
STATES = (
    Text("待处理", "Open"),
    Text("已计划", "Planned"),
    Text("整改中", "In progress"),
    Text("已提交复测", "Submitted"),
    Text("已关闭", "Closed"),
)


def meta(**changes: object) -> ReportMeta:
    """Make the head of a report."""
    values: dict[str, object] = {
        "title": Text("网络安全等级保护安全态势报告", "MLPS security posture report"),
        "report_number": "SP-2026-0007",
        "generated_at": NOW,
        "generator": "secops 0.1.0",
        "catalogue_edition": "GB/T 22239-2019 · GB/T 28448-2019",
        "rule_sets": (
            RuleSet(Text("多对象合并规则", "Multi-target rule"), "set 1", official=False),
            RuleSet(Text("Linux 主机基线规则", "Linux baseline rules"), "2026.11", official=False),
            RuleSet(Text("定级矩阵", "Classification matrix"), "GB/T 22240-2020", official=True),
        ),
        "unofficial_notes": (
            Text(
                "符合率的官方口径未公布，本报告同时给出两种算法。",
                "The official definition of the compliance rate is not published; both ways are given.",
            ),
            Text(
                "备案编号为示例数据，不是真实登记。",
                "Filing numbers are example data, not real registrations.",
            ),
        ),
        "scan_ids": ("S-0001", "S-0002", "S-0003"),
    }
    return ReportMeta(**{**values, **changes})  # type: ignore[arg-type]


def system(**changes: object) -> SystemInfo:
    """Make the system under report."""
    values: dict[str, object] = {
        "name": "政务数据共享交换平台",
        "department": "某区政务服务和数据管理局",
        "level": 3,
        "profile": "S3A3G3",
        "hosting": Text("区政务云", "District government cloud"),
        "filing": Filing("31010799001-00001", date(2026, 3, 20), is_example=True),
        "extensions": (Text("云计算安全扩展要求", "Cloud computing extension"),),
        "boundary": "政务外网区，边界为两台互备防火墙；与互联网区经安全隔离设备单向交换。",
        "business": "汇聚各部门公共数据，提供目录、申请、审批、交换与使用审计。",
        "code": "SYS-003",
    }
    return SystemInfo(**{**values, **changes})  # type: ignore[arg-type]


def targets(count: int) -> tuple[ReportTarget, ...]:
    """Make assets of all kinds."""
    importance = tuple(Importance)
    return tuple(
        ReportTarget(
            f"asset-{place}",
            f"{KINDS[place % len(KINDS)].zh}{place + 1:02}",
            KINDS[place % len(KINDS)],
            f"10.20.{place // 250}.{place % 250 + 1}",
            importance[place % 3],
        )
        for place in range(count)
    )


def cell(number: int, place: int, target_id: str, *, examined_in_8: int, evidence: int) -> Cell:
    """Make one cell; the share of examined ones is *examined_in_8* eighths."""
    mix = (number * 7 + place * 3 + number // 5) % 8
    if mix >= examined_in_8:
        return Cell(target_id, None, not_examined=REASONS[(number + place // 3) % len(REASONS)])
    pick = (number * 5 + place) % 10
    verdict = (
        Verdict.COMPLIANT
        if pick < 5
        else Verdict.PARTIAL
        if pick < 7
        else Verdict.NON_COMPLIANT
        if pick < 9
        else Verdict.NA
    )
    proof = (f"E-{(number + place) % evidence + 1:04}",) if evidence else ()
    origin = VerdictOrigin.DECIDED if pick == 3 else VerdictOrigin.SUGGESTED
    return Cell(
        target_id, verdict, reasons=(GROUNDS[(number + place) % len(GROUNDS)],), evidence=proof, origin=origin
    )


def rolled_up(cells: tuple[Cell, ...]) -> Verdict | None:
    """Join the cells of one item: nothing while any is open, else compliant, non-compliant or partial."""
    verdicts = [each.verdict for each in cells]
    if None in verdicts or not verdicts:
        return None
    applicable = [each for each in verdicts if each is not Verdict.NA]
    if not applicable:
        return Verdict.NA
    if all(each is Verdict.COMPLIANT for each in applicable):
        return Verdict.COMPLIANT
    if all(each is Verdict.NON_COMPLIANT for each in applicable):
        return Verdict.NON_COMPLIANT
    return Verdict.PARTIAL


def items(assets: tuple[ReportTarget, ...], *, examined_in_8: int, evidence: int) -> Iterator[ItemResult]:
    """Make the 211 general items of level 3; management items concern one target, a few concern none."""
    number = 0
    for code, name, chapter, count, points in CLASSES:
        for ordinal in range(1, count + 1):
            number += 1
            zh, en, mark = points[(ordinal - 1) * len(points) // count]
            some = () if ordinal == 7 else assets[-1:] if code in MANAGEMENT else assets
            cells = tuple(
                cell(number, place, target.id, examined_in_8=examined_in_8, evidence=evidence)
                for place, target in enumerate(some)
            )
            verdict = rolled_up(cells)
            open_reason = (
                Text("部分对象尚未检查", "Some targets are not examined yet") if cells else REASONS[0]
            )
            layer = (
                Layer.MANAGEMENT
                if code in MANAGEMENT
                else (Layer.INFRASTRUCTURE, Layer.DATA, Layer.APPLICATION)[ordinal % 3]
            )
            yield ItemResult(
                f"L3-{code}1-{ordinal:02}",
                f"{chapter}.{(ordinal - 1) * len(points) // count + 1}",
                "abcdefgh"[ordinal % 8],
                code,
                name,
                Text(zh, en),
                mark,
                layer,
                Text(
                    f"{zh}方面的措施已经落实，责任人明确，记录可查，且在最近一次变更之后重新确认过（第{ordinal}条）",
                    f"Measures for “{en.lower()}” are in place, owned, recorded and were confirmed after the last change "
                    f"(item {ordinal})",
                ),
                verdict,
                None if verdict is not None else open_reason,
                cells,
            )


def findings(count: int, assets: tuple[ReportTarget, ...]) -> tuple[FindingRow, ...]:
    """Make findings of all severities, layers and states."""
    severities = (Severity.HIGH, Severity.MEDIUM, Severity.MEDIUM, Severity.LOW)
    rows = []
    for place in range(count):
        opened = date(2026, 9, 1) + timedelta(days=place % 80)
        state = STATES[place % 5]
        hit = tuple(asset.id for asset in assets[place % 7 : place % 7 + 1 + place % 4])
        rows.append(
            FindingRow(
                f"F-{place + 1:04}",
                Text(
                    (
                        "审计服务未启用",
                        "SSH 允许 root 直接登录",
                        "仍接受 TLS 1.0 协议",
                        "口令有效期超过 90 天",
                    )[place % 4],
                    (
                        "Audit service is off",
                        "SSH lets root log in",
                        "TLS 1.0 is still accepted",
                        "Passwords live longer than 90 days",
                    )[place % 4],
                ),
                severities[place % 4],
                tuple(Layer)[place % 4],
                (f"L3-CES1-{place % 34 + 1:02}", f"L3-CES1-{(place + 11) % 34 + 1:02}"),
                hit,
                state,
                opened,
                (NOW.date() - opened).days,
                due_on=opened + timedelta(days=30),
                is_overdue=place % 3 == 0,
                is_closed=place % 5 == 4,
                owner=("王明", "李红", "张伟")[place % 3],
                measure="" if place % 5 == 0 else "本周变更窗口内调整配置并提交截图",
                remediation=Text(
                    "调整配置后重载服务，保留一个已登录会话直到确认新会话可用。",
                    "Change the setting, reload the service, and keep one session open until a new one works.",
                ),
            )
        )
    return tuple(rows)


def evidence(count: int) -> tuple[EvidenceRow, ...]:
    """Make an evidence index; digests only have the right form."""
    return tuple(
        EvidenceRow(
            f"E-{place + 1:04}",
            ("机房出入登记表.pdf", "nmap-基线扫描.xml", "sshd-T 输出.txt")[place % 3],
            (Text("上传", "Upload"), Text("扫描", "Scan"), Text("扫描", "Scan"))[place % 3],
            f"{(place + 1) * 0x9E3779B97F4A7C15:064x}"[-64:],
            1_000 + place * 7919,
            ("李红", "secops-scan", "secops-scan")[place % 3],
            NOW - timedelta(hours=place),
            (f"L3-PES1-{place % 22 + 1:02}", f"L3-CES1-{place % 34 + 1:02}"),
        )
        for place in range(count)
    )


def scans(count: int, assets: tuple[ReportTarget, ...]) -> tuple[ScanRecord, ...]:
    """Make scan records, one in five without a result."""
    rows = []
    for place in range(count):
        failed = place % 5 == 4
        begin = (NOW - timedelta(hours=3, minutes=place)).astimezone(UTC)
        rows.append(
            ScanRecord(
                f"S-{place + 1:04}",
                ("ssh_baseline", "nmap", "tls", "sm_crypto")[place % 4],
                assets[place % len(assets)].id if assets else "127.0.0.1",
                begin,
                None if failed else begin + timedelta(seconds=40),
                Text("失败", "Failed") if failed else Text("完成", "Completed"),
                Text("连接被拒绝", "Connection refused") if failed else None,
            )
        )
    return tuple(rows)


def trend(count: int) -> tuple[TrendPoint, ...]:
    """Make one point a week, one of them without a rate."""
    return tuple(
        TrendPoint(
            date(2026, 11, 25) - timedelta(days=7 * (count - 1 - place)),
            min(Decimal(20 + 6 * place), Decimal(100)),
            None if place == 1 else min(Decimal(48 + 3 * place), Decimal(100)),
            max(40 - 3 * place, 3),
        )
        for place in range(count)
    )


def report(
    *,
    target_count: int,
    finding_count: int,
    evidence_count: int,
    scan_count: int,
    examined_in_8: int = 5,
    trend_count: int = 8,
    basis: CountBasis = CountBasis.CELL,
) -> PostureReport:
    """Make a whole level-3 report of a given size."""
    assets = targets(target_count)
    rows = tuple(items(assets, examined_in_8=examined_in_8, evidence=evidence_count))
    return PostureReport(
        meta(),
        system(),
        summarise(rows, basis=basis),
        assets,
        rows,
        findings(finding_count, assets),
        evidence(evidence_count),
        scans(scan_count, assets),
        trend(trend_count),
    )


def empty_report() -> PostureReport:
    """A system that was registered a minute ago."""
    bare = system(filing=None, extensions=(), boundary="", business="", code="")
    head = meta(rule_sets=(), unofficial_notes=(), scan_ids=())
    return PostureReport(head, bare, summarise(()))


def typical_report(examined_in_8: int = 5) -> PostureReport:
    """211 items on 6 targets; *examined_in_8* below 4 makes it a draft."""
    return report(
        target_count=6, finding_count=24, evidence_count=30, scan_count=18, examined_in_8=examined_in_8
    )


def largest_report() -> PostureReport:
    """211 items on 30 targets with 300 findings."""
    return report(target_count=30, finding_count=300, evidence_count=400, scan_count=200, trend_count=52)


#: Strings that try to be more than text, by a short name.
HOSTILE: dict[str, str] = {
    "formula": "=1+1",
    "formula_command": "=cmd|' /C calc'!A0",
    "formula_wide": "＝SUM(1;1)",
    "formula_plus": "+1+1",
    "formula_minus": "-1+1",
    "formula_at": "@SUM(1)",
    "formula_wide_at": "＠SUM(1)",
    "formula_tab": "\t=1+1",
    "typst": '#read("/etc/passwd")',
    "typst_eval": '#eval("1+1") $x^2$ *b* _i_ `c` @ref <label>',
    "script": "<script>alert('x')</script>",
    "entity": "&lt;b&gt; & \"quoted\" 'single' ]]>",
    "control": "bell\x07 null\x00 escape\x1b[31m end",
    "bidi": "safe\u202eexe.fdp\u202c end",
    "rtl": "שלום عربي name",
    "emoji": "报告😀🔒完",
    "long_word": "W" * 500,
    "long_han": "汉" * 500,
    "link": "javascript:alert(1) http://192.0.2.1/x",
    "braces": "{share} {{x}} %s",
    "newlines": "line one\nline two\r\nline three",
    "excel_escape": "_x0041_ &P &[File]",
    "surrogate": "lone \ud800 end",
}


def hostile_report() -> PostureReport:
    """A small report in which every free string is hostile."""
    words = list(HOSTILE.values())
    assets = tuple(
        ReportTarget(f"t{n}", word, Text.same(word), word, Importance.GENERAL, note=word)
        for n, word in enumerate(words)
    )
    rows = tuple(
        ItemResult(
            f"L3-CES1-{n + 1:02}",
            "8.1.4.1",
            "a",
            "CES",
            Text.same(words[8]),
            Text.same(word),
            "S",
            Layer.DATA,
            Text.same(word),
            None,
            Text.same(word),
            (
                Cell("t0", None, not_examined=Text.same(word)),
                Cell("t1", Verdict.PARTIAL, reasons=(Text.same(word), Text.same(word))),
            ),
        )
        for n, word in enumerate(words)
    )
    found = tuple(
        FindingRow(
            f"F-{n}",
            Text.same(word),
            Severity.HIGH,
            Layer.DATA,
            ("L3-CES1-01",),
            ("t0",),
            Text.same(word),
            date(2026, 11, 1),
            24,
            owner=word,
            measure=word,
            remediation=Text.same(word),
        )
        for n, word in enumerate(words)
    )
    proof = tuple(
        EvidenceRow(f"E-{n}", word, Text.same(word), "ab" * 32, 1, word, NOW) for n, word in enumerate(words)
    )
    runs = tuple(
        ScanRecord(f"S-{n}", word, word, NOW, None, Text.same(word), Text.same(word))
        for n, word in enumerate(words)
    )
    notes = tuple(Text.same(word) for word in words)
    return PostureReport(
        meta(
            title=Text.same(words[9]),
            report_number="../../etc/=1+1",
            unofficial_notes=notes,
            marking=notes[10],
        ),
        system(name=words[8], department=words[10], boundary=words[16], business=words[17], code=words[0]),
        summarise(rows),
        assets,
        rows,
        found,
        proof,
        runs,
    )
