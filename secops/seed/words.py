"""Names of an invented district."""

DEPARTMENTS = (
    "政务服务数据管理局", "教育局", "公安分局", "民政局", "司法局", "财政局", "人力资源和社会保障局", "自然资源分局",
    "生态环境分局", "住房和城乡建设局", "交通运输局", "水务局", "农业农村局", "商务局", "文化广电旅游局", "卫生健康局",
    "退役军人事务局", "应急管理局", "审计局", "国有资产监督管理局", "市场监督管理局", "统计局", "医疗保障局", "城市管理局",
    "信访局", "金融工作局", "机关事务管理局", "投资促进局", "税务分局", "气象局", "档案馆", "融媒体中心", "公共资源交易中心",
)  # fmt: skip
TOWNS = ("云溪镇", "白石镇", "青河镇", "南塘街道", "北苑街道", "东湖街道", "西岭镇")
BUSINESSES = (
    "审批", "档案", "监管", "收费", "预约", "报名", "执法", "统计", "指挥", "台账", "信访", "公示", "资产", "监测", "评价",
    "补贴", "证照", "巡查", "招投标", "培训",
)  # fmt: skip
FORMS = ("平台", "系统", "网站", "小程序", "数据库", "门户")
GIVEN = "安博诚达恩帆国浩佳凯朗明宁鹏清然思天伟希逸泽"
FAMILY = "陈李王张刘黄林周吴徐孙马朱胡郭何高罗郑梁"
RULES = (
    ("ssh-root-login-disabled", "SSH 禁止 root 直接登录", "SSH refuses root", "high", "infrastructure", ("L3-CES1-01",)),
    ("password-min-length", "口令长度不足", "Password too short", "medium", "infrastructure", ("L3-CES1-01",)),
    ("tls-protocol-old", "启用了过时的 TLS 版本", "Old TLS version on", "medium", "application", ("L3-CES1-25",)),
    ("audit-service-off", "审计服务未开启", "Audit service off", "high", "infrastructure", ("L3-CES1-12",)),
    ("data-at-rest-plain", "重要数据明文存储", "Important data in clear", "high", "data", ("L3-CES1-28",)),
    ("backup-missing", "缺少本地备份", "No local backup", "medium", "data", ("L3-CES1-29",)),
    ("policy-review-late", "管理制度逾期未评审", "Policy review overdue", "low", "management", ("L3-PSS1-07",)),
    ("session-timeout-off", "会话超时未设置", "No session timeout", "low", "application", ("L3-CES1-02",)),
)  # fmt: skip
