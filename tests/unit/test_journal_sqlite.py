"""The SQLite journal: durable, one writer, dead after the first failure."""

import os
import signal
import subprocess
import sys
import threading

import apsw
import pytest

from quietfill.domain.errors import JournalError
from quietfill.domain.records import SCHEMA_VERSION, AlertRaised, RunStarted
from quietfill.journal import commit, lock, sqlite, sqlite_file
from quietfill.journal.inspect import verify
from quietfill.journal.memory import MemoryJournal
from quietfill.journal.sqlite import SqliteJournal
from quietfill.journal.sqlite_file import JournalReader
from quietfill.testing.disk import FaultyDisk

PATIENCE_S = 30


def alert(number, text="quiet"):
    return AlertRaised(at=number, subject="A", severity="info", text=text)


def alerts(count):
    return [alert(number) for number in range(1, count + 1)]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run.journal"


class Ears:
    """Hears commits and failures in the writer's thread; lets a test wait for them, or hold the writer up."""

    def __init__(self, journal):
        self.commits = []
        self.failures = []
        self.open = threading.Event()
        self.open.set()
        self._news = threading.Condition()
        journal.on_commit(self._hear_commit)
        journal.on_failure(self._hear_failure)

    def wait_commit(self, sequence):
        with self._news:
            assert self._news.wait_for(lambda: self.commits and self.commits[-1] >= sequence, PATIENCE_S)

    def wait_failure(self):
        with self._news:
            assert self._news.wait_for(lambda: self.failures, PATIENCE_S)

    def _hear_commit(self, sequence):
        with self._news:
            self.commits.append(sequence)
            self._news.notify_all()
        assert self.open.wait(PATIENCE_S)

    def _hear_failure(self, failure):
        with self._news:
            self.failures.append(failure)
            self._news.notify_all()


def written(path, count):
    """Make a closed journal of *count* records and return its head."""
    journal = SqliteJournal(path)
    journal.append(alerts(count))
    journal.close()
    return journal.head


def test_holds_what_a_memory_journal_holds(path):
    """The same records give the same numbers, entries and head in a file and in memory."""
    memory, file = MemoryJournal(), SqliteJournal(path)
    for batch in ([alert(1)], [alert(2), RunStarted(at=3, run_id="r", details={"b": 1, "a": [2.5, None]})], []):
        assert memory.append(batch) == file.append(batch)
    file.close()

    assert file.committed == file.sequence == 3
    assert file.head == memory.head
    with JournalReader(path) as reader:
        assert list(reader.read()) == list(memory.read())
        assert list(reader.read(after=2)) == list(memory.read(after=2))


def test_continues_where_it_ended(path):
    """A journal that is opened again goes on behind its last record, under the next epoch."""
    head = written(path, 3)
    journal = SqliteJournal(path, create=False)

    assert (journal.sequence, journal.committed, journal.head, journal.epoch) == (3, 3, head, 2)
    assert journal.append([alert(4)]) == 4
    journal.close()
    assert verify(path).count == 4
    assert verify(path).head == journal.head


def test_leaves_one_file_behind(path):
    """After a clean end there is the journal and nothing else, also after reading it."""
    written(path, 2)
    list(JournalReader(path).read())

    assert [file.name for file in path.parent.iterdir()] == ["run.journal"]


def test_makes_its_folder(tmp_path):
    """The folder of a new journal need not exist."""
    assert written(tmp_path / "a" / "b" / "run.journal", 1)


def test_notes_its_origin_outside_the_chain(path, tmp_path):
    """The file says when and by what it was made, and its head does not depend on that."""
    journal = SqliteJournal(path, created_at=1_700_000_000_000_000_000)
    journal.append(alerts(2))
    journal.close()

    with JournalReader(path) as reader:
        meta = reader.meta()
    assert meta["created"] == "2023-11-14T22:13:20.000000000Z"
    assert set(meta) == {"created", "quietfill", "python", "schema", "epoch"}
    assert journal.head == written(tmp_path / "other.journal", 2)


