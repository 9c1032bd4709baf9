"""`quietfill journal`: look at a journal, prove it, copy it out. No agent has to be running, and none is disturbed."""

from __future__ import annotations

from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, get_args

import msgspec

from quietfill.cli.options import Flag, writable
from quietfill.cli.terminal import Terminal
from quietfill.domain.errors import BadInput
from quietfill.domain.records import AnyRecord
from quietfill.journal import inspect
from quietfill.journal.codec import CODEC

if TYPE_CHECKING:
    from collections.abc import Iterable

    from quietfill.ports.journal import JournalEntry


KINDS: Final = frozenset(str(record.__struct_config__.tag) for record in get_args(AnyRecord))
"""What records call themselves."""


def show(path: Path, /, *, kind: str | None = None, order: str | None = None, last: int | None = None,
         json: Flag = False) -> int:  # fmt: skip
    """Print the records of a journal, one a line.

    Args:
        path: the journal.
        kind: only records of this kind, like child_filled.
        order: only records of this parent order or child, by its id.
        last: only the newest so many of these.
        json: print the records as one JSON object.
    """
    if kind is not None and kind not in KINDS:
        raise BadInput(f"kind must be one of {', '.join(sorted(KINDS))}, not {kind}")
    if last is not None and last < 0:
        raise BadInput(f"last must not be negative, not {last}")
    chosen: Iterable[JournalEntry] = (entry for entry in inspect.entries(path) if _matches(entry, kind, order))
    if last is not None:
        chosen = deque(chosen, maxlen=last)
    terminal = Terminal(json=json)
    if json:
        terminal.finish({"journal": path.name, "records": [_plain(entry) for entry in chosen]})
        return 0
    for entry in chosen:
        terminal.line(inspect.describe(entry))
    return 0


def verify(path: Path, /, *, head: str | None = None, json: Flag = False) -> int:
    """Check every record against the chain, and the file itself.

    Args:
        path: the journal.
        head: a head that was noted elsewhere; it must lie on the chain, which shows that nothing was cut off.
        json: print one JSON object.
    """
    found = inspect.verify(path, head)
    if found.problem is not None:
        raise found.problem
    terminal = Terminal(json=json)
    terminal.line(f"{path}: sound, {found.count} records, head {found.head}")
    if found.noted_at is not None:
        terminal.line(f"the head given is that of record {found.noted_at}")
    if json:
        terminal.finish({"records": found.count, "head": found.head, "noted_at": found.noted_at, "sound": True})
    return 0


def export(path: Path, /, *, out: Path, force: Flag = False, json: Flag = False) -> int:
    """Copy a journal out as JSON lines of sequence, digest, schema and record.

    Args:
        path: the journal.
        out: the file to write.
        force: write over a file that is there.
        json: print one JSON object.
    """
    if path.exists() and writable(out, "export").exists():
        if out.samefile(path):
            raise BadInput(f"{out}: is the journal itself")
        if not force:
            raise BadInput(f"{out}: is there already: --force writes over it")
    count = inspect.export_file(path, out)
    terminal = Terminal(json=json)
    terminal.line(f"{out}: {count} records")
    if json:
        terminal.finish({"records": count, "out": str(out)})
    return 0


def _matches(entry: JournalEntry, kind: str | None, order: str | None) -> bool:
    record = entry.record
    if kind is not None and type(record).__struct_config__.tag != kind:
        return False
    return (
        order is None
        or order in {getattr(record, "order_id", None), getattr(record, "child_id", None)}
        or (getattr(record, "child_id", "").startswith(f"{order}-"))
    )


def _plain(entry: JournalEntry) -> dict[str, Any]:
    record = msgspec.json.decode(CODEC.encode(entry.record))
    return {"sequence": entry.sequence, "digest": entry.digest.hex(), "record": record}
