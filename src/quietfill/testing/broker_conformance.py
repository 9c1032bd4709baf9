"""The conformance suite for brokers: every guarantee that the engine relies on, as a check that anybody can run.

    report = await run_all(my_stage)
    print(report.table())

Write a `BrokerStage` once; see the how-to page *Test a broker*. Each check gets a fresh stage. What a stage lacks skips
the checks that need it, visibly and with the stated reason.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

from quietfill.domain.errors import BadInput
from quietfill.testing.conformance.cancels import CANCELS
from quietfill.testing.conformance.check import Check
from quietfill.testing.conformance.failure import ConformanceFailure
from quietfill.testing.conformance.fills import FILLS
from quietfill.testing.conformance.lawful import LAWFUL
from quietfill.testing.conformance.line import LINE
from quietfill.testing.conformance.listings import LISTINGS
from quietfill.testing.conformance.market import MARKET
from quietfill.testing.conformance.placements import PLACEMENTS
from quietfill.testing.conformance.replaces import REPLACES
from quietfill.testing.conformance.sessions import SESSIONS
from quietfill.testing.conformance.stage import Ability, BrokerStage, PartFill

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from contextlib import AbstractAsyncContextManager

    StageFactory: TypeAlias = Callable[[], AbstractAsyncContextManager[BrokerStage]]

__all__ = [
    "Ability",
    "BrokerStage",
    "Check",
    "ConformanceFailure",
    "ConformanceReport",
    "Outcome",
    "PartFill",
    "Verdict",
    "checks",
    "examine",
    "run_all",
]

_SUBJECTS = (SESSIONS, PLACEMENTS, FILLS, CANCELS, REPLACES, LISTINGS, LINE, MARKET, LAWFUL)


class Verdict(StrEnum):
    """What came of a check."""

    PASSED = "passed"
    FAILED = "FAILED"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Outcome:
    """What came of one check.

    Attributes:
        check: which.
        verdict: passed, failed or skipped.
        detail: why it was skipped, or all that a failure says; "" for one that passed.
    """

    check: Check
    verdict: Verdict
    detail: str = ""


@dataclass(frozen=True)
class ConformanceReport:
    """What came of all checks.

    Attributes:
        outcomes: one a check, in their order.
    """

    outcomes: tuple[Outcome, ...]

    @property
    def is_trusted(self) -> bool:
        """Whether no check failed. What was skipped was not seen: the table says which, and why."""
        return not self.of(Verdict.FAILED)

    def of(self, verdict: Verdict) -> list[Outcome]:
        """Return the outcomes of one verdict."""
        return [outcome for outcome in self.outcomes if outcome.verdict is verdict]

    def table(self) -> str:
        """Return a line for each check, then the whole of each failure, then the counts."""
        width = max((len(outcome.check.name) for outcome in self.outcomes), default=0)
        lines = [_line(outcome, width) for outcome in self.outcomes]
        for outcome in self.of(Verdict.FAILED):
            lines += ["", f"{outcome.check.name}: {outcome.check.guarantee}", outcome.detail]
        counts = ", ".join(f"{len(self.of(verdict))} {verdict.value.lower()}" for verdict in Verdict)
        return "\n".join([*lines, "", counts])


def checks() -> tuple[Check, ...]:
    """Return every check, by subject: sessions first, the whole of it last."""
    return tuple(check for subject in _SUBJECTS for check in subject.checks)


async def examine(check: Check, stage_factory: StageFactory) -> Outcome:
    """Run one check on a fresh stage. Whatever goes wrong is the outcome, nothing is raised.

    Args:
        check: one of `checks()`.
        stage_factory: opens a stage as an async context manager, and closes it.
    """
    try:
        async with stage_factory() as stage:
            reason = check.reason_to_skip(stage)
            if reason is not None:
                return Outcome(check, Verdict.SKIPPED, reason)
            async with asyncio.timeout(stage.limit_seconds):
                await check.run(stage)
    except ConformanceFailure as failure:
        return Outcome(check, Verdict.FAILED, str(failure))
    except TimeoutError as error:
        return Outcome(check, Verdict.FAILED, f"it did not come to an end in time {error}".strip())
    except Exception as error:  # noqa: BLE001 - whatever the broker's own code raises is its failure
        return Outcome(check, Verdict.FAILED, f"the broker or its stage raised {type(error).__name__}: {error}")
    return Outcome(check, Verdict.PASSED)


async def run_all(stage_factory: StageFactory, only: Iterable[str] | None = None) -> ConformanceReport:
    """Run every check, or those named, each on a fresh stage.

    Args:
        stage_factory: opens a stage as an async context manager, and closes it; called once a check.
        only: names of checks; None is all of them.

    Raises:
        BadInput: when *only* names a check that does not exist.
    """
    wanted = None if only is None else set(only)
    unknown = sorted((wanted or set()) - {check.name for check in checks()})
    if unknown:
        raise BadInput(f"only names no check: {', '.join(unknown)}")
    chosen = [check for check in checks() if wanted is None or check.name in wanted]
    return ConformanceReport(tuple([await examine(check, stage_factory) for check in chosen]))


def _line(outcome: Outcome, width: int) -> str:
    says = outcome.detail if outcome.verdict is Verdict.SKIPPED else outcome.check.guarantee
    return f"{outcome.verdict.value:<8}{outcome.check.name:<{width}}  {says}"
