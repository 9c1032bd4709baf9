"""The edge: the parts put together, and what comes between a session and a line."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import structlog

from quietfill.brokers.ib.algos import ALGOS
from quietfill.brokers.ib.children import Children
from quietfill.brokers.ib.connection import Connection
from quietfill.brokers.ib.continuity import check_same_hands, highest_id
from quietfill.brokers.ib.contract_questions import ContractQuestions
from quietfill.brokers.ib.contracts import Contracts
from quietfill.brokers.ib.dispatch import Dispatch
from quietfill.brokers.ib.efficiency import Efficiency
from quietfill.brokers.ib.errors import ApiIsReadOnly, NotConnected, StepUnanswered
from quietfill.brokers.ib.gate import Gate
from quietfill.brokers.ib.grids import Grids
from quietfill.brokers.ib.guard import account_to_trade, tradable
from quietfill.brokers.ib.hearing import Hearing
from quietfill.brokers.ib.house_clock import HouseClock
from quietfill.brokers.ib.house_codes import HouseCodes
from quietfill.brokers.ib.ids import OrderIds, QuestionIds
from quietfill.brokers.ib.inquiries import Inquiries
from quietfill.brokers.ib.markets import Markets
from quietfill.brokers.ib.questions import Questions
from quietfill.brokers.ib.quiet_windows import QuietTimes, read_quiet_windows
from quietfill.brokers.ib.sending import Sending, Wire
from quietfill.brokers.ib.survey import COMPLETED, Survey, Surveyor, Verdict
from quietfill.brokers.ib.switchboard import Switchboard
from quietfill.brokers.ib.tap import TIME
from quietfill.brokers.ib.wants import Wants
from quietfill.domain.errors import BrokerError
from quietfill.domain.messages import BookUpdate, LinkState
from quietfill.domain.records import InstrumentRegistered, OrderAccepted
from quietfill.domain.types import SECOND, Duration

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from quietfill.brokers.ib.children import IBChild
    from quietfill.brokers.ib.raw import Raw
    from quietfill.brokers.ib.settings import IBSettings
    from quietfill.domain.execution_report import ExecutionReport
    from quietfill.domain.instrument import Instrument
    from quietfill.domain.messages import BrokerSnapshot
    from quietfill.domain.records import AnyRecord, WireRequest
    from quietfill.domain.types import Timestamp
    from quietfill.engine.state import EngineState
    from quietfill.ports.clock import Alarm, TimedClock

_log = structlog.get_logger(__name__)

_NOTICES_KEPT = 200


class IBEdge:
    """A `BrokerEdge` to Interactive Brokers.

    Attributes:
        notices: what a person should know, as (subject, text), the newest last.
        verdicts: of the last reconciliation, one a step.
        accounts: those that an order may name; empty before the first session.
        settle: how long after a cancel's confirmation a fill of it may still come.
        algos: Interactive Brokers' own, which an agent over this edge offers beside ours.
    """

    settle: Duration = SECOND
    algos = ALGOS

    def __init__(self, address: tuple[str, int, int], account: str | None, settings: IBSettings, *, live: bool) -> None:
        """Put the parts together; nothing is connected."""
        self.settings = settings
        self.notices: list[tuple[str, str]] = []
        self.verdicts: tuple[Verdict, ...] = ()
        self.accounts: tuple[str, ...] = ()
        self._wanted_account = account
        self._live = live
        self._clock: TimedClock = HouseClock()
        self._report: Callable[[ExecutionReport], None] = _deaf
        self._book: Callable[[BookUpdate], None] = _deaf
        self._link: Callable[[LinkState], None] = _deaf
        self._serve: Callable[[tuple[str, ...], str], object] = lambda _accounts, _own: None
        self._tasks: set[asyncio.Task[Any]] = set()
        self._data_epoch = 0
        self._counted: EngineState | None = None
        self._order_ids = OrderIds()
        self._question_ids = QuestionIds()
        self._questions = Questions()
        self._children = Children(address[2])
        self._connection = Connection(
            address,
            settings,
            hear=self._hear,
            pause=self._pause,
            resume=self._resume,
            changed=self._line_changed,
            ended=self._session_ended,
            probe=self._probe,
        )
        self._gate = Gate(lambda: self._connection.is_up, self._gate_changed)
        windows = read_quiet_windows(settings.quiet_windows, settings.tws_timezone)
        self._quiet = QuietTimes(windows, self._gate, now=self._now, call_at=self._call_at)
        self._efficiency = Efficiency(settings, self._gate, now=self._now, call_at=self._call_at, notice=self.notice)
        self._dispatch = Dispatch(
            self._connection, settings, takes_risk=lambda: self._gate.is_open, now=self._now, call_at=self._call_at
        )
        self._outbox = self._dispatch.outbox
        self._assemble(address[2])

    def _assemble(self, client_id: int) -> None:
        self._surveyor = Surveyor(self._questions, self._question_ids, self._dispatch.request, self._now, client_id)
        asker = ContractQuestions(self._surveyor, self.settings.step_seconds, lambda: self._gate.is_open)
        self._contracts = Contracts(asker.details, asker.rule)
        self._grids = Grids(self._contracts, self._children, start=self._start, notice=self.notice)
        wants = Wants(
            report=self._tell,
            ask=self._ask,
            place_again=self._place_again,
            cancel=self._cancel,
            call_at=self._call_at,
            notice=self.notice,
        )
        self._hearing = Hearing(self._children, self._now, wants, self.settings.patience)
        wire = Wire(
            send=self._send_order,
            barred=lambda: self._gate.why,
            grid_problem=self._grids.problem,
            push=self._dispatch.push,
            start=self._start,
            now=self._now,
            report=self._tell,
            ask=self._ask,
        )
        self._sending = Sending(
            self._children, self._contracts, self._outbox, self._order_ids, wire, self.settings.working_per_side
        )
        self._inquiries = Inquiries(
            self._children,
            self._hearing,
            survey=self._survey,
            looked_up=self._contracts.looked_up,
            place_again=self._sending.place_again,
            report=self._tell,
            now=self._now,
            start=self._start,
        )
        self._markets = Markets(
            self._question_ids,
            self.settings,
            request=self._dispatch.request,
            now=self._now,
            call_at=self._call_at,
            show=self._show,
            notice=self.notice,
        )
        self._switchboard = Switchboard(
            children=self._children,
            order_ids=self._order_ids,
            questions=self._questions,
            hearing=self._hearing,
            markets=self._markets,
            grids=self._grids,
            house=HouseCodes(self._connection, self._markets, lambda: self._outbox.slow_down(self._now()), self.notice),
            notice=self.notice,
        )

    # The port

    @property
    def is_connected(self) -> bool:
        """Whether requests would reach the broker now."""
        return self._connection.is_up

    def follow(self, books: EngineState, clock: TimedClock) -> None:
        """Look children up in an agent's books, live by its clock, and give out no id that the books may know."""
        self._children.books = books
        if self._connection.session is not None:  # begun by the house's time; the agent may live in another year
            self._dispatch.shift(clock.now() - self._now())
        self._clock = clock
        if self._connection.session is not None:
            self._quiet.watch()

    def heed(self, record: AnyRecord) -> None:
        """Listen to the market of each instrument that is registered and each order that is accepted."""
        if isinstance(record, InstrumentRegistered):
            self._start(self._listen(record.instrument.symbol))
        elif isinstance(record, OrderAccepted):
            self._start(self._listen(record.symbol))

    async def _listen(self, symbol: str) -> None:
        """Subscribe to a symbol, if there is a line; what is missed is caught up with on connecting."""
        if self._connection.session is None or self._markets.problem(symbol) is not None:
            return
        try:
            self._markets.subscribe(symbol, await self._sending.contract(symbol))
        except (BrokerError, TimeoutError) as error:
            problem = f"{symbol} has no market data: {str(error) or 'its contract was not answered'}"
            self.notice(symbol, problem)
            self._show(BookUpdate(symbol=symbol, time=self._now(), bids=(), asks=(), problem=problem))

    async def connect(self) -> None:
        """Open the session, check the account, and ask for everything that the gateway knows.

        Raises:
            BrokerError: one that says what to do; nothing was sent.
        """
        await self._connection.start()
        self._take_books_up()  # the session may be older than the books
        self._gate.expect_open()
        asyncio.get_running_loop().call_soon(self._look_at_gate)  # what it says is news to whoever waits for us here
        books = self._children.books
        for symbol in () if books is None else tuple(books.instruments):
            self._start(self._listen(symbol))

    def _take_books_up(self) -> None:
        """Let the journal's earlier runs bind this session: its ids, its account, its client id."""
        books = self._children.books
        if books is not None:
            check_same_hands(books, self._children.account, self._connection.client_id)
            self._order_ids.seen(highest_id(books))
            if books.children and books is not self._counted:
                self._counted = books
                self._efficiency.take_up(self._children)

    async def disconnect(self) -> None:
        """Close the session; orders at the broker stay as they are."""
        tasks = [task for task in self._tasks if not task.done()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._quiet.stop()
        self._dispatch.ended("the session was closed")
        await self._connection.stop()

    def submit(self, request: WireRequest) -> None:
        """Put one request on its way. Never waits; what came of it is reported."""
        self._sending.submit(request)

    async def snapshot(self) -> BrokerSnapshot:
        """Ask for everything that the gateway knows; complete only when every question was answered.

        Raises:
            BrokerError: when there is no session.
        """
        return self._inquiries.snapshot_of(await self._survey())

    def on_report(self, callback: Callable[[ExecutionReport], None]) -> None:
        """Set who hears execution reports."""
        self._report = callback

    def on_book(self, callback: Callable[[BookUpdate], None]) -> None:
        """Set who hears market data."""
        self._book = callback

    def on_link(self, callback: Callable[[LinkState], None]) -> None:
        """Set who hears that the line went down or came back."""
        self._link = callback

    def on_instrument(self, callback: Callable[[Instrument, str], object]) -> None:
        """Set who hears that an instrument's price ladder has changed at the broker, and how we know."""
        self._grids.changed = callback

    def on_accounts(self, callback: Callable[[tuple[str, ...], str], object]) -> None:
        """Set who hears which accounts an order may name, and whose one is that names none; told at each session."""
        self._serve = callback
        if self.accounts:
            callback(self.accounts, self._children.account)

    def notice(self, subject: str, text: str) -> None:
        """Tell a person."""
        _log.warning(text, subject=subject)
        self.notices.append((subject, text))
        del self.notices[:-_NOTICES_KEPT]

    # What is heard and told

    def _hear(self, raw: Raw) -> None:
        self._switchboard.hear(raw)

    def _pause(self) -> None:
        """All that came together was heard."""
        self._markets.publish()
        self._dispatch.heard()

    def _send_order(self, request: str, *arguments: Any) -> None:
        self._dispatch.send(request, *arguments)
        self._efficiency.acted()

    def _tell(self, report: ExecutionReport) -> None:
        if report.fill is not None:
            self._efficiency.told(report)
        self._report(report)

    # The line

    async def _resume(self) -> None:
        """Do what comes between a session and a line: the account, the ids, and everything that the gateway knows."""
        session = self._connection.session
        assert session is not None, "there is a session"
        self._switchboard.problem = None
        # Whoever logs in at the gateway meanwhile, orders of this process are for the account that it began with.
        wanted = self._wanted_account or self._children.account or None
        own = self._children.account = account_to_trade(session.accounts, wanted, live=self._live)
        self.accounts = tradable(session.accounts, own)
        self._serve(self.accounts, own)
        self._order_ids.proposed(session.next_id)
        self._take_books_up()
        self._dispatch.began()
        if not await self._probe(self.settings.step_seconds):
            raise StepUnanswered(TIME, self.settings.step_seconds)
        survey = await self._survey()
        if self._switchboard.problem is not None:
            raise self._switchboard.problem
        if survey.hides_orders:
            raise ApiIsReadOnly("no list of orders is answered, everything else is")
        missing = [verdict for verdict in survey.verdicts if not verdict.is_answered]
        if any(verdict.step != COMPLETED for verdict in missing):
            raise StepUnanswered("; ".join(survey.unanswered()), self.settings.step_seconds)
        for verdict in missing:
            self.notice("gateway", f"{verdict.step} are not known: {verdict.reason}")
        if self._connection.epoch != self._data_epoch:
            self._data_epoch = self._connection.epoch
            self._markets.session_began()
            self._grids.trust()
        self._dispatch.push()

    def _line_changed(self, is_up: bool, reason: str) -> None:  # noqa: FBT001 - what changed is all that it tells
        if is_up:
            self._markets.line_mended()
        else:
            self._outbox.drop_risk(self._gate.why)
            self._markets.line_broke()
        self._gate.look(reason)
        self._dispatch.push()

    def _look_at_gate(self) -> None:
        self._quiet.watch()
        self._gate.look()

    def _gate_changed(self, is_open: bool, reason: str) -> None:  # noqa: FBT001
        if not is_open:
            self._outbox.drop_risk(self._gate.why)
        self._link(LinkState(up=is_open, reason=reason))
        self._dispatch.push()

    def _session_ended(self, reason: str) -> None:
        self._questions.fail_all(reason)
        self._dispatch.ended(reason)

    async def _probe(self, seconds: float) -> bool:
        """Ask for a sign of life; any message is one."""
        before = self._connection.messages
        try:
            await self._surveyor.named(TIME, seconds, "reqCurrentTime")
        except (TimeoutError, BrokerError):
            return self._connection.messages != before
        return True

    async def _survey(self) -> Survey:
        if self._connection.session is None:
            raise NotConnected("there is no session with the gateway")
        survey = await self._surveyor.ask(self.settings.step_seconds, self.settings.survey_seconds)
        self.verdicts = survey.verdicts
        return survey

    # What the parts want of one another

    def _ask(self, child_id: str, why: str) -> None:
        self._inquiries.ask(child_id, why)

    def _place_again(self, child: IBChild) -> None:
        self._inquiries.place_again(child)

    def _cancel(self, child: IBChild) -> None:
        self._sending.cancel(child)

    def _call_at(self, when: Timestamp, callback: Callable[[], None]) -> Alarm:
        return self._clock.call_at(when, callback)

    def _show(self, book: BookUpdate) -> None:
        self._book(book)

    # Common

    def _start(self, work: Awaitable[Any]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _now(self) -> Timestamp:
        return self._clock.now()


def _deaf(_: object) -> None:
    """Nobody listens yet."""
