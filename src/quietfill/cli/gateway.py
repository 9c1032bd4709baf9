"""`quietfill gateway`: the simulated venue behind the socket protocol of Interactive Brokers."""

from __future__ import annotations

import asyncio
import signal
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, TypeAlias

import msgspec
from cyclopts import Parameter

from quietfill.cli.options import Flag, Text, Texts, day, decimal, maybe_decimal, milliseconds
from quietfill.domain.errors import BadInput

if TYPE_CHECKING:
    from quietfill.cli.terminal import Terminal
    from quietfill.gateway.server import PaperGateway
    from quietfill.venue.options import VenueOptions
    from quietfill.venue.tape import Tape

Paths: TypeAlias = Annotated[list[Path] | None, Parameter(negative=())]

_HIGHEST_PORT: Final = 65_535
_FASTEST: Final = 100_000


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class RecordingFlags:
    """Which recording; without one, the hour that ships with the package.

    Attributes:
        feed: what the files are: lobster, sse, nasdaq100ms or binance.
        data: the recorded file, plain, .gz or .zst; several times, in time order, for binance.
        symbol: the instrument, as the files name it.
        book: lobster: the order-book file, of which the first row is used.
        date: the recording's date, where neither data nor file name tell it, like 2012-06-21.
        tick: price increment, in place of the feed's.
        lot: lot size, in place of the feed's.
    """

    feed: str | None = None
    data: Paths = None
    symbol: str | None = None
    book: Path | None = None
    date: Text | None = None
    tick: Text | None = None
    lot: Text | None = None

    def tape(self) -> Tape:
        """Read it."""
        from quietfill.venue.feeds import load_tape
        from quietfill.venue.samples import load_sample

        if self.feed is None or not self.data or self.symbol is None:
            given = (self.feed, self.data, self.symbol, self.book, self.date, self.tick, self.lot)
            if any(value is not None for value in given):
                raise BadInput("a recording needs all of --feed, --data and --symbol")
            return load_sample()
        return load_tape(
            self.feed,
            self.data,
            book=self.book,
            symbol=self.symbol,
            date=day(self.date),
            tick=maybe_decimal(self.tick, "tick"),
            lot=maybe_decimal(self.lot, "lot"),
        )


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class VenueFlags:
    """What the venue behind the gateway does with orders.

    Attributes:
        mode: what our fills do to the others: ghost (nothing) or displacing (those behind us are short).
        latency_ms: median one-way time to the venue; 0 for none.
        maker_fee_bps: fee on passive fills; negative is a rebate.
        taker_fee_bps: fee on aggressive fills.
    """

    mode: str = "ghost"
    latency_ms: Text = "1"
    maker_fee_bps: Text = "0"
    taker_fee_bps: Text = "0"

    def options(self) -> VenueOptions:
        """Return the venue's options."""
        from quietfill.venue.options import VenueOptions

        return VenueOptions(
            mode=self.mode,
            latency_median_ns=milliseconds(self.latency_ms, "latency_ms"),
            maker_fee_bps=decimal(self.maker_fee_bps, "maker_fee_bps"),
            taker_fee_bps=decimal(self.taker_fee_bps, "taker_fee_bps"),
        )


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class LoginFlags:
    """Who may trade what, and where.

    Attributes:
        host: where to listen. There is no password: leave it at loopback unless everybody may trade here.
        port: where to listen; 0 takes a free one.
        account: an account code of the login; several times. DU1234567 by default.
        cash: what each account starts with.
        master: the client id that hears of everybody's orders.
    """

    host: str = "127.0.0.1"
    port: int = 4002
    account: Texts = None
    cash: int = 10_000_000
    master: int | None = None


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class FaultFlags:
    """What is to go wrong.

    Attributes:
        fault: what to break, as NAME or NAME:KEY=VALUE,KEY=VALUE; several times.
        list_faults: print what can be broken, and end.
    """

    fault: Texts = None
    list_faults: Flag = False


