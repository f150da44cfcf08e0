"""All fixed sentences of the posture documents, in Chinese and English, by a short key.

Sentences with figures have named places in braces; they are filled once, so braces in a value stay text.
"""

from __future__ import annotations

from reports.read_model import Language, Text

WORDS: dict[str, Text] = {
    # cover
    "draft": Text("草　稿", "DRAFT"),
    "draft_short": Text("草稿", "Draft"),
    "draft_why": Text(
        "超过半数检查点尚未检查，本报告不能反映系统的整体状况，仅供内部准备使用。",
        "More than half of the checks have not been made; this report does not describe the system as a whole and "
        "serves internal preparation only.",
    ),
    "draft_empty": Text(
        "尚无纳入范围的检查点，本报告仅供内部准备使用。",
        "Nothing is in scope yet; this report serves internal preparation only.",
    ),
    "disclaimer_title": Text("报告性质", "Nature of this report"),
    "disclaimer": Text(
        "本报告为自查/准备材料，不是等级测评报告，不能替代具有资质的测评机构出具的结论。",
        "This report is a self-assessment and preparation material. It is not a testing and evaluation report and "
        "does not replace the conclusion of a licensed evaluation body.",
    ),
    "unofficial_title": Text("非官方内容说明", "What is not official"),
    "unofficial_more": Text("其余 {count} 条见第 8 章。", "{count} more in chapter 8."),
    "examined_title": Text("检查覆盖情况", "How much was examined"),
    "examined_sentence": Text(
        "共 {total} 个{basis}，已检查 {examined} 个（{share}），未检查 {rest} 个。未检查不等于不符合，也不等于符合。",
        "{examined} of {total} {basis} examined ({share}); {rest} not examined. Not examined means neither "
        "compliant nor non-compliant.",
    ),
    "examined_nothing": Text(
        "本次没有任何纳入范围的{basis}，不能给出检查占比。",
        "No {basis} are in scope, so there is no examined share.",
    ),
    "department": Text("责任部门", "Department"),
    "system": Text("系统名称", "System"),
    "system_code": Text("系统编码", "System code"),
    "level": Text("安全保护等级", "Protection level"),
    "report_number": Text("报告编号", "Report number"),
    "generated_at": Text("生成时间", "Generated at"),
    "example": Text("示例", "example"),
    "contents": Text("目　录", "Contents"),
    "page_of": Text("第 {page} 页 / 共 {pages} 页", "Page {page} of {pages}"),
    "table": Text("表", "Table"),
    "figure": Text("图", "Figure"),
    "none": Text("无", "None"),
    # 1 summary
    "ch1": Text("总体情况", "Summary"),
    "ch1_key": Text("主要结论", "Key points"),
    "ch1_distribution": Text("判定分布", "Distribution of results"),
    "ch1_classes": Text("各安全类情况", "Results by security class"),
    "ch1_layers": Text("各安全层面情况", "Results by security layer"),
    "ch1_reasons": Text("未检查原因统计", "Why checks were not made"),
    "ch1_trend": Text("变化趋势", "Trend"),
    "key_intro": Text(
        "本报告汇总“{system}”（{level}）截至 {time} 的安全自查状况，由平台依据扫描结果、国密检查和上传证据形成。",
        "This report summarises the security posture of {system} ({level}) as of {time}, built from scan results, "
        "cryptography checks and uploaded evidence.",
    ),
    "key_rate": Text(
        "符合率：按已检查的适用项计 {examined}，按全部适用项计 {applicable}。",
        "Compliance rate: {examined} of the applicable checks that were examined, {applicable} of all applicable checks.",
    ),
    "key_counts": Text(
        "判定结果：符合 {compliant}，部分符合 {partial}，不符合 {non_compliant}，不适用 {na}，未检查 {not_examined}。",
        "Results: {compliant} compliant, {partial} partly compliant, {non_compliant} non-compliant, {na} not "
        "applicable, {not_examined} not examined.",
    ),
    "key_findings": Text(
        "问题共 {all} 个，未关闭 {open} 个（{severities}），其中已逾期 {overdue} 个。",
        "{all} findings, {open} of them open ({severities}); {overdue} overdue.",
    ),
    "key_no_findings": Text("尚未登记问题。", "No findings are recorded."),
    "key_scans": Text(
        "扫描与检查 {all} 次，其中 {failed} 次未能取得结果，原因见第 7 章。",
        "{all} scans and probes were run; {failed} gave no result, for the reasons in chapter 7.",
    ),
    "no_data": Text("暂无数据。", "No data."),
    "reason": Text("原因", "Reason"),
    "checks": Text("检查点数", "Checks"),
    "share": Text("占比", "Share"),
    "other_reasons": Text(
        "其他 {count} 种原因（逐项列于第 4 章）", "{count} other reasons (listed in chapter 4)"
    ),
    # 2 system
    "ch2": Text("系统情况", "The system"),
    "hosting": Text("部署方式", "Hosting"),
    "filing": Text("备案编号", "Filing number"),
    "filed_on": Text("备案日期", "Filed on"),
    "not_filed": Text("无备案信息", "No filing on record"),
    "extensions": Text("扩展要求", "Extended requirements"),
    "only_general": Text("仅安全通用要求", "General requirements only"),
    "boundary": Text("系统边界", "Boundary"),
    "business": Text("业务描述", "Business"),
    "cap_system": Text("系统基本信息", "Basic data of the system"),
    "item": Text("项目", "Item"),
    "content": Text("内容", "Content"),
    # 3 scope
    "ch3": Text("检查范围与对象", "Scope and targets"),
    "scope_sentence": Text(
        "检查范围为 {items} 个要求项和 {targets} 个检查对象。对象编号在后续表格中使用。",
        "The scope is {items} requirement items and {targets} targets. Later tables refer to targets by their codes.",
    ),
    "no_targets": Text("尚未登记检查对象。", "No targets are registered."),
    "cap_targets": Text("检查对象清单", "Targets"),
    "code": Text("编号", "Code"),
    "name": Text("名称", "Name"),
    "kind": Text("类别", "Kind"),
    "address": Text("地址/位置", "Address"),
    "importance": Text("重要程度", "Importance"),
    "note": Text("备注", "Note"),
    # 4 results
    "ch4": Text("检查结果", "Results"),
    "ch4_counts": Text("按安全类统计", "Counts by security class"),
    "ch4_matrix": Text("要求项与对象判定一览", "Matrix of items and targets"),
    "ch4_items": Text("逐项结果", "Results item by item"),
    "cap_classes": Text("各安全类判定统计（单位：{basis}）", "Counts by security class ({basis})"),
    "cap_layers": Text("各安全层面判定统计（单位：{basis}）", "Counts by security layer ({basis})"),
    "cap_reasons": Text("未检查原因统计（检查点数）", "Reasons for checks not made"),
    "cap_rates": Text("各安全类符合率", "Compliance rates by security class"),
    "class": Text("安全类", "Security class"),
    "layer": Text("安全层面", "Layer"),
    "total": Text("合计", "Total"),
    "examined_share": Text("已检查", "Examined"),
    "rate_examined": Text("符合率（已检查）", "Rate (examined)"),
    "rate_applicable": Text("符合率（全部适用）", "Rate (applicable)"),
    "cap_matrix": Text("要求项与对象判定一览（{first}—{last}）", "Items and targets ({first}–{last})"),
    "legend": Text("图例：", "Key: "),
    "no_cell": Text("空格：该要求项不针对此对象", "blank: the item does not concern this target"),
    "matrix_too_wide": Text(
        "检查对象共 {count} 个，一览表见同编号的电子表格“控制项”工作表；逐项结果与未检查原因见下节。",
        "There are {count} targets; the matrix is in the sheet 'Items' of the workbook with the same number. Results "
        "and reasons follow item by item.",
    ),
    "cap_items": Text("{name}逐项结果", "{name}: results item by item"),
    "class_intro": Text(
        "{name}共 {items} 个要求项，{total} 个{basis}，已检查 {examined} 个（{share}）。",
        "{name}: {items} requirement items, {examined} of {total} {basis} examined ({share}).",
    ),
    "unit": Text("测评单元", "Unit"),
    "clause": Text("条款", "Clause"),
    "control_point": Text("控制点", "Control point"),
    "mark": Text("类型", "Mark"),
    "summary": Text("要求概要", "Requirement in short"),
    "overall": Text("综合判定", "Overall"),
    "overall_short": Text("综合", "All"),
    "targets": Text("对象", "Targets"),
    "verdict": Text("判定", "Result"),
    "why": Text("依据/未检查原因", "Grounds, or why not examined"),
    "origin": Text("来源", "Origin"),
    "evidence": Text("证据", "Evidence"),
    "not_indexed": Text("{number}（未列入索引）", "{number} (not indexed)"),
    "whole_system": Text("整个系统", "Whole system"),
    "no_grounds": Text("未记录依据", "No grounds recorded"),
    # 5 findings
    "ch5": Text("问题与整改", "Findings and remediation"),
    "ch5_counts": Text("问题统计", "Counts"),
    "ch5_list": Text("问题与整改清单", "Findings and measures"),
    "no_findings": Text("尚未登记问题。", "No findings are recorded."),
    "cap_finding_counts": Text("未关闭问题统计", "Open findings"),
    "cap_findings": Text("问题与整改清单", "Findings and measures"),
    "number": Text("编号", "Number"),
    "finding": Text("问题", "Finding"),
    "severity": Text("等级", "Severity"),
    "concerns": Text("涉及要求与对象", "Items and targets"),
    "state": Text("状态", "State"),
    "opened": Text("发现日期", "Opened"),
    "age": Text("存续 {days} 天", "{days} days"),
    "age_days": Text("存续天数", "Age (days)"),
    "due": Text("整改期限", "Due"),
    "overdue": Text("已逾期", "Overdue"),
    "owner": Text("责任人", "Owner"),
    "measure": Text("整改措施", "Measure"),
    "advice": Text("整改建议", "Advice"),
    "measure_and_advice": Text("整改措施与建议", "Measure and advice"),
    "closed": Text("已关闭", "Closed"),
    "yes": Text("是", "Yes"),
    "no": Text("否", "No"),
    # 6 evidence
    "ch6": Text("证据索引", "Evidence index"),
    "no_evidence": Text("尚无证据。", "No evidence is on record."),
    "cap_evidence": Text("证据索引（摘要算法 SM3）", "Evidence index (digests by SM3)"),
    "evidence_name": Text("证据名称", "Name"),
    "source": Text("来源", "Source"),
    "sm3": Text("SM3 摘要", "SM3 digest"),
    "size": Text("大小", "Size"),
    "size_bytes": Text("大小（字节）", "Size (bytes)"),
    "uploaded": Text("提交人/时间", "By, at"),
    "uploaded_by": Text("提交人", "By"),
    "uploaded_at": Text("提交时间", "At"),
    "units": Text("对应要求", "Items"),
    # 7 scans
    "ch7": Text("扫描与检查记录", "Scans and probes"),
    "no_scans": Text("尚无扫描记录。", "No scans are on record."),
    "cap_scans": Text("扫描与检查记录", "Scans and probes"),
    "scan": Text("扫描编号", "Scan"),
    "probe": Text("探测项", "Probe"),
    "target": Text("对象", "Target"),
    "started": Text("开始", "Started"),
    "finished": Text("结束", "Finished"),
    "failure": Text("未取得结果的原因", "Why there is no result"),
    # 8 method
    "ch8": Text("方法、版本与局限", "Method, versions and limits"),
    "ch8_method": Text("判定方法", "Method"),
    "ch8_versions": Text("依据与版本", "Sources and versions"),
    "ch8_limits": Text("局限与非官方内容", "Limits and what is not official"),
    "method_1": Text(
        "检查结果分为符合、部分符合、不符合、不适用四种判定。未检查不是判定，只表示没有人员或工具看过，原因逐项列出。",
        "A check is judged compliant, partly compliant, non-compliant or not applicable. Not examined is no "
        "judgement: nobody and nothing looked, and the reason is given each time.",
    ),
    "method_2": Text(
        "扫描或探测失败只会产生“未检查”，不会产生符合或不符合。",
        "A scan or probe that failed leads to 'not examined', never to compliant or non-compliant.",
    ),
    "method_3": Text(
        "来源为“系统建议”的判定由规则根据扫描事实和证据提出，未经测评人员确认；“人工判定”由人员作出；“继承”来自平台或上级系统已公布的结果。",
        "Results marked 'suggested' were proposed by rules from scan facts and evidence and not confirmed by a "
        "person; 'decided' ones were made by a person; 'inherited' ones come from a provider's published results.",
    ),
    "method_4": Text(
        "符合率（已检查）＝符合÷（符合＋部分符合＋不符合）；符合率（全部适用）＝符合÷（全部－不适用），未检查计入分母。部分符合不计为符合。",
        "Rate (examined) = compliant ÷ (compliant + partly + non-compliant). Rate (applicable) = compliant ÷ (all − "
        "not applicable), so what was not examined counts against it. Partly compliant never counts as compliant.",
    ),
    "limit_1": Text(
        "标准原文不随平台提供，表中“要求概要”为平台自行撰写，以标准文本为准。",
        "The text of the standards is not supplied with the platform; the requirement summaries are our own words "
        "and the standards prevail.",
    ),
    "limit_2": Text(
        "报告只反映生成时刻平台掌握的信息；此后的变化不在其中。",
        "The report shows what the platform knew at the moment of its making, and nothing later.",
    ),
    "cap_versions": Text("依据、规则集与版本", "Sources, rule sets and versions"),
    "rule_set": Text("规则集", "Rule set"),
    "version": Text("版本", "Version"),
    "official": Text("官方", "Official"),
    "unofficial": Text("非官方", "Not official"),
    "nature": Text("性质", "Nature"),
    "catalogue": Text("要求目录", "Catalogue"),
    "generator": Text("生成程序", "Generator"),
    "source_scans": Text("数据来源扫描", "Source scans"),
    # sheets
    "sheet_overview": Text("概况", "Overview"),
    "sheet_items": Text("控制项", "Items"),
    "sheet_findings": Text("不符合与问题", "Gaps and findings"),
    "sheet_evidence": Text("证据", "Evidence"),
    "sheet_scans": Text("扫描", "Scans"),
    "sheet_versions": Text("版本与说明", "Versions and notes"),
    "check": Text("检查点", "Check"),
    "why_or_measure": Text("依据/整改措施", "Grounds or measure"),
    "gaps": Text("不符合与部分符合的检查点", "Checks that are non-compliant or partly compliant"),
    "not_examined_because": Text("未检查：{reason}", "Not examined: {reason}"),
}


def word(key: str, language: Language, **values: object) -> str:
    """Give one sentence; *values* fill its named places."""
    text = WORDS[key].in_(language)
    return text.format(**values) if values else text


def words_in(language: Language) -> dict[str, str]:
    """Give all of them in one language, unfilled."""
    return {key: text.in_(language) for key, text in WORDS.items()}
