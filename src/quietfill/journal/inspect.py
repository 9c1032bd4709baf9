"""What people do with a journal file that no agent has to be running for: look at it, prove it, copy it out."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import msgspec

from quietfill.domain.errors import BadInput, JournalError
from quietfill.domain.types import iso_time
from quietfill.journal.codec import CODEC, GENESIS, DamagedError
from quietfill.journal.sqlite_file import JournalReader
from quietfill.ports.journal import JournalEntry


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyResult:
    """What a journal file holds that can be trusted.

    Attributes:
        count: records up to the first bad one, or all.
        head: hex digest of the last of these.
        noted_at: how many records there were when the head that the caller knows was the head; None when no
            head was given or it is not on the chain.
        problem: why the rest cannot be trusted; None when all is well.
    """

    count: int
    head: str
    noted_at: int | None
    problem: JournalError | None


def verify(path: str | Path, noted_head: str | None = None) -> VerifyResult:
    """Check every record of a journal against the chain, and the file itself.

    The chain alone cannot show that its last records were cut off, or that the whole file was written anew:
    that takes a head which was noted elsewhere, at any earlier time.

    Raises:
        JournalError: when the file is no journal at all, or newer than this Quietfill.
        BadInput: when *noted_head* is not a digest.
    """
    wanted = _digest(noted_head)
    count, digest, problem = 0, GENESIS, None
    noted_at = 0 if wanted == GENESIS else None
    with JournalReader(path) as reader:
        try:
            for entry in reader.read():
                count, digest = entry.sequence, entry.digest
                if digest == wanted:
                    noted_at = count
            reader.check_structure()
        except DamagedError as damage:
            problem = damage
    if problem is None and wanted is not None and noted_at is None:
        problem = DamagedError(str(path), 0, f"head {wanted.hex()} is not on its chain, so it was cut or rewritten")
    return VerifyResult(count=count, head=digest.hex(), noted_at=noted_at, problem=problem)


def entries(path: str | Path, after: int = 0) -> Iterator[JournalEntry]:
    """Yield the entries of a journal file behind sequence number *after*, verifying the chain.

    Raises:
        JournalError: as `JournalReader` and its `read` do.
    """
    with JournalReader(path) as reader:
        yield from reader.read(after)


def describe(entry: JournalEntry) -> str:
    """Return an entry as one line: number, time, kind, and its fields as JSON."""
    body = CODEC.encode(entry.record)
    content = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    kind = msgspec.json.decode(content.pop("kind"), type=str)
    del content["at"]
    return f"{entry.sequence:>7} {iso_time(entry.record.at)} {kind:<18} {msgspec.json.encode(content).decode()}"


def export(path: str | Path, out: BinaryIO) -> int:
    """Write a journal to *out* as JSON lines of sequence, digest, schema and record; return how many.

    The record stands there byte by byte as it was digested, so that the chain can be checked from the export.

    Raises:
        JournalError: as `JournalReader` and its `read` do.
    """
    count = 0
    with JournalReader(path) as reader:
        for row in reader.rows():
            start = f'{{"sequence":{row.sequence},"digest":"{row.digest.hex()}","schema":{row.version},"record":'
            out.write(start.encode() + row.body + b"}\n")
            count += 1
    return count


def export_file(path: str | Path, target: str | Path) -> int:
    """Do `export` into a file, which is there completely or not at all.

    Raises:
        JournalError: as `export` does.
        BadInput: when *target* cannot be written.
    """
    target = Path(os.path.realpath(target))  # a link is followed, never replaced
    if target.exists() and not target.is_file():
        raise BadInput(f"{target}: not a regular file")
    partial = target.with_name(target.name + ".partial")
    try:
        with partial.open("wb") as out:
            count = export(path, out)
        os.replace(partial, target)  # noqa: PTH105 - reads as the step that it is
    except OSError as error:
        raise BadInput(f"{target}: {error.strerror or error}") from error
    finally:
        partial.unlink(missing_ok=True)
    return count


def _digest(head: str | None) -> bytes | None:
    if head is None:
        return None
    if not re.fullmatch(r"[0-9a-fA-F]{64}", head):
        raise BadInput(f"a head is 64 hexadecimal digits, not {head!r}")
    return bytes.fromhex(head)