def test_tells_kind_and_time_in_sql(path):
    """Whoever looks with SQL finds kind and time as columns."""
    written(path, 1)

    rows = apsw.Connection(str(path)).execute("SELECT sequence, kind, at FROM entries").fetchall()
    assert rows == [(1, "alert_raised", 1)]


def test_commits_what_waits_together(path):
    """Whatever was appended while a commit was under way becomes durable in one transaction, with one sync."""
    disk = FaultyDisk()
    journal = SqliteJournal(path, vfs=disk.name)
    ears = Ears(journal)
    ears.open.clear()
    journal.append([alert(1)])
    ears.wait_commit(1)
    for number in range(2, 52):
        journal.append([alert(number)])
    before = disk.syncs
    assert journal.committed == 1
    ears.open.set()
    ears.wait_commit(51)

    assert ears.commits == [1, 51]
    assert disk.syncs - before == 1
    journal.close()


def test_never_splits_an_append(path, monkeypatch):
    """Records appended together become durable together, however many they are."""
    monkeypatch.setattr(commit, "_STATEMENT_ROWS", 10)
    monkeypatch.setattr(commit, "BATCH_ROWS", 5)
    journal = SqliteJournal(path)
    ears = Ears(journal)
    ears.open.clear()
    journal.append([alert(1)])
    ears.wait_commit(1)
    journal.append(alerts(3))
    journal.append(alerts(35))
    journal.append(alerts(2))
    ears.open.set()
    journal.close()

    assert ears.commits == [1, 39, 41]
    assert verify(path).count == 41


def test_close_waits_for_the_disk(path):
    """Everything appended before `close` is durable after it; after that nothing is taken."""
    journal = SqliteJournal(path)
    for number in range(500):
        journal.append([alert(number)])
    journal.close()
    journal.close()

    assert journal.committed == 500
    assert verify(path).count == 500
    with pytest.raises(JournalError, match="closed"):
        journal.append([alert(501)])


def test_refuses_a_second_writer(path):
    """A journal has one writer: the next one is told who holds it, and may have it afterwards."""
    first = SqliteJournal(path)
    with pytest.raises(JournalError) as refusal:
        SqliteJournal(path)
    first.close()

    assert str(refusal.value) == f"{path}: in use by another writer (process {os.getpid()}, epoch 1)"
    SqliteJournal(path).close()


