"""Clocks: one that runs, one that stands still."""

import time

import pytest

from quietfill.domain.types import SECOND
from quietfill.runtime import clock as module
from quietfill.runtime.clock import SystemClock, wall_seconds
from quietfill.testing.clock import ManualClock


class FakeTime:
    """The two clocks of a machine, set by hand."""

    def __init__(self):
        self.wall = 1_700_000_000 * SECOND
        self.steady = 5 * SECOND

    def time_ns(self):
        return self.wall

    def monotonic_ns(self):
        return self.steady


def test_follows_the_steady_clock_when_the_wall_clock_is_set(monkeypatch):
    """A wall clock that is put back moves nothing, and the difference is told."""
    fake = FakeTime()
    monkeypatch.setattr(module, "time", fake)
    clock = SystemClock()
    start = fake.wall
    fake.steady += 3 * SECOND
    fake.wall -= 3600 * SECOND

    assert clock.now() == start + 3 * SECOND
    assert clock.drift() == -3603 * SECOND


def test_begins_with_the_time_of_the_machine():
    """A new clock agrees with the wall clock, and never goes back."""
    before = time.time_ns()
    clock = SystemClock()
    readings = [clock.now() for _ in range(1000)]

    assert readings == sorted(readings)
    assert abs(readings[0] - before) < 3600 * SECOND


def test_durations_are_never_negative():
    """The stopwatch goes forward."""
    assert wall_seconds() <= wall_seconds()


def test_a_manual_clock_moves_when_told():
    """Time passes by exactly what the test says."""
    clock = ManualClock(100)
    assert clock.advance(50) == 150
    clock.set(400)
    clock.set(400)

    assert clock.now() == 400


def test_a_manual_clock_never_goes_back():
    """A test that would turn time back has a mistake in it."""
    clock = ManualClock(100)
    with pytest.raises(ValueError, match="never goes back: -1 ns"):
        clock.advance(-1)
    with pytest.raises(ValueError, match="never goes back: from 100 to 99"):
        clock.set(99)

    assert clock.now() == 100
