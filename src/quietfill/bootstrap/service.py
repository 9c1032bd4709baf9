"""`quietfill run`: which broker, journal, clock and bus the configuration file asks for, put together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from quietfill.agent.agent import ExecutionAgentImpl
from quietfill.bootstrap.algos import open_algos
from quietfill.bootstrap.files import open_audit
from quietfill.bootstrap.recordings import Recording, start_of, warm_up_venue
from quietfill.bus.local import EventBus
from quietfill.domain.errors import BadInput, BrokerError
from quietfill.domain.instrument import Instrument
from quietfill.domain.messages import StartRun
from quietfill.domain.stamps import new_event_id, utc_now
from quietfill.domain.types import SECOND, datetime_of, quantity_from, timestamp_from
from quietfill.journal.inspect import entries
from quietfill.journal.sqlite import SqliteJournal
from quietfill.report.run import RunReport
from quietfill.runtime.clock import SystemClock
from quietfill.runtime.loop_clock import LoopClock
from quietfill.runtime.user_algos import load_algo
from quietfill.service.clock_watch import watch_clock
from quietfill.service.config import IBSection, SimSection
from quietfill.service.control.token import token_from
from quietfill.service.service import Market, Service
from quietfill.simulation.continuation import begun_with, continued
from quietfill.simulation.rebuild import rebuild
from quietfill.tca.ledger import Ledger
from quietfill.venue.broker import VenueBroker
from quietfill.venue.exchange import Exchange
from quietfill.venue.options import VenueOptions
from quietfill.venue.samples import load_sample

if TYPE_CHECKING:
    from quietfill.brokers.ib.broker import IBBroker
    from quietfill.domain.types import Timestamp
    from quietfill.ports.clock import TimedClock
    from quietfill.service.config import InstrumentSection, ServiceConfig

_SAME_TIME = 3600 * SECOND
"""Clocks that differ by more do not show the same day's market: one of them is wrong, or the data are recorded."""


async def open_service(config: ServiceConfig, *, digest: str, live: bool = False) -> Service:
    """Put an agent together as its configuration file says. With Interactive Brokers the session is opened first.

    Args:
        config: what the file says.
        digest: of the file, for the journal.
        live: the command line allows an account of real money.

    Raises:
        BadInput: when what the file asks for cannot be; nothing was sent.
        BrokerError: when the broker cannot be used; the message says what to do, and nothing was sent.
        JournalError: when the journal cannot be opened, or another agent holds it.
    """
    token = token_from(config.control.token_file)
    if isinstance(config.broker, SimSection):
        market = _open_sim(config, config.broker, digest)
    else:
        market = await _open_ib(config, config.broker, digest, live=live)
    try:
        return _with_agent(config, market, token)
    except BaseException:
        await market.broker.disconnect()
        raise


def service_report(service: Service) -> RunReport:
    """Return the report of every order in the journal of a service that has stopped."""
    config, state = service.config, service.agent.runtime.engine.state
    ledger = Ledger.of(entry.record for entry in entries(config.journal.path))
    observed = {symbol: service.agent.history_of(symbol) for symbol in state.instruments}
    return RunReport.of(
        ledger,
        {symbol: history for symbol, history in observed.items() if history is not None},
        state.instruments,
        title=f"Quietfill: {config.agent.name}",
        facts=_facts(config, service),
        is_simulated=isinstance(config.broker, SimSection) or config.broker.recorded,
    )


def _facts(config: ServiceConfig, service: Service) -> dict[str, str]:
    begun = service.start_details  # not what the broker says now: the loop that it lives in is over
    if isinstance(config.broker, SimSection):
        recording = ", ".join(begun["source"])
        market = f"simulated exchange on {recording}, mode {VenueOptions().mode}, seed {config.broker.seed}"
    else:
        market = f"Interactive Brokers, account {begun['account']}"
        market += ", through a gateway that plays recorded data" if config.broker.recorded else ""
    return {"market": market, "journal sha256": service.agent.runtime.journal.head}


def _with_agent(config: ServiceConfig, market: Market, token: str) -> Service:
    path = config.journal.path
    journal = SqliteJournal(path)
    audit = open_audit(path, market.clock or getattr(market.broker, "clock", None) or SystemClock(), journal)
    try:
        bus = EventBus()
        agent = ExecutionAgentImpl(
            config.agent_config(), bus, audit, market.broker, journal=journal, clock=market.clock
        )
        _register_algos(agent, config)
        return Service(config, agent, bus, audit, token, market)
    except BaseException:
        audit.close()
        journal.close()
        raise


def _register_algos(agent: ExecutionAgentImpl, config: ServiceConfig) -> None:
    """Add the algos of installed packages and of the user's files: recovery needs them too."""
    known, installed = agent.runtime.engine.algos, open_algos(None)[0]
    have = {algo.name for algo in known}
    for algo in [*installed, *(load_algo(one) for one in config.algos.files)]:
        if algo.name not in have:
            known.register(algo)


# The embedded exchange


