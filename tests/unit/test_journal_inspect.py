"""Verify, show and export: what is done with a journal that no agent has to be running for."""

import io
import json

import apsw
import pytest

from quietfill.domain.errors import BadInput, JournalError
from quietfill.domain.records import AlertRaised
from quietfill.journal.codec import GENESIS, link
from quietfill.journal.inspect import describe, entries, export, export_file, verify
from quietfill.journal.sqlite import SqliteJournal

COUNT = 20


def alerts(first, last):
    return [AlertRaised(at=at, subject="A", severity="info", text="quiet") for at in range(first, last + 1)]


@pytest.fixture
def path(tmp_path):
    """A closed journal of `COUNT` records."""
    file = tmp_path / "run.journal"
    append(file, 1, COUNT)
    return file


def append(path, first, last):
    journal = SqliteJournal(path)
    journal.append(alerts(first, last))
    journal.close()
    return journal.head


def tamper(path, sql):
    connection = apsw.Connection(str(path))
    connection.execute(sql)
    connection.close()


def complaint(path):
    """Return what verifying says of a journal that is not sound."""
    try:
        return str(verify(path).problem)
    except JournalError as refusal:
        return str(refusal)


def test_a_whole_journal_verifies(path):
    """All records, their number and the head."""
    journal = SqliteJournal(path)
    journal.close()
    result = verify(path)

    assert (result.count, result.head, result.problem, result.noted_at) == (COUNT, journal.head, None, None)


def test_an_empty_journal_verifies(tmp_path):
    """No records: the head is the beginning of the chain."""
    SqliteJournal(tmp_path / "run.journal").close()
    result = verify(tmp_path / "run.journal", GENESIS.hex())

    assert (result.count, result.head, result.problem, result.noted_at) == (0, GENESIS.hex(), None, 0)


SWAP = (
    "UPDATE records AS r SET {0} = (SELECT {0} FROM records WHERE sequence = 15 - r.sequence) WHERE sequence IN (7, 8)"
)


@pytest.mark.parametrize(
    ("sql", "sequence", "problem"),
    [
        ("UPDATE records SET body = replace(body, 'quiet', 'Quiet') WHERE sequence = 17", 17, "digest does not match"),
        ("UPDATE records SET digest = zeroblob(32) WHERE sequence = 3", 3, "digest does not match"),
        ("UPDATE records SET digest = x'' WHERE sequence = 20", 20, "digest does not match"),
        ("UPDATE records SET body = CAST(x'ff' AS TEXT) WHERE sequence = 5", 5, "digest does not match"),
        ("UPDATE records SET version = 0 WHERE sequence = 5", 5, "not a record of schema 0"),
        ("DELETE FROM records WHERE sequence = 9", 9, "missing, the next is 10"),
        ("DELETE FROM records WHERE sequence <= 4", 1, "missing, the next is 5"),
        ("UPDATE records SET sequence = 30 WHERE sequence = 20", 20, "missing, the next is 30"),
        ("INSERT INTO records VALUES (0, 1, '{}', x'')", 1, "there are records before it"),
        (SWAP.format("body"), 7, "digest does not match"),
        (SWAP.format("body") + ";" + SWAP.format("digest"), 7, "digest does not match"),
    ],
)
def test_names_the_first_record_that_was_tampered_with(path, sql, sequence, problem):
    """Changed, removed, added or re-ordered: it is found, and what precedes it still counts."""
    tamper(path, sql)
    result = verify(path)

    assert result.count == sequence - 1
    assert f"{path}: damaged at record {sequence}: {problem}" in str(result.problem)
    with pytest.raises(JournalError, match=f"record {sequence}"):
        list(entries(path))


def test_a_changed_record_that_was_digested_again_breaks_the_next(path):
    """Whoever changes a record must rewrite all that follow."""
    rows = list(entries(path))
    forged = b'{"kind":"alert_raised","at":10,"subject":"B","severity":"info","text":"quiet"}'
    digest = link(rows[8].digest, 10, forged)
    tamper(path, f"UPDATE records SET body = '{forged.decode()}', digest = x'{digest.hex()}' WHERE sequence = 10")

    assert verify(path).count == 10
    assert "record 11: digest does not match" in str(verify(path).problem)


