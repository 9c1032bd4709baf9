"""`[control]` of the configuration file, and how clients read nothing but that: a mistake elsewhere stops no kill."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from quietfill.service.toml import read_toml


class ControlSection(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[control]`: the port by which people act, on this machine only.

    Attributes:
        token_file: holds the bearer token; made, readable by its owner only, when it is missing.
    """

    host: Annotated[str, Meta(min_length=1)] = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65_535)] = 7440
    token_file: Path = Path("data/control.token")

    def beside(self, folder: Path) -> ControlSection:
        """Return it with its path relative to *folder*."""
        return msgspec.structs.replace(self, token_file=folder / self.token_file)


class _File(msgspec.Struct, frozen=True, kw_only=True):
    """A configuration file as a client sees it; the rest of it is the agent's."""

    control: ControlSection = ControlSection()


def read_control(path: Path) -> ControlSection:
    """Return the `[control]` table of a configuration file, its path relative to the file's folder.

    Raises:
        BadInput: when the file is missing, no TOML, or this table is wrong; the message names it.
    """
    return read_toml(path, _File).control.beside(path.parent)
