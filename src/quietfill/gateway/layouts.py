"""The long messages as tables of field names, each with the versions that have it.

One word a field, in the order of the wire: `name`, `name<177` (older than 177 only), `name>=158` (since 158), or
`name=0` for a field that says this when nothing else is known. Encoder and decoder read the same kind of table.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Final

from quietfill.gateway.cursor import CONTRACT, Cursor, Refused

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_C11 = (
    "conId symbol secType lastTradeDateOrContractMonth strike right multiplier exchange currency localSymbol "
    "tradingClass"
)

OPEN_ORDER: Final = f"""
orderId {_C11} action totalQuantity orderType lmtPrice auxPrice tif ocaGroup account openClose origin=0 orderRef
clientId permId outsideRth=0 hidden=0 discretionaryAmt=0 goodAfterTime retiredSharesAllocation faGroup faMethod
faPercentage faProfile<177 modelCode goodTillDate rule80A percentOffset settlingFirm shortSaleSlot=0
designatedLocation exemptCode=-1 auctionStrategy=0 startingPrice stockRefPrice delta stockRangeLower stockRangeUpper
displaySize blockOrder=0 sweepToFill=0 allOrNone=0 minQty ocaType=0 eTradeOnly=0 firmQuoteOnly=0 nbboPriceCap
parentId=0 triggerMethod=0 volatility volatilityType deltaNeutralOrderType deltaNeutralAuxPrice continuousUpdate=0
referencePriceType trailStopPrice trailingPercent basisPoints basisPointsType comboLegsDescription legCount=0
legPriceCount=0 routingCount=0 scaleInitLevelSize scaleSubsLevelSize scalePriceIncrement hedgeType
optOutSmartRouting=0 clearingAccount clearingIntent=IB notHeld=0 hasDeltaNeutralContract=0 algoStrategy solicited=0
whatIf=0 status initMarginBefore maintMarginBefore equityWithLoanBefore initMarginChange maintMarginChange
equityWithLoanChange initMarginAfter maintMarginAfter equityWithLoanAfter commission minCommission maxCommission
commissionCurrency warningText randomizeSize=0 randomizePrice=0 conditionCount=0 adjustedOrderType triggerPrice
trailStopPriceAgain lmtPriceOffset adjustedStopPrice adjustedStopLimitPrice adjustedTrailingAmount
adjustableTrailingUnit=0 softDollarName softDollarValue softDollarDisplayName cashQty dontUseAutoPriceForHedge=0
isOmsContainer=0 discretionaryUpToLimitPrice=0 usePriceMgmtAlgo=0 duration>=158 postToAts>=160 autoCancelParent>=162=0
minTradeQty>=170 minCompeteSize>=170 competeAgainstBestOffset>=170 midOffsetAtWhole>=170 midOffsetAtHalf>=170
"""

COMPLETED_ORDER: Final = f"""
{_C11} action totalQuantity orderType lmtPrice auxPrice tif ocaGroup account openClose origin=0 orderRef permId
outsideRth=0 hidden=0 discretionaryAmt=0 goodAfterTime faGroup faMethod faPercentage faProfile<177 modelCode
goodTillDate rule80A percentOffset settlingFirm shortSaleSlot=0 designatedLocation exemptCode=-1 startingPrice
stockRefPrice delta stockRangeLower stockRangeUpper displaySize sweepToFill=0 allOrNone=0 minQty ocaType=0
triggerMethod=0 volatility volatilityType deltaNeutralOrderType deltaNeutralAuxPrice continuousUpdate=0
referencePriceType trailStopPrice trailingPercent comboLegsDescription legCount=0 legPriceCount=0 routingCount=0
scaleInitLevelSize scaleSubsLevelSize scalePriceIncrement hedgeType clearingAccount clearingIntent=IB notHeld=0
hasDeltaNeutralContract=0 algoStrategy solicited=0 status randomizeSize=0 randomizePrice=0 conditionCount=0
trailStopPriceAgain lmtPriceOffset cashQty dontUseAutoPriceForHedge=0 isOmsContainer=0 autoCancelDate filledQuantity
refFuturesConId=0 autoCancelParent=0 shareholder imbalanceOnly=0 routeMarketableToBbo=0 parentPermId=0 completedTime
completedStatus minTradeQty>=170 minCompeteSize>=170 competeAgainstBestOffset>=170 midOffsetAtWhole>=170
midOffsetAtHalf>=170
"""

CONTRACT_DETAILS: Final = """
messageVersion<164=8 reqId symbol secType lastTradeDateOrContractMonth strike right exchange currency localSymbol
marketName tradingClass conId minTick sizeMultiplier<164=1 multiplier orderTypes validExchanges priceMagnifier=1
underConId=0 longName primaryExchange contractMonth industry category subcategory timeZoneId tradingHours liquidHours
evRule evMultiplier secIdCount=0 aggGroup=1 underSymbol underSecType marketRuleIds realExpirationDate stockType
suggestedSizeAlone<164>=163 minSize>=164 sizeIncrement>=164 suggestedSizeIncrement>=164
"""

_PLACE_HEAD: Final = f"""
orderId {" ".join(CONTRACT)} secIdType secId action totalQuantity orderType lmtPrice auxPrice tif ocaGroup account
openClose origin orderRef transmit parentId blockOrder sweepToFill displaySize triggerMethod outsideRth hidden
"""
_PLACE_BODY: Final = """
retiredSharesAllocation discretionaryAmt goodAfterTime goodTillDate faGroup faMethod faPercentage faProfile<177
modelCode shortSaleSlot designatedLocation exemptCode ocaType rule80A settlingFirm allOrNone minQty percentOffset
eTradeOnly firmQuoteOnly nbboPriceCap auctionStrategy startingPrice stockRefPrice delta stockRangeLower
stockRangeUpper overridePercentageConstraints volatility volatilityType deltaNeutralOrderType deltaNeutralAuxPrice
"""
_PLACE_SCALE: Final = """
continuousUpdate referencePriceType trailStopPrice trailingPercent scaleInitLevelSize scaleSubsLevelSize
scalePriceIncrement
"""
_PLACE_HEDGE: Final = "scaleTable activeStartTime activeStopTime hedgeType"
_PLACE_CLEARING: Final = "optOutSmartRouting clearingAccount clearingIntent notHeld hasDeltaNeutralContract"
_PLACE_TAIL: Final = """
adjustedOrderType triggerPrice lmtPriceOffset adjustedStopPrice adjustedStopLimitPrice adjustedTrailingAmount
adjustableTrailingUnit extOperator softDollarName softDollarValue cashQty mifid2DecisionMaker mifid2DecisionAlgo
mifid2ExecutionTrader mifid2ExecutionAlgo dontUseAutoPriceForHedge isOmsContainer discretionaryUpToLimitPrice
usePriceMgmtAlgo duration>=158 postToAts>=160 autoCancelParent>=162 advancedErrorOverride>=166 manualOrderTime>=169
"""

_WORD = re.compile(r"(\w+?)(?:<(\d+))?(?:>=(\d+))?(?:=(\S+))?")


@cache
def names(layout: str, version: int) -> tuple[tuple[str, str], ...]:
    """Return (name, default) of each field that a layout has at a version."""
    found: list[tuple[str, str]] = []
    for word in layout.split():
        match = _WORD.fullmatch(word)
        assert match is not None, f"{word} is no field of a layout"
        name, before, since, default = match.groups()
        if (before is None or version < int(before)) and (since is None or version >= int(since)):
            found.append((name, default or ""))
    return tuple(found)


def encoded(
    layout: str, version: int, values: Mapping[str, str], tags: Sequence[tuple[str, str]] = ()
) -> tuple[str, ...]:
    """Return the fields of a message; what *values* leaves out says its default.

    *tags* are those of an algo; their number and they follow its name, where one is named.
    """
    fields: list[str] = []
    for name, default in names(layout, version):
        fields.append(values.get(name, default))
        if name == "algoStrategy" and fields[-1]:
            fields += [str(len(tags)), *(word for tag in tags for word in tag)]
    return tuple(fields)


def read_order(cursor: Cursor, version: int) -> tuple[dict[str, str], list[tuple[str, str]]]:
    """Read a placeOrder request; return its fields by name, and the tags of an algo.

    Parts of variable length that no order here can have are refused where they begin: what follows
    them then need not be understood.

    Raises:
        Refused: for combinations, delta-neutral, scale, hedge and conditional orders, and for torn requests.
    """
    values = _read(cursor, _PLACE_HEAD, version)
    _refuse(values["secType"] == "BAG", "combinations")
    values |= _read(cursor, _PLACE_BODY, version)
    _refuse(bool(values["deltaNeutralOrderType"]) and values["deltaNeutralOrderType"] != "None", "delta-neutral orders")
    values |= _read(cursor, _PLACE_SCALE, version)
    _refuse(_is_positive(values["scalePriceIncrement"]), "scale orders")
    values |= _read(cursor, _PLACE_HEDGE, version)
    _refuse(bool(values["hedgeType"]), "hedge orders")
    values |= _read(cursor, _PLACE_CLEARING, version)
    _refuse(values["hasDeltaNeutralContract"] not in {"", "0"}, "delta-neutral contracts")
    values["algoStrategy"] = cursor.text()
    tags = [(cursor.text(), cursor.text()) for _ in range(cursor.integer())] if values["algoStrategy"] else []
    values |= _read(cursor, "algoId whatIf miscOptions solicited randomizeSize randomizePrice", version)
    _refuse(values["orderType"].replace(" ", "") == "PEGBENCH", "orders of type PEG BENCH")
    values["conditionCount"] = cursor.text()
    _refuse(values["conditionCount"] not in {"", "0"}, "conditional orders")
    values |= _read(cursor, _PLACE_TAIL, version)
    return values, tags


def _read(cursor: Cursor, layout: str, version: int) -> dict[str, str]:
    return {name: cursor.text() for name, _ in names(layout, version)}


def _refuse(found: bool, what: str) -> None:  # noqa: FBT001 - reads as a sentence
    if found:
        raise Refused(201, f"Order rejected - reason:The paper gateway does not take {what}.")


def _is_positive(field: str) -> bool:
    cursor = Cursor([field])
    number = cursor.number()
    return number is not None and number > 0
