"""Lines of an audit log: how they are sealed, and how to tell that none was tampered with."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from quietfill.domain.errors import JournalError

GENESIS = hashlib.sha256(b"quietfill audit log").hexdigest()
"""The digest before the first line."""

_START = b'{"seq":'
_FIRST = _START + b"1,"
_SEAL = b',"digest":"'
_FOREIGN = "not a Quietfill audit log"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditCheck:
    """What an audit log holds that can be trusted.

    Attributes:
        count: entries up to the first bad one, or all.
        head: digest of the last of these.
        sound_bytes: length of these in the file.
        torn_bytes: length of an unfinished last line, as a crash leaves it; it is not an entry.
        problem: what is wrong, in one line; None when all is well.
    """

    count: int
    head: str
    sound_bytes: int
    torn_bytes: int
    problem: str | None

    @property
    def is_sound(self) -> bool:
        """Whether nothing was tampered with."""
        return self.problem is None


class _Place(msgspec.Struct):
    seq: int
    prev: str


def seal(entry: Mapping[str, Any], content: Mapping[str, Any], previous: str) -> tuple[bytes, str]:
    """Return an entry as a line without its newline, and its digest."""
    body = _body(entry, content, previous)
    digest = hashlib.sha256(body).hexdigest()
    return b'%b%b%b"}' % (body[:-1], _SEAL, digest.encode()), digest


def check_file(path: Path, noted_head: str | None = None) -> AuditCheck:
    """Check an audit log file.

    Raises:
        JournalError: when it cannot be read.
    """
    try:
        with path.open("rb") as lines:
            return check_lines(str(path), lines, noted_head)
    except OSError as error:
        raise JournalError(f"{path}: {error.strerror or error}") from error


def check_lines(
    source: str, lines: Iterable[bytes], noted_head: str | None = None, *, begins_at: tuple[int, str] = (0, GENESIS)
) -> AuditCheck:
    """Check lines, which end in a newline each, against the chain that *begins_at* a count and a head.

    A *noted_head* is one that was noted elsewhere at any earlier time; it must lie on the chain.
    """
    (count, head), size, torn, fault = begins_at, 0, 0, None
    known = noted_head is None or noted_head == head
    for line in lines:
        if not line.endswith(b"\n"):
            torn = len(line)
            fault = None if count or line.startswith(_FIRST[:torn]) else _FOREIGN
            break
        if (fault := _fault(line[:-1], count + 1, head)) is not None:
            break
        count, head, size = count + 1, _digest(line[:-1]), size + len(line)
        known = known or head == noted_head
    if fault is None and not known:
        fault = f"damaged: head {noted_head} is not on its chain, so it was cut or rewritten"
    problem = None if fault is None else f"{source}: {fault}"
    return AuditCheck(count=count, head=head, sound_bytes=size, torn_bytes=torn, problem=problem)


def _fault(line: bytes, seq: int, previous: str) -> str | None:
    if seq == 1 and not (line.startswith(_START) and _SEAL in line):
        return _FOREIGN
    body, _, seal_text = line.rpartition(_SEAL)
    body += b"}"
    damaged = f"damaged at line {seq}"
    if seal_text != b'%b"}' % hashlib.sha256(body).hexdigest().encode():
        return f"{damaged}: digest does not match"
    try:
        place = msgspec.json.decode(body, type=_Place)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return f"{damaged}: not an entry: {error}"
    if place.seq != seq:
        return f"{damaged}: entry {seq} is missing, this is {place.seq}"
    return None if place.prev == previous else f"{damaged}: does not follow the line before"


def _digest(line: bytes) -> str:
    return line[-66:-2].decode("ascii")


def _body(entry: Mapping[str, Any], content: Mapping[str, Any], previous: str) -> bytes:
    try:
        return _ENCODE({**entry, "content": content, "prev": previous})
    except (TypeError, ValueError, RecursionError, msgspec.MsgspecError):
        # An audit log that refuses an entry for its form would lose it: keep it as readable as can be.
        plain = {name: ascii(value) if isinstance(value, str) else value for name, value in entry.items()}
        return _ENCODE({**plain, "content": {"unencodable": ascii(content)}, "prev": previous})


_ENCODE = msgspec.json.Encoder(enc_hook=repr).encode
