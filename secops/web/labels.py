"""Words and tones of closed lists that pages show as badges. A tone never stands without its word."""

from __future__ import annotations

from dataclasses import dataclass

from secops.web.lang import language


@dataclass(frozen=True, slots=True)
class Label:
    """One value: its words, its tone, and an icon where the tone's own would mislead.

    Tones: ``good, warn, bad, info, mute, open`` (nobody has looked yet) and ``plain`` (says nothing of a state).
    """

    zh: str
    en: str
    tone: str = "plain"
    icon: str = ""

    @property
    def text(self) -> str:
        return self.en if language() == "en" else self.zh

    @property
    def symbol(self) -> str:
        """Name of the icon that stands beside the word; "" for none."""
        return self.icon or TONE_ICONS[self.tone]


TONE_ICONS: dict[str, str] = {
    "good": "check-circle-fill",
    "warn": "exclamation-triangle-fill",
    "bad": "x-circle-fill",
    "info": "info-circle-fill",
    "mute": "dash-circle",
    "open": "circle",
    "plain": "",
}

LABELS: dict[str, dict[str, Label]] = {
    "verdict": {
        "compliant": Label("符合", "Compliant", "good"),
        "partial": Label("部分符合", "Partially compliant", "warn", "circle-half"),
        "non_compliant": Label("不符合", "Non-compliant", "bad"),
        "na": Label("不适用", "Not applicable", "mute"),
        "not_examined": Label("未检查", "Not examined", "open"),
    },
    "outcome": {
        "pass": Label("通过", "Pass", "good"),
        "fail": Label("未通过", "Fail", "bad"),
        "na": Label("不适用", "Not applicable", "mute"),
        "manual": Label("需人工", "Needs a person", "info", "person-fill"),
        "error": Label("未能查看", "Could not look", "open", "eye-slash"),
    },
    "severity": {
        "high": Label("高", "High", "bad", "triangle-fill"),
        "medium": Label("中", "Medium", "warn", "diamond-fill"),
        "low": Label("低", "Low", "info", "caret-down-fill"),
    },
    "finding_state": {
        "open": Label("待处理", "Open", "bad", "record-circle"),
        "planned": Label("已计划", "Planned", "warn", "calendar-event"),
        "in-progress": Label("整改中", "In progress", "warn", "wrench-adjustable"),
        "submitted": Label("已提交", "Submitted", "info", "send"),
        "returned": Label("已退回", "Returned", "bad", "arrow-return-left"),
        "verified": Label("已验证", "Verified", "good"),
        "risk-accepted": Label("已接受风险", "Risk accepted", "mute", "hand-thumbs-up"),
        "false-positive": Label("误报", "False positive", "mute"),
        "closed": Label("已关闭", "Closed", "good"),
    },
    "layer": {
        "data": Label("数据", "Data"),
        "application": Label("应用", "Application"),
        "management": Label("管理", "Management"),
        "infrastructure": Label("基础设施", "Infrastructure"),
    },
    "job_state": {
        "queued": Label("排队中", "Queued", "mute", "hourglass"),
        "running": Label("进行中", "Running", "info", "arrow-repeat"),
        "done": Label("已完成", "Done", "good"),
        "failed": Label("失败", "Failed", "bad"),
        "cancelled": Label("已取消", "Cancelled", "mute", "slash-circle"),
        "dead": Label("多次失败", "Gave up", "bad"),
    },
    "scan_state": {
        "queued": Label("排队中", "Queued", "mute", "hourglass"),
        "running": Label("进行中", "Running", "info", "arrow-repeat"),
        "done": Label("已完成", "Done", "good"),
        "failed": Label("失败", "Failed", "bad"),
        "cancelled": Label("已取消", "Cancelled", "mute", "slash-circle"),
    },
    "run_state": {
        "completed": Label("已完成", "Completed", "good"),
        "failed": Label("未能查看", "Could not look", "open", "eye-slash"),
    },
    "failure": {
        "unreachable": Label("目标不可达", "unreachable"),
        "refused": Label("连接被拒绝", "refused"),
        "timed-out": Label("超时", "timed out"),
        "cancelled": Label("已取消", "cancelled"),
        "not-authorised": Label("不在授权范围内", "not authorised"),
        "authentication": Label("登录失败", "log-in failed"),
        "host-key-changed": Label("主机密钥已变化", "host key changed"),
        "missing-tool": Label("缺少工具", "tool missing"),
        "protocol": Label("协议不符", "protocol"),
        "resource-limit": Label("超出资源上限", "resource limit"),
        "bad-target": Label("目标无效", "bad target"),
        "probe-bug": Label("探针故障", "probe fault"),
    },
    "authorization_state": {
        "requested": Label("待审批", "Requested", "warn", "hourglass"),
        "approved": Label("已批准", "Approved", "good"),
        "refused": Label("已拒绝", "Refused", "bad"),
        "revoked": Label("已撤销", "Revoked", "mute", "slash-circle"),
    },
    "evidence_state": {
        "requested": Label("待提交", "Requested", "warn", "hourglass"),
        "submitted": Label("待审核", "Submitted", "info", "send"),
        "accepted": Label("已采纳", "Accepted", "good"),
        "returned": Label("已退回", "Returned", "bad", "arrow-return-left"),
        "expired": Label("已过期", "Expired", "bad", "calendar-x"),
        "superseded": Label("已被替代", "Superseded", "mute", "files"),
    },
    "evidence_source": {
        "upload": Label("上传", "Upload"),
        "scan": Label("扫描", "Scan"),
        "report": Label("报告", "Report"),
    },
    "hosting": {
        "government-cloud": Label("政务云", "Government cloud"),
        "own-room": Label("自有机房", "Own machine room"),
        "superior": Label("上级统建", "Run by a superior"),
    },
    "importance": {
        "key": Label("关键", "Key"),
        "important": Label("重要", "Important"),
        "normal": Label("一般", "Normal"),
    },
    "role": {
        "system-admin": Label("系统管理员", "System administrator"),
        "security-admin": Label("安全管理员", "Security administrator"),
        "audit-admin": Label("审计管理员", "Audit administrator"),
        "officer": Label("网络安全专员", "Security officer"),
        "contact": Label("部门安全联络员", "Department contact"),
        "owner": Label("系统责任人", "System owner"),
        "assessor": Label("测评人员", "Assessor"),
        "inspector": Label("检查人员", "Inspector"),
        "leader": Label("领导", "Leader"),
        "api-client": Label("接口客户端", "API client"),
    },
    "audit_result": {
        "ok": Label("成功", "OK", "good"),
        "refused": Label("被拒绝", "Refused", "bad", "slash-circle"),
        "failed": Label("失败", "Failed", "bad"),
    },
    "account_state": {
        "active": Label("正常", "Active", "good"),
        "first-login": Label("待首次登录", "First log-in due", "info", "hourglass"),
        "locked": Label("已锁定", "Locked", "warn", "lock-fill"),
        "disabled": Label("已停用", "Disabled", "mute", "slash-circle"),
    },
    "grant_state": {
        "active": Label("有效", "In force", "good"),
        "ended": Label("已到期", "Ended", "mute", "calendar-x"),
        "revoked": Label("已收回", "Revoked", "mute", "slash-circle"),
    },
    "login_reason": {
        "unknown": Label("没有这个账号", "No such account"),
        "password": Label("密码错误", "Wrong password"),
        "locked": Label("账号已锁定", "Account locked"),
        "disabled": Label("账号已停用", "Account disabled"),
    },
    "audit_action": {
        "login": Label("登录", "Sign-in"),
        "logout": Label("退出登录", "Log-out"),
        "request.denied": Label("越权请求", "Denied request"),
        "account.create": Label("建立账号", "Account created"),
        "account.disable": Label("停用账号", "Account disabled"),
        "account.enable": Label("启用账号", "Account enabled"),
        "password.change": Label("修改密码", "Password changed"),
        "password.reset": Label("重置密码", "Password reset"),
        "role.grant": Label("授予角色", "Role granted"),
        "role.revoke": Label("收回角色", "Role revoked"),
        "audit.verify": Label("校验审计日志", "Audit log verified"),
        "table.export": Label("导出列表", "List exported"),
        "evidence.receipt": Label("下载证据回执", "Receipt downloaded"),
        "scan.cancelled": Label("扫描已取消", "Scan cancelled"),
        "scan.target": Label("检查一个对象", "Target examined"),
        "scan.refused": Label("扫描目标被拒绝", "Scan target refused"),
        "job.done": Label("后台任务完成", "Job done"),
        "job.failed": Label("后台任务失败", "Job failed"),
        "job.dead": Label("后台任务多次失败", "Job gave up"),
        "job.cancelled": Label("后台任务已取消", "Job cancelled"),
        "job.lost": Label("任务进程中断", "Worker lost"),
        "finding.return": Label("退回整改", "Finding returned"),
        "finding.start": Label("开始整改", "Remediation begun"),
        "finding.reopen": Label("重新打开问题", "Finding reopened"),
        "finding.false-positive": Label("判为误报", "Marked false positive"),
        "finding.retest-passed": Label("复测通过", "Retest passed"),
        "finding.retest-failed": Label("复测未通过", "Retest failed"),
        "department.create": Label("登记部门", "Department registered"),
        "system.create": Label("登记系统", "System registered"),
        "system.classify": Label("系统定级", "System classified"),
        "asset.create": Label("登记测评对象", "Target registered"),
        "authorization.request": Label("申请扫描授权", "Scan authorisation requested"),
        "authorization.approve": Label("批准扫描授权", "Scan authorisation approved"),
        "authorization.refuse": Label("拒绝扫描授权", "Scan authorisation refused"),
        "authorization.revoke": Label("撤销扫描授权", "Scan authorisation revoked"),
        "scan.request": Label("发起扫描", "Scan requested"),
        "scan.start": Label("扫描开始", "Scan started"),
        "scan.done": Label("扫描完成", "Scan finished"),
        "scan.cancel": Label("取消扫描", "Scan cancelled"),
        "scan.failed": Label("扫描失败", "Scan failed"),
        "schedule.create": Label("建立计划任务", "Schedule created"),
        "schedule.pause": Label("暂停计划任务", "Schedule paused"),
        "schedule.resume": Label("恢复计划任务", "Schedule resumed"),
        "schedule.run-now": Label("立即执行计划", "Schedule run now"),
        "schedule.dispatch": Label("计划到期执行", "Schedule fired"),
        "schedule.failed": Label("计划执行失败", "Schedule failed"),
        "evidence.receive": Label("接收证据", "Evidence received"),
        "evidence.store": Label("证据入库", "Evidence stored"),
        "evidence.accept": Label("采纳证据", "Evidence accepted"),
        "evidence.return": Label("退回证据", "Evidence returned"),
        "evidence.supersede": Label("证据被替代", "Evidence superseded"),
        "evidence.read": Label("读取证据", "Evidence read"),
        "finding.open": Label("发现问题", "Finding opened"),
        "finding.seen": Label("问题再次出现", "Finding seen again"),
        "finding.scan-passed": Label("扫描未再发现", "Scan passed"),
        "finding.plan": Label("制定整改计划", "Remediation planned"),
        "finding.submit": Label("提交整改", "Fix submitted"),
        "finding.retest": Label("申请复测", "Retest asked for"),
        "finding.close": Label("关闭问题", "Finding closed"),
        "measure.create": Label("登记整改措施", "Measure registered"),
        "job.create": Label("建立后台任务", "Job created"),
        "job.cancel": Label("取消后台任务", "Job cancelled"),
        "job.rerun": Label("重新执行任务", "Job run again"),
        "job.retry": Label("任务自动重试", "Job retried"),
        "report.request": Label("申请报告", "Report requested"),
        "report.build": Label("生成报告", "Report built"),
        "report.download": Label("下载报告", "Report downloaded"),
    },
    "audit_object": {
        "Account": Label("账号", "Account"),
        "RoleGrant": Label("角色授权", "Role grant"),
        "AuditEvent": Label("审计记录", "Audit record"),
        "Evidence": Label("证据", "Evidence"),
        "Blob": Label("证据文件", "Evidence file"),
        "Finding": Label("问题", "Finding"),
        "Measure": Label("整改措施", "Measure"),
        "Job": Label("后台任务", "Job"),
        "Department": Label("部门", "Department"),
        "System": Label("定级对象", "System"),
        "Classification": Label("定级", "Classification"),
        "Asset": Label("测评对象", "Target"),
        "ReportFile": Label("报告", "Report"),
        "ScanAuthorization": Label("扫描授权", "Scan authorisation"),
        "Scan": Label("扫描", "Scan"),
        "ProbeRun": Label("扫描目标", "Scan target"),
        "Schedule": Label("计划任务", "Schedule"),
        "endpoint": Label("功能", "Function"),
        "table": Label("列表", "List"),
    },
    "audit_table": {
        "accounts": Label("账号", "accounts"),
        "grants": Label("角色授权", "role grants"),
        "audit": Label("审计日志", "audit log"),
        "systems": Label("定级对象", "systems"),
        "items": Label("控制项", "items"),
        "assets": Label("测评对象", "targets"),
        "findings": Label("问题", "findings"),
        "scans": Label("扫描", "scans"),
        "outcomes": Label("规则结果", "outcomes"),
        "authorizations": Label("扫描授权", "scan authorisations"),
        "schedules": Label("计划任务", "schedules"),
        "evidence": Label("证据", "evidence"),
        "reports": Label("报告", "reports"),
        "catalogue": Label("控制项目录", "catalogue"),
        "jobs": Label("后台任务", "jobs"),
        "components": Label("组件示例", "components"),
    },
    "asset_kind": {
        "room": Label("机房", "Machine room"),
        "network-device": Label("网络设备", "Network device"),
        "security-device": Label("安全设备", "Security device"),
        "server": Label("服务器", "Server"),
        "terminal": Label("终端", "Terminal"),
        "database": Label("数据库", "Database"),
        "middleware": Label("中间件", "Middleware"),
        "application": Label("业务应用", "Application"),
        "data": Label("数据", "Data"),
        "document": Label("制度文档", "Documents"),
        "person": Label("人员", "People"),
    },
}


def label(kind: str, value: object) -> Label:
    """The label of one value; an unknown value shows as itself rather than vanish."""
    text = str(getattr(value, "value", value) if value is not None else "")
    found = LABELS.get(kind, {}).get(text)
    return found or Label(text, text)
