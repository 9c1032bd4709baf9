"""One check as one test: what the suite says becomes what pytest says."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from quietfill.testing.broker_conformance import Verdict, examine

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager

    from quietfill.testing.broker_conformance import BrokerStage, Check


def see(check: Check, stage: Callable[[], AbstractAsyncContextManager[BrokerStage]]) -> None:
    """Run a check; a skip keeps its reason, a failure all that was heard."""
    outcome = asyncio.run(examine(check, stage))
    if outcome.verdict is Verdict.SKIPPED:
        pytest.skip(outcome.detail)
    assert outcome.verdict is Verdict.PASSED, outcome.detail
