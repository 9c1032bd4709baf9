"""The desk of an examination: asks what the engine asks, keeps what the broker says, and waits by letting time pass.

Nothing here sleeps: waiting is the stage's market going on, a bounded number of times.
"""

from __future__ import annotations

import inspect
from contextlib import suppress
from typing import TYPE_CHECKING, NoReturn

from quietfill.domain.execution_report import ReportKind
from quietfill.domain.records import CancelRequested, ChildRequested, ReplaceRequested
from quietfill.domain.types import OrderSide, TimeInForce, quantity_number
from quietfill.testing.conformance import log
from quietfill.testing.conformance.ears import Ears
from quietfill.testing.conformance.failure import ConformanceFailure
from quietfill.testing.conformance.stage import Ability

if TYPE_CHECKING:
    from collections.abc import Callable

    from quietfill.domain.messages import BrokerSnapshot
    from quietfill.domain.records import WireRequest
    from quietfill.domain.types import Price, Quantity, Timestamp
    from quietfill.ports.broker import BrokerEdge
    from quietfill.testing.conformance.stage import BrokerStage


class Desk(Ears):
    """One account's requests and reports, over one session or several.

    Attributes:
        edge: the present session.
    """

    def __init__(self, stage: BrokerStage, why: str) -> None:
        """Open nothing yet; *why* is said when something is wrong."""
        super().__init__(stage)
        self.edge: BrokerEdge = stage.open_edge()
        self._why = why
        self._placed = 0
        self._terms: dict[str, ChildRequested] = {}
        self._revisions: dict[str, int] = {}
        self._attempts = 0
        self.listen(self.edge)

    # Sessions

    async def open(self) -> None:
        """Connect the present edge."""
        await self.edge.connect()
        self.log.append("-- connected")

    async def close(self) -> None:
        """Disconnect the present edge."""
        await self.edge.disconnect()
        self.log.append("-- disconnected")

    async def leave(self) -> None:
        """Cancel what still works, as far as that can be done, and close the session: an account outlives a check."""
        with suppress(Exception):  # whatever goes wrong now, the check has its verdict
            if self.edge.is_connected:
                await self._cancel_all()
        await self.edge.disconnect()

    async def _cancel_all(self) -> None:
        children = [child for child in self.engine.state.children.values() if child.is_live]
        for child in children:
            self.cancel(child.child_id)
        for _ in range(self.stage.settle_rounds):
            if not any(child.is_live for child in children):
                return
            await self.stage.go_on()

    async def reopen(self) -> None:
        """Take another session on the same account, as a process that was started anew does."""
        self.edge = self.stage.open_edge()
        self.listen(self.edge)
        await self.open()

    # Requests

    def place(
        self,
        price: Price | None,
        quantity: Quantity | None = None,
        *,
        side: OrderSide = OrderSide.BUY,
        time_in_force: TimeInForce = TimeInForce.DAY,
        good_till: Timestamp | None = None,
    ) -> str:
        """Submit a placement; return the child's id."""
        request = self.make(price, quantity, side=side, time_in_force=time_in_force, good_till=good_till)
        self.submit(request)
        return request.child_id

    def make(
        self,
        price: Price | None,
        quantity: Quantity | None = None,
        *,
        side: OrderSide = OrderSide.BUY,
        time_in_force: TimeInForce = TimeInForce.DAY,
        good_till: Timestamp | None = None,
    ) -> ChildRequested:
        """Return a placement under a reference that was never used."""
        self._placed += 1
        order_id = f"{self.stage.reference}-{self._placed}"
        request = ChildRequested(
            at=self.stage.clock.now(),
            child_id=f"{order_id}-1",
            order_id=order_id,
            key="a",
            symbol=self.stage.instrument.symbol,
            side=side,
            quantity=quantity or self.stage.order_quantity,
            limit_price=price,
            time_in_force=time_in_force,
            good_till=good_till,
            why="check",
        )
        self._terms[request.child_id] = request
        return request

    def cancel(self, child_id: str) -> None:
        """Submit a cancel."""
        self._attempts += 1
        now = self.stage.clock.now()
        self.submit(CancelRequested(at=now, child_id=child_id, attempt=self._attempts, why="check"))

    def replace(self, child_id: str, total: Quantity, price: Price) -> int:
        """Submit new terms; return their revision."""
        revision = self._revisions[child_id] = self._revisions.get(child_id, 0) + 1
        now = self.stage.clock.now()
        self.submit(
            ReplaceRequested(at=now, child_id=child_id, revision=revision, total=total, limit_price=price, why="check")
        )
        return revision

    def submit(self, request: WireRequest) -> object:
        """Submit any request, booked first as the engine does; return what `submit` returned."""
        self.engine.ask(request)
        self.log.append(log.asked(request))
        submit: Callable[[WireRequest], object] = self.edge.submit
        with self.calling(f"submit of {type(request).__name__}"):
            returned = submit(request)
        if inspect.iscoroutine(returned):
            returned.close()  # nobody will await it; that it is there at all is what a check looks at
        return returned

    def request_of(self, child_id: str) -> ChildRequested:
        """Return the placement of a child."""
        return self._terms[child_id]

    async def snapshot(self) -> BrokerSnapshot:
        """Ask the broker for everything, and keep the answer in the log."""
        snapshot = await self.edge.snapshot()
        self.log.append(log.listed(snapshot))
        return snapshot

    # Orders in a known state

    async def resting(self, quantity: Quantity | None = None, *, side: OrderSide = OrderSide.BUY) -> str:
        """Place an order that rests, and wait until it is accepted."""
        child = self.place(self.stage.resting_price(side), quantity, side=side)
        await self.accepted(child)
        self.expect(not self.fills(child), f"no execution of {child}, which rests")
        return child

    async def accepted(self, child_id: str) -> None:
        """Wait until an order is known to live; a fill that overtook the acceptance proves it as well."""
        proofs = {ReportKind.ACCEPTED, ReportKind.FILL}
        await self.until(lambda: proofs & set(self.kinds(child_id)), f"accepted for {child_id}")

    async def traded(self, *, side: OrderSide = OrderSide.BUY) -> str:
        """Place an order that trades at once, and wait until all of it has."""
        child = self.place(self.stage.trading_price(side), side=side)
        await self.full(child)
        return child

    async def full(self, child_id: str) -> None:
        """Wait until executions of an order add up to what it asked for."""
        wanted = self.request_of(child_id).quantity
        await self.until(
            lambda: self.filled(child_id) >= wanted, f"executions of {child_id} that add up to what it asked for"
        )

    async def partly_traded(self, *, side: OrderSide = OrderSide.BUY) -> str:
        """Place an order that trades in part and rests, and wait until the part is told."""
        quantity, price = self.stage.part_fill(side)
        child = self.place(price, quantity, side=side)
        await self.until(lambda: self.filled(child) > 0, f"a first execution of {child}")
        await self.settle()
        if self.filled(child) >= quantity:
            self.fail(f"{child} filled in part only: the stage's part_fill is no such order")
        return child

    async def ended(self, child_id: str) -> ReportKind:
        """Wait until the broker says that an order ended; return with which word."""
        await self.until(lambda: self.ends(child_id), f"an end of {child_id}")
        return self.ends(child_id)[0].kind

    async def cancelled(self, child_id: str) -> ReportKind:
        """Cancel an order and wait until it ended."""
        self.cancel(child_id)
        return await self.ended(child_id)

    def strangers(self) -> list[str]:
        """Return the ids that something was said about and that were never placed here."""
        return sorted({report.child_id for report in self.reports} - self._terms.keys())

    # Time

    async def until(self, condition: Callable[[], object], expected: str) -> None:
        """Let the market go on until a condition holds.

        Raises:
            ConformanceFailure: when it does not within the stage's rounds.
        """
        for _ in range(self.stage.rounds):
            if condition():
                return
            await self.stage.go_on()
        if not condition():
            self.fail(expected)

    async def settle(self) -> None:
        """Let the market go on until nothing that is under way can still come."""
        for _ in range(self.stage.settle_rounds):
            await self.stage.go_on()

    async def listed(self, condition: Callable[[BrokerSnapshot], object], expected: str) -> None:
        """Ask until a snapshot meets a condition: many brokers list a moment later than they tell.

        Raises:
            ConformanceFailure: when none does while the market settles.
        """
        for _ in range(self.stage.settle_rounds):
            if condition(await self.snapshot()):
                return
            await self.stage.go_on()
        self.fail(expected)

    # Judging

    def expect(self, holds: object, expected: str) -> None:
        """Fail unless something holds.

        Raises:
            ConformanceFailure: with *expected*.
        """
        if not holds:
            self.fail(expected)

    async def expect_listed(self, child_id: str, *, total: Quantity | None = None) -> None:
        """Fail unless the broker lists an order as open, once, with this total; where it lists orders at all.

        Raises:
            ConformanceFailure: when it does not.
        """
        if Ability.LISTS_ORDERS not in self.stage.lacks:
            terms = "" if total is None else f" with {quantity_number(total)} in all"
            expected = f"{child_id} listed as open, once{terms}"
            await self.listed(lambda snapshot: _is_open_once(snapshot, child_id, total), expected)

    async def expect_gone(self, child_id: str) -> None:
        """Fail while the broker lists an order as open; where it lists orders at all.

        Raises:
            ConformanceFailure: when it goes on doing so.
        """
        if Ability.LISTS_ORDERS not in self.stage.lacks:
            await self.listed(
                lambda snapshot: not any(order.child_id == child_id and order.is_open for order in snapshot.orders),
                f"{child_id} not listed as open",
            )

    def expect_assumed_only_without_status(self, child_id: str) -> None:
        """Fail when an end is assumed although the broker tells ends.

        Raises:
            ConformanceFailure: then.
        """
        is_told = ReportKind.ASSUMED_CANCELLED not in self.kinds(child_id) or Ability.STATUS in self.stage.lacks
        self.expect(is_told, f"the end of {child_id} told by the broker, not assumed")

    def fail(self, expected: str) -> NoReturn:
        """Fail with everything that was heard.

        Raises:
            ConformanceFailure: always.
        """
        raise ConformanceFailure(expected, tuple(self.log), self._why)


def _is_open_once(snapshot: BrokerSnapshot, child_id: str, total: Quantity | None) -> bool:
    listed = [order for order in snapshot.orders if order.child_id == child_id and order.is_open]
    return len(listed) == 1 and total in {None, listed[0].total}
