"""Market data: who subscribed to what, and what happened since the last look."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from quietfill.gateway.cursor import Refused
from quietfill.gateway.quotes import TICK_KINDS, Day, DepthOfBook, Look, Print, Subscription, TickByTick, TopOfBook
from quietfill.venue.tape import Phase, RowKind

if TYPE_CHECKING:
    from quietfill.domain.types import Price, Timestamp
    from quietfill.gateway.cursor import Cursor
    from quietfill.gateway.orders import Execution
    from quietfill.gateway.server import Handler, PaperGateway
    from quietfill.gateway.session import Session

MOST_LINES: Final = 100
MOST_DEPTHS: Final = 3
MOST_TICKERS: Final = 5
_GENERIC: Final = frozenset(
    {
        "100", "101", "104", "105", "106", "107", "125", "165", "221", "225", "232", "233", "236", "256", "258", "292",
        "293", "294", "295", "318", "370", "375", "377", "381", "384", "387", "388", "411", "428", "439", "456", "459",
        "460", "499", "506", "511", "512", "513", "514", "515", "516", "517", "545", "547", "576", "577", "578", "584",
        "586", "587", "588", "595", "614", "619", "623", "",
    }
)  # fmt: skip
_LIVE: Final = 1


class Market:
    """Subscriptions of all clients, and the tape that they are told from."""

    def __init__(self, gateway: PaperGateway) -> None:
        self._gateway = gateway
        self._contract = gateway.contract
        self.lines: dict[tuple[Session, str, int], Subscription] = {}
        self.is_silent = False
        """Whether nobody is told anything: a fault."""
        self._history = gateway.floor.exchange.history()
        self._row = 0
        self._own: list[Print] = []
        self._value = 0
        self._seen = 0
        self._last: Print | None = None
        self._range: tuple[Price, Price, Price] | None = None
        tape = gateway.floor.tape
        self._is_whole_day = tape.volume_before == 0 and tape.first_time <= tape.day.spans[0][0]
        self._halts = [
            (int(tape.time[row]), bool(tape.quantity[row] == Phase.HALTED))
            for row in (tape.kind == RowKind.PHASE).nonzero()[0]
        ]

    def handlers(self) -> dict[int, Handler]:
        """Return what answers which request."""
        return {
            1: self._subscribe,
            2: self._cancels("quotes", 300, "Can't find EId with tickerId:{}"),
            10: self._subscribe_depth,
            11: self._cancels("depth", 310, "Can't find the subscribed market depth with tickerId:{}"),
            59: self._data_type,
            97: self._subscribe_ticks,
            98: self._cancel_ticks,
        }

    def forget(self, session: Session) -> None:
        """Drop all subscriptions of a client that left."""
        for key in [key for key in self.lines if key[0] is session]:
            del self.lines[key]
        self._count()

    def lose_lines(self) -> None:
        """Drop everybody's subscriptions without a word."""
        self.lines.clear()
        self._count()

    def traded(self, execution: Execution) -> None:
        """Put an execution of a client on the tape."""
        self._own.append(Print(execution.at, execution.price, execution.quantity))

    def look(self, now: Timestamp) -> None:
        """Tell all subscribers what happened up to now."""
        if not self.lines:
            return
        self._tell(self._take_look(now))

    # ------------------------------------------------------------ requests

    def _subscribe(self, session: Session, cursor: Cursor) -> None:
        cursor.skip()
        number = cursor.integer()
        self._contract.check(cursor.contract())
        if cursor.flag():
            cursor.skip(3)  # the delta-neutral contract
        generic = frozenset(word.partition(":")[0].strip() for word in cursor.text().split(","))
        is_snapshot = cursor.flag()
        wrong = generic - _GENERIC
        if wrong:
            words = f"Incorrect generic tick list of {','.join(sorted(wrong))}."
            raise Refused(321, f"Error validating request.-'gw' : cause - {words}")
        line = TopOfBook(session, number, generic)
        if is_snapshot:
            self._open(line)
            line.tell(self._present())
            session.say(57, 1, number)
            return
        self._check(line, "quotes", MOST_LINES, Refused(101, "Max number of tickers has been reached"))
        self._open(line)
        self._add(line, "quotes")

    def _open(self, line: TopOfBook) -> None:
        step = self._contract.details(self._gateway.floor.now)["minTick"]
        line.session.say(81, line.number, step, "", 3, about=line)
        line.session.say(58, 1, line.number, _LIVE, about=line)

    def _subscribe_depth(self, session: Session, cursor: Cursor) -> None:
        cursor.skip()
        number = cursor.integer()
        self._contract.check(cursor.contract())
        rows, by_exchange = cursor.integer(), cursor.flag()
        if rows < 1:
            raise Refused(321, f"Error validating request.-'gw' : cause - Invalid number of rows {rows}")
        line = DepthOfBook(session, number, rows, self._contract.primary_exchange if by_exchange else None)
        words = f"Max number ({MOST_DEPTHS}) of market depth requests has been reached"
        self._check(line, "depth", MOST_DEPTHS, Refused(309, words))
        self._add(line, "depth")

    def _subscribe_ticks(self, session: Session, cursor: Cursor) -> None:
        number = cursor.integer()
        self._contract.check(cursor.contract())
        name = cursor.text()
        if name not in TICK_KINDS:
            raise Refused(321, f"Error validating request.-'gw' : cause - Invalid tick-by-tick type '{name}'")
        cursor.skip()
        exchange = self._contract.primary_exchange
        line = TickByTick(session, number, TICK_KINDS[name], exchange, ignores_size=cursor.flag())
        words = "Max number of tick-by-tick requests has been reached."
        self._check(line, "ticks", MOST_TICKERS, Refused(10190, words))
        self._add(line, "ticks")

    def _data_type(self, session: Session, cursor: Cursor) -> None:
        cursor.skip()
        kind = cursor.integer()
        if kind not in {1, 2, 3, 4}:
            raise Refused(321, f"Error validating request.-'gw' : cause - Invalid market data type {kind}")
        session.data_type = kind

    def _check(self, line: Subscription, what: str, most: int, refusal: Refused) -> None:
        mine = [key for key in self.lines if key[0] is line.session]
        if any(key[2] == line.number for key in mine):
            raise Refused(102, "Duplicate ticker ID for API client")
        if sum(key[1] == what for key in mine) >= most:
            raise refusal

    def _add(self, line: Subscription, what: str) -> None:
        look = self._present()
        self.lines[line.session, what, line.number] = line
        self._count()
        if not self.is_silent:
            line.tell(look)

    def _cancels(self, what: str, code: int, words: str) -> Handler:
        def cancel(session: Session, cursor: Cursor) -> None:
            cursor.skip()
            number = cursor.integer()
            if self.lines.pop((session, what, number), None) is None:
                raise Refused(code, words.format(number))
            self._count()

        return cancel

    def _cancel_ticks(self, session: Session, cursor: Cursor) -> None:
        number = cursor.integer()
        if self.lines.pop((session, "ticks", number), None) is None:
            raise Refused(300, f"Can't find EId with tickerId:{number}")
        self._count()

    # ------------------------------------------------------------ the tape

    def _count(self) -> None:
        self._gateway.watch(market=len(self.lines), ticks=sum(line.wants_ticks for line in self.lines.values()))

    def _present(self) -> Look:
        # What a newcomer is told at first is no news: those who are there already hear of that before.
        look = self._take_look(self._gateway.floor.now)
        self._tell(look)
        return look._replace(prints=[])

    def _tell(self, look: Look) -> None:
        if not self.is_silent:
            for line in list(self.lines.values()):
                line.tell(look)

    def _take_look(self, now: Timestamp) -> Look:
        history = self._history
        end = int(history.print_time.searchsorted(now, side="right"))
        prints = [
            Print(int(history.print_time[row]), int(history.print_price[row]), int(history.print_quantity[row]))
            for row in range(self._row, end)
        ]
        self._row = end
        own, self._own = self._own, []
        new = sorted([*prints, *own], key=lambda trade: trade.at)
        for trade in new:
            self._value += trade.price * trade.quantity
            self._seen += trade.quantity
            opening, low, high = self._range or (trade.price, trade.price, trade.price)
            self._range = (opening, min(low, trade.price), max(high, trade.price))
        self._last = new[-1] if new else self._last
        return Look(
            book=self._gateway.floor.book,
            prints=new,
            last=self._last,
            day=self._day(),
            is_halted=self._is_halted(now),
        )

    def _day(self) -> Day:
        opening, low, high = self._range if self._range and self._is_whole_day else (None, None, None)
        book = self._gateway.floor.book
        volume, first = book.volume or 0, self._range[0] if self._range else 0
        return Day(volume, self._value + (volume - self._seen) * first, opening, high, low)

    def _is_halted(self, now: Timestamp) -> bool:
        halted = False
        for at, is_halt in self._halts:
            if at > now:
                break
            halted = is_halt
        return halted
