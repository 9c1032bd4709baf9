"""What several commands' options have in common: how texts become numbers, dates and pairs."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, TypeAlias

from cyclopts import Parameter

from quietfill.domain.errors import BadInput
from quietfill.domain.types import MILLISECOND, Duration, to_decimal

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

Flag: TypeAlias = Annotated[bool, Parameter(negative=())]
Text: TypeAlias = Annotated[str, Parameter(allow_leading_hyphen=True)]
"""A number as text: ours to read, so that the error names the value, and a minus sign is no option."""
Texts: TypeAlias = Annotated[list[str] | None, Parameter(negative=())]


def pairs(texts: Sequence[str] | None, option: str) -> dict[str, str]:
    """Return `KEY=VALUE` texts as a mapping.

    Raises:
        BadInput: when one has no `=`, or a key comes twice.
    """
    found: dict[str, str] = {}
    for text in texts or ():
        key, separator, value = text.partition("=")
        if not separator or not key.strip():
            raise BadInput(f"{option} {text!r} is not of the form KEY=VALUE")
        if key.strip() in found:
            raise BadInput(f"{option} {key.strip()} is given twice")
        found[key.strip()] = value.strip()
    return found


def maybe_decimal(text: str | None, name: str) -> Decimal | None:
    """Return a number, None where none is given."""
    return None if text is None else decimal(text, name)


def decimal(text: str, name: str) -> Decimal:
    """Return a number.

    Raises:
        BadInput: when it is none, or not finite.
    """
    try:
        return to_decimal(text, name)
    except ValueError as error:
        raise BadInput(str(error)) from None


def milliseconds(text: str, name: str) -> Duration:
    """Return a duration given in milliseconds in ns.

    Raises:
        BadInput: when it is no number, or negative.
    """
    number = decimal(text, name)
    if number < 0:
        raise BadInput(f"{name} must not be negative, not {text}")
    return round(number * MILLISECOND)


def day(text: str | None) -> date | None:
    """Return a date like 2023-07-11.

    Raises:
        BadInput: when it is none.
    """
    try:
        return None if text is None else date.fromisoformat(text)
    except ValueError:
        raise BadInput(f"date {text!r} is not a date like 2023-07-11") from None


def writable(path: Path, what: str) -> Path:
    """Return *path* if a file can be put there, before any work is done for it.

    Raises:
        BadInput: when it is a folder, or its folder is missing.
    """
    if path.is_dir():
        raise BadInput(f"{path}: is a folder, not a file for the {what}")
    if not path.absolute().parent.is_dir():
        raise BadInput(f"{path.parent}: no such folder for the {what}")
    return path
