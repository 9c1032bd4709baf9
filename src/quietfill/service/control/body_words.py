"""What is wrong with a request, in words: the field first, what it must be, and what was said instead."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, get_args, get_type_hints

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable

_MOST_SHOWN = 40
_BOUNDS: Final = {">=": "at least", ">": "above", "<=": "at most", "<": "below"}
_TYPES: Final = {
    "int": "a number",
    "float": "a number",
    "str": "text",
    "bool": "true or false",
    "datetime": "a time",
    "array": "a list",
    "object": "an object",
    "null": "nothing",
}
_TIME: Final = "must be a time with its offset from UTC, like 2026-11-23T15:55:00-05:00"


def in_words(error: msgspec.ValidationError, content: bytes, kind: type[msgspec.Struct]) -> str:
    """Return one line that says what is wrong with a body.

    Args:
        error: what the codec found.
        content: the body.
        kind: what it should have been.
    """
    what, _, place = str(error).partition(" - at `")
    if place.startswith("key"):
        return f"a name in {place.partition('$.')[2].strip('`')} {_must(what, kind, '')}"
    field = place.strip("`").removeprefix("$").lstrip(".")
    if not field:
        return _of_the_whole(what)
    return f"{field} {_must(what, kind, field)}{_instead(content, field)}"


def _of_the_whole(what: str) -> str:
    if found := re.search(r"unknown field `(.*)`", what):
        return f"{found[1]} is no field of this request"
    if found := re.search(r"missing required field `(.*)`", what):
        return f"{found[1]} is missing"
    return "the body is no JSON object"


def _must(what: str, kind: type[msgspec.Struct], field: str) -> str:
    for pattern, say in _RULES:
        if found := re.search(pattern, what):
            return say(found)
    if "enum value" in what:
        return f"must be {_or([str(choice) for choice in _choices(kind, field)])}"
    if "matching regex" in what:
        number = float in get_args(get_type_hints(kind).get(field))  # of no name, and of no text
        return "must be a plain number, like 1234.5" if number else "must be one line of printable text"
    return "is not what is asked for"


def _length(found: re.Match[str]) -> str:
    kind, bound, size = found[1], found[2], int(found[3])
    if bound == ">=" and size == 1:
        return "must not be empty"
    things = "characters" if kind == "str" else "entries"
    return f"must have {_BOUNDS[bound]} {size:,} {things}"


def _bound(found: re.Match[str]) -> str:
    return f"must be {_BOUNDS[found[1]]} {float(found[2]):,.10g}"


def _type(found: re.Match[str]) -> str:
    wanted = dict.fromkeys(_TYPES.get(name, name) for name in found[1].split(" | "))
    wanted.pop("nothing", None)
    return f"must be {_or(list(wanted))}"


_RULES: Final[tuple[tuple[str, Callable[[re.Match[str]], str]], ...]] = (
    (r"Expected `(\w+)` of length (<=|>=|<|>) (\d+)", _length),
    (r"Expected `(?:int|float)` (<=|>=|<|>) (-?[\d.e+]+)", _bound),
    (r"RFC3339|timezone component", lambda _found: _TIME),
    (r"Expected `([\w| ]+)`, got", _type),
)


def _choices(kind: type[msgspec.Struct], field: str) -> list[str]:
    hint = get_type_hints(kind)[field]
    return [
        choice
        for one in (hint, *get_args(hint))
        if isinstance(one, type) and issubclass(one, StrEnum)
        for choice in one
    ]


def _or(names: list[str]) -> str:
    return " or ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def _instead(content: bytes, field: str) -> str:
    """Return what was said in a field's place, where that is short enough to be shown."""
    try:
        said: Any = msgspec.json.decode(content).get(field)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return ""  # the codec stopped at the field and never saw what is wrong behind it
    if said == "" or (said is None and "[" in field) or isinstance(said, (list, dict)):
        return ""
    text = said if isinstance(said, str) else msgspec.json.encode(said).decode()
    return f", not {text}" if len(text) <= _MOST_SHOWN and text.isprintable() else ""
