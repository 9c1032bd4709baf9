"""TOML files read into structs, with errors that name the file and the place in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec

from quietfill.domain.errors import BadInput

_Read = TypeVar("_Read")

_LARGEST: Final = 1_048_576
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"  # some editors begin a file with it


def read_toml(path: Path, kind: type[_Read]) -> _Read:
    """Read a file.

    Raises:
        BadInput: when it is missing, no TOML, or not of that kind; one line that names the file and the place in it.
    """
    content = _content(path)
    try:
        return msgspec.toml.decode(content, type=kind, dec_hook=_path)
    except msgspec.ValidationError as error:
        raise BadInput(f"{path}: {_in_words(str(error))}") from None
    except RecursionError:
        raise BadInput(f"{path}: is no TOML: too many brackets in one another") from None
    except ValueError as error:  # a number of thousands of digits among it
        raise BadInput(f"{path}: is no TOML: {error}") from None


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST + 1)
    except (OSError, ValueError) as error:
        raise BadInput(f"{path}: {getattr(error, 'strerror', None) or error}") from None
    if len(content) > _LARGEST:
        raise BadInput(f"{path}: is larger than {_LARGEST} bytes, so it is no configuration")
    return content.removeprefix(_BYTE_ORDER_MARK)


def _path(kind: type, value: Any) -> Any:
    """Read the one type that TOML has no word for."""
    if kind is Path and isinstance(value, str) and value:
        try:
            return Path(value).expanduser()
        except RuntimeError:
            raise ValueError(f"No home folder is known for {value!r}") from None
    raise ValueError(f"Expected a path, got {value!r}")


def _in_words(problem: str) -> str:
    """Return msgspec's message with the place in the file as TOML writes it."""
    what, separator, place = problem.partition(" - at `$")
    return f"{place.strip('`').lstrip('.')}: {what}" if separator else what
