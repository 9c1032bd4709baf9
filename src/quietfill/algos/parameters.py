"""Read an algo's parameters, and say what they are: both from the one schema that its `Params` is."""

from __future__ import annotations

import re
from decimal import Decimal
from math import isfinite
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import inspect

from quietfill.algos.base import AlgoParams
from quietfill.domain.errors import BadInput
from quietfill.domain.types import PRICE_SCALE, QUANTITY_SCALE

if TYPE_CHECKING:
    from collections.abc import Mapping

_SIZES = ("min_child", "max_child", "display_size", "min_size")


class ParamRow(msgspec.Struct, frozen=True):
    """One parameter, as people read it."""

    name: str
    type: str
    default: str
    meaning: str


def read_params(algo: str, schema: type[AlgoParams], given: Mapping[str, Any]) -> AlgoParams:
    """Return *given* as *schema*; texts are read as numbers, flags and choices.

    Raises:
        BadInput: one line that names algo, key and value.
    """
    for key in given:
        if key not in schema.__struct_fields__:
            known = ", ".join(sorted(schema.__struct_fields__))
            raise BadInput(f"{algo}: unknown parameter {key!r}; known: {known}")
    try:
        params = msgspec.convert(dict(given), schema, strict=False)
    except msgspec.ValidationError as error:
        raise BadInput(_explained(algo, schema, given, str(error))) from None
    for key in given:  # a default is the schema's own word
        try:
            _check_number(key, getattr(params, key))
        except ValueError as error:
            raise BadInput(f"{algo}: {key} = {given.get(key)!r}: {error}") from None
    largest = params.max_child_quantity
    if largest is not None and largest < params.min_child_quantity:
        raise BadInput(f"{algo}: max_child {params.max_child} is below min_child {params.min_child}")
    return params


_LARGEST = 9_000_000_000
"""More than any price or size of ours can hold."""


def schema_rows(schema: type[AlgoParams]) -> list[ParamRow]:
    """Return the parameters of a schema, its own before those that every algo has."""
    meanings = _meanings(schema)
    rows = [
        ParamRow(field.name, _type_text(field.type), _default_text(field.default), meanings.get(field.name, ""))
        for field in _fields(schema)
    ]
    shared = set(AlgoParams.__struct_fields__)
    return sorted(rows, key=lambda row: row.name in shared)


def _check_number(key: str, value: object) -> None:
    """Refuse what a type cannot: not finite, finer than we count, or no size."""
    if not isinstance(value, (float, Decimal)):
        return
    if not isfinite(value):
        raise ValueError("must be finite")
    if not -_LARGEST <= value <= _LARGEST:
        raise ValueError("is too large")
    if key == "limit_price" and value * PRICE_SCALE % 1:
        raise ValueError("must have no more than 9 decimal places")
    if key in _SIZES:
        if value <= 0:
            raise ValueError("must be above 0")
        if value * QUANTITY_SCALE % 1:
            raise ValueError("must have no more than 8 decimal places")


def _explained(algo: str, schema: type[AlgoParams], given: Mapping[str, Any], reason: str) -> str:
    """Turn "Expected `float` < 1.0 - at `$.jitter`" into a line that names key, value and what it may be."""
    said, _, place = reason.partition(" - at `$.")
    key = place.rstrip("`")
    kinds = {field.name: _type_text(field.type) for field in _fields(schema)}
    if key in given:
        return f"{algo}: {key} = {given[key]!r}: must be {kinds[key]}"
    return f"{algo}: {said.replace('`', '')}"


def _fields(schema: type[AlgoParams]) -> tuple[inspect.Field, ...]:
    info = inspect.type_info(schema)
    assert isinstance(info, inspect.StructType), f"{schema} is a struct"
    return info.fields


def _meanings(schema: type[AlgoParams]) -> dict[str, str]:
    """Read the `Attributes:` sections of a schema and of those that it extends."""
    found: dict[str, str] = {}
    for part in reversed(schema.__mro__):
        section = (part.__doc__ or "").partition("Attributes:")[2]
        names: list[str] = []
        for line in section.splitlines():
            entry = re.match(r"\s*([a-z_]+(?:, [a-z_]+)*): (.*)", line)
            if entry and set(entry[1].split(", ")) <= set(schema.__struct_fields__):
                names = entry[1].split(", ")
                found |= dict.fromkeys(names, entry[2].strip())
            elif line.strip():
                found |= {name: f"{found[name]} {line.strip()}" for name in names}
    return found


_PLAIN: dict[type[inspect.Type], str] = {
    inspect.DecimalType: "a number",
    inspect.BoolType: "true or false",
    inspect.StrType: "text",
}


def _type_text(kind: inspect.Type) -> str:
    match kind:
        case inspect.UnionType(types=types):
            return " or ".join(_type_text(one) for one in types if not isinstance(one, inspect.NoneType))
        case inspect.FloatType() | inspect.IntType():
            words = (("above", kind.gt), ("at least", kind.ge), ("below", kind.lt), ("at most", kind.le))
            name = "a number" if isinstance(kind, inspect.FloatType) else "a whole number"
            return ", ".join([name, *(f"{word} {bound:g}" for word, bound in words if bound is not None)])
        case inspect.EnumType(cls=cls):
            return " | ".join(str(member.value) for member in cls)
        case inspect.Metadata(type=inner):
            return _type_text(inner)
        case _:
            return _PLAIN.get(type(kind), type(kind).__name__.removesuffix("Type").lower())


def _default_text(default: object) -> str:
    if default is msgspec.NODEFAULT:
        return "required"
    return "" if default is None else str(default).lower() if isinstance(default, bool) else str(default)
