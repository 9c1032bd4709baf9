"""How everything here is measured: contenders in turn, round after round, and the median of the rounds.

A machine's speed drifts while other things run on it. So what is compared is measured in the same rounds, and
a figure is the median over rounds of each round's own median: one bad round moves nothing. What only computes
is measured in CPU time of its thread, so that other programs on the machine take none of it; what waits for a
loop, a thread, a disk or a process is measured by the wall clock.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import ceil
from statistics import median
from time import perf_counter_ns, thread_time_ns
from typing import Literal

Contender = Callable[[], Sequence[float]]
"""Measures once and returns its samples."""

Verdict = Literal["ok", "over", "-"]


@dataclass(frozen=True)
class Size:
    """How much is measured. The defaults are those of the published table.

    Attributes:
        rounds: how often each contender has its turn.
        samples: calls timed in each turn.
        orders: simulated market orders.
        known: orders that the engine knows in the large case of a fill.
        settled: parents that end before memory is watched, more than the engine keeps whole.
        finished: parents that end while it is.
        events: recorded events replayed with nobody working.
        followed: recorded events replayed with one TWAP working.
        chunk: events that are in memory at once.
        marked: fills that the market is looked up for.
        queued: orders placed at once with a broker who takes 50 messages a second.
    """

    rounds: int = 5
    samples: int = 300
    orders: int = 20_000
    known: int = 100_000
    settled: int = 1_200
    finished: int = 4_000
    events: int = 50_000_000
    followed: int = 5_000_000
    chunk: int = 10_000_000
    marked: int = 1_000_000
    queued: int = 1_000


@dataclass(frozen=True)
class Budget:
    """A bound on the figure itself, or on its ratio to the yardstick.

    Attributes:
        limit: in the unit of the figure; a plain number for a ratio.
        at_least: whether more is better.
        of_ratio: whether the ratio is what is bounded.
    """

    limit: float
    at_least: bool = False
    of_ratio: bool = False

    def __str__(self) -> str:
        sign = ">=" if self.at_least else "<="
        return f"{sign} {self.limit:,.10g}{' x' if self.of_ratio else ''}"

    def holds(self, measured: float, ratio: float | None) -> bool:
        """Say whether the figure keeps it."""
        figure = ratio if self.of_ratio else measured
        assert figure is not None, "a budget on a ratio needs a yardstick"
        return figure >= self.limit if self.at_least else figure <= self.limit


@dataclass(frozen=True)
class Yardstick:
    """What a figure is held against, in the same unit, from the same run unless its name says otherwise."""

    name: str
    value: float


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of the table.

    Attributes:
        what: what was measured.
        measured, unit: the figure.
        budget: None where the design states none.
        yardstick: what it is held against.
        note: how it was measured, where that does not go without saying.
        tail: other figures of the same samples by name, such as p99, in the same unit.
    """

    what: str
    measured: float
    unit: str
    budget: Budget | None = None
    yardstick: Yardstick | None = None
    note: str = ""
    tail: dict[str, float] = field(default_factory=dict)

    @property
    def ratio(self) -> float | None:
        """The figure in yardsticks."""
        return self.measured / self.yardstick.value if self.yardstick else None

    @property
    def verdict(self) -> Verdict:
        """Whether the budget is kept."""
        if self.budget is None:
            return "-"
        return "ok" if self.budget.holds(self.measured, self.ratio) else "over"


def interleaved(rounds: int, contenders: dict[str, Contender]) -> dict[str, float]:
    """Let each contender measure once a round; return the median of each one's round medians."""
    medians: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, measure in contenders.items():
            medians[name].append(median(measure()))
    return {name: median(values) for name, values in medians.items()}


def micros(action: Callable[[], object], count: int) -> list[float]:
    """Return how long each call took, in us."""
    taken: list[float] = []
    for _ in range(count):
        start = perf_counter_ns()
        action()
        taken.append((perf_counter_ns() - start) / 1e3)
    return taken


def micros_each(action: Callable[[], object], count: int) -> list[float]:
    """Return the mean of so many calls as one sample, in us of CPU: for calls too short to time one by one."""
    start = thread_time_ns()
    for _ in range(count):
        action()
    return [(thread_time_ns() - start) / 1e3 / count]


def percentile(samples: Sequence[float], percent: float) -> float:
    """Return the nearest-rank percentile: the least sample that so many percent of all do not exceed."""
    ordered = sorted(samples)
    return ordered[max(0, ceil(len(ordered) * percent / 100) - 1)]