def test_a_cut_tail_is_found_by_a_head_noted_elsewhere(path):
    """The chain alone cannot miss its last records; a head that was noted can."""
    head = verify(path).head
    tamper(path, f"DELETE FROM records WHERE sequence > {COUNT - 2}")

    assert verify(path).problem is None
    assert f"head {head} is not on its chain, so it was cut or rewritten" in str(verify(path, head).problem)


def test_a_rewritten_file_is_found_by_a_head_noted_elsewhere(path):
    """A file that was made anew with other records is sound in itself, and not the one it pretends to be."""
    head = verify(path).head
    path.unlink()
    append(path, 2, COUNT + 1)

    assert verify(path).problem is None
    assert verify(path, head).problem is not None


def test_a_head_noted_earlier_lies_on_the_chain(path):
    """A journal that has grown since still contains the head of that time."""
    head = verify(path).head
    append(path, COUNT + 1, COUNT + 5)
    result = verify(path, head.upper())

    assert (result.count, result.noted_at, result.problem) == (COUNT + 5, COUNT, None)


@pytest.mark.parametrize("head", ["", "abc", "g" * 64])
def test_a_head_that_is_none_is_refused(path, head):
    """What cannot be a digest is the user's mistake, not the journal's."""
    with pytest.raises(BadInput, match=f"a head is 64 hexadecimal digits, not '{head}'"):
        verify(path, head)


def test_a_damaged_end_stops_the_writer(path):
    """Nothing is appended behind a record that is not what was written."""
    tamper(path, f"UPDATE records SET body = replace(body, 'quiet', 'Quiet') WHERE sequence = {COUNT}")
    with pytest.raises(JournalError, match=f"damaged at record {COUNT}: digest does not match"):
        SqliteJournal(path)
    tamper(path, f"DELETE FROM records WHERE sequence = {COUNT - 1}")
    with pytest.raises(JournalError, match=f"damaged at record {COUNT - 1}: missing, the next is {COUNT}"):
        SqliteJournal(path)


def test_a_truncated_file_is_damaged(path):
    """A file of which the end is missing is an error in one line."""
    content = path.read_bytes()
    for size in range(100, len(content), 1000):
        path.write_bytes(content[:size])
        said = complaint(path)
        assert said.startswith(f"{path}: ")
        assert "\n" not in said


def test_exports_what_can_be_verified_without_us(path):
    """Each exported line holds the record as it was digested."""
    out = io.BytesIO()
    count = export(path, out)

    digest = GENESIS
    for sequence, line in enumerate(out.getvalue().splitlines(), 1):
        body = line.partition(b'"record":')[2][:-1]
        digest = link(digest, sequence, body)
        assert json.loads(line) == {
            "sequence": sequence,
            "digest": digest.hex(),
            "schema": 1,
            "record": json.loads(body),
        }
    assert (count, digest.hex()) == (COUNT, verify(path).head)


def test_an_export_is_whole_or_absent(path):
    """A journal that cannot be read to its end leaves no half export."""
    target = path.with_name("out.jsonl")
    assert export_file(path, target) == COUNT
    whole = target.read_bytes()
    tamper(path, "DELETE FROM records WHERE sequence = 9")
    with pytest.raises(JournalError, match="damaged at record 9"):
        export_file(path, target)

    assert target.read_bytes() == whole
    assert sorted(file.name for file in path.parent.iterdir()) == ["out.jsonl", "run.journal"]


def test_an_export_that_cannot_be_written_names_its_target(path):
    """Where the export should go is the user's to mend."""
    with pytest.raises(BadInput, match="nowhere"):
        export_file(path, path.parent / "nowhere" / "out.jsonl")


def test_describes_an_entry_in_a_line(path):
    """Number, time, kind, and the rest as JSON."""
    first = next(entries(path))

    assert describe(first) == (
        '      1 1970-01-01T00:00:00.000000001Z alert_raised       {"subject":"A","severity":"info","text":"quiet"}'
    )
    assert [entry.sequence for entry in entries(path, after=18)] == [19, 20]


def test_an_export_never_replaces_what_is_no_regular_file(tmp_path):
    """A folder (or a device) as the target is refused and stays what it is."""
    journal = SqliteJournal(tmp_path / "a.journal")
    journal.close()
    folder = tmp_path / "folder"
    folder.mkdir()

    with pytest.raises(BadInput, match="not a regular file"):
        export_file(tmp_path / "a.journal", folder)

    assert folder.is_dir()
