"""What each code of the gateway is evidence of, and what is done about it: one table, printed in the docs.

A code is evidence, never a state. Whether an order lives is told by open-order, order-status, execution and
completed-order messages alone; a code refuses the request that it answers, or makes us ask. One exception proves it:
a refusal of an order that was never shown to exist is the answer to our placement, so that placement was refused.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Effect(StrEnum):
    """What a code makes us do. For orders, *its order* is the one whose id the message carries."""

    NOTE = "noted; nothing changes"
    KEEP = "its order lives; the text is kept"
    REFUSED = "a new order: refused; a modification: refused, the old terms stand, and the order is asked about"
    MODIFY_REFUSED = "the modification is refused, the old terms stand, and the order is asked about"
    CANCEL_REFUSED = "the cancel did not work; the order is in doubt and asked about"
    ENDED = "its order should be over: its own message is awaited, then asked for"
    ASK = "its order lives as far as we know, and is asked about"
    DUPLICATE_ID = "the order id was used before: looked up by our reference, placed again once under a new id"
    REQUEST_FAILED = "the question that it answers has failed"
    LINE_LOST = "nothing that adds risk is sent until the line is back; everything heard counts"
    LINE_BACK_DATA_LOST = "everything is reconciled and market data requested anew"
    LINE_BACK = "everything is reconciled and market data watched"
    DATA_LOST = "quotes count as stale after a grace time; orders are not touched"
    DATA_BACK = "quotes count again when they flow"
    NO_DATA = "the symbol has no quotes: nothing that needs them is sent"
    DELAYED = "its quotes are delayed and are not passed on"
    DEPTH_RESET = "the depth of that book is cleared"
    SLOW_DOWN = "sending stops for a second and goes on at half the rate"
    CLIENT_ID_IN_USE = "the session cannot be opened; the same id is tried again"


class Code(msgspec.Struct, frozen=True):
    """One row of the table."""

    number: int
    meaning: str
    effect: Effect


_E = Effect
CODES: tuple[Code, ...] = (
    Code(100, "more messages a second than allowed", _E.SLOW_DOWN),
    Code(101, "no market-data line is left", _E.NO_DATA),
    Code(102, "a request id was used twice", _E.REQUEST_FAILED),
    Code(103, "an order id was used before", _E.DUPLICATE_ID),
    Code(104, "a filled order cannot be modified", _E.MODIFY_REFUSED),
    Code(105, "the modified order does not match the original", _E.MODIFY_REFUSED),
    Code(106, "the order cannot be transmitted", _E.REFUSED),
    Code(107, "the order is incomplete and cannot be transmitted", _E.REFUSED),
    Code(109, "the price is outside the percentage limit", _E.REFUSED),
    Code(110, "the price is off the increment grid: the market rule is read anew, once", _E.REFUSED),
    Code(111, "time in force and order type do not go together", _E.REFUSED),
    Code(113, "the time in force is not allowed here", _E.REFUSED),
    Code(135, "no order of that id", _E.CANCEL_REFUSED),
    Code(136, "the order cannot be cancelled", _E.CANCEL_REFUSED),
    Code(161, "the order is in no state to be cancelled", _E.CANCEL_REFUSED),
    Code(162, "the historical data service says something", _E.REQUEST_FAILED),
    Code(165, "the historical data service says something", _E.NOTE),
    Code(200, "no contract, or more than one", _E.REFUSED),
    Code(201, "the order was rejected", _E.REFUSED),
    Code(202, "the order was cancelled", _E.ENDED),
    Code(203, "no permission for the product or account", _E.REFUSED),
    Code(300, "no subscription of that id", _E.NOTE),
    Code(309, "the limit of depth subscriptions is reached", _E.REQUEST_FAILED),
    Code(310, "no depth subscription of that id", _E.NOTE),
    Code(316, "the depth subscription was halted", _E.DEPTH_RESET),
    Code(317, "the depth was reset", _E.DEPTH_RESET),
    Code(320, "the request cannot be read", _E.REFUSED),
    Code(321, "the request is not valid; also: the API is read-only, or no account was named", _E.REFUSED),
    Code(322, "the request failed", _E.REFUSED),
    Code(326, "the client id is in use", _E.CLIENT_ID_IN_USE),
    Code(329, "the order type cannot be modified to that", _E.MODIFY_REFUSED),
    Code(354, "no market-data permission", _E.NO_DATA),
    Code(366, "no historical query of that id", _E.NOTE),
    Code(382, "a size constraint of the presets", _E.REFUSED),
    Code(383, "a size constraint of the presets", _E.REFUSED),
    Code(387, "the order type is not allowed here", _E.REFUSED),
    Code(399, "a message about the order: held until the open, repriced, partly unsupported", _E.KEEP),
    Code(404, "the short sale waits for a locate", _E.KEEP),
    Code(434, "the size is zero", _E.REFUSED),
    Code(436, "no account was named", _E.REFUSED),
    Code(451, "a value constraint of the presets", _E.REFUSED),
    Code(460, "no trading permission", _E.REFUSED),
    Code(502, "the gateway cannot be reached", _E.NOTE),
    Code(504, "not connected", _E.NOTE),
    Code(507, "the socket ended", _E.NOTE),
    Code(1100, "the gateway lost the connection to Interactive Brokers", _E.LINE_LOST),
    Code(1101, "the connection is back, market data lost", _E.LINE_BACK_DATA_LOST),
    Code(1102, "the connection is back, market data kept", _E.LINE_BACK),
    Code(1300, "the gateway changed its port", _E.LINE_LOST),
    Code(2100, "the account subscription was replaced", _E.NOTE),
    Code(2101, "the account subscription was refused", _E.NOTE),
    Code(2102, "the order is still in process and cannot be modified now", _E.MODIFY_REFUSED),
    Code(2103, "a market-data farm is broken", _E.DATA_LOST),
    Code(2104, "a market-data farm is connected", _E.DATA_BACK),
    Code(2105, "a historical-data farm is broken", _E.NOTE),
    Code(2106, "a historical-data farm is connected", _E.NOTE),
    Code(2107, "a historical-data farm is idle", _E.NOTE),
    Code(2108, "a market-data farm is idle", _E.NOTE),
    Code(2109, "outside regular hours is ignored for this order", _E.KEEP),
    Code(2110, "the gateway lost the connection to its server", _E.LINE_LOST),
    Code(2119, "a market-data farm is connecting", _E.NOTE),
    Code(2137, "the order would cross an existing position; a warning", _E.KEEP),
    Code(2157, "a contract-definition farm is broken", _E.NOTE),
    Code(2158, "a contract-definition farm is connected", _E.NOTE),
    Code(10089, "more market-data permission is needed", _E.NO_DATA),
    Code(10090, "a part of the market data is not permitted", _E.NO_DATA),
    Code(10147, "the order to cancel is not found", _E.CANCEL_REFUSED),
    Code(10148, "the order cannot be cancelled; the text names its state", _E.CANCEL_REFUSED),
    Code(10167, "delayed market data is shown instead", _E.DELAYED),
    Code(10168, "no market-data permission, and delayed data is off", _E.NO_DATA),
    Code(10182, "the live updates of a request have failed", _E.REQUEST_FAILED),
    Code(10189, "tick-by-tick data cannot be had for this contract", _E.REQUEST_FAILED),
    Code(10190, "the limit of tick-by-tick subscriptions is reached", _E.REQUEST_FAILED),
    Code(10197, "another live session takes the market data", _E.NO_DATA),
    Code(10225, "a bust ended the subscription", _E.REQUEST_FAILED),
    Code(10241, "a cash quantity cannot be used here", _E.REFUSED),
    Code(10243, "a fractional size cannot be placed over the API", _E.REFUSED),
    Code(10250, "the size is off the size grid", _E.REFUSED),
    Code(10268, "the attribute eTradeOnly is not supported", _E.REFUSED),
    Code(10269, "the attribute firmQuoteOnly is not supported", _E.REFUSED),
    Code(10270, "the attribute nbboPriceCap is not supported", _E.REFUSED),
    Code(10349, "the time in force was set by the presets", _E.KEEP),
)  # fmt: skip

_BY_NUMBER = {code.number: code for code in CODES}


def code_of(number: int) -> Code:
    """Return what a code is evidence of; one that is not in the table keeps its order alive and has it asked about."""
    known = _BY_NUMBER.get(number)
    return known if known is not None else Code(number, "not in the table", _E.ASK)


def is_read_only(number: int, text: str) -> bool:
    """Say whether a refusal means that the gateway takes no orders from the API at all."""
    return number == _INVALID and "read-only" in text.lower()


OFF_GRID = 110
_INVALID = 321
