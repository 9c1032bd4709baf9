"""Records as bytes, across versions; and the memory journal."""

import hashlib

import pytest

from quietfill.domain.errors import JournalError
from quietfill.domain.records import SCHEMA_VERSION, AlertRaised, RunStarted
from quietfill.journal.codec import CODEC, GENESIS, Chain, Codec, link
from quietfill.journal.memory import MemoryJournal

ALERT = AlertRaised(at=1, subject="A", severity="info", text="quiet")
BODY = b'{"kind":"alert_raised","subject":"A","severity":"info","text":"quiet","at":1}'


def test_equal_records_are_equal_bytes():
    """The order in which a dict was filled does not change the bytes."""
    one = RunStarted(at=1, run_id="r", details={"a": 1, "b": {"d": 1, "c": 2}})
    other = RunStarted(at=1, run_id="r", details={"b": {"c": 2, "d": 1}, "a": 1})

    assert CODEC.encode(one) == CODEC.encode(other)


def test_the_chain_is_what_the_documentation_says():
    """Anybody can compute the head with nothing but SHA-256."""
    genesis = hashlib.sha256(b"quietfill journal").digest()
    first = hashlib.sha256(genesis + (1).to_bytes(8, "big") + BODY).digest()
    second = hashlib.sha256(first + (2).to_bytes(8, "big") + BODY).digest()
    chain = Chain()
    chain.extend([ALERT, ALERT])

    assert CODEC.encode(ALERT) == BODY
    assert genesis == GENESIS
    assert link(GENESIS, 1, BODY) == first
    assert (chain.sequence, chain.head) == (2, second.hex())


def test_older_records_are_brought_to_the_present():
    """Each up-caster takes a record one schema further, until it is of ours."""
    steps = []

    def named(old):
        steps.append(1)
        return {**old, "subject": old["topic"]}

    def cleaned(old):
        steps.append(2)
        return {key: value for key, value in old.items() if key != "topic"}

    codec = Codec(version=3, upcasters={1: named, 2: cleaned})
    first = b'{"kind":"alert_raised","at":1,"topic":"A","severity":"info","text":"quiet"}'
    second = b'{"kind":"alert_raised","at":1,"topic":"A","subject":"A","severity":"info","text":"quiet"}'

    assert codec.decode(first, 1) == ALERT
    assert steps == [1, 2]
    assert codec.decode(second, 2) == ALERT
    assert steps == [1, 2, 2]
    assert codec.decode(BODY, 3) == ALERT


def test_a_schema_step_without_an_upcaster_is_our_bug():
    """A new schema version cannot be released without a way to read the one before."""
    with pytest.raises(AssertionError, match=r"no up-caster for schema \[2\]"):
        Codec(version=3, upcasters={1: dict})


def test_newer_records_are_refused_by_number():
    """A record of a later schema is not guessed at."""
    newer = SCHEMA_VERSION + 1
    with pytest.raises(JournalError, match=f"newer Quietfill \\(schema {newer}, this one reads {SCHEMA_VERSION}\\)"):
        CODEC.decode(BODY, newer)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'{"kind":"no_such"}',
        BODY.replace(b"info", b"\xff"),
        BODY.replace(b"1", b'"1"'),
        BODY[:-1] + b',"x":1}',
    ],
)
def test_what_is_no_record_is_refused(body):
    """A body that no record of ours could have written is an error of the journal."""
    with pytest.raises(JournalError, match=f"not a record of schema {SCHEMA_VERSION}: "):
        CODEC.decode(body, SCHEMA_VERSION)


@pytest.mark.parametrize("version", [0, -1])
def test_a_version_that_never_was_is_refused(version):
    """Schema versions begin at 1."""
    with pytest.raises(JournalError, match=f"not a record of schema {version}"):
        CODEC.decode(BODY, version)


def test_memory_commits_before_append_returns():
    """In memory the listener hears of a batch once, inside `append`, when the batch can already be read."""
    journal = MemoryJournal()
    heard = []
    journal.on_commit(lambda sequence: heard.append((sequence, journal.sequence, len(list(journal.read())))))
    journal.append([ALERT, ALERT])
    journal.append([])
    journal.append([ALERT])

    assert heard == [(2, 2, 2), (3, 3, 3)]
    assert journal.committed == 3


def test_memory_has_no_failure_to_tell_of():
    """Whoever listens for failures may do so on a memory journal too, and hears nothing."""
    journal = MemoryJournal()
    heard: list[JournalError] = []
    journal.on_failure(heard.append)
    journal.append([ALERT])
    journal.close()

    assert heard == []


def test_memory_takes_nothing_after_its_end():
    """A closed memory journal refuses records and can still be read."""
    journal = MemoryJournal()
    journal.append([ALERT])
    journal.close()

    with pytest.raises(JournalError, match="closed"):
        journal.append([ALERT])
    assert [entry.record for entry in journal.read()] == [ALERT]