def _open_sim(config: ServiceConfig, wanted: SimSection, digest: str) -> Market:
    if config.instruments:
        raise BadInput("instruments: a simulated exchange knows its own; leave this table out")
    tape = _recording(wanted)
    new = start_of("service", tape, VenueOptions(), wanted.seed, extra_algo="", configuration_sha256=digest)
    past = continued(config.journal.path, "service")
    if past:
        begun_with(past, new.details, config.journal.path, seed_given=True)
    warm_up_venue()
    exchange = Exchange(tape, VenueOptions(), wanted.seed)
    resumed_at = rebuild(exchange, past)
    begin = tape.first_time if resumed_at is None else resumed_at
    broker = VenueBroker(exchange, start=begin, end=tape.last_time, speed=wanted.speed or None)
    recording = f"{tape.instrument.symbol}, {tape.date}"

    def status() -> dict[str, Any]:
        now = datetime_of(broker.clock.now()).isoformat()
        return {"kind": "sim", "connected": broker.is_connected, "recording": recording, "now": now}

    return Market(broker=broker, clock=None, start=new, status=status, end=broker.wait_end)


def _recording(wanted: SimSection) -> Any:
    given = (wanted.symbol, wanted.book, wanted.date, wanted.tick, wanted.lot)
    if wanted.feed is None and not wanted.data and not any(one is not None for one in given):
        return load_sample()
    if wanted.feed is None or not wanted.data or wanted.symbol is None:
        raise BadInput("broker: a recording needs all of feed, data and symbol")
    recording = Recording(
        feed=wanted.feed,
        data=wanted.data,
        symbol=wanted.symbol,
        book=wanted.book,
        date=wanted.date,
        tick=wanted.tick,
        lot=wanted.lot,
    )
    try:
        return recording.tape()
    except BadInput:
        raise
    except ValueError as error:  # a tick that is no number
        raise BadInput(f"broker: {error}") from None


# Interactive Brokers


async def _open_ib(config: ServiceConfig, wanted: IBSection, digest: str, *, live: bool) -> Market:
    from quietfill.brokers.ib.broker import IBBroker
    from quietfill.brokers.ib.settings import IBSettings

    _check_live(wanted, live=live)
    settings = _struct(IBSettings, wanted.settings, "broker.settings")
    broker = IBBroker(
        wanted.host, wanted.port, wanted.client_id, wanted.account, live=wanted.live and live, settings=settings
    )
    try:
        await broker.connect()
        clock = await _clock_for(broker, wanted)
        instruments = [await _instrument(broker, name, what) for name, what in config.instruments.items()]
    except BaseException:
        await broker.disconnect()
        raise
    details = {
        "run": "service",
        "broker": "ib",
        "account": broker.account,
        "client_id": wanted.client_id,
        "live": wanted.live,
        "recorded": wanted.recorded,
        "configuration_sha256": digest,
    }
    return Market(
        broker=broker,
        clock=clock,
        start=StartRun(run_id=new_event_id(), details=details),
        status=lambda: {"kind": "ib"} | broker.status(),
        instruments=tuple(instruments),
        watch=(lambda: _watched(broker, clock)) if wanted.recorded else None,
    )


async def _watched(broker: IBBroker, clock: TimedClock) -> None:
    async def read() -> Timestamp:
        return (await broker.gateway_clock()).now()

    await watch_clock(read, clock, lambda text: broker.notice("clock", text))


def _check_live(wanted: IBSection, *, live: bool) -> None:
    """Real money takes three words: the account's code and `live` in the file, and `--live` on the command line."""
    if wanted.live and not live:
        raise BadInput("broker.live is set: trading real money must be said on the command line too, with --live")
    if live and not wanted.live:
        raise BadInput("--live was given, but the configuration does not set broker.live = true")
    if wanted.live and wanted.account is None:
        raise BadInput("broker.live is set: name the account with broker.account, so that no other one can be meant")
    if wanted.live and wanted.recorded:
        raise BadInput("broker.live and broker.recorded are both set: recorded data are never traded with real money")


async def _clock_for(broker: IBBroker, wanted: IBSection) -> TimedClock:
    gateway = await broker.gateway_clock()
    apart = gateway.now() - timestamp_from(utc_now())
    if wanted.recorded:
        return gateway
    if abs(apart) > _SAME_TIME:
        shown = datetime_of(gateway.now()).strftime("%Y-%m-%d %H:%M:%S")
        raise BrokerError(
            f"the gateway's clock shows {shown} UTC: if it plays recorded data set broker.recorded = true,"
            " else set the clock of the gateway's machine or of this one"
        )
    return LoopClock()


async def _instrument(broker: IBBroker, name: str, what: InstrumentSection) -> Instrument:
    """Look a contract up; what the gateway does not know of it comes from the file."""
    found = await broker.instrument(name, **what.contract())
    if what.depth:
        await broker.subscribe(name, what.depth)
    volume, volatility = what.average_daily_volume, what.daily_volatility
    return msgspec.structs.replace(
        found,
        average_daily_volume=found.average_daily_volume if volume is None else quantity_from(volume),
        daily_volatility=found.daily_volatility if volatility is None else volatility,
    )


def _struct(kind: Any, values: dict[str, Any], place: str) -> Any:
    unknown = sorted(set(values) - set(kind.__struct_fields__))
    if unknown:
        raise BadInput(f"{place}: {unknown[0]} is not known; there are {', '.join(kind.__struct_fields__)}")
    try:
        return msgspec.convert(values, kind)
    except msgspec.ValidationError as error:
        raise BadInput(f"{place}: {error}") from None
