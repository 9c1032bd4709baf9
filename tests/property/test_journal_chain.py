"""What must hold of any journal, whatever is in it and wherever it was cut or changed."""

import functools
import shutil
import threading
import typing
from datetime import date, time

import apsw
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quietfill.domain.errors import JournalError
from quietfill.domain.instrument import Instrument, LocalSession, SpecialDay, TickRule
from quietfill.domain.messages import KillScope
from quietfill.domain.records import AlertRaised, AnyRecord
from quietfill.journal.codec import CODEC, GENESIS, link
from quietfill.journal.inspect import entries, verify
from quietfill.journal.memory import MemoryJournal
from quietfill.journal.sqlite import SqliteJournal

INTEGERS = st.integers(-(2**63), 2**63 - 1)
SCOPES = st.builds(
    lambda symbols, account: KillScope(symbols=tuple(symbols), account=account),
    st.lists(st.text(), max_size=3),
    st.none() | st.text(min_size=1),
)
DAYTIME = (LocalSession(time(9, 30), time(16)),)
INSTRUMENTS = st.builds(
    lambda symbol, increment, lot, times: Instrument(
        symbol=symbol,
        ticks=(TickRule(0, increment), TickRule(10**9, 2 * increment)),
        lot=lot,
        sessions=times[0],
        special_days=times[1],
    ),
    st.text(min_size=1),
    st.integers(1, 10**12),
    st.integers(1, 10**12),
    st.sampled_from([((), ()), (DAYTIME, ()), (DAYTIME, (SpecialDay(date(2024, 12, 25)),))]),
)
JSON = st.recursive(
    st.none() | st.booleans() | INTEGERS | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
FINITE = st.floats(allow_nan=False, allow_infinity=False)
STATED = {Instrument: INSTRUMENTS, KillScope: SCOPES, msgspec.UnsetType: st.just(msgspec.UNSET), float: FINITE}
"""Strategies of what checks itself when it is made."""


def values(hint):
    """Return a strategy for one field of a record."""
    arguments = typing.get_args(hint)
    if hint in (typing.Any, int):
        return JSON if hint is typing.Any else INTEGERS
    if typing.get_origin(hint) is dict:
        return st.dictionaries(st.text(), values(arguments[1]), max_size=3)
    if hint in STATED:
        return STATED[hint]
    if typing.get_origin(hint) is tuple:
        return tuples(arguments)
    if arguments:
        return st.one_of(*map(values, arguments))
    return structs(hint) if issubclass(hint, msgspec.Struct) else st.from_type(hint)


def tuples(arguments):
    """Return a strategy for tuples of any length, or of the length that is stated."""
    if arguments[-1] is Ellipsis:
        return st.lists(values(arguments[0]), max_size=3).map(tuple)
    return st.tuples(*map(values, arguments))


def structs(kind):
    """Return a strategy for all values of a struct."""
    hints = typing.get_type_hints(kind)
    return st.fixed_dictionaries({name: values(hints[name]) for name in kind.__struct_fields__}).map(
        lambda fields: kind(**fields)
    )


KINDS = typing.get_args(AnyRecord)
RECORDS = st.one_of(*map(structs, KINDS))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_kind_of_record_survives_the_codec(kind):
    """A record is read as it was written, and written again as the same bytes."""

    @settings(max_examples=20)
    @given(structs(kind))
    def check(record):
        body = CODEC.encode(record)
        assert CODEC.decode(body, CODEC.version) == record
        assert CODEC.encode(CODEC.decode(body, CODEC.version)) == body

    check()


@settings(max_examples=25)
@given(batches=st.lists(st.lists(RECORDS, max_size=4), max_size=4))
def test_file_and_memory_agree(tmp_path_factory, batches):
    """Any records, in whatever batches, have one head, in memory and in a file and in a file opened again."""
    path = tmp_path_factory.mktemp("journal") / "run.journal"
    memory, whole = MemoryJournal(), MemoryJournal()
    for batch in batches:
        file = SqliteJournal(path)
        file.append(batch)
        file.close()
        memory.append(batch)
        assert file.head == memory.head
    whole.append([record for batch in batches for record in batch])

    assert whole.head == memory.head
    if batches:
        assert list(entries(path)) == list(whole.read())


@given(records=st.lists(RECORDS, max_size=8), cut=st.integers(0, 8))
def test_a_prefix_has_the_head_it_had(records, cut):
    """The head after some records does not depend on those that follow."""
    whole, prefix = MemoryJournal(), MemoryJournal()
    whole.append(records)
    prefix.append(records[:cut])
    digest = GENESIS
    for entry in list(whole.read())[:cut]:
        digest = link(digest, entry.sequence, CODEC.encode(entry.record))

    assert digest.hex() == prefix.head


COUNT = 12


@pytest.fixture(scope="module")
def journal(tmp_path_factory):
    """A closed journal of `COUNT` records."""
    path = tmp_path_factory.mktemp("journal") / "run.journal"
    file = SqliteJournal(path)
    file.append([AlertRaised(at=at, subject="A", severity="info", text="q" * at) for at in range(COUNT)])
    file.close()
    return path


@given(
    sequence=st.integers(1, COUNT),
    column=st.sampled_from(["body", "digest"]),
    place=st.integers(0, 2**16),
    flip=st.integers(1, 255),
)
def test_every_changed_byte_is_found_where_it_is(journal, sequence, column, place, flip):
    """One byte of one body or digest is changed: verifying names exactly that record."""
    path = journal.with_name("tampered.journal")
    shutil.copy(journal, path)
    connection = apsw.Connection(str(path))
    where = f"WHERE sequence = {sequence}"
    content = bytearray(connection.execute(f"SELECT CAST({column} AS BLOB) FROM records {where}").get)
    content[place % len(content)] ^= flip
    kind = "TEXT" if column == "body" else "BLOB"
    connection.execute(f"UPDATE records SET {column} = CAST(? AS {kind}) {where}", (bytes(content),))
    connection.close()

    assert verify(path).count == sequence - 1
    assert f"damaged at record {sequence}: digest does not match" in str(verify(path).problem)


@settings(max_examples=400)
@given(place=st.integers(0, 2**20), flip=st.integers(1, 255))
def test_a_flipped_bit_anywhere_in_the_file_is_harmless_or_named(journal, place, flip):
    """Whatever byte of the file rots, all records are given back as they were, or a one-line error and a prefix."""
    sound = verify(journal)
    content = bytearray(journal.read_bytes())
    content[place % len(content)] ^= flip
    path = journal.with_name("rotten.journal")
    path.write_bytes(content)

    try:
        found = verify(path)
    except JournalError as refusal:
        problem = str(refusal)
    else:
        problem = str(found.problem or "")
        assert problem or (found.head, found.count) == (sound.head, COUNT)
    if problem:
        assert problem.startswith(f"{path}: ")
        assert "\n" not in problem


def announce(durable, _sequence):
    durable.set()


@pytest.fixture(scope="module")
def crashed(tmp_path_factory):
    """What a machine that died leaves: file and log of three commits of four records each."""
    folder = tmp_path_factory.mktemp("journal")
    file = SqliteJournal(folder / "live.journal")
    for start in range(0, COUNT, 4):
        batch = [AlertRaised(at=at, subject="A", severity="info", text="q" * at) for at in range(start, start + 4)]
        durable = threading.Event()
        file.on_commit(functools.partial(announce, durable))
        file.append(batch)
        assert durable.wait(30)
    shutil.copy(folder / "live.journal", folder / "crashed.journal")
    shutil.copy(folder / "live.journal-wal", folder / "crashed.journal-wal")
    file.close()
    return folder / "crashed.journal", [entry.digest for entry in file.read()]


@settings(max_examples=150)
@given(place=st.integers(0, 2**20), tear=st.booleans())
def test_a_torn_log_gives_whole_commits(crashed, place, tear):
    """A log that was cut, or holds rubbish from some byte on, gives the commits before that and can go on."""
    source, digests = crashed
    path = source.with_name("torn.journal")
    log = source.with_name("crashed.journal-wal").read_bytes()
    place %= len(log)
    for leftover in path.parent.glob("torn.journal*"):
        leftover.unlink()
    shutil.copy(source, path)
    path.with_name("torn.journal-wal").write_bytes(log[:place] + (b"" if tear else b"\xa5" * (len(log) - place)))

    file = SqliteJournal(path)
    assert file.sequence in {0, 4, 8, 12}
    assert file.head == (digests[file.sequence - 1] if file.sequence else GENESIS).hex()
    file.append([AlertRaised(at=1, subject="A", severity="info", text="again")])
    file.close()
    assert verify(path).problem is None
    assert verify(path).count == file.sequence
