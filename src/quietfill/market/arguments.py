"""How models read their arguments: finite floats within bounds, refused by name and value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from quietfill.domain import fields
from quietfill.domain.errors import BadInput
from quietfill.domain.fields import shown

if TYPE_CHECKING:
    from collections.abc import Iterable


def finite(value: Any, name: str) -> float:
    """Accept a finite number of any sign.

    Raises:
        BadInput: naming *name* and the value.
    """
    try:
        return float(fields.number(value, name))
    except OverflowError:
        raise BadInput(f"{name} must be finite, not {shown(value)}") from None


def positive(value: Any, name: str) -> float:
    """Accept a finite number above zero.

    Raises:
        BadInput: naming *name* and the value.
    """
    read = finite(value, name)
    if read <= 0:
        raise BadInput(f"{name} must be positive, not {shown(value)}")
    return read


def not_negative(value: Any, name: str) -> float:
    """Accept a finite number of zero or more.

    Raises:
        BadInput: naming *name* and the value.
    """
    read = finite(value, name)
    if read < 0:
        raise BadInput(f"{name} must not be negative, not {shown(value)}")
    return read


def share(value: Any, name: str) -> float:
    """Accept a number from 0 to 1, both ends in.

    Raises:
        BadInput: naming *name* and the value.
    """
    return float(fields.fraction(value, name))


def inner_share(value: Any, name: str) -> float:
    """Accept a number strictly between 0 and 1.

    Raises:
        BadInput: naming *name* and the value.
    """
    read = finite(value, name)
    if not 0 < read < 1:
        raise BadInput(f"{name} must lie between 0 and 1, both ends out, not {shown(value)}")
    return read


def participation(value: Any, name: str) -> float:
    """Accept a share of the market's volume: above 0, at most 1.

    Raises:
        BadInput: naming *name* and the value.
    """
    read = positive(value, name)
    if read > 1:
        raise BadInput(f"{name} must be a share of the volume, at most 1, not {shown(value)}")
    return read


def count(value: Any, name: str) -> int:
    """Accept a whole number of at least one.

    Raises:
        BadInput: naming *name* and the value.
    """
    read = fields.whole(value, name)
    if read < 1:
        raise BadInput(f"{name} must be at least 1, not {shown(value)}")
    return read


def figures(values: Iterable[Any], name: str) -> tuple[float, ...]:
    """Accept one or more finite numbers.

    Raises:
        BadInput: naming *name*, the place and the value.
    """
    read = tuple(finite(value, f"{name}[{place}]") for place, value in enumerate(values))
    if not read:
        raise BadInput(f"{name} is empty")
    return read
