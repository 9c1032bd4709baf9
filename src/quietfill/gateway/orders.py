"""Orders and executions as the gateway keeps them, and what the protocol says of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, Decimal
from typing import TYPE_CHECKING, Final

from quietfill.domain.types import (
    PRICE_SCALE,
    OrderSide,
    Price,
    Quantity,
    TimeInForce,
    Timestamp,
    price_decimal,
    quantity_decimal,
)
from quietfill.gateway.layouts import COMPLETED_ORDER, OPEN_ORDER, encoded
from quietfill.gateway.wire import UNSET_FLOAT, is_unset, local_text, price_text, quantity_text, text

if TYPE_CHECKING:
    from quietfill.domain.broker_algo import BrokerAlgo
    from quietfill.gateway.contract import PaperContract
    from quietfill.gateway.stand_in_terms import StandInTerms

SUBMITTED: Final = "Submitted"
PENDING_SUBMIT: Final = "PendingSubmit"
PENDING_CANCEL: Final = "PendingCancel"
FILLED: Final = "Filled"
CANCELLED: Final = "Cancelled"
INACTIVE: Final = "Inactive"
DONE: Final = frozenset({FILLED, CANCELLED, INACTIVE})

_ZERO_WHEN_UNSET: Final = ("lmtPrice", "auxPrice")
_PRICE_DIGITS: Final = Decimal("1e-8")
_NAMED_ZONES: Final = 174  # from here on execution times carry a zone
_PENDING_REVISION: Final = 178


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What a placeOrder request asks for, once it was found to be in order; `fields` is the request, by name.

    `algo` is the one of Interactive Brokers' that it names, `stand_in` what works it here.
    """

    side: OrderSide
    total: Quantity
    limit_price: Price | None
    time_in_force: TimeInForce
    good_till: Timestamp | None
    account: str
    exchange: str
    what_if: bool
    fields: dict[str, str]
    algo: BrokerAlgo | None = None
    stand_in: StandInTerms | None = None

    @property
    def tags(self) -> tuple[tuple[str, str], ...]:
        """The tags of its algo, none without one."""
        return () if self.algo is None else self.algo.params


@dataclass(kw_only=True, eq=False)
class PaperOrder:
    """One order of one client.

    Attributes:
        child_id: what the venue knows it by.
        revision: how often new terms were asked for; `asked` are those that the venue has not answered yet.
        value: price times quantity of what is filled.
        is_cancelling: whether its client asked for the end.
    """

    client_id: int
    order_id: int
    perm_id: int
    child_id: str
    terms: Terms
    status: str = PENDING_SUBMIT
    filled: Quantity = 0
    value: int = 0
    last_price: Price = 0
    commission: Decimal = Decimal(0)
    revision: int = 0
    asked: Terms | None = None
    is_cancelling: bool = False
    cancels: int = 0
    ended_at: Timestamp = 0
    ending: str = ""
    executions: list[Execution] = field(default_factory=list)

    @property
    def is_done(self) -> bool:
        """Whether it can trade no more."""
        return self.status in DONE

    @property
    def shown_id(self) -> int:
        """The order's number, as its client gave it."""
        return self.order_id

    @property
    def remaining(self) -> Quantity:
        """What was asked for and is not filled."""
        return self.terms.total - self.filled

    @property
    def average(self) -> Decimal:
        """The average price of what is filled, 0 before."""
        if not self.filled:
            return Decimal(0)
        return rounded(Decimal(self.value) / self.filled / PRICE_SCALE)

    def open_order(
        self,
        contract: PaperContract,
        version: int,
        *,
        commission: Decimal | None = None,
        more: dict[str, str] | None = None,
    ) -> tuple[str, ...]:
        """Return the fields of openOrder.

        Args:
            commission: what was paid, where that is told.
            more: fields that say something else, for what-if answers and faults.
        """
        values = self._values(contract) | {
            "orderId": str(self.order_id),
            "clientId": str(self.client_id),
            "status": self.status,
            "initMarginBefore": UNSET_FLOAT, "maintMarginBefore": UNSET_FLOAT, "equityWithLoanBefore": UNSET_FLOAT,
            "initMarginChange": UNSET_FLOAT, "maintMarginChange": UNSET_FLOAT, "equityWithLoanChange": UNSET_FLOAT,
            "initMarginAfter": UNSET_FLOAT, "maintMarginAfter": UNSET_FLOAT, "equityWithLoanAfter": UNSET_FLOAT,
        }  # fmt: skip
        if commission is not None:
            values |= {"commission": text(commission), "commissionCurrency": contract.currency}
        if self.terms.stand_in is not None:
            values["warningText"] = self.terms.stand_in.sentence
        return encoded(OPEN_ORDER, version, values | (more or {}), self.terms.tags)

    def completed_order(self, contract: PaperContract, version: int) -> tuple[str, ...]:
        """Return the fields of completedOrder."""
        values = self._values(contract) | {
            "status": self.status,
            "filledQuantity": quantity_text(self.filled),
            "completedTime": local_text(self.ended_at, contract.zone),
            "completedStatus": self.ending,
            "totalQuantity": quantity_text(self.terms.total) if self.status != FILLED else "0",
            "shareholder": "Not an insider or substantial shareholder",
        }
        if self.terms.stand_in is not None:
            values["completedStatus"] += f"; {self.terms.stand_in.sentence}"
        return encoded(COMPLETED_ORDER, version, values, self.terms.tags)

    def order_status(self, status: str | None = None) -> tuple[str, ...]:
        """Return the fields of orderStatus."""
        values = (
            self.order_id, status or self.status, quantity_decimal(self.filled), quantity_decimal(self.remaining),
            self.average, self.perm_id, 0, price_decimal(self.last_price), self.client_id, "", 0,
        )  # fmt: skip
        return tuple([text(value) for value in values])

    def _values(self, contract: PaperContract) -> dict[str, str]:
        fields = self.terms.fields
        values = {name: "" if is_unset(value) else value for name, value in fields.items()}
        for name in _ZERO_WHEN_UNSET:
            values[name] = values.get(name) or "0.0"
        for name in _SAID_BY_DEFAULT & values.keys():
            if not values[name]:
                del values[name]
        values |= contract.values(self.terms.exchange)
        values |= {
            "permId": str(self.perm_id),
            "totalQuantity": quantity_text(self.terms.total),
            "tif": self.terms.time_in_force.value,
            "account": self.terms.account,
            "whatIf": "0",
        }
        if self.terms.limit_price is not None:
            values["lmtPrice"] = price_text(self.terms.limit_price)
        return values


