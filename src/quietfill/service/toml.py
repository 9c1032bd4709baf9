"""TOML files read into structs, with errors that name the file and the place in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

import msgspec

from quietfill.domain.errors import BadInput

_Read = TypeVar("_Read")


def read_toml(path: Path, kind: type[_Read]) -> _Read:
    """Read a file.

    Raises:
        BadInput: when it is missing, no TOML, or not of that kind; one line that names the file and the place in it.
    """
    try:
        return msgspec.toml.decode(path.read_bytes(), type=kind, dec_hook=_path)
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror or error}") from None
    except msgspec.ValidationError as error:
        raise BadInput(f"{path}: {_in_words(str(error))}") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadInput(f"{path}: is no TOML: {error}") from None


def _path(kind: type, value: Any) -> Any:
    """Read the one type that TOML has no word for."""
    if kind is Path and isinstance(value, str) and value:
        return Path(value)
    raise ValueError(f"Expected a path, got {value!r}")


def _in_words(problem: str) -> str:
    """Return msgspec's message with the place in the file as TOML writes it."""
    what, separator, place = problem.partition(" - at `$")
    return f"{place.strip('`').lstrip('.')}: {what}" if separator else what
