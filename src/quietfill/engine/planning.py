"""Ask the algo, compare, request: what is done each time a parent is looked at.

A parent is looked at when something about *it* changed, its timer is due, or the market met one of its
triggers. The order of things is always the same: overdue requests, the algo's plan (or an empty one:
cancelled, paused, frozen, window over), the difference to what is working, the requests that there is
a token for, and whether it is finished. What finds no token stays dirty and is planned anew later, from
the present.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import UNSET

from quietfill.algos.base import TRIGGERED, Outcome, Plan, Slice
from quietfill.algos.shaping import shape
from quietfill.domain.messages import Rule
from quietfill.domain.order_state import OrderState
from quietfill.domain.records import (
    AlertRaised,
    AnyRecord,
    ArrivalQuoted,
    CancelRequested,
    ChildInDoubt,
    ChildRequested,
    MemoKept,
    OrderDone,
    OrderFrozen,
    ReplaceRequested,
)
from quietfill.domain.types import MILLISECOND, MINUTE, SECOND, OrderSide, TimeInForce, quantity_number
from quietfill.engine.sender import within_limit
from quietfill.engine.working_orders import Cancel, Place, Replace, Request, difference

if TYPE_CHECKING:
    from collections.abc import Callable

    from quietfill.algos.registry import AlgoRegistry
    from quietfill.domain.types import Duration, Timestamp
    from quietfill.engine.child import ChildState
    from quietfill.engine.observed import ObservedMarkets
    from quietfill.engine.pacing import Pacer
    from quietfill.engine.parent import ParentState
    from quietfill.engine.settings import EngineSettings
    from quietfill.engine.state import EngineState
    from quietfill.market.view import MarketView

_LEAST_WAKE = MILLISECOND
_ASKS_BEFORE_ALARM = 3
_AUCTIONS = frozenset({TimeInForce.MOC, TimeInForce.OPG})
"""Children of these end with the auction itself, which prints when the continuous session is over."""


class Planner:
    """Brings what is working in line with what each parent wants."""

    def __init__(
        self,
        state: EngineState,
        observed: ObservedMarkets,
        settings: EngineSettings,
        algos: AlgoRegistry,
        pacer: Pacer,
        emit: Callable[[AnyRecord], None],
    ) -> None:
        """Take the parts; `emit` applies a record and keeps it for the journal."""
        self._state = state
        self._observed = observed
        self._settings = settings
        self._algos = algos
        self._pacer = pacer
        self._emit = emit
        self.questions: set[str] = set()
        """Children that the broker must be asked about."""
        self.is_reconciling = False
        """Whether the broker's word is awaited, so that nothing can be sent."""

    def look(self, parent: ParentState, now: Timestamp) -> Timestamp | None:
        """Bring one parent up to date; return when to look again, if nothing happens before."""
        if parent.is_done:
            return None
        wakes: list[Timestamp | None] = [parent.end if now < parent.end else None]
        self._overdue(parent, now)
        if not parent.has_arrival and parent.cancel_reason is None:
            wakes.append(self._await_quote(parent, now))
        if parent.has_arrival or parent.cancel_reason is not None or self._needs_no_quote(parent):
            market = self._observed.observe(parent)
            plan = self._plan(parent, market, now)
            if plan is not None:
                wakes.append(self._pursue(parent, plan, market, now))
        if parent.order_id not in self._state.live:  # it has just ended
            return None
        asked = [child.asked_at for child in parent.live_children.values() if child.asked_at is not None]
        wakes += [at + self._settings.request_timeout for at in asked]
        wakes.append(self._ask_again(parent, now))
        wakes.append(self._ask_silent(parent, now))
        earliest = _earliest(wakes)
        # Whoever wants to be woken now would be woken for ever, and time stood still.
        return earliest if earliest is None or earliest > now else now + _LEAST_WAKE

    # What is wanted

    def _plan(self, parent: ParentState, market: MarketView, now: Timestamp) -> Plan | None:
        """Return what the parent wants, or None to leave everything as it is."""
        if parent.leaves == 0:
            return Plan(finish=Outcome.FILLED, why="order filled")
        if parent.cancel_reason is not None:
            return Plan(finish=Outcome.ENDED, why=parent.cancel_reason)
        if self._state.bars(parent):
            parent.triggers = ()
            return self._stopped(parent, now) if now >= parent.end else None
        if parent.is_paused or parent.frozen_reason is not None or self._is_disarmed(parent):
            return self._stopped(parent, now)
        parent.may_send = self._state.link_up and not self.is_reconciling
        plan = self._ask(parent, market, now)
        if parent.may_send:
            return plan
        self._remember(parent, plan, now)
        self._alert(parent, plan, now)
        parent.triggers = plan.wake_when
        return None if self.is_reconciling else self._withdrawn(parent, plan, now)

    def _withdrawn(self, parent: ParentState, plan: Plan, now: Timestamp) -> Plan | None:
        """Return the plan of an order that may change nothing now: what must not work on goes, for cancels still pass.

        The line may be down for a rule's sake only. What the broker works meanwhile fills, and must not fill more than
        the order is by now, nor beyond its limit, nor after its end.
        """
        if now >= parent.end:
            return None if plan.slices else plan
        prices = [child.limit_price_confirmed for child in parent.live_children.values()]
        if parent.room(now, self._settings.settle) < 0 or not all(within_limit(parent, price) for price in prices):
            return Plan(wake_at=parent.end, wake_when=parent.triggers, why="it works beyond the order's new terms")
        return None

    def watches(self, parent: ParentState) -> bool:
        """Whether it is a stop that waits for its trigger: nothing of it can be at the broker."""
        return TRIGGERED not in parent.memo and self._algos.get(parent.algo).is_stop

    def _needs_no_quote(self, parent: ParentState) -> bool:
        """Whether it is a stop: it watches whatever price there is, and is priced from the one that triggers it."""
        return self._algos.get(parent.algo).is_stop

    def _is_disarmed(self, parent: ParentState) -> bool:
        """Whether it is a stop that waits for its trigger while stops are switched off."""
        return not self._state.rules[Rule.STOPS] and self.watches(parent)

    def _stopped(self, parent: ParentState, now: Timestamp) -> Plan:
        if now >= parent.end:
            return Plan(finish=Outcome.ENDED, why="window ended")
        return Plan(wake_at=parent.end, why=parent.frozen_reason or ("paused" if parent.is_paused else "stops are off"))

    def _ask(self, parent: ParentState, market: MarketView, now: Timestamp) -> Plan:
        spec = self._algos.get(parent.algo)
        parent.max_slippage_bps = self._settings.max_slippage_bps
        parent.crossing_margin = self._crossing_margin()
        try:
            plan = shape(spec.algo.plan(parent, market, now), parent, market)
        except Exception as error:  # noqa: BLE001 - an algo is the user's code: its bug may stop its order, not the desk
            reason = f"algo {parent.algo} failed: {type(error).__name__}: {error}"
            self._emit(OrderFrozen(at=now, order_id=parent.order_id, reason=reason))
            self._emit(AlertRaised(at=now, subject=parent.order_id, severity="critical", text=reason))
            return self._stopped(parent, now)
        return plan if now < parent.end or plan.finish is not None else self._stopped(parent, now)

    def _crossing_margin(self) -> int:
        """Round trip, settle time, and the time that a queue of all live parents' messages needs.

        Where a replace is a cancel and a placement, both of them have to come round.
        """
        queue = len(self._state.live) * SECOND // self._settings.max_messages_per_second
        round_trips = self._settings.round_trip * (1 if self._settings.can_replace else 2)
        return round_trips + self._settings.settle + queue

    # What is asked for

    def _pursue(self, parent: ParentState, plan: Plan, market: MarketView, now: Timestamp) -> Timestamp | None:
        # An algo that wants to be asked again at once would never let time pass.
        wakes = [None if plan.wake_at is None else max(plan.wake_at, now + _LEAST_WAKE)]
        parent.triggers = plan.wake_when
        self._remember(parent, plan, now)
        self._mark(parent, now)
        self._alert(parent, plan, now)
        self._tell_of_own(parent, plan, now)
        settle = self._settings.settle
        requests = difference(
            plan.slices,
            tuple(parent.live_children.values()),
            parent.room(now, settle),
            can_replace=self._settings.can_replace,
        )
        wakes.extend([self._request(parent, request, plan, market, now) for request in requests])
        unsettled = parent.unsettled(now, settle)
        if plan.finish is not None and not parent.live_children and not unsettled:
            self._finish(parent, plan.finish, plan.why, now)
            return None
        settled_at = [child.settles_from + settle for child in unsettled]
        wakes += [at for at in settled_at if at > now]
        return _earliest(wakes)

    def _request(
        self, parent: ParentState, request: Request, plan: Plan, market: MarketView, now: Timestamp
    ) -> Timestamp | None:
        """Ask for one thing, or return when there will be a token for it."""
        if isinstance(request, Cancel):
            return self._cancel(parent, request.child, plan.why, now)
        wait_until = self._backoff(parent)
        if now < wait_until:
            return wait_until
        if request.wanted.crossing and self._is_stale(market, now):
            self._alert(parent, Plan(alert=f"no crossing on a quote of {parent.symbol} that old"), now)
            return now + SECOND
        if isinstance(request, Replace):
            free_at = self._pacer.replace_at(now, urgent=request.wanted.crossing)
        else:
            free_at = self._pacer.place_at(now, urgent=request.wanted.crossing)
        if free_at > now:
            return free_at
        if isinstance(request, Replace):
            self._replace(request, plan, market, now)
        else:
            self._place(parent, request, plan, market, now)
        return None

    def _place(self, parent: ParentState, request: Place, plan: Plan, market: MarketView, now: Timestamp) -> None:
        if parent.children_count >= self._settings.max_children_per_parent:
            reason = f"more than {self._settings.max_children_per_parent} children"
            self._emit(OrderFrozen(at=now, order_id=parent.order_id, reason=reason))
            self._emit(AlertRaised(at=now, subject=parent.order_id, severity="critical", text=reason))
            return
        wanted = request.wanted
        _assert_within_limit(parent, wanted)
        self._pacer.placed(now)
        self._emit(
            ChildRequested(
                at=now,
                child_id=f"{parent.order_id}-{parent.children_count + 1}",
                order_id=parent.order_id,
                key=wanted.key,
                symbol=parent.symbol,
                side=parent.side,
                quantity=request.quantity,
                limit_price=wanted.limit_price,
                time_in_force=wanted.time_in_force,
                good_till=None if wanted.time_in_force in _AUCTIONS else parent.end + self._settings.child_grace,
                why=wanted.why or plan.why,
                account=parent.account,
                displayed=wanted.displayed,
                broker_algo=UNSET if wanted.broker_algo is None else wanted.broker_algo,
                crossing=wanted.crossing,
                bid=market.best_bid,
                ask=market.best_ask,
            )
        )

    def _replace(self, request: Replace, plan: Plan, market: MarketView, now: Timestamp) -> None:
        child, wanted = request.child, request.wanted
        _assert_within_limit(self._state.parents[child.order_id], wanted)
        self._pacer.replaced(now)
        self._emit(
            ReplaceRequested(
                at=now,
                child_id=child.child_id,
                revision=child.revision + 1,
                total=request.total,
                limit_price=wanted.limit_price,
                why=wanted.why or plan.why,
                crossing=wanted.crossing,
                bid=market.best_bid,
                ask=market.best_ask,
            )
        )

    def _cancel(self, parent: ParentState, child: ChildState, why: str, now: Timestamp) -> Timestamp | None:
        """Ask for a cancel; after several that did not work tell a person, and go on trying more slowly."""
        extra = child.cancel_attempts - self._settings.max_cancel_attempts
        if extra >= 0:
            text = f"{child.child_id} is still live after {self._settings.max_cancel_attempts} cancels"
            self._alert(parent, Plan(alert=text), now, severity="critical")
            retry_at = child.cancel_asked_at + self._slower(extra)
            if now < retry_at:
                return retry_at
        self._pacer.cancelled(now)
        self._emit(
            CancelRequested(
                at=now, child_id=child.child_id, attempt=child.cancel_attempts + 1, why=why or "no longer wanted"
            )
        )
        return None

    def _is_stale(self, market: MarketView, now: Timestamp) -> bool:
        limit = self._settings.quote_age_limit
        return limit > 0 and now - market.time > limit

    def _backoff(self, parent: ParentState) -> Timestamp:
        """After rejects and cancels nobody asked for, wait twice as long each time."""
        if parent.consecutive_rejects == 0:
            return 0
        doubled = self._settings.reject_backoff << min(parent.consecutive_rejects - 1, 16)
        return parent.rejected_at + min(doubled, self._settings.reject_backoff_limit)

    # Overdue, waiting, finished

    def _overdue(self, parent: ParentState, now: Timestamp) -> None:
        """Put children in doubt whose request got no answer in time, and have the broker asked."""
        timeout = self._settings.request_timeout
        for child in tuple(parent.live_children.values()):
            if child.asked_at is None or now < child.asked_at + timeout:
                continue
            reason = f"no answer within {timeout / SECOND:g} s"
            self._emit(ChildInDoubt(at=now, child_id=child.child_id, reason=reason))
            self._emit(AlertRaised(at=now, subject=child.child_id, severity="warning", text=reason))
            self.questions.add(child.child_id)
        if parent.consecutive_rejects >= self._settings.max_consecutive_rejects and parent.frozen_reason is None:
            reason = parent.rejects_in_words
            self._emit(OrderFrozen(at=now, order_id=parent.order_id, reason=reason))
            self._emit(AlertRaised(at=now, subject=parent.order_id, severity="critical", text=reason))

    def _ask_again(self, parent: ParentState, now: Timestamp) -> Timestamp | None:
        """Have the broker asked, ever more rarely, while only it can say what became of a child.

        The first question was asked when the doubt arose; its answer may have been lost or said too little.
        """
        doubtful = [child for child in parent.live_children.values() if child.state is OrderState.UNKNOWN]
        doubtful += [child for child in parent.unsettled(now, self._settings.settle) if child.misses_fills]
        if not doubtful:
            parent.asks, parent.ask_at = 0, None
        elif parent.ask_at is None:
            parent.ask_at = now + self._slower(0)
        elif now >= parent.ask_at:
            self.questions.update(child.child_id for child in doubtful)
            parent.asks += 1
            parent.ask_at = now + self._slower(parent.asks)
            if parent.asks == _ASKS_BEFORE_ALARM:
                names = ", ".join(child.child_id for child in doubtful)
                text = f"the broker does not say what became of {names}: a person must look"
                self._emit(AlertRaised(at=now, subject=parent.order_id, severity="critical", text=text))
        return parent.ask_at

    def _ask_silent(self, parent: ParentState, now: Timestamp) -> Timestamp | None:
        """Have the broker asked about children that nothing was heard of for long: a report may have been lost."""
        if not (self._state.rules[Rule.ZOMBIES] and self._state.link_up and parent.live_children):
            return None
        youngest = max(child.requested_at for child in parent.live_children.values())
        silent_from = max(parent.heard_at, youngest)
        if now >= silent_from + self._settings.silence:
            self.questions.update(parent.live_children)
            parent.heard_at = silent_from = now
        return silent_from + self._settings.silence

    def _slower(self, times: int) -> Duration:
        return min(self._settings.request_timeout << min(times, 16), max(self._settings.request_timeout, MINUTE))

    def _await_quote(self, parent: ParentState, now: Timestamp) -> Timestamp | None:
        view = self._observed.view(parent.symbol)
        if view.is_tradable:
            (bid, bid_size), (ask, ask_size) = view.bids[0], view.asks[0]
            self._emit(
                ArrivalQuoted(
                    at=now,
                    order_id=parent.order_id,
                    bid=bid,
                    ask=ask,
                    bid_size=bid_size,
                    ask_size=ask_size,
                    quote_age=max(0, now - view.time),
                    day_volume=view.volume,
                )
            )
            return None
        problem = self._market_problem(parent, now)
        if self._needs_no_quote(parent):
            return None
        deadline = max(parent.accepted.at, parent.start) + self._settings.awaiting_quote
        if now >= deadline:
            waited = self._settings.awaiting_quote / SECOND
            reason = f"no quote within {waited:g} s{problem}"
            rejected = OrderState.REJECTED
            self._emit(OrderDone(at=now, order_id=parent.order_id, state=rejected, filled=0, reason=reason))
            return None
        return deadline

    def _market_problem(self, parent: ParentState, now: Timestamp) -> str:
        """Return what the feed says is wrong, to end a reason with; a person is told at once, and once."""
        book = self._observed.book(parent.symbol)
        if book is None:
            return ""
        problem = book.problem
        if not problem and any(self._observed.shows_only_ours(parent.symbol, side) for side in OrderSide):
            problem = "one side shows nothing but our own orders"
        if not problem:
            return ""
        self._alert(parent, Plan(alert=f"no quotes of {parent.symbol}: {problem}"), now, severity="warning")
        return f": {problem}"

    def _tell_of_own(self, parent: ParentState, plan: Plan, now: Timestamp) -> None:
        """Tell a person, once, that nobody but ourselves is there to trade with when it is time to cross."""
        if parent.leaves == 0 or parent.cancel_reason is not None or parent.frozen_reason is not None:
            return
        is_time = now >= parent.end - parent.crossing_margin or any(piece.crossing for piece in plan.slices)
        if is_time and self._observed.shows_only_ours(parent.symbol, parent.side.opposite):
            far = "ask" if parent.side is OrderSide.BUY else "bid"
            left = quantity_number(parent.leaves)
            text = f"no {far} of {parent.symbol} but our own orders': cannot cross for the last {left:,}"
            self._alert(parent, Plan(alert=text), now, severity="warning")

    def _mark(self, parent: ParentState, now: Timestamp) -> None:
        """Keep what must be remembered of the market across a restart."""
        if now >= parent.mark.at + self._settings.mark_interval and parent.market_volume > parent.mark.market_volume:
            self._emit(self._observed.mark(parent, now))

    def _remember(self, parent: ParentState, plan: Plan, now: Timestamp) -> None:
        """Journal what the algo wants to remember, before anything that follows from it."""
        if plan.memo is not None and plan.memo != parent.memo:
            self._emit(MemoKept(at=now, order_id=parent.order_id, memo=plan.memo, why=plan.why))

    def _alert(self, parent: ParentState, plan: Plan, now: Timestamp, severity: str = "info") -> None:
        if plan.alert is not None and plan.alert not in parent.alerts_raised:
            parent.alerts_raised.add(plan.alert)
            self._emit(AlertRaised(at=now, subject=parent.order_id, severity=severity, text=plan.alert))

    def _finish(self, parent: ParentState, outcome: Outcome, why: str, now: Timestamp) -> None:
        if parent.filled >= parent.quantity:
            state, reason = OrderState.FILLED, "filled"
        elif parent.cancel_reason is not None:
            state, reason = OrderState.CANCELLED, parent.cancel_reason
        else:
            state, reason = OrderState.EXPIRED, why or outcome.value
        view = self._observed.view(parent.symbol)
        self._emit(
            OrderDone(
                at=now,
                order_id=parent.order_id,
                state=state,
                filled=parent.filled,
                reason=reason,
                timed_out=state is OrderState.EXPIRED and now >= parent.end,
                bid=view.best_bid,
                ask=view.best_ask,
            )
        )
        if parent.accepted.flattens is not None and parent.leaves:
            left = f"{quantity_number(parent.leaves)} {parent.symbol}"
            text = f"the kill's exit ended with {left} left: the position is not closed"
            self._emit(AlertRaised(at=now, subject=parent.order_id, severity="critical", text=text))


def _earliest(wakes: list[Timestamp | None]) -> Timestamp | None:
    known = [at for at in wakes if at is not None]
    return min(known) if known else None


def _assert_within_limit(parent: ParentState, wanted: Slice) -> None:
    """An algo that prices a child beyond its parent's limit has a bug; nothing may leave."""
    bound = f"{parent.order_id}: price {wanted.limit_price} is beyond the limit {parent.limit_price}"
    assert within_limit(parent, wanted.limit_price), bound
