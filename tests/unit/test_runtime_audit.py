"""The audit log: what was done, in lines that cannot be changed unseen."""

import hashlib
import json
import os
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from structlog.testing import capture_logs

from quietfill.domain.errors import JournalError
from quietfill.domain.events import KillSwitchEvent
from quietfill.domain.types import OrderSide
from quietfill.runtime.audit import AuditLogger
from quietfill.runtime.audit_chain import GENESIS, check_file
from quietfill.testing.clock import ManualClock

NOON = 1_700_000_000_000_000_000


@pytest.fixture
def path(tmp_path):
    return tmp_path / "audit.jsonl"


def logger(path=None, **options):
    return AuditLogger(path, clock=ManualClock(NOON), **options)


def written(path, count):
    """Make a closed log of *count* entries and return its head."""
    log = logger(path)
    for number in range(1, count + 1):
        log.log_agent_event("A", "tick", {"number": number})
    log.close()
    return log.head


def test_keeps_events_trades_and_what_agents_do():
    """Each kind of entry carries its number, time, agent and content."""
    log = logger()
    log.log_event(
        KillSwitchEvent(event_id="k", reason="test", source_agent="desk", timestamp=datetime(2023, 11, 14, tzinfo=UTC))
    )
    log.log_trade("A", "o-1", "AAPL", OrderSide.BUY, 100, Decimal("10.25"), 0.5, "d-1")
    log.log_agent_event("A", "started", {"mode": "paper"})
    first, second, third = log.entries

    assert [entry["seq"] for entry in log.entries] == [1, 2, 3]
    assert {entry["at"] for entry in log.entries} == {"2023-11-14T22:13:20.000000000Z"}
    assert (first["kind"], first["agent"], first["content"]["reason"]) == ("event", "desk", "test")
    assert second["kind"] == "trade"
    assert second["content"] == {
        "order_id": "o-1",
        "symbol": "AAPL",
        "side": "buy",
        "quantity": 100,
        "price": "10.25",
        "commission": 0.5,
        "decision_id": "d-1",
    }
    assert (third["kind"], third["agent"]) == ("agent", "A")
    assert third["content"] == {"event_type": "started", "details": {"mode": "paper"}}
    assert log.verify().is_sound


def test_the_file_can_be_checked_without_us(path):
    """Anybody can compute the chain with nothing but JSON and SHA-256."""
    head = written(path, 5)

    previous = hashlib.sha256(b"quietfill audit log").hexdigest()
    for number, line in enumerate(path.read_text().splitlines(), 1):
        entry = json.loads(line)
        without = line.removesuffix(f',"digest":"{entry["digest"]}"}}') + "}"
        assert hashlib.sha256(without.encode()).hexdigest() == entry["digest"]
        assert (entry["seq"], entry["prev"]) == (number, previous)
        previous = entry["digest"]
    assert previous == head


def test_continues_its_file(path):
    """A log that is opened again goes on with the chain."""
    head = written(path, 3)
    log = logger(path)
    assert (log.count, log.head) == (3, head)
    log.log_agent_event("A", "again", {})
    log.close()

    assert check_file(path).count == 4
    assert check_file(path, head).is_sound
    assert log.verify(head).is_sound


def test_makes_its_folder(tmp_path):
    """The folder of a new log need not exist."""
    assert written(tmp_path / "a" / "audit.jsonl", 1) != GENESIS


LINES = 10


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda lines: [*lines[:4], lines[4].replace(b'"tick"', b'"tock"'), *lines[5:]], "line 5: digest does not"),
        (lambda lines: [*lines[:4], lines[4].replace(b',"prev"', b', "prev"'), *lines[5:]], "line 5: digest does not"),
        (lambda lines: [*lines[:4], *lines[5:]], "line 5: entry 5 is missing, this is 6"),
        (lambda lines: [*lines[:4], lines[5], lines[4], *lines[6:]], "line 5: entry 5 is missing, this is 6"),
        (lambda lines: [*lines[:5], *lines[4:]], "line 6: entry 6 is missing, this is 5"),
        (lambda lines: lines[1:], "line 1: entry 1 is missing, this is 2"),
        (lambda lines: [*lines, b"\n"], "line 11: digest does not match"),
        (lambda lines: [*lines[:4], b"\xff\n", *lines[5:]], "line 5: digest does not match"),
        (lambda lines: [*lines[:4], forged(lines[4]), *lines[5:]], "line 6: does not follow the line before"),
        (lambda lines: [*lines[:4], forged(b'{"seq":"x","prev":0,"digest":""}\n')], "line 5: not an entry"),
    ],
)
def test_tampering_is_found_and_refused(path, change, problem):
    """A line that was changed, removed, moved, doubled or added is named, and nothing is written behind it."""
    written(path, LINES)
    changed = b"".join(change(path.read_bytes().splitlines(keepends=True)))
    path.write_bytes(changed)

    assert f"{path}: damaged at {problem}" in str(check_file(path).problem)
    with pytest.raises(JournalError, match="damaged at line"):
        logger(path)
    assert path.read_bytes() == changed


