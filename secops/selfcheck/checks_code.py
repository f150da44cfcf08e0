"""Lines 26 to 31, 48, 62 and 63: what this very code does and does not hold, read as syntax, not as text."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import lru_cache
from importlib import resources
from pathlib import Path

from secops.selfcheck.line import Facts, Found, check
from secops.selfcheck.rig import Bench

PACKAGES = ("secops", "controls", "scanners", "reports", "smcrypto")
# Where a bare statement is the matter itself: the store's own upkeep, and the doctor that looks at it.
_SQL_HOMES = ("secops/migrations/", "secops/store.py", "secops/db.py", "secops/doctor/")


@lru_cache(maxsize=1)
def trees() -> dict[str, ast.Module]:
    """Every module of the platform as it is installed, by its path."""
    found: dict[str, ast.Module] = {}
    for package in PACKAGES:
        root = Path(str(resources.files(package)))
        for path in sorted(root.rglob("*.py")):
            name = f"{package}/{path.relative_to(root).as_posix()}"
            found[name] = ast.parse(path.read_text(encoding="utf-8"))
    return found


def _calls() -> Iterator[tuple[str, ast.Call, str]]:
    """(module, call, dotted name) of every call."""
    for name, tree in trees().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                yield name, node, _dotted(node.func)


def _dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def _imports() -> Iterator[tuple[str, str]]:
    """(module, imported name)."""
    for name, tree in trees().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                yield from ((name, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                yield name, node.module
                yield from ((name, f"{node.module}.{alias.name}") for alias in node.names)


def _report(facts: Facts, wrong: list[str], zh: str, en: str) -> None:
    shown = ", ".join(sorted(set(wrong))[:5])
    facts.note(not wrong, zh, en, else_zh=f"{zh}：{shown} 除外", else_en=f"{en}, but for {shown}")


@check(26)
def parameters_only(bench: Bench) -> Found:
    wrong = [
        f"{name}:{call.lineno}"
        for name, call, dotted in _calls()
        if (
            dotted in ("text", "sa.text", "sqlalchemy.text")
            or dotted.split(".")[-1] in ("exec_driver_sql", "execute", "literal_column")
        )
        and call.args
        and isinstance(call.args[0], (ast.JoinedStr, ast.BinOp))
        and not name.startswith(_SQL_HOMES)
    ]
    facts = Facts.new()
    _report(facts, wrong, f"{len(trees())} 个模块中没有拼接的语句", f"no statement is put together from text in {len(trees())} modules")  # fmt: skip
    visitor, _ = bench.signed_in()
    hostile = "/systems/?sort=password;drop&q=%27%20OR%201=1--&level=2%27&page=-1&size=999999"
    facts.note(visitor.get(hostile).status_code == 200, "未知的排序、筛选、页码被忽略", "unknown sorting, filters and pages are ignored")  # fmt: skip
    return facts.found()


@check(27)
def no_shell(bench: Bench) -> Found:
    wrong = []
    for name, call, dotted in _calls():
        shell = any(
            word.arg == "shell" and not (isinstance(word.value, ast.Constant) and word.value.value is False)
            for word in call.keywords
        )
        if shell or dotted in ("os.system", "os.popen", "subprocess.getoutput", "subprocess.getstatusoutput"):
            wrong.append(f"{name}:{call.lineno}")
    facts = Facts.new()
    _report(facts, wrong, "没有经外壳执行的程序", "no program is run through a shell")
    return facts.found()


@check(28)
def encoded_output(bench: Bench) -> Found:
    folder = Path(str(resources.files("secops") / "templates"))
    raw = [path.name for path in folder.rglob("*.html") if "|safe" in path.read_text(encoding="utf-8").replace(" ", "")]  # fmt: skip
    facts = Facts.new()
    facts.note(bool(bench.app.jinja_env.autoescape), "模板自动转义", "templates escape by themselves")
    _report(facts, raw, "模板中没有跳过转义", "no template goes round the escaping")
    visitor, _ = bench.signed_in()
    page = visitor.get("/systems/?q=%3Cscript%3Ealert(1)%3C/script%3E").get_data(as_text=True)
    facts.note("<script>alert(1)" not in page, "回显的输入被转义", "input that is shown again is escaped")
    return facts.found()


_FORMULAS = ("=1+1", "+1", "-1+2", "@SUM(A1)", "\t=1", "\r=1", "＝1+1", "＠x")


@check(29)
def harmless_formulas(bench: Bench) -> Found:
    from secops.web.table_export import harmless

    live = [text for text in _FORMULAS if not harmless(text).startswith("'")]
    facts = Facts.new()
    facts.note(not live, f"{len(_FORMULAS)} 种公式开头全部被中和", f"all {len(_FORMULAS)} beginnings of a formula are made harmless")  # fmt: skip
    return facts.found()


@check(30)
def safe_formats(bench: Bench) -> Found:
    facts = Facts.new()
    yaml = [f"{name}:{call.lineno}" for name, call, dotted in _calls() if dotted in ("yaml.load", "yaml.unsafe_load", "yaml.full_load")]  # fmt: skip
    _report(
        facts,
        [item for item in yaml if not _is_safe_loader(item)],
        "YAML 只用安全加载",
        "YAML is loaded safely only",
    )
    pickles = [name for name, found in _imports() if found.split(".")[0] in ("pickle", "shelve", "dill")]
    _report(facts, pickles, "没有 pickle 一类的格式", "no pickle and the like")
    _report(facts, _bare_xml(), "XML 只经 defusedxml 解析", "XML is parsed by defusedxml only")
    return facts.found()


_XML_READERS = frozenset({"fromstring", "parse", "iterparse", "XML", "XMLParser", "fromstringlist"})


def _bare_xml() -> list[str]:
    """Modules that read XML by the standard library or lxml; to write it with them is harmless."""
    own = {name for name, found in _imports() if found.startswith(("xml.", "lxml"))}
    wrong = [
        name
        for name, found in _imports()
        if found.startswith(("xml.", "lxml")) and found.split(".")[-1] in _XML_READERS
    ]
    return wrong + [
        f"{name}:{call.lineno}"
        for name, call, dotted in _calls()
        if name in own
        and dotted.split(".")[0] in ("ET", "ElementTree", "etree")
        and dotted.split(".")[-1] in _XML_READERS
    ]


def _is_safe_loader(place: str) -> bool:
    name, _, line = place.partition(":")
    for node in ast.walk(trees()[name]):
        if isinstance(node, ast.Call) and node.lineno == int(line):
            loaders = [_dotted(word.value) for word in node.keywords if word.arg == "Loader"]
            loaders += [_dotted(argument) for argument in node.args[1:2]]
            # A loader of ours must come from the safe one; yaml.Loader itself is refused.
            return bool(loaders) and all("Safe" in loader or "_" in loader or loader.endswith("Reader") for loader in loaders)  # fmt: skip
    return False


@check(31)
def no_template_from_input(bench: Bench) -> Found:
    wrong = [
        f"{name}:{call.lineno}"
        for name, call, dotted in _calls()
        if dotted.split(".")[-1] in ("render_template_string", "from_string")
        and dotted.split(".")[0] in ("render_template_string", "flask", "env", "environment", "jinja2", "app")
    ]
    facts = Facts.new()
    _report(facts, wrong, "没有由输入生成的模板", "no template is made from text")
    evaluated = [f"{name}:{call.lineno}" for name, call, dotted in _calls() if dotted in ("eval", "exec")]
    _report(facts, evaluated, "没有 eval 和 exec", "no eval and no exec")
    return facts.found()


@check(48)
def random_numbers(bench: Bench) -> Found:
    facts = Facts.new()
    wrong = [
        name
        for name, found in _imports()
        if found == "random" or found.startswith(("random.", "numpy.random"))
    ]
    wrong = [name for name in wrong if not name.startswith(("secops/seed/", "secops/demo/"))]
    _report(
        facts, wrong, "安全用途不用 random 模块", "the module random is not used for anything that matters"
    )
    md5 = [
        f"{name}:{call.lineno}"
        for name, call, dotted in _calls()
        if dotted in ("hashlib.md5", "hashlib.sha1")
    ]
    _report(facts, md5, "没有 MD5、SHA-1", "no MD5 and no SHA-1")
    facts.note(len({bench.scratch.keys.random(16) for _ in range(64)}) == 64, "密钥提供者的随机数无重复", "random numbers of the key provider don't repeat")  # fmt: skip
    return facts.found()


@check(62)
def components(bench: Bench) -> Found:
    from secops.doctor import equipment
    from secops.doctor.result import Site, State

    facts = Facts.new()
    results = equipment.packages(Site(bench.settings))
    for item in results if isinstance(results, list) else [results]:
        facts.note(item.state is State.OK, item.zh, item.en, else_zh=item.zh, else_en=item.en)
    facts.note(False, "启动时自检文件", "files are checked at the start", else_zh="缺少启动时的文件完整性自检和组件清单（SBOM）", else_en="missing: a check of the own files at the start, and a bill of materials")  # fmt: skip
    return facts.found()


@check(63)
def documents(bench: Bench) -> Found:
    from secops.accounts.matrix import ACTIONS, PAGES, TECHNICAL
    from secops.web.gate import permissions
    from secops.web.labels import LABELS

    wordless = [
        endpoint
        for endpoint, _ in permissions().rules
        if endpoint.partition(".")[0] not in TECHNICAL
        and (endpoint.partition(".")[0] not in PAGES or endpoint.partition(".")[2] not in ACTIONS)
    ]
    facts = Facts.new()
    _report(facts, wordless, "权限矩阵由权限文件生成，每项都有文字", "the matrix comes from the permission file, with words for each entry")  # fmt: skip
    facts.note(bool(LABELS["audit_action"]), f"{len(LABELS['audit_action'])} 种审计动作有说明", f"{len(LABELS['audit_action'])} audit actions have words")  # fmt: skip
    facts.note(False, "数据分类、通信、密码清单文档", "data classes, communications, crypto inventory", else_zh="缺少数据分类、通信和密码使用清单的文档核对", else_en="missing: a check of the documents on data classes, communications and use of cryptography")  # fmt: skip
    return facts.found()