def gateway(
    *,
    recording: RecordingFlags | None = None,
    venue: VenueFlags | None = None,
    login: LoginFlags | None = None,
    faults: FaultFlags | None = None,
    speed: Text = "1",
    seed: int = 0,
    json: Flag = False,
) -> int:
    """Serve the simulated venue to any client of the TWS API, on one machine and without an account.

    It ends when the recording does, or on Ctrl-C. Times told to clients are those of the recording.

    Args:
        speed: simulated seconds a second, or max: as fast as clients keep up, while one of them waits for something.
        seed: of latencies and permanent order ids.
        json: print JSON lines: one when ready, one at the end.
    """
    from quietfill.cli.terminal import Terminal

    terminal = Terminal(json=json)
    login, faults = login or LoginFlags(), faults or FaultFlags()
    if faults.list_faults:
        _list_faults(terminal)
        return 0
    pace = _speed(speed)
    if not 0 <= login.port <= _HIGHEST_PORT:
        raise BadInput(f"port must be from 0 to {_HIGHEST_PORT}, not {login.port}")
    for code in login.account or ():
        if not (code.isascii() and code.isalnum()):
            raise BadInput(f"account must be a code of letters and digits, like DU1234567, not {code!r}")
    from quietfill.gateway.server import DEFAULT_ACCOUNT, PaperGateway

    opened = PaperGateway(
        (recording or RecordingFlags()).tape(),
        (venue or VenueFlags()).options(),
        seed=seed,
        speed=pace,
        host=login.host,
        port=login.port,
        accounts=login.account or (DEFAULT_ACCOUNT,),
        cash=login.cash,
        master_client_id=login.master,
        faults=faults.fault or (),
    )
    ended_by = asyncio.run(_serve(opened, terminal))
    terminal.finish(
        {
            "ended_by": ended_by,
            "at": opened.connection_time(),
            "orders": len(opened.trading.all_orders),
            "executions": len(opened.trading.executions),
            "positions": {code: format(book.position, "f") for code, book in opened.books.items()},
        }
    )
    return 0


async def _serve(opened: PaperGateway, terminal: Terminal) -> str:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        with suppress(NotImplementedError):  # Windows: Ctrl-C raises KeyboardInterrupt instead
            loop.add_signal_handler(name, stopped.set)
    async with opened:
        _say_ready(opened, terminal)
        ending = asyncio.create_task(opened.wait_end())
        waiting = asyncio.create_task(stopped.wait())
        await asyncio.wait({ending, waiting}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if not ending.done():
            ending.cancel()
            return "signal"
        ending.result()
        return "data"


def _say_ready(opened: PaperGateway, terminal: Terminal) -> None:
    contract = opened.contract
    if terminal.json:
        ready = {"ready": True, "host": opened.host, "port": opened.port, "symbol": contract.symbol}
        ready |= {"accounts": list(opened.books), "conId": contract.con_id, "at": opened.connection_time()}
        sys.stdout.write(msgspec.json.encode(ready).decode() + "\n")
    else:
        place = "/".join(contract.exchanges)
        terminal.line(f"paper gateway on {opened.host}:{opened.port}, account {', '.join(opened.books)}")
        terminal.line(f"trades {contract.symbol} {contract.security_type} {contract.currency} on {place}")
        terminal.line(f"simulated time {opened.connection_time()}")
    sys.stdout.flush()


def _list_faults(terminal: Terminal) -> None:
    from quietfill.gateway.faults.panel import KINDS

    for name, kind in sorted(KINDS.items()):
        settings = ",".join(f"{key}={setting.default}" for key, setting in kind.settings.items())
        terminal.line(f"{name}{':' if settings else ''}{settings}\n    {kind.what}")


def _speed(text: str) -> float | None:
    if text == "max":
        return None
    speed = float(decimal(text, "speed"))
    if not 0 < speed <= _FASTEST:
        raise BadInput(f"speed must be above 0 and at most {_FASTEST}, or max, not {text}")
    return speed
