"""The bearer token of the control port: a file that only its owner can read.

On Windows there are no such mode bits: the file has the rights of its folder, which must be the user's own.
"""

from __future__ import annotations

import os
import re
import secrets
import stat
from contextlib import suppress
from pathlib import Path
from typing import Final

from quietfill.domain.errors import BadInput

SHORTEST: Final = 32
"""Characters of the shortest token that is taken."""

_LONGEST: Final = 1_024
_BYTES: Final = 32
_TOKEN: Final = re.compile(rb"[\x21-\x7e]+")
_READ: Final = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
_CREATE: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0)


def token_from(path: Path) -> str:
    """Return the token in a file, which is made when it is missing.

    Raises:
        BadInput: as `read_token` does, or when the file cannot be made.
    """
    try:
        if not os.path.lexists(path):
            _make(path)
    except OSError as error:
        raise BadInput(f"token file {path}: cannot be made: {error.strerror or error}") from None
    return read_token(path)


def read_token(path: Path) -> str:
    """Return the token in a file.

    Raises:
        BadInput: when it is missing, a link, no plain file, readable by others, somebody else's, or holds no token.
            The message never shows what is in it.
    """
    try:
        if path.is_symlink():
            raise BadInput(f"token file {path}: is a link; name the file itself")
        handle = os.open(path, _READ)
    except FileNotFoundError:
        raise BadInput(f"token file {path}: is missing; `quietfill run` makes it") from None
    except OSError as error:
        raise BadInput(f"token file {path}: cannot be read: {error.strerror or error}") from None
    try:
        _check(path, os.fstat(handle))
        content = os.read(handle, _LONGEST + 2)
    finally:
        os.close(handle)
    return _checked(path, content)


def _check(path: Path, facts: os.stat_result) -> None:
    """Refuse what others may read; the open file is asked, so that nobody can change it in between."""
    if not stat.S_ISREG(facts.st_mode):
        raise BadInput(f"token file {path}: is no plain file")
    if os.name != "posix":
        return
    if facts.st_mode & 0o077:
        raise BadInput(
            f"token file {path}: others may read or write it (mode {stat.S_IMODE(facts.st_mode):04o}): run chmod 600"
            " on it, or delete it for a new token if somebody else may have seen it"
        )
    if os.geteuid() not in {0, facts.st_uid}:
        raise BadInput(f"token file {path}: belongs to another user")


def _checked(path: Path, content: bytes) -> str:
    token = content.strip()
    if not token:
        raise BadInput(f"token file {path}: is empty; delete it, and the next start makes a new one")
    if not SHORTEST <= len(token) <= _LONGEST or not _TOKEN.fullmatch(token):
        raise BadInput(
            f"token file {path}: holds no token: it must be one line of {SHORTEST} to {_LONGEST} letters, digits or"
            " signs without spaces"
        )
    return token.decode("ascii")


def _make(path: Path) -> None:
    """Make the file under another name and give it its own when it is whole, so that nobody reads half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    handle = os.open(draft, _CREATE, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(secrets.token_urlsafe(_BYTES).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):  # another start was faster: its token holds
            if os.name == "posix":
                os.link(draft, path)
            else:
                draft.rename(path)  # there, renaming never replaces
    finally:
        draft.unlink(missing_ok=True)
