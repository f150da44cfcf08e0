"""What each finding of an inspection means, in words; the first part is kept by the row."""

from __future__ import annotations

WORDS: dict[str, tuple[str, str]] = {
    "archive-damaged": ("压缩包损坏或结构异常", "the archive is damaged or malformed"),
    "archive-duplicate": ("压缩包内有同名文件", "two members of the archive have the same name"),
    "archive-encrypted": ("含有加密内容，无法检查", "parts are encrypted and could not be examined"),
    "archive-member-size": ("压缩包内单个文件过大（超过 200 MB）", "a member is larger than 200 MB"),
    "archive-members": ("压缩包内文件过多（超过 1000 个）", "the archive has more than 1,000 members"),
    "archive-nested": ("压缩包多层嵌套", "archives are nested several deep"),
    "archive-nested-one": ("压缩包内还有压缩包", "an archive lies in the archive"),
    "archive-overlap": ("压缩包内文件相互重叠", "members of the archive overlap"),
    "archive-ratio": ("压缩比异常（超过 100 倍）", "it unpacks to more than 100 times its size"),
    "archive-size-lie": ("压缩包标明的大小与实际不符", "a member is larger than the archive says"),
    "archive-symlink": ("压缩包内有链接或设备文件", "the archive holds a link or a device"),
    "archive-total": ("解压后总量过大（超过 500 MB）", "it unpacks to more than 500 MB"),
    "archive-traversal": ("压缩包内路径指向包外", "a member's path leads out of the archive"),
    "archive-unreadable": ("此格式无法查看内部", "the inside of this format can't be looked at"),
    "image-damaged": ("图片损坏", "the picture is damaged"),
    "image-pixels": ("图片像素过多（超过 1 亿）", "the picture has more than 100 million pixels"),
    "malware": ("防病毒引擎报告恶意代码", "the virus scanner reports malware"),
    "not-examined": ("未能检查", "could not be examined"),
    "office-cells": ("单元格或段落过多（超过 200 万）", "it has more than 2 million cells or paragraphs"),
    "office-dde": ("含有 DDE 命令", "it holds a DDE command"),
    "office-external": ("打开时会访问外部地址", "it fetches from outside when opened"),
    "office-macro": ("含有宏", "it holds macros"),
    "office-object": ("含有嵌入对象", "it holds embedded objects"),
    "office-xml-size": ("文档内部数据过大", "a part of the document is too large"),
    "pdf-embedded": ("PDF 内嵌有文件", "files are embedded in the PDF"),
    "pdf-encrypted": ("PDF 已加密，无法检查", "the PDF is encrypted and could not be examined"),
    "pdf-launch": ("PDF 会启动程序或提交数据", "the PDF starts programs or sends data"),
    "pdf-script": ("PDF 含有脚本", "the PDF holds scripts"),
    "polyglot": ("同一文件中含有另一种格式", "a second format lies in the same file"),
    "resource-limit": ("检查时超出资源上限", "examining it took more than is allowed"),
    "svg-script": ("含有脚本", "it holds scripts"),
    "trailing-data": ("文件末尾附有多余数据", "something follows the end of the file"),
    "type-differs": ("内容与扩展名不符", "content and file name differ"),
    "xml-dtd": ("XML 含有实体定义", "its XML defines entities"),
}


def words_of(codes: list[str]) -> tuple[str, str]:
    """All findings as one text in both languages."""
    pairs = [WORDS.get(code, (code, code)) for code in codes]
    return "；".join(zh for zh, _ in pairs), "; ".join(en for _, en in pairs)
