"""The share of a market's volume as the public methods tell it, by hand and in the live path."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from quietfill.algos.pov import PovParams
from quietfill.domain.records import VolumeProfileSet
from quietfill.domain.types import MINUTE
from quietfill.journal.memory import MemoryJournal
from tests.agent.desk import open_desk

FIXED = {
    "symbol",
    "target_participation",
    "current_participation",
    "adjusted_participation",
    "min_participation",
    "max_participation",
    "volume_window_minutes",
    "market_observations",
    "our_fills",
}


def test_a_symbol_of_which_nothing_is_known() -> None:
    """Every figure of the configuration is there, and what cannot be known is None."""

    async def play() -> None:
        async with open_desk(vwap_target_participation=0.2, volume_window_minutes=3) as desk:
            stats = desk.agent.get_participation_stats("NOBODY")

        assert set(stats) >= FIXED
        assert stats["current_participation"] is None
        assert (stats["adjusted_participation"], stats["target_participation"]) == (0.2, 0.2)
        assert (stats["min_participation"], stats["max_participation"]) == (0.05, 0.25)
        assert (stats["volume_window_minutes"], stats["market_observations"], stats["our_fills"]) == (3, 0, 0)

    asyncio.run(play())


def test_volume_told_by_hand() -> None:
    """Growth counts, the first figure does not, and a fall is a new session."""

    async def play() -> None:
        async with open_desk() as desk:
            tell, stats = desk.agent.update_market_volume, desk.agent.get_participation_stats
            tell("HAND", 1_000_000)
            assert stats("HAND")["current_participation"] is None
            tell("HAND", 1_000_500)
            assert (stats("HAND")["current_participation"], stats("HAND")["market_volume"]) == (0.0, 500)
            assert stats("HAND")["adjusted_participation"] == pytest.approx(0.15)
            tell("HAND", 40)
            assert stats("HAND")["current_participation"] is None
            tell("HAND", 90)
            assert (stats("HAND")["market_volume"], stats("HAND")["market_observations"]) == (50, 2)

    asyncio.run(play())


def test_the_share_of_a_working_order_is_seen() -> None:
    """While POV works, fills and volume of the window give a share near its rate, our own prints counted once."""

    async def play() -> None:
        async with open_desk(vwap_target_participation=0.1) as desk:
            order_id = await desk.submit(algo="POV", quantity=20_000, algo_params={"rest": "abandon"})
            seen: list[dict[str, Any]] = []

            def look() -> None:
                seen.append(desk.agent.get_participation_stats(desk.symbol))

            for minute in range(1, 9):
                desk.broker.clock.call_at(desk.broker.clock.now() + minute * MINUTE, look)
            await desk.agent.wait_done(order_id)

            parent = desk.agent.runtime.engine.state.parents[order_id]

        last = seen[-1]
        assert last["our_fills"] > 0
        assert last["market_volume"] > last["our_volume"] > 0
        assert last["current_participation"] == pytest.approx(last["our_volume"] / last["market_volume"])
        assert 0.03 < last["current_participation"] < 0.15
        for stats in seen:
            behind = stats["current_participation"] is not None and stats["current_participation"] < 0.1
            assert (stats["adjusted_participation"] > 0.1) == behind
            assert 0.05 <= stats["adjusted_participation"] <= 0.25
        assert parent.filled <= 0.26 * (parent.filled + parent.market_volume)

    asyncio.run(play())


@pytest.mark.parametrize(
    ("configured", "stated", "meant"),
    [
        ({}, {}, (0.1, 0.05, 0.25, 0.5)),
        ({"vwap_min_participation": 0, "vwap_max_participation": 1}, {}, (0.1, 0.0, 1.0, 0.5)),
        ({"vwap_target_participation": 0.2, "participation_adjustment_factor": 0}, {}, (0.2, 0.05, 0.25, 0.0)),
        ({}, {"rate": 0.4}, (0.4, 0.05, 0.6, 0.5)),  # the configured cap is below: the algo's own follows the rate
        ({}, {"rate": 0.02}, (0.02, 0.01, 0.25, 0.5)),
        ({}, {"floor": 0.08, "cap": 0.12, "adjustment": 1}, (0.1, 0.08, 0.12, 1.0)),
    ],
)
def test_the_configuration_reaches_pov(configured, stated, meant) -> None:
    """Rate, floor, cap and adjustment are the decision's where stated, else the configuration's where they fit."""

    async def play() -> None:
        async with open_desk(**configured) as desk:
            order_id = await desk.submit(algo="POV", algo_params=stated)
            params = desk.agent.runtime.engine.state.parents[order_id].params
            assert isinstance(params, PovParams)

        assert (params.rate, params.lowest, pytest.approx(params.highest), params.adjustment) == meant

    asyncio.run(play())


def test_a_volume_profile_is_followed_and_journaled() -> None:
    """A profile set on the agent is followed by the running order at once, and is in the journal."""

    async def play() -> None:
        journal = MemoryJournal()
        async with open_desk(journal) as desk:
            order_id = await desk.submit(algo="VWAP")
            desk.agent.set_volume_profile(desk.symbol, [1, 2, 3])
            state = desk.agent.runtime.engine.state
            profile = state.parents[order_id].profile
            with pytest.raises(ValueError, match="volume profile is zero everywhere"):
                desk.agent.set_volume_profile(desk.symbol, [0, 0])

        records = [entry.record for entry in journal.read()]
        assert profile == (1.0, 2.0, 3.0)
        assert [record.weights for record in records if isinstance(record, VolumeProfileSet)] == [(1.0, 2.0, 3.0)]

    asyncio.run(play())
