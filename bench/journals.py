"""What the journal costs: `append` on the caller's thread, and the wait until records are durable."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from time import perf_counter
from typing import TYPE_CHECKING

from bench.decisions import writer_thread
from bench.measuring import Row, Size, Yardstick, interleaved, micros, micros_each
from quietfill.domain.records import ChildRequested
from quietfill.domain.types import OrderSide, TimeInForce
from quietfill.journal.codec import CODEC
from quietfill.journal.inspect import verify
from quietfill.journal.memory import MemoryJournal
from quietfill.journal.sqlite import SqliteJournal

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from quietfill.ports.journal import Journal

RECORD = ChildRequested(
    at=1_700_000_000_000_000_000,
    child_id="P-000123-0004",
    order_id="P-000123",
    key="slice-4",
    symbol="600961",
    side=OrderSide.BUY,
    quantity=500 * 10**8,
    limit_price=9_110_000_000,
    time_in_force=TimeInForce.DAY,
    good_till=1_700_000_600_000_000_000,
    why="rest at the near touch until 10:04:30, then step to mid",
    bid=9_110_000_000,
    ask=9_120_000_000,
)
GROUPS = (1, 10, 100)


def rows(size: Size, folder: Path) -> list[Row]:
    """Return the rows of this page."""
    memory, file = MemoryJournal(), SqliteJournal(folder / "append.journal")
    committing = SqliteJournal(folder / "commit.journal")
    with writer_thread(folder / "journal-plain") as write:
        body = CODEC.encode(RECORD)
        waits = {f"{group}": _commit(committing, group) for group in GROUPS}
        figures = interleaved(
            size.rounds,
            {
                "memory": lambda: micros_each(lambda: memory.append([RECORD]), size.samples),
                "sqlite": lambda: micros_each(lambda: file.append([RECORD]), size.samples),
                "disk": lambda: micros(lambda: write(body), size.samples),
                **{name: partial(micros, wait, size.samples) for name, wait in waits.items()},
            },
        )
        with spinning():
            beside = interleaved(1, {"busy": lambda: micros(waits["1"], size.samples // 10)})["busy"]
    file.close()
    committing.close()
    disk = Yardstick("append + fdatasync in a thread", figures["disk"])
    durable = [
        Row(what=f"until durable, {group} together", measured=figures[f"{group}"], unit="us", yardstick=disk)
        for group in GROUPS
    ]
    return [
        Row(what="append a record, memory journal", measured=figures["memory"], unit="us"),
        Row(what="append a record, SQLite journal", measured=figures["sqlite"], unit="us", note=_APPEND_NOTE),
        *durable,
        Row(what="until durable, 1, beside a busy thread", measured=beside, unit="us", yardstick=disk, note=_BUSY_NOTE),
        *throughput(folder / "throughput.journal", size.samples * 100),
    ]


_APPEND_NOTE = "On the caller's thread, nothing waited for."
_BUSY_NOTE = "The other thread never gives the interpreter up of its own will."


def _commit(journal: SqliteJournal, group: int) -> Callable[[], None]:
    """Return what appends so many records and waits until they are durable."""
    heard = SimpleQueue[int]()

    def once() -> None:
        journal.on_commit(heard.put)
        end = journal.append([RECORD] * group)
        while heard.get() < end:
            pass

    return once


@contextmanager
def spinning() -> Generator[None]:
    """Have another thread compute all the while."""
    stopped = threading.Event()

    def spin() -> None:
        while not stopped.is_set():
            pass

    thread = threading.Thread(target=spin)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join()


def throughput(path: Path, count: int) -> list[Row]:
    """Return how many records a second become durable, ten an append, and are read back and verified."""
    journal: Journal = SqliteJournal(path)
    start = perf_counter()
    for _ in range(count // 10):
        journal.append([RECORD] * 10)
    journal.close()
    written = perf_counter()
    read = verify(path).count
    verified = perf_counter()
    assert read == count // 10 * 10, f"{read} of {count} records came back"
    return [
        Row(what="records made durable, ten an append", measured=read / (written - start), unit="1/s"),
        Row(what="records read, decoded and verified", measured=read / (verified - written), unit="1/s"),
    ]
