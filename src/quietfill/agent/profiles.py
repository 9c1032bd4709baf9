"""Volume profiles as files: written whole or not at all, checked when read."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from quietfill.domain.errors import BadInput
from quietfill.market.volume_profile import VolumeProfile, decode, encode

if TYPE_CHECKING:
    from pathlib import Path

_LARGEST = 1_000_000


def read_profile(path: Path) -> VolumeProfile:
    """Return the profile in a file.

    Raises:
        BadInput: when it cannot be read or holds no profile; the message names the file.
    """
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST + 1)
    except OSError as error:
        raise BadInput(f"{path}: cannot be read ({error.strerror or error})") from None
    if len(content) > _LARGEST:
        raise BadInput(f"{path}: not a volume profile: larger than {_LARGEST} bytes")
    try:
        return decode(content)
    except BadInput as error:
        raise BadInput(f"{path}: {error}") from None


def write_profile(path: Path, profile: VolumeProfile) -> None:
    """Write a profile file that is there completely or not at all.

    Raises:
        BadInput: when it cannot be written.
    """
    if path.exists() and not path.is_file():
        raise BadInput(f"{path}: not a regular file")
    partial = path.with_name(path.name + ".partial")
    try:
        partial.write_bytes(encode(profile))
        os.replace(partial, path)  # noqa: PTH105 - reads as the step that it is
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise BadInput(f"{path}: {error.strerror or error}") from error