_SAID_BY_DEFAULT: Final = frozenset(
    {
        "origin", "outsideRth", "hidden", "discretionaryAmt", "shortSaleSlot", "exemptCode", "auctionStrategy",
        "blockOrder", "sweepToFill", "allOrNone", "ocaType", "eTradeOnly", "firmQuoteOnly", "parentId",
        "triggerMethod", "continuousUpdate", "optOutSmartRouting", "clearingIntent", "notHeld", "solicited",
        "randomizeSize", "randomizePrice", "adjustableTrailingUnit", "dontUseAutoPriceForHedge", "isOmsContainer",
        "discretionaryUpToLimitPrice", "usePriceMgmtAlgo", "autoCancelParent", "hasDeltaNeutralContract",
        "conditionCount",
    }
)  # fmt: skip
"""Fields for which the layout has a default where the client sent nothing."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Execution:
    """One execution as it is told and kept for the day.

    Attributes:
        exec_id: four groups; the last is the revision.
        cumulative, average: of the order, this execution included.
        commission: positive when paid; None when it is not known (a fault).
        realized: None when it only opened a position.
        liquidity: 1 added, 2 removed.
    """

    exec_id: str
    order: PaperOrder
    at: Timestamp
    quantity: Quantity
    price: Price
    cumulative: Quantity
    average: Decimal
    commission: Decimal
    realized: Decimal | None
    liquidity: int

    def details(self, contract: PaperContract, version: int, number: int) -> tuple[str, ...]:
        """Return the fields of execDetails; *number* is -1 when nobody asked."""
        order, zone = self.order, contract.zone
        fields = (
            number, order.order_id, *contract.eleven(order.terms.exchange), self.exec_id,
            local_text(self.at, zone, named=version >= _NAMED_ZONES), order.terms.account, contract.primary_exchange,
            "BOT" if order.terms.side is OrderSide.BUY else "SLD", quantity_decimal(self.quantity),
            price_decimal(self.price), order.perm_id, order.client_id, 0, quantity_decimal(self.cumulative),
            self.average, order.terms.fields.get("orderRef", ""), "", "", "", self.liquidity,
        )  # fmt: skip
        more = (False,) if version >= _PENDING_REVISION else ()
        return tuple([text(field) for field in (*fields, *more)])

    def commission_report(self, currency: str) -> tuple[str, ...]:
        """Return the fields of commissionReport."""
        realized = UNSET_FLOAT if self.realized is None else text(rounded(self.realized))
        return ("1", self.exec_id, text(self.commission), currency, realized, UNSET_FLOAT, "")


@dataclass(frozen=True)
class Listed:
    """What a message is about that answers a question, so that faults can tell it from news."""

    what: PaperOrder | Execution


def rounded(number: Decimal) -> Decimal:
    """Return a computed price or amount with eight digits, trailing zeros left out."""
    return number.quantize(_PRICE_DIGITS, ROUND_HALF_EVEN).normalize()
