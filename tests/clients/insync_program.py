"""A user's program on ib_async or ib_insync, which share one interface: a session from the first word to the last.

    python insync_program.py LIBRARY PORT trade
    python insync_program.py LIBRARY PORT visit ORDER_ID

It runs in an environment that has nothing but the library, so it knows nothing of Quietfill. `trade` looks at the
market, trades and reads back what it did; `visit` comes as a second client to what another one is doing. What it saw
is printed as JSON lines.
"""

from __future__ import annotations

import json
import sys
from importlib import import_module
from importlib.metadata import version
from time import monotonic
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

SECONDS = 30.0  # within which everything that is waited for has happened, on the slowest machine


class Program:
    """One connection and what was heard on it."""

    def __init__(self, name: str, port: int, client_id: int) -> None:
        self.library: Any = import_module(name)
        self.ib: Any = self.library.IB()
        self.codes: list[int] = []
        self.ib.errorEvent += lambda _id, code, *_: self.codes.append(code)
        self.strict = {"raiseSyncErrors": True} if name == "ib_async" else {}
        self.port = port
        self.client_id = client_id

    def connect(self) -> None:
        """Connect and let the library ask for all that it asks for."""
        self.ib.connect("127.0.0.1", self.port, clientId=self.client_id, timeout=SECONDS / 2, **self.strict)

    def until(self, condition: Callable[[], Any]) -> None:
        """Wait for messages until they have made a condition true."""
        end = monotonic() + SECONDS
        while not condition():
            if monotonic() > end:
                raise TimeoutError(f"not seen within {SECONDS} s; codes so far: {self.codes}")
            self.ib.waitOnUpdate(timeout=1)

    def stock(self) -> Any:
        """Look the instrument up."""
        stock = self.library.Stock("600961", "SMART", "CNY")
        self.ib.qualifyContracts(stock)
        return stock

    # A trader

    def trade(self) -> dict[str, Any]:
        """Look, trade, and read back."""
        self.connect()
        stock = self.stock()
        seen = self.look(stock)
        trades = [self.rest(stock, seen), self.sweep(stock, seen), self.sell(stock)]
        seen["statuses"] = {trade.order.orderRef: _in_order(entry.status for entry in trade.log) for trade in trades}
        self.read_back(seen)
        self.ib.disconnect()
        return seen

    def look(self, stock: Any) -> dict[str, Any]:
        """Ask about the contract and the market."""
        ib = self.ib
        (details,) = ib.reqContractDetails(stock)
        rule = ib.reqMarketRule(int(details.marketRuleIds.split(",")[0]))
        ticker = ib.reqMktData(stock)
        ib.reqMktDepth(stock)
        self.until(lambda: ticker.bid > 0 and ticker.ask > 0 and ticker.domBids and ticker.domAsks)
        quotes = {"bid": ticker.bid, "ask": ticker.ask}
        depth = {
            "bid": [[level.price, level.size] for level in ticker.domBids],
            "ask": [[level.price, level.size] for level in ticker.domAsks],
        }
        return {
            "client": f"{self.library.__name__} {version(self.library.__name__)}",
            "server_version": ib.client.serverVersion(),
            "accounts": ib.managedAccounts(),
            "contract": {"con_id": stock.conId, "min_tick": details.minTick, "time_zone": details.timeZoneId},
            "price_steps": [[step.lowEdge, step.increment] for step in rule],
            "quotes": quotes,
            "depth": depth,
            "ticks": self.ticks(stock),
            "bars": self.bars(stock),
        }

    def ticks(self, stock: Any) -> int:
        """Listen to each change of the touch for a moment; return how many were heard."""
        ticker = self.ib.reqTickByTickData(stock, "BidAsk")
        heard: list[Any] = []
        ticker.updateEvent += lambda changed: heard.extend(changed.tickByTicks)
        self.until(lambda: len(heard) > 1)
        self.ib.cancelTickByTickData(stock, "BidAsk")
        return len(heard)

    def bars(self, stock: Any) -> list[list[float]]:
        """Ask for bars until the market has made the first."""
        bars: list[Any] = []

        def asked() -> bool:
            bars[:] = self.ib.reqHistoricalData(stock, "", "60 S", "5 secs", "TRADES", useRTH=True)
            return bool(bars)

        self.until(asked)
        return [[bar.low, bar.high, float(bar.volume)] for bar in bars]

    def rest(self, stock: Any, seen: dict[str, Any]) -> Any:
        """Place a bid that rests, change it and cancel it."""
        price = round(seen["quotes"]["bid"] - 0.1, 2)
        order = self.library.LimitOrder("BUY", 500, price, orderRef="rest")
        trade = self.ib.placeOrder(stock, order)
        self.until(lambda: trade.orderStatus.status == "Submitted")
        order.totalQuantity, order.lmtPrice = 700, round(price - 0.01, 2)
        self.ib.placeOrder(stock, order)
        self.until(lambda: trade.orderStatus.remaining == 700)
        seen["rest"] = {"id": order.orderId, "perm_id": order.permId, "price": order.lmtPrice, "quantity": 700}
        seen["open_while_resting"] = [open_trade.order.orderRef for open_trade in self.ib.reqOpenOrders()]
        self.ib.cancelOrder(order)
        self.until(lambda: trade.orderStatus.status == "Cancelled")
        return trade

    def sweep(self, stock: Any, seen: dict[str, Any]) -> Any:
        """Buy more than the three best prices offer, so that it comes in pieces."""
        quantity = int(sum(size for _, size in seen["depth"]["ask"][:3])) + 100
        order = self.library.LimitOrder("BUY", quantity, round(seen["quotes"]["ask"] + 0.1, 2), orderRef="sweep")
        seen["bought"] = quantity
        return self.filled(stock, order)

    def sell(self, stock: Any) -> Any:
        """Sell a part at the market."""
        return self.filled(stock, self.library.MarketOrder("SELL", 100, orderRef="sell"))

    def filled(self, stock: Any, order: Any) -> Any:
        """Place an order and wait until it is filled and its costs are known."""
        trade = self.ib.placeOrder(stock, order)
        self.until(lambda: trade.orderStatus.status == "Filled")
        self.until(lambda: trade.fills and all(fill.commissionReport.execId for fill in trade.fills))
        return trade

    def read_back(self, seen: dict[str, Any]) -> None:
        """Ask for everything that the gateway keeps."""
        ib = self.ib
        fills = ib.reqExecutions()
        seen["executions"] = [
            [fill.execution.execId, fill.execution.orderRef, fill.execution.side, float(fill.execution.shares),
             fill.execution.price] for fill in fills
        ]  # fmt: skip
        seen["commissions"] = {fill.execution.execId: fill.commissionReport.commission for fill in ib.fills()}
        seen["open"] = [trade.order.orderRef for trade in ib.reqOpenOrders()]
        seen["completed"] = sorted(
            [trade.order.orderRef, trade.orderStatus.status] for trade in ib.reqCompletedOrders(apiOnly=True)
        )
        seen["positions"] = {place.account: float(place.position) for place in ib.reqPositions()}
        seen["cash"] = next(float(value.value) for value in ib.accountSummary() if value.tag == "TotalCashValue")
        seen["codes"] = self.codes

    # A visitor

    def visit(self, order_id: int) -> dict[str, Any]:
        """Come under an id in use; then as the master, touch another's order and hear it traded."""
        turned_away = Program(self.library.__name__, self.port, 1)
        try:
            turned_away.ib.connect("127.0.0.1", self.port, clientId=1, timeout=2)
        except (TimeoutError, ConnectionError):
            turned_away.ib.disconnect()
        self.connect()
        statuses: list[str] = []
        executions: list[str] = []
        self.ib.orderStatusEvent += lambda trade: statuses.append(trade.orderStatus.status)
        self.ib.execDetailsEvent += lambda _, fill: executions.append(fill.execution.execId)
        self.ib.client.cancelOrder(order_id, *[""] * self.extra_cancel_fields())
        self.until(lambda: 10147 in self.codes)
        say({"listening": True})
        self.until(lambda: executions and "Filled" in statuses)
        self.ib.disconnect()
        return {"turned_away": turned_away.codes, "codes": self.codes, "statuses": statuses, "executions": executions}

    def extra_cancel_fields(self) -> int:
        """Return how many arguments the library's cancel takes beyond the id."""
        return int(self.ib.client.cancelOrder.__code__.co_argcount) - 2


def _in_order(statuses: Any) -> list[str]:
    """Return statuses without repetitions in a row."""
    kept: list[str] = []
    for status in statuses:
        if kept[-1:] != [status]:
            kept.append(status)
    return kept


def say(seen: dict[str, Any]) -> None:
    """Print one line."""
    sys.stdout.write(json.dumps(seen) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    LIBRARY, PORT, WHAT, *REST = sys.argv[1:]
    if WHAT == "trade":
        say(Program(LIBRARY, int(PORT), 1).trade())
    else:
        say(Program(LIBRARY, int(PORT), 9).visit(int(REST[0])))
