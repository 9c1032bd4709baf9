"""The simulated venue's own edge keeps every guarantee, on the packaged hour."""

from __future__ import annotations

import pytest

from quietfill.testing.broker_conformance import checks
from tests.broker_conformance.seen import see
from tests.broker_conformance.venue_stage import venue_stage


@pytest.mark.parametrize("check", checks(), ids=lambda check: check.name)
def test_the_venues_edge_keeps_the_guarantee(check):
    """One guarantee on one fresh venue; a line that cannot break is skipped, with that reason."""
    see(check, venue_stage)