def forged(line):
    """Change a line's content and compute its digest anew."""
    body = line.rpartition(b',"digest":"')[0].replace(b"tick", b"tock") + b"}"
    return body[:-1] + b',"digest":"' + hashlib.sha256(body).hexdigest().encode() + b'"}\n'


def test_every_changed_byte_is_found(path):
    """Whichever byte of a line is changed, that line is named, or the line that it was made of."""
    written(path, 2)
    content = path.read_bytes()
    second = content.index(b"\n") + 1
    for place in range(second, len(content) - 1):
        changed = bytearray(content)
        changed[place] ^= 0x01
        path.write_bytes(changed)
        assert "damaged at line 2" in str(check_file(path).problem)


def test_a_cut_tail_is_found_by_a_head_noted_elsewhere(path):
    """The chain alone cannot miss its last lines; a head that was noted can."""
    head = written(path, 5)
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:3]))

    assert check_file(path).is_sound
    assert "is not on its chain, so it was cut or rewritten" in str(check_file(path, head).problem)


def test_a_torn_last_line_is_cut_and_reported(path):
    """What a crash left unfinished is removed, said in the log itself, and the chain goes on."""
    written(path, 3)
    whole = path.read_bytes()
    last = whole.splitlines(keepends=True)[-1]
    for cut in (1, 2, 40, len(last) - 1):
        path.write_bytes(whole[:-cut])
        torn = len(last) - cut
        assert check_file(path).torn_bytes == torn
        with capture_logs() as logs:
            log = logger(path)
        log.close()

        assert logs[0]["cut_bytes"] == torn
        assert log.entries[-1]["content"] == {"event_type": "torn_line_cut", "details": {"bytes": torn}}
        assert (check_file(path).count, check_file(path).problem) == (3, None)


@pytest.mark.parametrize("content", [b"time,price\n1,2\n", b"time,price", b'{"seq":1}\n', b'{"seq":1}', b"\x00" * 100])
def test_another_file_is_refused_and_left_alone(path, content):
    """A file that is not an audit log is never cut or written to."""
    path.write_bytes(content)
    with pytest.raises(JournalError, match="not a Quietfill audit log"):
        logger(path)

    assert path.read_bytes() == content


def test_an_empty_file_is_a_log_without_entries(path):
    """A file of no length is continued from the beginning."""
    path.touch()
    written(path, 2)

    assert check_file(path).count == 2


def test_memory_is_bounded_and_still_verifies():
    """Only the newest entries are kept, and they are checked from where they begin."""
    log = logger(max_entries=3)
    for number in range(10):
        log.log_agent_event("A", "tick", {"number": number})

    assert [entry["seq"] for entry in log.entries] == [8, 9, 10]
    assert (log.count, log.verify().count, log.verify().is_sound) == (10, 10, True)
    assert log.verify(log.head).is_sound
    assert not log.verify("0" * 64).is_sound
    line, digest = log._recent[1]
    log._recent[1] = (line.replace(b"tick", b"tock"), digest)
    assert "audit log: damaged at line 9: digest does not match" in str(log.verify().problem)


def test_a_disk_that_fails_stops_nothing(path, monkeypatch):
    """A failed write is logged once and remembered; entries go on in memory and the file stays whole."""
    log = logger(path)
    log.log_agent_event("A", "one", {})

    def full(file, line):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch, capture_logs() as logs:
        patch.setattr("quietfill.runtime.audit.os.write", full)
        log.log_agent_event("A", "two", {})
    log.log_agent_event("A", "three", {})

    assert log.failure == f"{path}: No space left on device"
    assert [entry["event"] for entry in logs] == ["audit_log_failed"]
    assert log.count == 3
    assert check_file(path).count == 1
    assert logger(path).count == 1


@pytest.mark.parametrize("interference", ["appended", "short"])
def test_a_file_that_is_not_as_it_left_it_is_let_go(path, monkeypatch, interference):
    """When somebody else writes to the file, or a line is cut short, nothing is written behind it."""
    log = logger(path)
    log.log_agent_event("A", "one", {})
    if interference == "appended":
        with path.open("ab") as other:
            other.write(b"x")
    else:
        write = os.write
        monkeypatch.setattr("quietfill.runtime.audit.os.write", lambda file, line: write(file, line[:10]))
    with capture_logs():
        log.log_agent_event("A", "two", {})
        log.log_agent_event("A", "three", {})

    assert str(log.failure).endswith("a line was cut short, or somebody else wrote to it")
    assert check_file(path).count == 1


def test_refuses_a_place_where_it_cannot_write(tmp_path):
    """A path that cannot be opened is an error that names it."""
    with pytest.raises(JournalError, match=str(tmp_path)):
        logger(tmp_path)


@pytest.mark.parametrize("odd", ["\ud800", object, float("nan"), {1: {2, 3}}, Decimal("NaN"), "a\nb\u2028\x1b[31m"])
def test_keeps_whatever_it_is_given(path, odd):
    """An entry is never lost for its form, and never breaks a line."""
    log = logger(path)
    log.log_agent_event("A", "odd", {"what": odd})
    log.log_agent_event(str(odd), "odd", {})
    log.close()

    assert path.read_bytes().count(b"\n") == 2
    assert check_file(path).count == 2
    assert b"\x1b" not in path.read_bytes()
