"""What the gateway says about orders, turned into execution reports.

Theory of operation. Messages come twice, late, in any order, or not at all. So nothing here depends on an order of
arrival, and no message moves a state back:

* a child is shown to exist by an open-order echo, a status of a live order, or an execution;
* new terms are in force when an echo shows them, or an execution is possible only under them;
* fills come from executions alone, one per stem, a higher revision in place of a lower; what a status counts beyond
  them is asked for;
* a commission joins its execution whichever comes first;
* a child is over when a status or the list of completed orders says so, under every permanent id that it has;
* a code is evidence (see `codes`): it refuses the request that it answers, or makes us ask.

Asking means one full reconciliation by the session; what it brings is heard here like everything else.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import msgspec
import structlog

from quietfill.brokers.ib.children import Booked
from quietfill.brokers.ib.codes import Effect, code_of
from quietfill.brokers.ib.fills import Fills, fill_report
from quietfill.brokers.ib.raw import ExecutionSeen
from quietfill.brokers.ib.settings import Patience
from quietfill.brokers.ib.stand_ins import note_of
from quietfill.domain.execution_report import ExecutionReport, ReportKind
from quietfill.domain.types import quantity_number

if TYPE_CHECKING:
    from collections.abc import Callable

    from quietfill.brokers.ib.children import Children, IBChild
    from quietfill.brokers.ib.raw import CommissionSeen, ErrorSeen, OrderEcho, StatusSeen
    from quietfill.brokers.ib.wants import Wants
    from quietfill.domain.types import Price, Timestamp

_log = structlog.get_logger(__name__)

LIVE = frozenset({"PendingSubmit", "ApiPending", "PreSubmitted", "Submitted", "PendingCancel", "ApiUpdate"})
CANCELLED = frozenset({"Cancelled", "ApiCancelled"})
_HELD = frozenset({"locate"})
"""Reasons for which an inactive order is only waiting."""

_PARKED = 1_000


class Hearing:
    """Turns raw messages about orders into reports. Every method is one message."""

    def __init__(
        self, children: Children, now: Callable[[], Timestamp], wants: Wants, patience: Patience | None = None
    ) -> None:
        """Hear nothing yet."""
        self._children = children
        self._now = now
        self._wants = wants
        self._patience = patience or Patience()
        self._parked: deque[tuple[StatusSeen | ExecutionSeen, Timestamp]] = deque(maxlen=_PARKED)
        self._fills = Fills()

    # Echoes

    def echo(self, seen: OrderEcho) -> IBChild | None:
        """Hear of an open or completed order; return the child that it is."""
        if seen.is_what_if:
            return None
        child = self._children.find(seen.reference, seen.perm_id, seen.client_id, seen.order_id)
        if child is None:
            return None
        self._hear_who_works(child, seen.reason)
        if seen.displayed is not None and child.placement.displayed is None:
            child.placement = msgspec.structs.replace(child.placement, displayed=seen.displayed)
        if seen.is_completed:
            self._completed(child, seen)
            return self._heard(child)
        if not self._children.is_ours(seen.client_id) and child.client_id is None:
            self._is_anothers(child, seen.client_id)
        if seen.status in LIVE:
            self._lives(child, seen)
        else:
            self._await_end(child, seen.status)
        return self._heard(child)

    def _heard(self, child: IBChild) -> IBChild:
        self._alarm_if_doubled(child)
        self._unpark()
        return child

    def _is_anothers(self, child: IBChild, client_id: int) -> None:
        """Tell that an order of ours was placed by a session under another client id, which alone can touch it."""
        child.client_id = client_id
        text = f"{child.child_id} was placed under client id {client_id}, which alone can change or cancel it"
        self._wants.notice(child.child_id, f"{text}: start with client_id={client_id}")

    def _completed(self, child: IBChild, seen: OrderEcho) -> None:
        child.expected = max(child.expected, seen.filled or 0)
        if seen.status == "Filled":
            child.live_perms.discard(seen.perm_id)
            self._await_fills(child)
        elif seen.status in CANCELLED or seen.status == "Inactive":
            self._over(child, seen.status, seen.perm_id, seen.reason or seen.status)

    def _lives(self, child: IBChild, seen: OrderEcho) -> None:
        if self._is_denied(child):
            return
        terms = child.shows(seen.total, seen.limit_price)
        if terms is not None and terms is child.wanted:
            self._in_force(child, terms)
        elif terms is not None and terms is child.late:
            child.late = None
            self._in_force(child, terms, keep_wanted=True)
        elif child.is_shown:
            if terms is None:
                _log.warning("the broker shows other terms", child=child.child_id, total=seen.total)
            self._say(child, ReportKind.STATUS)
        else:
            child.is_shown = True
            self._say(child, ReportKind.ACCEPTED)

    def _is_denied(self, child: IBChild) -> bool:
        """Say whether a sign of life comes after the end; only one after a refusal by a code is news."""
        if child.end == ReportKind.REJECTED and not child.is_shown:
            child.end, child.is_shown = None, True
            self._wants.notice(child.child_id, f"{child.child_id} lives, though the broker refused it: {child.note}")
            self._say(child, ReportKind.ACCEPTED)
            self._wants.cancel(child)
            return True
        return child.end is not None

    def _in_force(self, child: IBChild, terms: object, *, keep_wanted: bool = False) -> None:
        assert isinstance(terms, type(child.terms)), "terms are terms"
        child.terms = terms
        child.is_shown = True
        if not keep_wanted:
            child.wanted = None
        self._say(child, ReportKind.REPLACED)

    def _alarm_if_doubled(self, child: IBChild) -> None:
        if len(child.live_perms) > child.lives_known and child.end is None and child.is_shown:
            child.lives_known = len(child.live_perms)
            ids = ", ".join(str(perm) for perm in sorted(child.live_perms))
            text = f"{child.child_id} lives more than once at the broker (permanent ids {ids}): it is cancelled"
            self._wants.notice(child.child_id, text)
            self._say(child, ReportKind.NOT_FOUND, reason=text)
            self._wants.cancel(child)

    # Status

    def status(self, seen: StatusSeen) -> IBChild | None:
        """Hear an order's status; return the child that it is about."""
        child = self._children.find("", seen.perm_id, seen.client_id, seen.order_id)
        if child is None:
            self._parked.append((seen, self._now()))
            return None
        child.expected = max(child.expected, seen.filled)
        if seen.status in CANCELLED or (seen.status == "Inactive" and seen.why_held not in _HELD):
            self._over(child, seen.status, seen.perm_id, child.note or seen.status)
            return child
        if seen.status in LIVE or seen.status == "Filled":
            if not self._is_denied(child) and not child.is_shown:
                child.is_shown = True
                self._say(child, ReportKind.ACCEPTED)
            self._await_fills(child)
        return child

    def _await_fills(self, child: IBChild) -> None:
        """Ask for executions that the broker counts and has not told of, if they do not come by themselves."""
        if child.expected > child.filled:
            self._wants.call_at(self._now() + self._patience.fills, lambda: self._miss_fills(child))

    def _miss_fills(self, child: IBChild) -> None:
        if child.expected > child.filled:
            counted, told = quantity_number(child.expected), quantity_number(child.filled)
            reason = f"the broker counts {counted} filled and told of {told}"
            self._wants.ask(child.child_id, reason)
            self._say(child, ReportKind.NOT_FOUND, reason=reason)

    def _await_end(self, child: IBChild, why: str) -> None:
        """Ask whether a child is over, if that is not said by itself."""
        if child.end is None:
            self._wants.call_at(self._now() + self._patience.end, lambda: self._miss_end(child, why))

    def _miss_end(self, child: IBChild, why: str) -> None:
        if child.end is None and child.filled < child.terms.total:
            self._wants.ask(child.child_id, f"it should be over: {why}")

    def _over(self, child: IBChild, status: str, perm_id: int, reason: str) -> None:
        """Report the end, once it is over under every permanent id."""
        child.live_perms.discard(perm_id)
        if child.end is not None or (perm_id and child.live_perms):
            return
        kind = self._end_kind(child, status, reason)
        child.end = kind
        child.wanted = child.late = None
        self._say(child, kind, reason=reason, cumulative=max(child.expected, child.filled))
        self._await_fills(child)

    def _end_kind(self, child: IBChild, status: str, reason: str) -> ReportKind:
        if status == "Inactive" and not max(child.expected, child.filled):
            return ReportKind.REJECTED
        good_till = child.placement.good_till
        is_due = good_till is not None and self._now() >= good_till
        if not child.cancel_sent and (is_due or "expired" in reason.lower()):
            return ReportKind.EXPIRED
        return ReportKind.CANCELLED

    # Executions

    def execution(self, seen: ExecutionSeen) -> IBChild | None:
        """Hear of an execution; return the child that it belongs to."""
        child = self._children.find(seen.reference, seen.perm_id, seen.client_id, seen.order_id)
        if child is None:
            self._stranger(seen)
            return None
        if child.placement.side is not seen.side:
            self._wants.notice(child.child_id, f"execution {seen.stem} is on the other side than {child.child_id}")
        self._confirm_by(child, seen)
        booked = child.executions.get(seen.stem)
        if booked is not None and booked.revision >= seen.revision:
            return child
        child.is_shown = True
        child.executions[seen.stem] = Booked(seen.revision, seen.quantity)
        child.expected = max(child.expected, seen.cumulative) if booked is None else child.filled
        self._wants.report(self._fills.tell(child, self._fills.of(seen)))
        if child.end is None and child.filled >= child.most:
            child.end = "filled"
            child.wanted = child.late = None
        self._await_fills(child)
        self._unpark()
        return child

    def report_of(self, seen: ExecutionSeen, child: IBChild) -> ExecutionReport:
        """Return an execution as the report that books it, whether it is news or not."""
        return fill_report(child, self._fills.of(seen))

    def _confirm_by(self, child: IBChild, seen: ExecutionSeen) -> None:
        """Put wanted terms in force when the execution is possible only under them."""
        wanted, limit = child.wanted, child.terms.limit_price
        if wanted is None:
            return
        sign = child.placement.side.sign
        too_much = seen.cumulative > child.terms.total and seen.cumulative <= wanted.total
        beyond = limit is not None and sign * (seen.price - limit) > 0
        allowed = wanted.limit_price is None or sign * (seen.price - wanted.limit_price) <= 0
        if (too_much or beyond) and allowed:
            self._in_force(child, wanted)

    def commission(self, seen: CommissionSeen) -> None:
        """Hear what an execution cost, before or after it."""
        known = self._fills.costed(seen)
        if known is None:
            return
        child = self._children.get(known[0])
        if child is not None:
            self._wants.report(self._fills.tell(child, known[1]))

    def _stranger(self, seen: ExecutionSeen) -> None:
        """Tell of an execution that is nobody's, if it just happened: somebody trades on our account."""
        if seen.request_id >= 0:
            return
        if not seen.reference and self._children.is_ours(seen.client_id):
            at = self._now()
            self._parked.append((seen, at))
            self._wants.call_at(at + self._patience.reference, self._unpark)
            return
        self._tell_stranger(seen)

    def _tell_stranger(self, seen: ExecutionSeen) -> None:
        name = seen.reference or f"permanent id {seen.perm_id}"
        text = f"{seen.side} {quantity_number(seen.quantity)} {seen.symbol} in {seen.account}, client {seen.client_id}"
        report = ExecutionReport(
            child_id=name, kind=ReportKind.FILL, exchange_time=seen.time, fill=self._fills.of(seen), reason=text
        )
        self._wants.report(report)

    def _unpark(self) -> None:
        """Hear again what nobody claimed: an echo may have told whose it is."""
        if not self._parked:
            return
        waiting, self._parked = self._parked, deque(maxlen=_PARKED)
        for seen, since in waiting:
            reference = seen.reference if isinstance(seen, ExecutionSeen) else ""
            if self._children.find(reference, seen.perm_id, seen.client_id, seen.order_id) is None:
                self._keep_or_tell(seen, since)
            elif isinstance(seen, ExecutionSeen):
                self.execution(seen)
            else:
                self.status(seen)

    def _keep_or_tell(self, seen: StatusSeen | ExecutionSeen, since: Timestamp) -> None:
        if self._now() < since + self._patience.reference:
            self._parked.append((seen, since))
        elif isinstance(seen, ExecutionSeen):
            self._tell_stranger(seen)

    # Codes

    def code(self, seen: ErrorSeen) -> IBChild | None:
        """Hear a code about an order of ours; return the child, None when the id is none of an order's."""
        child = self._children.of_order(seen.subject)
        if child is None:
            return None
        self._hear_who_works(child, seen.text)
        if note_of(seen.text) is None:  # who works it is no reason for its end
            child.note = f"{seen.text} ({seen.code}) {seen.advanced}".strip()
        effect = code_of(seen.code).effect
        if child.end is not None:
            _log.debug("a code about an order that is over", child=child.child_id, code=seen.code, text=seen.text)
        elif effect in {Effect.REFUSED, Effect.MODIFY_REFUSED}:
            self._refused(child, effect)
        elif effect is Effect.CANCEL_REFUSED and child.cancel_sent:
            child.cancel_sent = False
            self._say(child, ReportKind.CANCEL_REJECTED, reason=child.note)
        elif effect is Effect.DUPLICATE_ID and not child.is_shown and not child.was_renumbered:
            self._wants.place_again(child)
        elif effect in {Effect.ENDED, Effect.ASK, Effect.CANCEL_REFUSED, Effect.DUPLICATE_ID}:
            self._await_end(child, child.note)
        return child

    def _refused(self, child: IBChild, effect: Effect) -> None:
        if child.wanted is not None:
            refused, child.wanted, child.late = child.wanted, None, child.wanted
            self._say(child, ReportKind.REPLACE_REJECTED, revision=refused.revision, reason=child.note)
            self._wants.ask(child.child_id, f"a modification was refused: {child.note}")
        elif child.is_shown or effect is Effect.MODIFY_REFUSED:
            self._await_end(child, child.note)
        else:
            child.end = ReportKind.REJECTED
            self._say(child, ReportKind.REJECTED, reason=child.note)

    # Saying

    def _hear_who_works(self, child: IBChild, text: str) -> None:
        """Tell once that a stand-in works a child in place of the broker's algo, where the paper gateway says so."""
        note = note_of(text)
        if note is not None and note != child.worked_by:
            child.worked_by = note
            self._say(child, ReportKind.NOTED, reason=note)

    def _say(
        self,
        child: IBChild,
        kind: ReportKind,
        *,
        reason: str = "",
        revision: int | None = None,
        cumulative: int | None = None,
    ) -> None:
        limit: Price | None = child.terms.limit_price
        self._wants.report(
            ExecutionReport(
                child_id=child.child_id,
                kind=kind,
                exchange_time=self._now(),
                broker_order_id=child.order_id,
                cumulative=cumulative,
                revision=child.terms.revision if revision is None else revision,
                total=child.terms.total,
                limit_price=limit,
                reason=reason,
            )
        )
