"""Whose order a message is about: our reference first, then the permanent id, the session's id last.

A session's id can come back with another order behind it after a restart of the gateway; a permanent id is 0 until the
order is acknowledged, and after a modification over a broken line there may be two of them for one order of ours. Only
our reference is ours. What comes without one is matched by an id that some message with the reference has shown.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

import msgspec

from quietfill.brokers.ib.orders import placement_of_child
from quietfill.brokers.lanes import Terms
from quietfill.domain.types import Quantity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from quietfill.brokers.ib.orders import Placement
    from quietfill.domain.types import OrderSide, Price
    from quietfill.engine.child import ChildState
    from quietfill.engine.state import EngineState

_KEPT = 10_000
"""Children held in memory; older ones that ended are looked up in the books again."""


class Booked(msgspec.Struct, frozen=True):
    """An execution that was reported: which revision of it, and how much."""

    revision: int
    quantity: Quantity


class IBChild:
    """One child order at Interactive Brokers.

    Attributes:
        placement: as it last went out; terms in force may differ.
        order_id: of the session and our client id; None for a child that was never numbered.
        perms: permanent ids that it was shown under; `live_perms` are those under which it may live, and more of
            them than `lives_known` are an alarm.
        terms: in force, as far as the broker confirmed.
        wanted: a modification that is on its way, sent at `wanted_at`.
        late: a modification that we gave up; it may still come into force.
        was_opened: it was taken up to be placed in this session, and not from the books.
        is_sent: it left for the wire.
        is_shown: some message proved that the broker has it.
        executions: by stem.
        expected: the most that the broker ever counted as filled.
        cancel_sent: a cancel is on its way, or was refused and nothing was heard since.
        note: the last text of the broker about it; `worked_by` is what it said of a stand-in.
        client_id: under which it lives, where that is another one than ours: then we can neither change nor cancel it.
        end: how it ended, as reported; None while it may live.
    """

    def __init__(self, symbol: str, placement: Placement) -> None:
        """Begin as never sent."""
        self.child_id = placement.reference
        self.symbol = symbol
        self.placement = placement
        self.order_id: int | None = None
        self.live_perms: set[int] = set()
        self.perms: set[int] = set()
        self.lives_known = 1
        self.terms = Terms(0, placement.total, placement.limit_price)
        self.wanted: Terms | None = None
        self.wanted_at = 0
        self.was_opened = False
        self.late: Terms | None = None
        self.is_sent = False
        self.is_shown = False
        self.was_renumbered = False
        self.executions: dict[str, Booked] = {}
        self.expected: Quantity = 0
        self.cancel_sent = False
        self.note = ""
        self.client_id: int | None = None
        self.worked_by = ""
        self.end: str | None = None

    @classmethod
    def of_child(cls, child: ChildState, account: str) -> IBChild:
        """Take up a child that an earlier run placed."""
        self = cls(child.symbol, placement_of_child(child, account, None))
        self.order_id = child.broker_order_id
        self.terms = Terms(child.confirmed_revision, child.total, child.limit_price_confirmed)
        if child.replace_pending:
            self.wanted, self.wanted_at = Terms(child.revision, child.wanted_total, child.limit_price), child.terms_at
        self.is_sent = True
        self.is_shown = child.is_acknowledged
        self.cancel_sent = child.cancel_pending
        self.worked_by = child.note
        for key, place in child.execution_ids.items():
            self.executions[key] = Booked(child.costs[key][0], child.fills[place][0])
        self.end = child.state.value if child.state.is_terminal else None
        return self

    @property
    def filled(self) -> Quantity:
        """Quantity executed, as far as executions were heard."""
        return sum(booked.quantity for booked in self.executions.values())

    @property
    def most(self) -> Quantity:
        """The largest total that may be in force."""
        return max(self.terms.total, self.wanted.total if self.wanted else 0, self.late.total if self.late else 0)

    def shows(self, total: Quantity, limit_price: Price | None) -> Terms | None:
        """Return the terms among those known that these are, None for none of them."""
        for terms in (self.terms, self.wanted, self.late):
            if terms is not None and (terms.total, terms.limit_price) == (total, limit_price):
                return terms
        return None


class Children:
    """All children of one client id, by each of their ids."""

    def __init__(self, client_id: int, account: str = "") -> None:
        """Start with none; `books` may be set to an engine's state."""
        self.books: EngineState | None = None
        self.account = account
        self._client_id = client_id
        self._children: OrderedDict[str, IBChild] = OrderedDict()
        self._by_order: dict[int, IBChild] = {}
        self._by_perm: dict[int, IBChild] = {}

    def __iter__(self) -> Iterator[IBChild]:
        """Go through the children known here."""
        return iter(self._children.values())

    def open(self, child: IBChild) -> None:
        """Take up a child that is being placed."""
        child.was_opened = True
        self._children[child.child_id] = child
        while len(self._children) > _KEPT and self._forget_oldest():
            pass

    def was_opened(self, child_id: str) -> bool:
        """Say whether a child was taken up to be placed; one that is only in the books may not have left yet."""
        child = self._children.get(child_id)
        return child is not None and child.was_opened

    def number(self, child: IBChild, order_id: int) -> None:
        """Note the session's id of a child."""
        child.order_id = order_id
        self._by_order[order_id] = child

    def get(self, child_id: str) -> IBChild | None:
        """Return a child by our own id, from the books where it is not known here; None when nobody knows it."""
        child = self._children.get(child_id)
        if child is None and self.books is not None and child_id in self.books.children:
            account = self.books.parent_of(child_id).account or self.account
            child = IBChild.of_child(self.books.children[child_id], account)
            self._children[child_id] = child
            if child.order_id is not None:
                self._by_order.setdefault(child.order_id, child)
        return child

    def living(self, symbol: str, side: OrderSide, account: str) -> set[IBChild]:
        """Return what earlier runs left working on one side of a contract, as far as the books know."""
        parents = {} if self.books is None else self.books.live_by_symbol.get(symbol, {})
        shown = [child for parent in parents.values() for child in parent.live_children.values()]
        known = (self.get(child.child_id) for child in shown if child.broker_order_id is not None)
        return {
            child for child in known if child and (child.placement.side, child.placement.account) == (side, account)
        }

    def of_order(self, order_id: int) -> IBChild | None:
        """Return the child with this id of the session, None for none of ours."""
        child = self._by_order.get(order_id)
        if child is None and self.books is not None and order_id > 0:
            newest_first = reversed(self.books.children.values())
            known = next((item for item in newest_first if item.broker_order_id == order_id), None)
            child = None if known is None else self.get(known.child_id)
        return child

    def find(self, reference: str, perm_id: int, client_id: int, order_id: int) -> IBChild | None:
        """Return the child that a message is about; None when that cannot be told (yet)."""
        child = self.get(reference) if reference else None
        if child is not None:
            self._learn(child, perm_id, client_id, order_id)
            return child
        if reference:
            return None  # somebody else's reference: whatever the ids say
        if perm_id and perm_id in self._by_perm:
            return self._by_perm[perm_id]
        child = self.of_order(order_id) if client_id == self._client_id else None
        if child is None or (perm_id and child.perms and perm_id not in child.perms):
            return None  # an id of an older session, or a second life of ours that only its reference can prove
        if perm_id:
            self._learn(child, perm_id, client_id, order_id)
        return child

    def is_ours(self, client_id: int) -> bool:
        """Say whether a message is about an order of our client id."""
        return client_id == self._client_id

    def _learn(self, child: IBChild, perm_id: int, client_id: int, order_id: int) -> None:
        if perm_id and perm_id not in child.perms:
            child.perms.add(perm_id)
            child.live_perms.add(perm_id)
            self._by_perm[perm_id] = child
        if order_id > 0 and client_id == self._client_id and child.order_id is None:
            self.number(child, order_id)

    def _forget_oldest(self) -> bool:
        oldest = next((child for child in self._children.values() if child.end is not None), None)
        if oldest is None:
            return False
        del self._children[oldest.child_id]
        for perm_id in oldest.perms:
            self._by_perm.pop(perm_id, None)
        if oldest.order_id is not None and self._by_order.get(oldest.order_id) is oldest:
            del self._by_order[oldest.order_id]
        return True
