"""The Interactive Brokers edge keeps every guarantee on a gateway that has a bad day."""

from __future__ import annotations

import asyncio

import pytest

from quietfill.testing.broker_conformance import Verdict, run_all
from tests.broker_conformance.ib_stage import bad_gateway_stage

FAULTS = (
    "ack-late",
    "commission-early",
    "commission-late",
    "execution-late",
    "execution-twice",
    "notice:code=399",
    "perm-id-zero",
    "split-segments",
    "status-late",
    "status-replayed",
    "stray-version",
)


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS)
def test_every_guarantee_holds_whatever_the_gateway_is_like(fault):
    """Late, early, doubled or in pieces: whatever the messages do, the reports keep what the engine relies on."""
    report = asyncio.run(run_all(bad_gateway_stage(fault)))

    assert report.is_trusted, report.table()
    assert not report.of(Verdict.SKIPPED)
