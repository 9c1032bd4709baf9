"""What the journal costs: `append` on the caller's thread, and the wait until a record is durable.

The yardstick is a plain append and fdatasync handed to a thread, on the same disk in the same run.

    python bench/journal_commit.py [FOLDER]
"""

import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue
from statistics import median, quantiles

from quietfill.domain.records import ChildRequested
from quietfill.domain.types import OrderSide, TimeInForce
from quietfill.journal.inspect import verify
from quietfill.journal.memory import MemoryJournal
from quietfill.journal.sqlite import SqliteJournal
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
BODY = b"x" * 400


def show(what: str, micros: list[float]) -> None:
    """Print median and 99th percentile of durations in us."""
    print(f"{what:<52} {median(micros):>9.1f} {quantiles(micros, n=100)[98]:>9.1f}")


def timed(action: Callable[[], object], count: int) -> list[float]:
    """Return how long each call took, in us."""
    taken: list[float] = []
    for _ in range(count):
        start = time.perf_counter_ns()
        action()
        taken.append((time.perf_counter_ns() - start) / 1e3)
    return taken


def append_cost(journal: Journal, count: int = 20_000) -> list[float]:
    """Return us per appended record, nothing waited for."""
    return timed(lambda: journal.append([RECORD]), count)


def commit_wait(path: Path, records: int, count: int = 500) -> list[float]:
    """Return us from `append` of some records until the listener hears that they are durable."""
    journal, durable = SqliteJournal(path), SimpleQueue[int]()
    journal.on_commit(durable.put)

    def once() -> None:
        end = journal.append([RECORD] * records)
        while durable.get() < end:
            pass

    taken = timed(once, count)
    journal.close()
    return taken


def commit_wait_beside_busy_thread(path: Path, records: int, count: int = 60) -> list[float]:
    """Return the same while another thread never gives up the interpreter of its own will."""
    stopped = threading.Event()

    def spin() -> None:
        while not stopped.is_set():
            pass

    thread = threading.Thread(target=spin)
    thread.start()
    taken = commit_wait(path, records, count)
    stopped.set()
    thread.join()
    return taken


def yardstick(path: Path, count: int = 500) -> list[float]:
    """Return us for append and fdatasync of one body, handed to a thread and heard of."""
    jobs, done = SimpleQueue[bytes](), SimpleQueue[bytes]()
    sync = getattr(os, "fdatasync", os.fsync)
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def work() -> None:
        while body := jobs.get():
            os.write(file, body)
            sync(file)
            done.put(body)

    def once() -> None:
        jobs.put(BODY)
        done.get()

    thread = threading.Thread(target=work)
    thread.start()
    taken = timed(once, count)
    jobs.put(b"")
    thread.join()
    os.close(file)
    return taken


def throughput(path: Path, count: int = 100_000) -> None:
    """Print how many records a second become durable, and are read back and verified."""
    journal = SqliteJournal(path)
    start = time.perf_counter()
    for _ in range(count // 10):
        journal.append([RECORD] * 10)
    journal.close()
    written = time.perf_counter()
    assert verify(path).count == count
    print(f"{'durable records/s, ten an append':<52} {count / (written - start):>9,.0f}")
    print(f"{'records/s read, decoded and verified':<52} {count / (time.perf_counter() - written):>9,.0f}")


def main() -> None:
    """Run everything in a folder of its own and print a table."""
    with tempfile.TemporaryDirectory(dir=sys.argv[1] if len(sys.argv) > 1 else None) as name:
        folder = Path(name)
        print(f"{'us':<52} {'median':>9} {'p99':>9}")
        show("append, memory journal", append_cost(MemoryJournal()))
        file = SqliteJournal(folder / "append.journal")
        show("append, SQLite journal", append_cost(file))
        file.close()
        show("yardstick: append + fdatasync in a thread", yardstick(folder / "plain"))
        for records in (1, 10, 100):
            show(f"durable, {records} together", commit_wait(folder / f"{records}.journal", records))
        show("durable, 100 together, beside a busy thread", commit_wait_beside_busy_thread(folder / "b.journal", 100))
        throughput(folder / "throughput.journal")


if __name__ == "__main__":
    main()
