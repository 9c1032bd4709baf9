"""Google-style docstrings as Markdown that reads well as text too."""  # noqa: INP001

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from typing import Final, TypeAlias

Link: TypeAlias = Callable[[str], str]
"""Gives a name that stands in backticks as it is to be written, linked or not."""

_NAMED: Final = ("Args", "Attributes", "Raises")
_PLAIN: Final = ("Returns", "Yields", "Note")
_SECTION = re.compile(rf"^({'|'.join((*_NAMED, *_PLAIN))}):$")
_ITEM = re.compile(r"^(\*{0,2}[\w.]+(?:, \*{0,2}[\w.]+)*): (.*)$")
_CODE = re.compile(r"(`[^`\n]+`)")
_SPECIAL = re.compile(r"(?<![\w*])\*[A-Za-z][\w ]*\*(?![\w*])|[*<]")
"""A name between stars stays as it is, in italics; a star or angle by itself would be taken for a sign."""
_BULLET = re.compile(r"^[*-] ")
_TITLES: Final = {"Args": "", "Raises": "**Raises**", "Returns": "**Returns** ", "Yields": "**Yields** ", "Note": ""}


def plain(name: str) -> str:
    """Write a name without a link."""
    return f"`{name}`"


def markdown(docstring: str, link: Link = plain, *, leave_out: tuple[str, ...] = ()) -> str:
    """Return a docstring as Markdown paragraphs and lists.

    Args:
        docstring: as `ast.get_docstring` gives it.
        link: how names in backticks are written.
        leave_out: sections that are shown elsewhere, such as the attributes of a table.
    """
    parts = []
    for title, lines in sections(docstring):
        if title in leave_out:
            continue
        if title in _NAMED:
            entries = [f"* `{names.replace(', ', '`, `')}`: {text(words, link)}" for names, words in items(lines)]
            parts.append(
                "\n".join([*filter(None, [_TITLES.get(title, "")]), *([""] if _TITLES.get(title) else []), *entries])
            )
        else:
            parts.append(_TITLES.get(title, "") + _paragraphs(lines, link))
    return "\n\n".join(part for part in parts if part.strip())


def summary(docstring: str, link: Link = plain) -> str:
    """Return the first paragraph in one line."""
    return text(docstring.split("\n\n", maxsplit=1)[0], link)


def sections(docstring: str) -> list[tuple[str, list[str]]]:
    """Return (title, lines) of each section, dedented; the text before the first has no title."""
    found: list[tuple[str, list[str]]] = [("", [])]
    for line in docstring.splitlines():
        section = _SECTION.match(line)
        if section:
            found.append((section[1], []))
        elif found[-1][0] and line and not line.startswith(" "):
            found.append(("", [line]))  # a paragraph at the margin ends a section
        else:
            found[-1][1].append(line)
    return [(title, inspect.cleandoc("\n".join(["", *lines])).splitlines()) for title, lines in found]


def items(lines: list[str]) -> list[tuple[str, str]]:
    """Return (names, words) of each entry of a section such as Args, each in one line."""
    found: list[tuple[str, str]] = []
    for line in lines:
        entry = _ITEM.match(line)
        if entry and not line.startswith(" "):
            found.append((entry[1], entry[2]))
        elif found and line.strip():
            found[-1] = (found[-1][0], f"{found[-1][1]} {line.strip()}")
    return found


def attributes(docstring: str) -> dict[str, str]:
    """Return what an Attributes section says of each name; several names may share their words."""
    found: dict[str, str] = {}
    for title, lines in sections(docstring):
        if title == "Attributes":
            for names, words in items(lines):
                found |= dict.fromkeys(names.split(", "), words)
    return found


def text(words: str, link: Link = plain) -> str:
    """Return running text in one line, with nothing in it that Markdown would take for a sign of its own."""
    pieces = _CODE.split(" ".join(words.split()))
    return "".join(
        link(piece[1:-1]) if place % 2 else _SPECIAL.sub(_escaped, piece) for place, piece in enumerate(pieces)
    )


def cell(words: str) -> str:
    """Return text that may stand in a table."""
    return words.replace("|", "\\|").replace("\n", " ")


def _escaped(sign: re.Match[str]) -> str:
    return {"*": "\\*", "<": "&lt;"}.get(sign[0], sign[0])


def _paragraphs(lines: list[str], link: Link) -> str:
    """Return text line by line: paragraphs, lists, and what is indented as it is."""
    written: list[str] = []
    block: list[str] = []

    def flush() -> None:
        if block:
            written.append(text(" ".join(block), link))
            block.clear()

    for line in [*lines, ""]:
        if not line.strip():
            flush()
            if written and written[-1]:
                written.append("")
        elif line.startswith(("    ", "|")):
            flush()
            written.append(line)
        elif _BULLET.match(line):
            flush()
            block.append(line[2:])
            written.append("* " + text(" ".join(block), link))
            block.clear()
        elif written and written[-1].startswith("* ") and line.startswith("  "):
            written[-1] += " " + text(line, link)
        else:
            block.append(line)
    return "\n".join(written).strip("\n")
