"""Samples as they come from outside: finite numbers, enough of them, or an error that says which is not."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, Any

from quietfill.domain.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Sequence


def sample(values: Sequence[Any], name: str, *, least: int = 1) -> list[float]:
    """Return *values* as floats.

    Raises:
        BadInput: when there are fewer than *least*, or one is not a finite number.
    """
    if len(values) < least:
        raise BadInput(f"{name} must have at least {least} values, not {len(values)}")
    for place, value in enumerate(values):
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not isfinite(value):
            raise BadInput(f"{name}[{place}] must be a finite number, not {value!r}")
    return [float(value) for value in values]


def paired(first: Sequence[float], second: Sequence[float], *, least: int = 2) -> list[tuple[float, float]]:
    """Return two samples of the same orders as pairs.

    Raises:
        BadInput: when they are not of one length, are fewer than *least*, or hold what is no finite number.
    """
    ours, theirs = sample(first, "first", least=least), sample(second, "second", least=least)
    if len(ours) != len(theirs):
        raise BadInput(f"first and second must be of one length, not {len(ours)} and {len(theirs)}")
    return list(zip(ours, theirs, strict=True))
