"""How public records read their fields: what a caller may write, and what is refused by name and value.

A field states its rule in its type, as `Annotated[str, text]`; `read_fields` applies the rules of a record
once, on construction. A rule takes the value and the field's name, and returns the value in its one form.
Rules catch what can never be meant (a wrong type, NaN, a naive datetime, an unknown side). Whether an order
makes sense is asked at admission, where the answer is an event with a reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from functools import cache
from math import isfinite
from operator import index
from types import MappingProxyType
from typing import Any, SupportsIndex, TypeAlias, TypeVar, get_type_hints

import msgspec
from msgspec.structs import force_setattr

from quietfill.domain.errors import BadInput
from quietfill.domain.types import OrderSide, to_decimal

Rule: TypeAlias = Callable[[Any, str], Any]

Number: TypeAlias = float | Decimal
"""What a public price, rate or amount may be: int, float or Decimal, kept as it was given."""

Size: TypeAlias = int | Decimal
"""A public quantity: an int where it is whole, else an exact Decimal."""

_LONGEST_SHOWN = 80

_Member = TypeVar("_Member", bound=StrEnum)


def read_fields(record: msgspec.Struct) -> None:
    """Bring every field of a record that is being constructed into its one form.

    Raises:
        BadInput: when a value breaks its field's rule; the message names both.
    """
    for name, rule in _rules(type(record)):
        given = getattr(record, name)
        read = rule(given, name)
        if read is not given:
            force_setattr(record, name, read)


@cache
def _rules(record: type[msgspec.Struct]) -> tuple[tuple[str, Rule], ...]:
    hints = get_type_hints(record, include_extras=True)
    found = ((name, getattr(hints[name], "__metadata__", ())) for name in record.__struct_fields__)
    return tuple((name, rule) for name, rules in found for rule in rules if callable(rule))


def optional(rule: Rule) -> Rule:
    """Return *rule* for a field that may also be None."""
    return lambda value, name: None if value is None else rule(value, name)


def text(value: object, name: str) -> str:
    """Accept any text."""
    if not isinstance(value, str):
        raise BadInput(f"{name} must be text, not {shown(value)}")
    return value


def named(value: object, name: str) -> str:
    """Accept text that is not empty."""
    if not text(value, name).strip():
        raise BadInput(f"{name} must not be empty")
    return str(value)


def texts(value: object, name: str) -> tuple[str, ...]:
    """Accept a list of texts; one bare text is refused, since its letters would be taken one by one."""
    if isinstance(value, (str, bytes)) or not isinstance(value, Iterable):
        raise BadInput(f"{name} must be a list of texts, not {shown(value)}")
    return tuple(text(item, f"{name}[{place}]") for place, item in enumerate(value))


def flag(value: object, name: str) -> bool:
    """Accept True or False and nothing that only looks like them."""
    if value is not True and value is not False:
        raise BadInput(f"{name} must be True or False, not {shown(value)}")
    return value


def whole(value: object, name: str) -> int:
    """Accept an integer of any kind, numpy's too, but no bool."""
    read = _as_int(value)
    if read is None:
        raise BadInput(f"{name} must be a whole number, not {shown(value)}")
    return read


def number(value: object, name: str) -> Number:
    """Accept a finite int, float or Decimal, of any sign."""
    if not isinstance(value, (float, Decimal)):
        read = _as_int(value)
        if read is None:
            raise BadInput(f"{name} must be a number, not {shown(value)}")
        return read
    if not (isfinite(value) if isinstance(value, float) else value.is_finite()):
        raise BadInput(f"{name} must be finite, not {shown(value)}")
    return value


def _as_int(value: object) -> int | None:
    if type(value) is int:
        return value
    if isinstance(value, bool) or not isinstance(value, SupportsIndex):
        return None
    try:
        return index(value)
    except TypeError:  # numpy's bool says that it is an index, and is none
        return None


def fraction(value: object, name: str) -> Number:
    """Accept a number from 0 to 1."""
    read = number(value, name)
    if not 0 <= read <= 1:
        raise BadInput(f"{name} must lie between 0 and 1, not {shown(value)}")
    return read


def size(value: object, name: str) -> Size:
    """Accept a finite quantity of any sign: an int stays an int, a broken number becomes an exact Decimal."""
    if type(value) is int:
        return value
    exact = to_decimal(number(value, name), name)
    return int(exact) if exact == exact.to_integral_value() else exact


def size_not_negative(value: object, name: str) -> Size:
    """Accept a quantity of zero or more."""
    read = size(value, name)
    if read < 0:
        raise BadInput(f"{name} must not be negative, not {shown(value)}")
    return read


def size_positive(value: object, name: str) -> Size:
    """Accept a quantity above zero."""
    read = size(value, name)
    if read <= 0:
        raise BadInput(f"{name} must be positive, not {shown(value)}")
    return read


def moment(value: object, name: str) -> datetime:
    """Accept an aware datetime and return it in UTC."""
    if not isinstance(value, datetime):
        raise BadInput(f"{name} must be a datetime, not {shown(value)}")
    if value.utcoffset() is None:
        raise BadInput(f"{name} must be an aware datetime, not the naive {value.isoformat()}")
    return value if value.tzinfo is UTC else value.astimezone(UTC)


def member(kind: type[_Member]) -> Callable[[object, str], _Member]:
    """Return the rule for one member of an enumeration, written in any letter case."""
    by_text = {str(item).lower(): item for item in kind}

    def rule(value: object, name: str) -> _Member:
        if type(value) is kind:
            return value
        found = by_text.get(value.lower()) if isinstance(value, str) else None
        if found is None:
            raise BadInput(f"{name} must be one of {', '.join(kind)}, not {shown(value)}")
        return found

    return rule


side = member(OrderSide)


def exactly(expected: StrEnum) -> Rule:
    """Return the rule for a field that the record's class fixes."""

    def rule(value: object, name: str) -> StrEnum:
        if value != expected:
            raise BadInput(f"{name} of this event is {expected}, not {shown(value)}")
        return expected

    return rule


def choice(*words: str) -> Rule:
    """Return the rule for one of a few words, in any letter case."""

    def rule(value: object, name: str) -> str:
        word = value.lower() if isinstance(value, str) else value
        if word not in words:
            raise BadInput(f"{name} must be one of {', '.join(words)}, not {shown(value)}")
        return str(word)

    return rule


def mapping(value: object, name: str) -> Mapping[str, Any]:
    """Accept a mapping with text keys and return a frozen copy of it."""
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise BadInput(f"{name} must be a mapping with text keys, not {shown(value)}")
    return MappingProxyType(dict(value))


def plain(value: object) -> Any:
    """Return *value* in what JSON can hold: enums and Decimals as text, datetimes as ISO text."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, (set, frozenset)):
        return sorted(str(plain(item)) for item in value)
    return _plain_scalar(value)


def _plain_scalar(value: object) -> Any:
    match value:
        case None | bool() | int():
            return value
        case float() if isfinite(value):
            return float(value)
        case datetime():
            return value.isoformat()
        case Decimal():
            return format(value, "f")
        case _:
            return str(value)


def shown(value: object) -> str:
    """Return *value* as an error message shows it: on one line, and not too long."""
    line = " ".join(repr(value).split())
    return line if len(line) <= _LONGEST_SHOWN else f"{line[:_LONGEST_SHOWN]}..."
