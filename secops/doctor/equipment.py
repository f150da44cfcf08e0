"""Outside tools, fonts, the PDF engine, Python packages and plug-ins."""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import secops
from scanners.tools import TOOL_PATH
from secops.doctor.result import Check, Site, State, install_command

_TOOLS = (
    ("nmap", "nmap", "nmap", "端口与服务扫描", "port and service scans"),
    ("openssl", "openssl", "openssl", "证书检查的对照", "a second opinion on certificates"),
    ("ssh", "openssh-client", "openssh-clients", "手工登录核查", "log-in by hand"),
    ("chromium", "chromium", "chromium", "仅用于页面测试", "browser tests only"),
)


def tools(site: Site) -> list[Check]:
    """Which outside programs are here? A missing one costs the checks that need it and nothing else."""
    import shutil

    found = []
    for name, debian, rpm, zh, en in _TOOLS:
        # The same folders in which the probes look, whatever PATH says.
        path = shutil.which(name, path=site.search_path or TOOL_PATH)
        if path:
            found.append(Check(name, State.OK, f"{path}（{zh}）", f"{path} ({en})"))
        else:
            fix = install_command(debian, rpm, site)
            found.append(
                Check(
                    name,
                    State.ABSENT,
                    f"没有 {name}，相关功能不可用：{zh}",
                    f"{name} is not here; without it: no {en}",
                    fix,
                )
            )
    return found


def fonts(site: Site) -> Check:
    """Is the Chinese font of the reports here?"""
    spec = importlib.util.find_spec("manimgx_fonts_cjk")
    files = list(Path(spec.origin).parent.glob("*.tt[cf]")) if spec and spec.origin else []
    if not files:
        return Check(
            "fonts", State.FAIL, "缺少报告用的中文字体", "The Chinese font of the reports is missing", "pip install manimgx-fonts-cjk"
        )  # fmt: skip
    return Check("fonts", State.OK, f"中文字体 {files[0].name}", f"Chinese font {files[0].name}")


def pdf_engine(site: Site) -> Check:
    """Can a page be set? Tried, since the engine is native code that may not suit this machine."""
    try:
        typst = importlib.import_module("typst")
        page = typst.compile("检查".encode(), ignore_system_fonts=True)
    except (ImportError, RuntimeError, OSError) as error:
        return Check(
            "pdf",
            State.FAIL,
            f"PDF 引擎不可用（{error}）",
            f"The PDF engine can't be used ({error})",
            "pip install typst",
        )
    if not bytes(page).startswith(b"%PDF"):
        return Check(
            "pdf", State.FAIL, "PDF 引擎没有给出 PDF", "The PDF engine gave no PDF", "pip install typst"
        )
    return Check("pdf", State.OK, "PDF 引擎可用", "The PDF engine works")


# --- packages against the lock ------------------------------------------------------------------------------

_PIN = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)==([^\s;\\]+)\s*(?:;\s*([^\\]+?))?\s*\\?$")


def pins(lock: str) -> Iterator[tuple[str, str]]:
    """(name, version) of every package that the lock demands on this machine."""
    from packaging.markers import InvalidMarker, Marker

    for line in lock.splitlines():
        match = _PIN.match(line)
        if match is None:
            continue
        name, version, marker = match.groups()
        try:
            wanted = marker is None or Marker(marker).evaluate()
        except InvalidMarker:
            wanted = False
        if wanted:
            yield name, version


def packages(site: Site) -> Check:
    """Are exactly the tested versions installed?"""
    lock = site.lock_file or Path(secops.__file__).resolve().parents[1] / "requirements.lock"
    if not lock.is_file():
        return Check(
            "packages",
            State.ABSENT,
            "没有锁定文件，未核对软件包版本",
            "No lock file, so versions were not compared",
        )
    wrong = []
    count = 0
    for name, version in pins(lock.read_text(encoding="utf-8")):
        count += 1
        try:
            found = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            wrong.append(f"{name} –≠{version}")
            continue
        if found != version:
            wrong.append(f"{name} {found}≠{version}")
    if wrong:
        shown = ", ".join(wrong[:6]) + (" …" if len(wrong) > 6 else "")
        return Check(
            "packages", State.WARN, f"{len(wrong)} 个软件包与锁定版本不同：{shown}", f"{len(wrong)} packages differ from the lock: {shown}",
            "make setup",
        )  # fmt: skip
    return Check("packages", State.OK, f"{count} 个软件包与锁定版本一致", f"{count} packages are as locked")


# --- what the registries found ------------------------------------------------------------------------------


def probes(site: Site) -> list[Check]:
    """Can every probe be used?"""
    from scanners.registry import load_registry

    found = load_registry()
    broken = [(plugin.name, plugin.error) for plugin in found.broken]
    return _registry("probes", "扫描探针", "probes", len(found.probes), broken)


def renderers(site: Site) -> list[Check]:
    """Can every kind of report be made?"""
    from reports.registry import find

    found = find()
    return _registry(
        "renderers",
        "报告格式",
        "report formats",
        len(found.renderers),
        [(p.name, p.error) for p in found.broken],
    )


def catalogues(site: Site) -> list[Check]:
    """Can every standard be read?"""
    from controls.registry import find_frameworks

    found, broken = find_frameworks()
    return _registry(
        "catalogues", "标准目录", "standards", len(found), [(plugin.name, plugin.error) for plugin in broken]
    )


def _registry(name: str, zh: str, en: str, count: int, broken: Iterable[tuple[str, str]]) -> list[Check]:
    checks = [
        Check(
            f"{name}:{plugin}", State.WARN, f"插件 {plugin} 不可用（{zh}）：{error[:200]}", f"Plug-in {plugin} can't be used ({en}): {error[:200]}",
            f"pip uninstall {_distribution(plugin) or plugin}",
        )
        for plugin, error in broken
    ]  # fmt: skip
    state = State.OK if count else State.FAIL
    return [Check(name, state, f"{zh} {count} 个", f"{count} {en}", "" if count else "make setup"), *checks]


def _distribution(plugin: str) -> str:
    for group in ("secops.probes", "secops.renderers", "secops.frameworks"):
        for point in importlib.metadata.entry_points(group=group, name=plugin):
            if point.dist is not None:
                return point.dist.name
    return ""
