"""The table of configuration keys in words: for error messages, and for the page *Configuration*."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Any

import msgspec

from quietfill.agent.settings import Settings


def config_table() -> str:
    """Return all keys as Markdown, a table a group, for the reference pages."""
    groups: dict[str, list[KeyRow]] = {}
    for row in described_keys().values():
        groups.setdefault(row.group, []).append(row)
    return "\n\n".join(f"## {group}\n\n{_group_table(rows)}" for group, rows in groups.items()) + "\n"


class KeyRow(msgspec.Struct, frozen=True, kw_only=True):
    """One key of the table, in words."""

    name: str
    default: Any
    expected: str
    meaning: str
    group: str
    is_unused: bool
    alias_of: str | None


@cache
def described_keys() -> Mapping[str, KeyRow]:
    """Return every key in the order of the table."""
    info = msgspec.inspect.type_info(Settings)
    assert isinstance(info, msgspec.inspect.StructType)
    return MappingProxyType({item.name: _row(item) for item in info.fields})


def _row(item: msgspec.inspect.Field) -> KeyRow:
    kind = item.type
    assert isinstance(kind, msgspec.inspect.Metadata)
    extra = kind.extra or {}
    return KeyRow(
        name=item.name,
        default=item.default if item.default_factory is msgspec.NODEFAULT else item.default_factory(),
        expected=_expectation(kind.type),
        meaning=(kind.extra_json_schema or {}).get("description", ""),
        group=extra["group"],
        is_unused=extra.get("unused", False),
        alias_of=extra.get("alias_of"),
    )


def _expectation(kind: msgspec.inspect.Type) -> str:  # noqa: PLR0911 - one line for each kind that the table has
    """Say in words what a key takes."""
    match kind:
        case msgspec.inspect.Metadata():
            return _expectation(kind.type)
        case msgspec.inspect.UnionType():
            return " or ".join(_expectation(part) for part in kind.types)
        case msgspec.inspect.IntType() | msgspec.inspect.FloatType():
            return f"a {'whole ' * isinstance(kind, msgspec.inspect.IntType)}number{_range(kind)}"
        case msgspec.inspect.StrType():
            return "a text" if kind.min_length is None else "a text that is not empty"
        case msgspec.inspect.NoneType():
            return "None"
        case msgspec.inspect.BoolType():
            return "True or False"
        case msgspec.inspect.DictType():
            return "a mapping"
        case _:
            return "a list of texts" + ", at least one" * bool(getattr(kind, "min_length", None))


def _range(kind: msgspec.inspect.IntType | msgspec.inspect.FloatType) -> str:
    if kind.le is None:
        return ""
    if kind.ge is None:
        return f" above {kind.gt:g} and at most {kind.le:,.16g}"
    return f" from {kind.ge:g} to {kind.le:,.16g}"


def _group_table(rows: list[KeyRow]) -> str:
    lines = ["| key | default | takes | meaning |", "|---|---|---|---|"]
    lines += [f"| `{row.name}` | `{_literal(row.default)}` | {row.expected} | {row.meaning} |" for row in rows]
    return "\n".join(lines)


def _literal(value: Any) -> str:
    """Write a default as a user would."""
    if isinstance(value, float):
        return format(value, ".15g")
    return f'"{value}"' if isinstance(value, str) else repr(value)
