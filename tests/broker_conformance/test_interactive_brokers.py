"""The Interactive Brokers edge keeps every guarantee, through unmodified ib_async and a real socket."""

from __future__ import annotations

import pytest

from quietfill.testing.broker_conformance import checks
from tests.broker_conformance.ib_stage import gateway_stage
from tests.broker_conformance.seen import see


@pytest.mark.parametrize("check", checks(), ids=lambda check: check.name)
def test_the_interactive_brokers_edge_keeps_the_guarantee(check):
    """One guarantee on one fresh gateway; nothing is skipped."""
    see(check, gateway_stage)
