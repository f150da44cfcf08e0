"""The closed lists of document kinds and on-site sheets, with Chinese and English labels."""

from __future__ import annotations

from controls.terms import Term

__all__ = [
    "Action",
    "AnswerValue",
    "Aspect",
    "Field",
    "FreshnessRule",
    "Holder",
    "Judged",
    "LinkRule",
    "LookKind",
    "PeriodOrigin",
    "PhotoRule",
    "ReviewState",
    "Trait",
]


class Aspect(Term):
    """What is checked of a document, in this order; never what its text means."""

    PRESENT = "present", "已提供", "Given"
    COMPLETE = "complete", "要素齐全", "Complete"
    APPROVED = "approved", "已批准", "Approved"
    FRESH = "fresh", "在时效内", "Up to date"
    CROSS_REFERENCED = "cross-referenced", "相互印证", "Cross-referenced"


class Field(Term):
    """What is read off a document when it is taken in."""

    NUMBER = "number", "文号或编号", "number"
    VERSION = "version", "版本号", "version"
    ISSUER = "issuer", "制发单位或部门", "issuing body or department"
    APPROVER = "approver", "批准人（签字或盖章）", "approver, with signature or seal"
    DATE = "date", "形成日期", "date"
    REVIEWED = "reviewed", "最近一次评审日期", "day of the last review"
    PERIOD = "period", "所覆盖的起止日期", "first and last day covered"
    VALID_UNTIL = "valid-until", "有效期至", "last day of validity"
    REVIEW_INTERVAL = "review-interval", "复审周期（月）", "review interval in months"
    PARTICIPANTS = "participants", "参加人员", "people who took part"
    COUNTERPARTY = "counterparty", "对方单位", "the other party"
    QUALIFICATION = "qualification", "资质或证书编号", "number of the qualification or certificate"


class Holder(Term):
    """Who usually holds a document; requests are grouped by it."""

    SECURITY_OFFICE = "security-office", "网络安全主管部门", "Cybersecurity department"
    PERSONNEL = "personnel", "人事部门", "Human resources"
    CONSTRUCTION = "construction", "建设负责人", "Project lead"
    DEVELOPMENT = "development", "开发负责人", "Development lead"
    PROCUREMENT = "procurement", "采购部门", "Procurement"
    OPERATIONS = "operations", "运维负责人", "Operations lead"
    ADMINISTRATORS = (
        "administrators",
        "系统、网络和安全管理员",
        "System, network and security administrators",
    )
    AUDITORS = "auditors", "审计管理员", "Audit administrators"
    ROOM = "room", "机房管理员", "Machine room manager"
    FACILITIES = "facilities", "基建或物业管理部门", "Facilities or property management"
    ASSETS = "assets", "资产、介质和设备管理员", "Keepers of assets, media and equipment"


class ReviewState(Term):
    """Where a record stands in the platform; only accepted ones are judged.

    ``declared_absent``: the holder said, and a reviewer confirmed, that no such document exists.
    """

    REQUESTED = "requested", "待提供", "Requested"
    SUBMITTED = "submitted", "待审核", "Waiting for review"
    ACCEPTED = "accepted", "已采纳", "Accepted"
    RETURNED = "returned", "已退回", "Returned"
    EXPIRED = "expired", "已过期", "Expired"
    SUPERSEDED = "superseded", "已被替代", "Superseded"
    DECLARED_ABSENT = "declared_absent", "确认没有", "Declared not to exist"


class Judged(Term):
    """Whether one sound document is enough, or each one counts until it is superseded."""

    BEST = "best", "一份合格即可", "One sound document is enough"
    EACH = "each", "每份都须合格", "Each document counts"


class FreshnessRule(Term):
    """How a document ages.

    ``age``: so many months after its date. ``validity``: up to the day printed on it. ``rhythm``: as age,
    and without a longer gap between two of them. ``once``: never.
    """

    AGE = "age", "按形成日期", "By its date"
    VALIDITY = "validity", "按所载有效期", "By the validity it states"
    RHYTHM = "rhythm", "按周期连续", "At regular intervals"
    ONCE = "once", "长期有效", "Does not age"


class PeriodOrigin(Term):
    """Where a number of months comes from; nothing but ``official-guide`` is official."""

    CUSTOMARY = "customary", "惯例（非官方）", "Customary, not official"
    OFFICIAL_GUIDE = "official-guide", "官方指引", "Official guide"
    ORGANISATION = "organisation", "本单位设定", "Set by the organisation"


class LinkRule(Term):
    """How two documents must agree.

    ``exists``: the other one was given. ``names``: this one names the other's number. ``not-before``: it is
    not older than the other. ``within``: their dates are no further apart than so many months.
    ``same-party``: both name the same other party.
    """

    EXISTS = "exists", "另一份已提供", "The other one exists"
    NAMES = "names", "写明另一份的编号", "Names the other one's number"
    NOT_BEFORE = "not-before", "不早于另一份", "Not older than the other one"
    WITHIN = "within", "日期相距不超过规定月数", "Dates close together"
    SAME_PARTY = "same-party", "对方单位一致", "Same other party"


class Trait(Term):
    """What decides whether a document exists at all in a system."""

    OWN_ROOM = "own-room", "自有机房", "own machine room"
    OWN_DEVELOPMENT = "own-development", "自行开发软件", "software developed in-house"
    OUTSOURCED_DEVELOPMENT = "outsourced-development", "外包开发软件", "software developed by others"
    OUTSOURCED_OPERATION = "outsourced-operation", "运维外包", "operation by others"
    CLOUD_CUSTOMER = "cloud-customer", "部署在云平台上", "running on a cloud platform"
    CLOUD_PROVIDER = "cloud-provider", "对外提供云服务", "providing cloud services"


class Action(Term):
    """What the holder of a missing document has to do."""

    UPLOAD = "upload", "上传", "Upload it"
    RENEW = "renew", "提供更新的一份", "Give a newer one"
    CORRECT = "correct", "补正后重新上传", "Correct it and upload it again"
    RECORD = "record", "补录材料上的信息", "Enter what stands on it"


class LookKind(Term):
    """How an on-site question is answered."""

    LOOK = "look", "现场查看", "Look"
    ASK = "ask", "询问", "Ask"
    TRY = "try", "操作验证", "Try"


class AnswerValue(Term):
    """The three answers of an on-site question."""

    YES = "yes", "是", "Yes"
    NO = "no", "否", "No"
    NA = "na", "不适用", "Not applicable"


class PhotoRule(Term):
    """Whether an on-site answer needs a picture."""

    REQUIRED = "required", "必须拍照", "Picture required"
    HELPFUL = "helpful", "建议拍照", "Picture helpful"
    NONE = "none", "无须拍照", "No picture"
