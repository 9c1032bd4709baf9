"""Orders for the close as the agent's user sees them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from quietfill import OrderType
from quietfill.domain.types import MINUTE
from tests.agent.test_agent import on_desk, pass_time

if TYPE_CHECKING:
    from tests.agent.desk import Desk


_IN_TRADING = {"algo": None, "order_type": OrderType.MARKET_ON_CLOSE, "algo_params": {"style": "continuous"}}


@pytest.mark.parametrize("terms", [{"algo": "close"}, _IN_TRADING])
def test_an_order_for_the_close_waits_for_it(terms: dict[str, Any]) -> None:
    """Without a stated end it lasts to the end of continuous trading, and sends nothing hours before."""

    async def play(desk: Desk) -> None:
        order_id = await desk.submit(**terms, end=None, quantity=2_000)
        parent = desk.agent.runtime.engine.state.parents[order_id]
        assert parent.end == parent.day.spans[-1][1]
        await pass_time(desk, 10 * MINUTE)
        assert not parent.is_done
        assert parent.children_count == 0

    on_desk(play)


@pytest.mark.parametrize(
    "terms",
    [
        {"algo": "close", "algo_params": {"style": "auction"}},
        {"algo": None, "time_in_force": "MOC"},
        {"algo": None, "order_type": OrderType.MARKET_ON_CLOSE},
        {"algo": None, "order_type": OrderType.LIMIT_ON_CLOSE, "limit_price": 9.99},
    ],
)
def test_an_auction_that_the_venue_does_not_hold_ends_the_order(terms: dict[str, Any]) -> None:
    """One child is sent and refused; the order ends and says why, instead of trying for ever."""

    async def play(desk: Desk) -> None:
        order_id = await desk.submit(**terms, end=None)
        await desk.agent.wait_done(order_id)
        parent = desk.agent.runtime.engine.state.parents[order_id]
        assert parent.children_count == 1
        assert "not sent again" in parent.done_reason

    on_desk(play)
