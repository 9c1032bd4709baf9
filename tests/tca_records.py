"""Builds the records and the market of an order by hand, in shares and currency, for the tests of cost analysis."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime
from itertools import count
from typing import TypeVar

import numpy as np

from quietfill.domain.execution_report import Fill
from quietfill.domain.instrument import TradingDay
from quietfill.domain.order_state import OrderState
from quietfill.domain.records import (
    AnyRecord,
    ChildAcknowledged,
    ChildDone,
    ChildFilled,
    ChildRequested,
    OrderAccepted,
    OrderDone,
    ReplaceConfirmed,
    ReplaceRequested,
)
from quietfill.domain.types import (
    SECOND,
    Liquidity,
    OrderSide,
    OrderType,
    TimeInForce,
    price_from,
    quantity_from,
    timestamp_from,
)
from quietfill.market.history import MarketHistory

T = TypeVar("T")
DAY = date(2023, 7, 11)
OPEN = timestamp_from(datetime(2023, 7, 11, 2, 0, tzinfo=UTC))
"""Second 0 of the tests: 10:00 in Shanghai."""


def at(seconds: float) -> int:
    """Return an instant that many seconds after `OPEN`."""
    return OPEN + round(seconds * SECOND)


def optional(price: float | None) -> int | None:
    """Return a price inside, or none."""
    return None if price is None else price_from(price)


def known(value: T | None) -> T:
    """Return a figure that must be there."""
    assert value is not None
    return value


def market(
    touches: Iterable[tuple[float, float | None, float | None]],
    prints: Iterable[tuple[float, float, float]] = (),
    spans: Sequence[tuple[float, float]] = ((0, 3600),),
    symbol: str = "600961",
) -> MarketHistory:
    """Return a recorded market from (second, bid, ask) rows and (second, price, quantity) prints."""
    rows, trades = list(touches), list(prints)
    return MarketHistory(
        symbol=symbol,
        print_time=np.array([at(t) for t, _, _ in trades], dtype=np.int64),
        print_price=np.array([price_from(p) for _, p, _ in trades], dtype=np.int64),
        print_quantity=np.array([quantity_from(q) for _, _, q in trades], dtype=np.int64),
        touch_time=np.array([at(t) for t, _, _ in rows], dtype=np.int64),
        bid=np.array([price_from(b or 0) for _, b, _ in rows], dtype=np.int64),
        ask=np.array([price_from(a or 0) for _, _, a in rows], dtype=np.int64),
        has_touch=np.array([b is not None and a is not None for _, b, a in rows], dtype=np.bool_),
        day=TradingDay(tuple((at(opens), at(closes)) for opens, closes in spans)),
    )


class Script:
    """The records of one order; every method appends what the engine would."""

    def __init__(
        self,
        *,
        quantity: float = 1000,
        side: str = "buy",
        arrival: tuple[float, float] | None = (99.99, 100.03),
        accepted: float = 0,
        end: float = 600,
        limit: float | None = None,
        algo: str = "TWAP",
        order_id: str = "order-1",
        symbol: str = "600961",
    ) -> None:
        """Accept the order."""
        self.order_id = order_id
        self.side = OrderSide(side)
        self._executions = count(1)
        self.records: list[AnyRecord] = [
            OrderAccepted(
                at=at(accepted), order_id=order_id, decision_id=f"decision-{order_id}", symbol=symbol, side=self.side,
                quantity=quantity_from(quantity), algo=algo, params={}, order_type=OrderType.LIMIT,
                limit_price=optional(limit), stop_price=None, start=at(accepted), end=at(end),
                time_in_force=TimeInForce.DAY, account=None, reduce_only=False, direct=True, by="test",
                decision_price=None, decided_at=None, bid=optional(arrival and arrival[0]),
                ask=optional(arrival and arrival[1]), bid_size=quantity_from(100), ask_size=quantity_from(100),
                quote_age=0, day_volume=None,
            )
        ]  # fmt: skip

    def __iter__(self) -> Iterator[AnyRecord]:
        """Yield the records so far."""
        return iter(self.records)

    def add(self, *records: AnyRecord) -> "Script":
        """Append any records."""
        self.records.extend(records)
        return self

    def place(
        self,
        child: str,
        seconds: float,
        quantity: float,
        limit: float | None,
        *,
        key: str = "s1",
        why: str = "rests at the near touch",
        touch: tuple[float, float] | None = None,
        acknowledged: float | None = None,
    ) -> "Script":
        """Ask for a child; the broker has it at *acknowledged* (1 ms later unless said; negative: never)."""
        self.add(
            ChildRequested(
                at=at(seconds), child_id=child, order_id=self.order_id, key=key, symbol="600961", side=self.side,
                quantity=quantity_from(quantity), limit_price=optional(limit),
                time_in_force=TimeInForce.DAY, good_till=None, why=why,
                bid=optional(touch and touch[0]), ask=optional(touch and touch[1]),
            )
        )  # fmt: skip
        when = seconds + 0.001 if acknowledged is None else acknowledged
        if when < 0:
            return self
        return self.add(ChildAcknowledged(at=at(when), child_id=child, broker_order_id=1, exchange_time=at(when)))

    def replace(self, child: str, seconds: float, total: float, limit: float, *, revision: int = 1) -> "Script":
        """Ask for new terms, confirmed a millisecond later."""
        wanted, price, when = quantity_from(total), price_from(limit), at(seconds + 0.001)
        return self.add(
            ReplaceRequested(
                at=at(seconds), child_id=child, revision=revision, total=wanted, limit_price=price, why="steps to mid"
            ),
            ReplaceConfirmed(
                at=when, child_id=child, revision=revision, total=wanted, limit_price=price, exchange_time=when
            ),
        )

    def fill(
        self,
        child: str,
        seconds: float,
        quantity: float,
        price: float,
        *,
        touch: tuple[float, float] | None = None,
        liquidity: Liquidity = Liquidity.UNKNOWN,
        commission: float | None = 0,
    ) -> "Script":
        """Book one execution."""
        fill = Fill(
            execution_id=f"{self.order_id}/{next(self._executions)}", quantity=quantity_from(quantity),
            price=price_from(price), exchange_time=at(seconds), liquidity=liquidity,
            bid=optional(touch and touch[0]), ask=optional(touch and touch[1]),
            commission=optional(commission),
        )  # fmt: skip
        return self.add(ChildFilled(at=at(seconds), child_id=child, fill=fill))

    def end_child(self, child: str, seconds: float, cumulative: float, state: str = "cancelled") -> "Script":
        """Book the broker's last word about a child."""
        return self.add(
            ChildDone(
                at=at(seconds), child_id=child, state=OrderState(state), cumulative=quantity_from(cumulative),
                reason="", exchange_time=at(seconds),
            )
        )  # fmt: skip

    def done(self, seconds: float, state: str = "filled", filled: float = 0) -> "Script":
        """End the order."""
        return self.add(
            OrderDone(
                at=at(seconds), order_id=self.order_id, state=OrderState(state), filled=quantity_from(filled), reason=""
            )
        )
