"""Is a placeOrder request one that this venue can take? Every way in which it is not has its error code."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final

from quietfill.domain.broker_algo import BrokerAlgo
from quietfill.domain.errors import BadInput
from quietfill.domain.types import QUANTITY_SCALE, OrderSide, TimeInForce
from quietfill.gateway.contract import ORDER_TYPES, TIMES_IN_FORCE
from quietfill.gateway.cursor import ContractQuery, Cursor, Refused
from quietfill.gateway.layouts import read_order
from quietfill.gateway.orders import Terms
from quietfill.gateway.stand_in_terms import stand_in_for
from quietfill.gateway.wire import instant_of, is_unset

if TYPE_CHECKING:
    from quietfill.domain.types import Price, Quantity, Timestamp
    from quietfill.gateway.contract import PaperContract
    from quietfill.gateway.stand_in_terms import StandInTerms

_KNOWN_TYPES: Final = frozenset(
    {
        "STP", "STP LMT", "TRAIL", "TRAIL LIMIT", "MIT", "LIT", "MIDPRICE", "REL", "PEG MID", "PEG BEST", "PEG MKT",
        "PEG PRIM", "PEG STK", "MOC", "LOC", "MTL", "SNAP MKT", "SNAP MID", "SNAP PRIM", "BOX TOP", "VOL", "MKT PRT",
        "STP PRT", "REL + LMT", "REL + MKT", "LMT + MKT", "PASSV REL", "PEG BENCH",
    }
)  # fmt: skip
_KNOWN_TIMES: Final = frozenset({"OPG", "AUC", "DTC", "GTX", "Minutes"})
_NOT_TAKEN: Final = {
    "allOrNone": "all-or-none orders", "blockOrder": "block orders", "cashQty": "cash quantities",
    "displaySize": "iceberg orders", "discretionaryAmt": "discretionary amounts", "goodAfterTime": "delayed starts",
    "hidden": "hidden orders", "minQty": "minimum quantities", "ocaGroup": "one-cancels-all groups",
    "parentId": "attached orders", "adjustedOrderType": "adjusted orders", "sweepToFill": "sweep-to-fill orders",
    "faGroup": "advisor allocations", "modelCode": "models", "notHeld": "not-held orders",
    "duration": "durations", "activeStartTime": "active times",
}  # fmt: skip
"""Fields that ask for what the venue does not do, unless they are unset or 0."""
_RETIRED: Final = {
    "eTradeOnly": (10268, "The 'EtradeOnly' order attribute is not supported."),
    "firmQuoteOnly": (10269, "The 'firmQuoteOnly' order attribute is not supported."),
    "nbboPriceCap": (10270, "The 'nbboPriceCap' order attribute is not supported."),
}


def query_of(values: dict[str, str]) -> ContractQuery:
    """Return the contract that an order names."""
    return ContractQuery(
        con_id=Cursor([values["conId"]]).integer(),
        symbol=values["symbol"],
        security_type=values["secType"],
        exchange=values["exchange"],
        primary_exchange=values["primaryExchange"],
        currency=values["currency"],
        local_symbol=values["localSymbol"],
        multiplier=values["multiplier"],
    )


def read_terms(cursor: Cursor, version: int, contract: PaperContract, accounts: list[str]) -> tuple[int, Terms]:
    """Read a placeOrder request; return the order's number and what it asks for.

    Raises:
        Refused: with the code of what is wrong.
    """
    values, tags = read_order(cursor, version)
    number = Cursor([values["orderId"]]).integer(-1)
    contract.check(query_of(values))
    _check_flags(values)
    algo = BrokerAlgo(values["algoStrategy"], tuple(tags)) if values["algoStrategy"] else None
    return number, Terms(
        side=_side(values["action"]),
        total=_total(values["totalQuantity"], contract),
        limit_price=_limit(values, contract),
        time_in_force=_time_in_force(values["tif"]),
        good_till=_good_till(values, contract.zone),
        account=_account(values["account"], accounts),
        exchange=values["exchange"] or contract.exchanges[0],
        what_if=values["whatIf"] == "1",
        fields=values,
        algo=algo,
        stand_in=None if algo is None else _stand_in(algo, values, contract),
    )


def rejected(reason: str) -> Refused:
    """Return the refusal of an order that the venue does not take."""
    return Refused(201, f"Order rejected - reason:{reason}")


def invalid(cause: str) -> Refused:
    """Return the refusal of a request that makes no sense."""
    return Refused(321, f"Error validating request.-'gw' : cause - {cause}")


def _check_flags(values: dict[str, str]) -> None:
    for name, (code, words) in _RETIRED.items():
        if not _is_nothing(values[name]):
            raise Refused(code, words)
    if values["transmit"] == "0":
        raise rejected("The paper gateway keeps no orders that are not transmitted.")
    for name, what in _NOT_TAKEN.items():
        if not _is_nothing(values.get(name, "")):
            raise rejected(f"The paper gateway does not take {what}.")


def _is_nothing(field: str) -> bool:
    return is_unset(field) or field in {"0", "0.0", "False", "false"}


def _stand_in(algo: BrokerAlgo, values: dict[str, str], contract: PaperContract) -> StandInTerms:
    """Return what works an algo order here."""
    if (values["tif"] or "DAY") not in _LIVES_OF_ALGOS:
        raise rejected(f"The paper gateway works no algo with the time in force {values['tif']}.")
    try:
        return stand_in_for(algo, contract.zone)
    except BadInput as error:
        raise rejected(f"The paper gateway cannot work it: {error}.") from None


_LIVES_OF_ALGOS: Final = frozenset({"DAY", "GTC", "GTD"})


def _side(action: str) -> OrderSide:
    if action not in {"BUY", "SELL"}:
        raise invalid(f"Invalid side '{action}'")
    return OrderSide.parse(action)


def _total(field: str, contract: PaperContract) -> Quantity:
    size = Cursor([field]).number() or Decimal(0)
    if size == 0:
        raise Refused(434, "The order size cannot be zero.")
    if size < 0:
        raise invalid(f"Invalid quantity '{field}'")
    if contract.size_fault(size):
        raise Refused(10250, f"The order size {size} does not conform to the size increment {contract.size_step}.")
    return int(size * QUANTITY_SCALE)


def _limit(values: dict[str, str], contract: PaperContract) -> Price | None:
    kind = values["orderType"]
    if kind not in ORDER_TYPES:
        if kind in _KNOWN_TYPES:
            raise rejected(f"The paper gateway does not take orders of type {kind}.")
        raise Refused(387, f"Unsupported order type for this exchange and security type: {kind or 'none'}.")
    if kind == "MKT":
        return None
    number = Cursor([values["lmtPrice"]]).number()
    if number is None:
        raise invalid("Missing limit price")
    price = contract.price_of(number)
    if price is None or not contract.instrument.on_tick(price):
        raise Refused(110, "The price does not conform to the minimum price variation for this contract.")
    return price


def _time_in_force(tif: str) -> TimeInForce:
    if tif in TIMES_IN_FORCE or not tif:
        return TimeInForce(tif or "DAY")
    if tif in _KNOWN_TIMES:
        raise rejected(f"The paper gateway does not take the time in force {tif}.")
    raise invalid(f"Invalid time in force '{tif}'")


def _good_till(values: dict[str, str], zone: str) -> Timestamp | None:
    if values["tif"] != "GTD":
        return None
    words = values["goodTillDate"]
    try:
        return instant_of(words, zone)
    except ValueError:
        raise invalid(f"Invalid good till date '{words}', not like 20230711 10:30:00 Asia/Shanghai") from None


def _account(code: str, accounts: list[str]) -> str:
    if not code and len(accounts) == 1:
        return accounts[0]
    if not code:
        raise Refused(436, "You must specify an allocation.")
    if code not in accounts:
        raise invalid(f"Invalid account code '{code}'.")
    return code
