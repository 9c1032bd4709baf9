"""A user's program on an official client (`ibapi`, of any age): a session from the first word to the last.

    python official_program.py PORT trade
    python official_program.py PORT visit ORDER_ID

It runs in an environment that has nothing but the client, so it knows nothing of Quietfill. `trade` looks at the
market, trades and reads back what it did; `visit` comes as a second client to what another one is doing. What it saw
is printed as JSON lines, in the words of `insync_program.py`.

The client reads in a thread of its own and calls one method of an `EWrapper` for each message. Here one object takes
all calls, whatever their names, and writes them down.
"""

from __future__ import annotations

import json
import logging
import sys
import threading
from contextlib import suppress
from importlib import import_module
from importlib.metadata import packages_distributions, version
from time import monotonic
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

SECONDS = 30.0  # within which everything that is waited for has happened, on the slowest machine
QUOTES, DEPTH, TICKS, CASH = 1_001, 1_002, 1_003, 1_004  # numbers of requests


class Heard:
    """An `EWrapper` that writes every call down, in order."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, tuple[Any, ...]]] = []
        self.stirred = threading.Condition()

    def __getattr__(self, name: str) -> Callable[..., None]:
        """Return a method that notes that it was called."""

        def note(*values: Any) -> None:
            with self.stirred:
                self.calls.append((name, values))
                self.stirred.notify_all()

        return note

    def of(self, *names: str) -> list[tuple[Any, ...]]:
        """Return the arguments of all calls of some methods."""
        return [values for name, values in list(self.calls) if name in names]

    def about(self, number: int, *names: str) -> list[tuple[Any, ...]]:
        """Return those about one request or order."""
        return [values for values in self.of(*names) if values[0] == number]

    def codes(self) -> list[int]:
        """Return the codes of all errors and notices; some clients put a time before the code."""
        return [next(value for value in values[1:] if _is_code(value)) for values in self.of("error")]

    def until(self, condition: Callable[[], Any]) -> None:
        """Wait for messages until they have made a condition true."""
        end = monotonic() + SECONDS
        while not condition():
            with self.stirred:
                self.stirred.wait(0.05)
            if monotonic() > end:
                raise TimeoutError(f"not seen within {SECONDS} s; codes so far: {self.codes()}")


class Program:
    """One connection and what was heard on it."""

    def __init__(self, port: int, client_id: int) -> None:
        self.heard = Heard()
        self.client: Any = import_module("ibapi.client").EClient(self.heard)
        self.port = port
        self.client_id = client_id
        self.next_id = 0
        self.reading = threading.Thread(target=self.client.run, daemon=True)

    def connect(self) -> None:
        """Connect, and wait for the word that orders may be sent."""
        self.client.connect("127.0.0.1", self.port, self.client_id)
        self.reading.start()
        self.heard.until(lambda: self.heard.of("nextValidId"))
        self.next_id = self.heard.of("nextValidId")[-1][0]

    def disconnect(self) -> None:
        """Close the connection and wait for the thread that reads."""
        self.client.disconnect()
        self.reading.join(SECONDS)

    def stock(self) -> Any:
        """Name the instrument."""
        stock = import_module("ibapi.contract").Contract()
        stock.symbol, stock.secType, stock.exchange, stock.currency = "600961", "STK", "SMART", "CNY"
        return stock

    def order(self, side: str, quantity: int, price: float | None, reference: str) -> Any:
        """Build an order; without a price a market order."""
        order = import_module("ibapi.order").Order()
        order.action, order.totalQuantity, order.orderRef = side, quantity, reference
        order.orderType = "MKT" if price is None else "LMT"
        if price is not None:
            order.lmtPrice = price
        for name in ("eTradeOnly", "firmQuoteOnly"):  # set in old clients, and refused (10268) by gateways of today
            if hasattr(order, name):
                setattr(order, name, False)
        return order

    # A trader

    def trade(self) -> dict[str, Any]:
        """Look, trade, and read back."""
        self.connect()
        try:
            seen = self.look()
            numbers = {"rest": self.rest(seen), "sweep": self.sweep(seen)}
            numbers["sell"] = self.filled(self.order("SELL", 100, None, "sell"))
            seen["statuses"] = {name: self.statuses(number) for name, number in numbers.items()}
            self.read_back(seen)
            return seen
        finally:
            self.disconnect()

    def look(self) -> dict[str, Any]:
        """Ask about the contract and the market."""
        heard, client, stock = self.heard, self.client, self.stock()
        client.reqContractDetails(QUOTES, stock)
        heard.until(lambda: heard.of("contractDetailsEnd"))
        details = heard.of("contractDetails")[0][1]
        client.reqMarketRule(int(details.marketRuleIds.split(",")[0]))
        client.reqMktData(QUOTES, stock, "", False, False, [])
        client.reqMktDepth(DEPTH, stock, 5, False, [])
        heard.until(lambda: heard.of("marketRule") and self.touch().keys() >= {1, 2} and len(self.ladder()) == 10)
        distribution = packages_distributions()["ibapi"][0]
        return {
            "client": f"{distribution} {version(distribution)}",
            "server_version": client.serverVersion(),
            "accounts": heard.of("managedAccounts")[0][0].split(","),
            "contract": {
                "con_id": details.contract.conId,
                "min_tick": details.minTick,
                "time_zone": details.timeZoneId,
            },
            "price_steps": [[step.lowEdge, step.increment] for step in heard.of("marketRule")[0][1]],
            "quotes": {"bid": self.touch()[1], "ask": self.touch()[2]},
            "depth": {name: self.side(number) for name, number in (("bid", 1), ("ask", 0))},
            "ticks": self.ticks(stock),
            "bars": self.bars(stock),
        }

    def touch(self) -> dict[int, float]:
        """Return the last price of each kind: 1 is the bid, 2 the ask."""
        return {values[1]: values[2] for values in self.heard.about(QUOTES, "tickPrice")}

    def ladder(self) -> dict[tuple[int, int], list[float]]:
        """Return price and size of each row of the book by side (0 is the ask) and position."""
        rows: dict[tuple[int, int], list[float]] = {}
        for name, values in list(self.heard.calls):
            if name.startswith("updateMktDepth"):
                position, (operation, side, price, size) = values[1], values[-5:-1] if "L2" in name else values[2:6]
                rows[side, position] = [price, float(size)]
                assert operation in {0, 1, 2}, values
        return rows

    def side(self, side: int) -> list[list[float]]:
        """Return one side of the book, the best row first."""
        return [row for (of, _), row in sorted(self.ladder().items()) if of == side]

    def ticks(self, stock: Any) -> int:
        """Listen to each change of the touch for a moment; return how many were heard."""
        self.client.reqTickByTickData(TICKS, stock, "BidAsk", 0, False)
        self.heard.until(lambda: len(self.heard.of("tickByTickBidAsk")) > 1)
        self.client.cancelTickByTickData(TICKS)
        return len(self.heard.of("tickByTickBidAsk"))

    def bars(self, stock: Any) -> list[list[float]]:
        """Ask for bars until the market has made the first."""
        bars: list[Any] = []
        for number in range(2_000, 3_000):
            bars = self.asked_bars(stock, number)
            if bars:
                break
        return [[bar.low, bar.high, float(bar.volume)] for bar in bars]

    def asked_bars(self, stock: Any, number: int) -> list[Any]:
        """Ask once; none (162) are there before the first has been traded in."""
        heard = self.heard
        self.client.reqHistoricalData(number, stock, "", "60 S", "5 secs", "TRADES", 1, 1, False, [])
        heard.until(lambda: heard.about(number, "historicalDataEnd", "error"))
        return [values[1] for values in heard.about(number, "historicalData")]

    def rest(self, seen: dict[str, Any]) -> int:
        """Place a bid that rests, change it and cancel it; return its id."""
        heard, price = self.heard, round(seen["quotes"]["bid"] - 0.1, 2)
        number = self.place(self.order("BUY", 500, price, "rest"))
        heard.until(lambda: "Submitted" in self.statuses(number))
        changed = round(price - 0.01, 2)
        self.client.placeOrder(number, self.stock(), self.order("BUY", 700, changed, "rest"))
        heard.until(lambda: heard.about(number, "orderStatus")[-1][3] == 700)
        self.client.reqOpenOrders()
        heard.until(lambda: heard.of("openOrderEnd"))
        _, _, order, _ = heard.about(number, "openOrder")[-1]
        seen["rest"] = {
            "id": number,
            "perm_id": order.permId,
            "price": order.lmtPrice,
            "quantity": float(order.totalQuantity),
        }
        seen["open_while_resting"] = [order.orderRef]
        self.cancel(number)
        heard.until(lambda: "Cancelled" in self.statuses(number))
        return number

    def sweep(self, seen: dict[str, Any]) -> int:
        """Buy more than the three best prices offer, so that it comes in pieces; return its id."""
        quantity = int(sum(size for _, size in seen["depth"]["ask"][:3])) + 100
        seen["bought"] = quantity
        return self.filled(self.order("BUY", quantity, round(seen["quotes"]["ask"] + 0.1, 2), "sweep"))

    def filled(self, order: Any) -> int:
        """Place an order and wait until it is filled and its costs are known; return its id."""
        number = self.place(order)
        self.heard.until(lambda: "Filled" in self.statuses(number))
        self.heard.until(
            lambda: self.executions(number) and self.executions(number).keys() <= self.commissions().keys()
        )
        return number

    def place(self, order: Any) -> int:
        """Place an order under the next id, and return it."""
        number = self.next_id
        self.next_id += 1
        self.client.placeOrder(number, self.stock(), order)
        return number

    def cancel(self, number: int) -> None:
        """Cancel an order; newer clients want to be told how."""
        terms: list[Any] = []
        with suppress(ImportError):
            terms = [import_module("ibapi.order_cancel").OrderCancel()]
        self.client.cancelOrder(number, *terms)

    def statuses(self, number: int) -> list[str]:
        """Return the statuses of one order, without repetitions in a row."""
        return _in_order(values[1] for values in self.heard.about(number, "orderStatus"))

    def executions(self, number: int) -> dict[str, Any]:
        """Return the executions of one order by id."""
        told = (values[2] for values in self.heard.of("execDetails"))
        return {execution.execId: execution for execution in told if execution.orderId == number}

    def commissions(self) -> dict[str, float]:
        """Return what each execution cost; the report has two names, by the age of the client."""
        reports = [values[0] for values in self.heard.of("commissionReport", "commissionAndFeesReport")]
        return {report.execId: _cost(report) for report in reports}

    def read_back(self, seen: dict[str, Any]) -> None:
        """Ask for everything that the gateway keeps."""
        heard, client = self.heard, self.client
        heard.calls = [call for call in heard.calls if call[0] not in {"execDetails", "openOrder", "openOrderEnd"}]
        client.reqExecutions(QUOTES, import_module("ibapi.execution").ExecutionFilter())
        client.reqOpenOrders()
        client.reqCompletedOrders(True)
        client.reqPositions()
        client.reqAccountSummary(CASH, "All", "TotalCashValue")
        ends = ("execDetailsEnd", "openOrderEnd", "completedOrdersEnd", "positionEnd", "accountSummaryEnd")
        heard.until(lambda: all(heard.of(end) for end in ends))
        executions = [values[2] for values in heard.of("execDetails")]
        seen["executions"] = [
            [execution.execId, execution.orderRef, execution.side, float(execution.shares), execution.price]
            for execution in executions
        ]
        seen["commissions"] = self.commissions()
        seen["open"] = [values[2].orderRef for values in heard.of("openOrder")]
        seen["completed"] = sorted([order.orderRef, state.status] for _, order, state in heard.of("completedOrder"))
        seen["positions"] = {values[0]: float(values[2]) for values in heard.of("position")}
        seen["cash"] = float(heard.about(CASH, "accountSummary")[-1][3])
        seen["codes"] = heard.codes()

    # A visitor

    def visit(self, order_id: int) -> dict[str, Any]:
        """Come under an id in use; then as the master, touch another's order and hear it traded."""
        turned_away = Program(self.port, 1)
        turned_away.client.connect("127.0.0.1", self.port, 1)
        turned_away.reading.start()
        try:
            turned_away.heard.until(lambda: 326 in turned_away.heard.codes())
        finally:
            turned_away.disconnect()
        self.connect()
        heard = self.heard
        try:
            self.cancel(order_id)
            heard.until(lambda: 10147 in heard.codes())
            _say({"listening": True})
            heard.until(lambda: heard.of("execDetails") and "Filled" in [said[1] for said in heard.of("orderStatus")])
        finally:
            self.disconnect()
        return {
            "turned_away": turned_away.heard.codes(),
            "codes": heard.codes(),
            "statuses": [values[1] for values in heard.of("orderStatus")],
            "executions": [values[2].execId for values in heard.of("execDetails")],
        }


def _is_code(value: Any) -> bool:
    return isinstance(value, int) and 0 < value < 1_000_000


def _cost(report: Any) -> float:
    return float(report.commissionAndFees if hasattr(report, "commissionAndFees") else report.commission)


def _in_order(statuses: Iterable[str]) -> list[str]:
    kept: list[str] = []
    for status in statuses:
        if kept[-1:] != [status]:
            kept.append(status)
    return kept


def _say(seen: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(seen) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    logging.disable()  # the client logs each refusal, which is printed anyway
    PORT, WHAT, *REST = sys.argv[1:]
    if WHAT == "trade":
        _say(Program(int(PORT), 1).trade())
    else:
        _say(Program(int(PORT), 9).visit(int(REST[0])))
