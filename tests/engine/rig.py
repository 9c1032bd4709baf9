"""An engine on a bench: messages in by hand, records out, and a broker that says what a test wants."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from quietfill.algos.base import AlgoParams, Outcome, Plan, Slice
from quietfill.algos.registry import registry, spec_of
from quietfill.domain.execution_report import ExecutionReport, Fill, ReportKind
from quietfill.domain.instrument import Instrument, TickRule
from quietfill.domain.messages import BookUpdate, BrokerOrder, BrokerSnapshot, NewOrder
from quietfill.domain.records import AnyRecord, ChildRequested, ReplaceRequested
from quietfill.domain.types import MINUTE, SECOND, Liquidity, OrderSide, price_from, quantity_from
from quietfill.engine.engine import Engine
from quietfill.engine.settings import EngineSettings

if TYPE_CHECKING:
    from quietfill.algos.base import ParentView
    from quietfill.domain.records import WireRequest
    from quietfill.domain.types import Timestamp
    from quietfill.engine.parent import ParentState
    from quietfill.market.view import MarketView

NOON = 1_700_000_000 * SECOND
SYMBOL = "TEST"
FAST = EngineSettings(max_orders_per_minute=100_000, min_order_interval=0, max_replaces_per_minute=100_000,
                      max_messages_per_second=100_000)  # fmt: skip


class Puppet:
    """Wants what the test tells it to want."""

    class Params(AlgoParams, frozen=True, kw_only=True):
        """Only the common parameters."""

    wanted: tuple[Slice, ...] = ()
    finish: Outcome | None = None
    fails: bool = False
    memo: dict[str, int] | None = None
    could_send: bool | None = None

    def plan(self, order: ParentView, market: MarketView, now: Timestamp) -> Plan:
        """Return the wanted slices while the window lasts."""
        self.could_send = order.may_send
        if self.fails:
            raise ZeroDivisionError("boom")
        if now >= order.end:
            return Plan(finish=Outcome.ENDED, why="window ended")
        return Plan(self.wanted, wake_at=order.end, why="the test wants it", finish=self.finish, memo=self.memo)


def slice_of(quantity: int, price: str | None = "10.00", key: str = "a", *, crossing: bool = False) -> Slice:
    """Return a slice in public numbers."""
    limit = None if price is None else price_from(Decimal(price))
    return Slice(key, quantity_from(quantity), limit, crossing=crossing)


class Rig:
    """One engine, one instrument, one puppet algo."""

    def __init__(self, settings: EngineSettings = FAST, *, lot: int = 1, is_stop: bool = False) -> None:
        self.puppet = Puppet()
        self.settings = settings
        self.lot = lot
        self.is_stop = is_stop
        self.now: Timestamp = NOON
        self.records: list[AnyRecord] = []
        self.wire: list[WireRequest] = []
        self.engine = self.fresh_engine()
        self.executions = 0

    def fresh_engine(self) -> Engine:
        """Return an empty engine with the same configuration."""
        ticks = (TickRule(0, price_from(Decimal("0.01"))),)
        instrument = Instrument(symbol=SYMBOL, ticks=ticks, lot=quantity_from(self.lot))
        algos = registry()
        spec = spec_of("puppet", Puppet)
        algos.register(type(spec)(spec.name, self.puppet, spec.params, spec.docs, is_stop=self.is_stop))
        return Engine({SYMBOL: instrument}, algos, self.settings)

    # In

    def handle(self, message: Any) -> list[AnyRecord]:
        """Handle a message now; what may leave leaves at once."""
        return self._keep(self.engine.handle(message, self.now))

    def wake(self) -> list[AnyRecord]:
        """Let due timers fire."""
        return self._keep(self.engine.wake(self.now))

    def pass_time(self, duration: int) -> list[AnyRecord]:
        """Let time pass, waking the engine whenever it wants to be woken."""
        until, seen = self.now + duration, []
        due = self.engine.next_wake()
        while due is not None and due <= until:
            self.now = max(self.now, due)
            seen += self.wake()
            after = self.engine.next_wake()
            assert after is None or after > self.now, "the engine wants to be woken at the same instant for ever"
            due = after
        self.now = until
        return seen

    def quote(
        self, bid: str = "10.00", ask: str = "10.02", size: int = 1000, volume: int | None = None
    ) -> list[AnyRecord]:
        """Show a one-level book."""
        return self.handle(
            BookUpdate(
                symbol=SYMBOL,
                time=self.now,
                bids=((price_from(Decimal(bid)), quantity_from(size)),),
                asks=((price_from(Decimal(ask)), quantity_from(size)),),
                volume=None if volume is None else quantity_from(volume),
            )
        )

    def order(self, quantity: int = 100, name: str = "p1", **changes: Any) -> list[AnyRecord]:
        """Submit a puppet order of ten minutes."""
        terms: dict[str, Any] = {
            "order_id": name,
            "decision_id": f"d-{name}",
            "symbol": SYMBOL,
            "side": OrderSide.BUY,
            "quantity": quantity_from(quantity),
            "algo": "puppet",
            "end": self.now + 10 * MINUTE,
            **changes,
        }
        return self.handle(NewOrder(**terms))

    def want(self, *slices: Slice) -> list[AnyRecord]:
        """Change what the puppet wants and have every live parent looked at."""
        self.puppet.wanted = slices
        for parent in self.engine.state.live.values():
            self.engine._touch(parent)  # the puppet's triggers do not know that a test changed its mind
        return self.quote()

    # The broker says

    def report(self, kind: ReportKind, child: str = "p1-1", **fields: Any) -> ExecutionReport:
        """Make a report without handing it in."""
        return ExecutionReport(child_id=child, kind=kind, exchange_time=self.now, **fields)

    def ack(self, child: str = "p1-1") -> list[AnyRecord]:
        """Acknowledge a child."""
        return self.handle(self.report(ReportKind.ACCEPTED, child, broker_order_id=1))

    def fill(self, quantity: int, child: str = "p1-1", execution: str | None = None) -> list[AnyRecord]:
        """Fill a child."""
        return self.handle(self.fill_report(quantity, child, execution))

    def fill_report(self, quantity: int, child: str = "p1-1", execution: str | None = None) -> ExecutionReport:
        """Make a fill report without handing it in."""
        self.executions += 1
        fill = Fill(
            execution_id=execution or f"e{self.executions}",
            quantity=quantity_from(quantity),
            price=price_from(Decimal("10.00")),
            exchange_time=self.now,
            liquidity=Liquidity.PASSIVE,
        )
        return self.report(ReportKind.FILL, child, fill=fill)

    def cancelled(self, filled: int = 0, child: str = "p1-1") -> list[AnyRecord]:
        """Confirm a cancel."""
        return self.handle(self.report(ReportKind.CANCELLED, child, cumulative=quantity_from(filled)))

    def replaced(self, total: int, price: str = "10.00", revision: int = 1, child: str = "p1-1") -> list[AnyRecord]:
        """Confirm a replace."""
        terms = {"total": quantity_from(total), "limit_price": price_from(Decimal(price)), "revision": revision}
        return self.handle(self.report(ReportKind.REPLACED, child, **terms))

    def snapshot(
        self, *orders: BrokerOrder, fills: tuple[ExecutionReport, ...] = (), complete: bool = True
    ) -> BrokerSnapshot:
        """Make a listing of the broker's."""
        return BrokerSnapshot(orders=orders, fills=fills, complete=complete, asked_at=self.now)

    # Out

    @property
    def parent(self) -> ParentState:
        """The first parent."""
        return self.engine.state.parents["p1"]

    def requests(self) -> list[WireRequest]:
        """Return what left since the last call."""
        sent, self.wire = self.wire, []
        return sent

    def placed(self) -> list[ChildRequested]:
        """Return the placements that left since the last call; the rest is forgotten."""
        return [request for request in self.requests() if isinstance(request, ChildRequested)]

    def replaces(self) -> list[ReplaceRequested]:
        """Return the replaces that left since the last call; the rest is forgotten."""
        return [request for request in self.requests() if isinstance(request, ReplaceRequested)]

    def _keep(self, records: list[AnyRecord]) -> list[AnyRecord]:
        everything = list(records)
        while True:
            self.records += records
            leaving, records = self.engine.release(self.engine.state.sequence, self.now)
            self.wire += leaving
            everything += records
            if not records and not leaving:
                return everything


def fingerprint(engine: Engine) -> dict[str, Any]:
    """Return everything that is a fold over records, in plain values, to compare two engines."""
    state = engine.state
    skipped = {"accepted", "instrument", "day", "params", "live_children", "ended_children", "market_volume"}
    skipped |= {"volume_base", "max_slippage_bps", "crossing_margin", "profile", "triggers", "wake_at", "alerts_raised"}
    skipped |= {"settled_children", "asks", "ask_at", "sums_base", "may_send", "heard_at"}
    return {
        "sequence": state.sequence,
        "decisions": state.decisions,
        "kills": state.kills,
        "link": state.link_up,
        "live": list(state.live),
        "messages": state.messages_sent,
        "parents": {
            name: {key: value for key, value in vars(parent).items() if key not in skipped}
            | {"children": [{slot: getattr(child, slot) for slot in child.__slots__} for child in parent.children()]}
            for name, parent in state.parents.items()
        },
    }