def test_refuses_a_second_process(path):
    """The lock holds between processes too."""
    holder = (
        "import sys; from quietfill.journal.sqlite import SqliteJournal;"
        f"j = SqliteJournal({str(path)!r}); print('held', flush=True); sys.stdin.read(); j.close()"
    )
    with subprocess.Popen([sys.executable, "-c", holder], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdin is not None
        assert other.stdout.readline().strip() == b"held"
        with pytest.raises(JournalError, match=f"in use by another writer \\(process {other.pid}, epoch 1\\)"):
            SqliteJournal(path)
        other.stdin.close()
        assert other.wait(PATIENCE_S) == 0

    SqliteJournal(path).close()


def test_can_be_read_beside_its_writer(path, monkeypatch):
    """A reader sees the durable records of a live journal, those that come while it reads too."""
    monkeypatch.setattr(sqlite_file, "PAGE_ROWS", 7)
    journal = SqliteJournal(path)
    ears = Ears(journal)
    journal.append(alerts(20))
    ears.wait_commit(20)
    reading = journal.read()
    seen = [next(reading).sequence for _ in range(10)]
    journal.append(alerts(20))
    ears.wait_commit(40)
    seen += [entry.sequence for entry in reading]
    journal.close()

    assert seen == list(range(1, 41))


def test_a_reader_notices_that_a_writer_came(path, monkeypatch):
    """A reader that began on a quiet file reads on correctly when somebody starts to write to it."""
    monkeypatch.setattr(sqlite_file, "PAGE_ROWS", 7)
    written(path, 20)
    with JournalReader(path) as reader:
        reading = reader.read()
        seen = [next(reading).sequence for _ in range(3)]
        written(path, 500)
        seen += [entry.sequence for entry in reading]

    assert seen == list(range(1, 521))


def test_can_be_read_in_a_folder_that_cannot_be_written(path):
    """Reading leaves no trace, so a copy on read-only storage can be verified."""
    head = written(path, 3)
    path.chmod(0o444)
    path.parent.chmod(0o555)
    try:
        assert verify(path).head == head
    finally:
        path.parent.chmod(0o755)


FAULTS = {
    "full": FaultyDisk.fill,
    "write": FaultyDisk.fail_writes,
    "torn write": lambda disk: disk.fail_writes(torn=True),
    "sync": FaultyDisk.fail_syncs,
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_dies_with_the_first_failure(path, fault):
    """After a failed write or sync it says so once, takes nothing more, and what was durable stays so."""
    disk = FaultyDisk()
    journal = SqliteJournal(path, vfs=disk.name)
    ears = Ears(journal)
    journal.append(alerts(5))
    ears.wait_commit(5)
    fault(disk)
    journal.append([alert(6)])
    ears.wait_failure()
    disk.mend()

    with pytest.raises(JournalError, match="journal is dead"):
        journal.append([alert(7)])
    tries = (disk.writes, disk.syncs)
    with pytest.raises(JournalError, match="journal is dead"):
        journal.close()
    assert (disk.writes, disk.syncs) == tries, "nothing is tried again"
    assert len(ears.failures) == 1
    assert ears.commits == [5] == [journal.committed]
    again = SqliteJournal(path)
    assert again.sequence in {5, 6}
    assert [entry.sequence for entry in again.read()] == list(range(1, again.sequence + 1))
    again.close()


def test_a_failure_before_the_listener_is_heard(path):
    """Whoever asks to hear of failures after one has happened hears of it at once."""
    disk = FaultyDisk()
    journal = SqliteJournal(path, vfs=disk.name)
    ears = Ears(journal)
    disk.fail_syncs()
    journal.append([alert(1)])
    ears.wait_failure()
    heard: list[JournalError] = []
    journal.on_failure(heard.append)

    assert heard == ears.failures
    with pytest.raises(JournalError, match="journal is dead"):
        journal.close()


def deaf(sequence):
    raise RuntimeError("nobody hears")


def test_a_commit_listener_that_raises_stops_the_journal(path):
    """When nobody hears of commits any more, nothing may go on as if they did."""
    journal = SqliteJournal(path)
    ears = Ears(journal)
    journal.on_commit(deaf)
    journal.append([alert(1)])
    ears.wait_failure()

    with pytest.raises(JournalError, match="journal is dead: nobody hears"):
        journal.close()


def test_notices_that_its_file_was_removed(path, monkeypatch):
    """Records that go into a file without a name are lost, so the journal stops."""
    monkeypatch.setattr(commit, "_WATCH_COMMITS", 1)
    journal = SqliteJournal(path)
    ears = Ears(journal)
    path.unlink()
    journal.append([alert(1)])
    ears.wait_failure()

    with pytest.raises(JournalError, match="removed or replaced"):
        journal.close()


def test_moves_the_log_into_the_file_when_idle(path, monkeypatch):
    """In a quiet moment the write-ahead log is checkpointed, so that it cannot grow for ever."""
    monkeypatch.setattr(commit, "_IDLE_SECONDS", 0.001)
    done = threading.Event()
    checkpoint = commit.CommitThread._checkpoint

    def announced(self):
        checkpoint(self)
        done.set()

    monkeypatch.setattr(commit.CommitThread, "_checkpoint", announced)
    journal = SqliteJournal(path)
    journal.append([alert(1, "needle in the file")])

    assert done.wait(PATIENCE_S)
    assert b"needle in the file" in path.read_bytes()
    journal.close()


def test_checkpoints_when_never_idle(path, monkeypatch):
    """A log that has grown too long is moved even when there is no quiet moment."""
    monkeypatch.setattr(commit, "_CHECKPOINT_BYTES", 1)
    journal = SqliteJournal(path)
    ears = Ears(journal)
    journal.append([alert(1, "needle in the file")])
    ears.wait_commit(1)
    journal.append([alert(2)])
    ears.wait_commit(2)

    assert b"needle in the file" in path.read_bytes()
    journal.close()


def test_behind_the_end_there_is_nothing_to_read(path):
    """Reading on from a record that is not durable yet finds nothing, as in memory."""
    journal = SqliteJournal(path)
    ears = Ears(journal)
    ears.open.clear()
    journal.append([alert(1)])
    ears.wait_commit(1)
    journal.append([alert(2)])

    assert list(journal.read(after=1)) == []
    assert list(journal.read(after=2)) == []
    assert list(MemoryJournal().read(after=2)) == []
    ears.open.set()
    journal.close()


def test_bounds_what_waits(path):
    """Behind a disk that is too slow it refuses rather than to fill the memory."""
    journal = SqliteJournal(path, max_pending=10)
    ears = Ears(journal)
    ears.open.clear()
    journal.append([alert(1)])
    ears.wait_commit(1)
    journal.append(alerts(11))
    with pytest.raises(JournalError, match="more than 10 records wait for the disk"):
        journal.append([alert(13)])
    ears.open.set()
    ears.wait_commit(12)

    assert journal.append([alert(13)]) == 13
    journal.close()


@pytest.mark.parametrize("make", [lambda path: MemoryJournal(), SqliteJournal])
@pytest.mark.parametrize(
    "record",
    [
        RunStarted(at=1, run_id="\ud800", details={}),
        RunStarted(at=1, run_id="r", details={"what": object()}),
        alert(1, "x" * (1 << 20)),
    ],
)
def test_takes_all_records_or_none(path, make, record):
    """A record that cannot be written is refused by name, and takes those beside it along."""
    journal = make(path)
    with pytest.raises(JournalError, match=f"cannot write {type(record).__name__}"):
        journal.append([alert(1), record])

    assert journal.sequence == 0
    assert journal.append([alert(1)]) == 1
    journal.close()


def refusals(path):
    """Return what reading, writing and verifying say of a file."""
    said = []
    for attempt in (JournalReader, SqliteJournal, verify):
        with pytest.raises(JournalError) as refusal:
            attempt(path)
        said.append(str(refusal.value))
    return said


@pytest.mark.parametrize("content", [b"time,price\n1,2\n", b"SQLite format 3\0" + bytes(5000), b"x" * 5000])
def test_refuses_what_is_not_a_journal(path, content):
    """Another file is refused in one line and left as it was."""
    path.write_bytes(content)

    for line in refusals(path):
        assert line.startswith(f"{path}: ")
        assert "\n" not in line
    assert path.read_bytes() == content
    assert [file.name for file in path.parent.iterdir()] == ["run.journal"]


def test_refuses_somebody_elses_database(path):
    """An SQLite file with other tables is refused and left as it was."""
    with apsw.Connection(str(path)) as connection:
        connection.execute("CREATE TABLE orders(x); INSERT INTO orders VALUES (1)")
    connection.close()
    content = path.read_bytes()

    assert refusals(path) == [f"{path}: not a Quietfill journal"] * 3
    assert path.read_bytes() == content


def test_refuses_a_newer_journal(path):
    """A journal of a newer Quietfill is refused by its schema number."""
    written(path, 1)
    with apsw.Connection(str(path)) as connection:
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    connection.close()

    line = f"{path}: written by a newer Quietfill (schema {SCHEMA_VERSION + 1}, this one reads {SCHEMA_VERSION})"
    assert refusals(path) == [line] * 3


def test_refuses_a_missing_file(path):
    """Nothing is made where something was to be opened."""
    with pytest.raises(JournalError, match="no such file"):
        SqliteJournal(path, create=False)
    with pytest.raises(JournalError, match="no such file"):
        JournalReader(path)
    with pytest.raises(JournalError, match="is a folder"):
        SqliteJournal(path.parent)
    (path.parent / "file").touch()
    with pytest.raises(JournalError, match="file"):
        SqliteJournal(path.parent / "file" / "run.journal")

    assert not path.exists()


def test_completes_a_file_whose_maker_died(path):
    """An empty file, as a process leaves it that died in its first moment, becomes a journal."""
    path.touch()

    assert written(path, 1)


def test_refuses_an_sqlite_that_loses_logs(path, monkeypatch):
    """A version of SQLite that is known to lose records is not trusted with any."""
    monkeypatch.setattr(sqlite, "_SAFE_SQLITE", (99, 0, 0))
    with pytest.raises(JournalError, match="too old to keep a journal"):
        SqliteJournal(path)


def test_reads_its_settings_back(path, monkeypatch):
    """A setting that SQLite does not take is a refusal, not a hope."""
    monkeypatch.setitem(sqlite._SETTINGS, "synchronous", 7)
    with pytest.raises(JournalError, match="SQLite setting synchronous is 0, not 7"):
        SqliteJournal(path)


def test_a_disk_that_is_full_from_the_start(path):
    """A journal that cannot be laid out is an error in one line, and lets go of its lock."""
    disk = FaultyDisk()
    disk.fill()
    with pytest.raises(JournalError) as refusal:
        SqliteJournal(path, vfs=disk.name)

    assert str(refusal.value).startswith(f"{path}: ")
    assert "\n" not in str(refusal.value)
    assert written(path, 1)


def test_the_lock_of_a_holder_that_just_left_is_taken_anew(path, monkeypatch):
    """A lock file that its holder removed between our opening and locking it protects nothing."""
    real, losses = lock._lock, [1, 1]

    def lock_too_late(file):
        if losses:
            losses.pop()
            path.with_name("run.journal.lock").unlink()
        real(file)

    monkeypatch.setattr(lock, "_lock", lock_too_late)
    journal = SqliteJournal(path)
    with pytest.raises(JournalError, match="in use by another writer"):
        SqliteJournal(path)
    journal.close()


def test_a_lock_that_cannot_be_made_names_its_file(path):
    """Where the lock cannot be, there can be no writer."""
    path.with_name("run.journal.lock").mkdir()
    with pytest.raises(JournalError, match=r"run\.journal\.lock: "):
        SqliteJournal(path)


def test_a_file_that_cannot_be_opened_names_itself(path, monkeypatch):
    """A file that SQLite cannot open is an error in one line."""
    with pytest.raises(JournalError) as refusal:
        SqliteJournal(path, vfs="no such vfs")

    assert str(refusal.value).startswith(f"{path}: ")
    assert [file.name for file in path.parent.iterdir()] == []


WRITES_FOR_EVER = """
import os, sys
from quietfill.domain.records import AlertRaised
from quietfill.journal.sqlite import SqliteJournal
journal = SqliteJournal(sys.argv[1])
journal.on_commit(lambda sequence: os.write(1, b"%d\\n" % sequence))
while True:
    if journal.sequence - journal.committed < 100:
        journal.append([AlertRaised(at=journal.sequence, subject="A", severity="info", text="quiet" * 20)])
"""


@pytest.mark.parametrize("commits", [1, 7, 40])
def test_survives_sigkill(path, commits):
    """Every record that was reported durable is there after the process was killed in the middle of writing."""
    with subprocess.Popen([sys.executable, "-c", WRITES_FOR_EVER, path], stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        for _ in range(commits):
            assert writer.stdout.readline()
        writer.kill()
        reported = writer.stdout.read()
        assert writer.wait() == (-signal.SIGKILL if os.name == "posix" else 1)
    promised = int((b"0\n" + reported).splitlines()[-1] or 0)

    found = verify(path)
    assert found.problem is None
    assert found.count >= max(promised, commits)
    journal = SqliteJournal(path)
    assert (journal.sequence, journal.head, journal.epoch) == (found.count, found.head, 2)
    journal.append([alert(1)])
    journal.close()
    assert verify(path).count == found.count + 1
