"""Brokers that do everything right pass everything."""

from __future__ import annotations

import pytest

from quietfill.testing.broker_conformance import checks
from tests.broker_conformance.own_stage import all_members, four_members
from tests.broker_conformance.pit import pit_stage
from tests.broker_conformance.seen import see


@pytest.mark.parametrize("check", checks(), ids=lambda check: check.name)
def test_the_smallest_right_edge_keeps_the_guarantee(check):
    """An edge with every ability passes, and nothing is skipped: what wrong brokers fail is their own wrong."""
    see(check, pit_stage())


@pytest.mark.parametrize("check", checks(), ids=lambda check: check.name)
@pytest.mark.parametrize("stage", [four_members, all_members], ids=lambda stage: stage.__name__)
def test_a_broker_of_the_users_keeps_the_guarantee_behind_its_edge(check, stage):
    """Four members or all: what they cannot say is skipped with the member that is missing."""
    see(check, stage)
