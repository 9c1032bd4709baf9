"""The edge: the parts put together, and every message of the gateway led to the one that it is for."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import structlog

from quietfill.brokers.ib.algos import ALGOS
from quietfill.brokers.ib.children import Children
from quietfill.brokers.ib.codes import Effect, code_of, is_read_only
from quietfill.brokers.ib.connection import Connection
from quietfill.brokers.ib.continuity import check_same_hands, highest_id
from quietfill.brokers.ib.contracts import Contracts
from quietfill.brokers.ib.errors import ApiIsReadOnly, NotConnected, StepUnanswered
from quietfill.brokers.ib.guard import account_to_trade
from quietfill.brokers.ib.hearing import Hearing, Wants
from quietfill.brokers.ib.house_clock import HouseClock
from quietfill.brokers.ib.ids import OrderIds, QuestionIds
from quietfill.brokers.ib.inquiries import Inquiries
from quietfill.brokers.ib.markets import Markets
from quietfill.brokers.ib.pacing import Outbox, Urgency, Waiting
from quietfill.brokers.ib.questions import Questions
from quietfill.brokers.ib.raw import (
    AnswerEnded,
    AnswerSeen,
    CommissionSeen,
    DataKind,
    DepthRow,
    ErrorSeen,
    ExecutionSeen,
    NumberTick,
    OrderEcho,
    PositionSeen,
    PriceTick,
    SizeTick,
    StatusSeen,
    TextTick,
    Unreadable,
)
from quietfill.brokers.ib.sending import Sending, Wire
from quietfill.brokers.ib.survey import COMPLETED, Survey, Surveyor, Verdict
from quietfill.brokers.ib.tap import COMPLETED_ORDERS, OPEN_ORDERS, POSITIONS, TIME, market_rule
from quietfill.domain.errors import BrokerError
from quietfill.domain.messages import LinkState
from quietfill.domain.records import InstrumentRegistered, OrderAccepted
from quietfill.domain.types import SECOND, Duration

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from ib_async.contract import Contract, ContractDetails

    from quietfill.brokers.ib.children import IBChild
    from quietfill.brokers.ib.raw import Raw
    from quietfill.brokers.ib.settings import IBSettings
    from quietfill.domain.execution_report import ExecutionReport
    from quietfill.domain.messages import BookUpdate, BrokerSnapshot
    from quietfill.domain.records import AnyRecord, WireRequest
    from quietfill.domain.types import Price, Timestamp
    from quietfill.engine.state import EngineState
    from quietfill.ports.clock import TimedClock

_log = structlog.get_logger(__name__)

_NOTICES_KEPT = 200


class IBEdge:
    """A `BrokerEdge` to Interactive Brokers.

    Attributes:
        notices: what a person should know, as (subject, text), the newest last.
        verdicts: of the last reconciliation, one a step.
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
        self._wanted_account = account
        self._live = live
        self._clock: TimedClock = HouseClock()
        self._report: Callable[[ExecutionReport], None] = _deaf
        self._book: Callable[[BookUpdate], None] = _deaf
        self._link: Callable[[LinkState], None] = _deaf
        self._problem: BrokerError | None = None
        self._tasks: set[asyncio.Task[Any]] = set()
        self._push_scheduled = False
        self._push_alarm: Any = None
        self._heard_at: Timestamp = 0
        self._is_probing = False
        self._data_epoch = 0
        self._order_ids = OrderIds()
        self._question_ids = QuestionIds()
        self._questions = Questions()
        self._outbox = Outbox(settings.messages_per_second, settings.cancel_reserve)
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
        self._assemble(address[2])

    def _assemble(self, client_id: int) -> None:
        self._surveyor = Surveyor(self._questions, self._question_ids, self._request, self._now, client_id)
        self._contracts = Contracts(self._contract_details, self._market_rule)
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
            send=self._send,
            is_up=lambda: self._connection.is_up,
            push=self._push,
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
            place_again=self._sending.place_again,
            report=self._tell,
            now=self._now,
            start=self._start,
        )
        self._markets = Markets(
            self._question_ids,
            self.settings,
            request=self._request,
            now=self._now,
            call_at=self._call_at,
            show=self._show,
            notice=self.notice,
        )
        self._hear_by: dict[type, Callable[[Any], object]] = {
            OrderEcho: self._heard_order,
            StatusSeen: self._hearing.status,
            ExecutionSeen: self._heard_execution,
            CommissionSeen: self._hearing.commission,
            ErrorSeen: self._heard_code,
            PositionSeen: lambda raw: self._questions.heard(POSITIONS, raw),
            AnswerSeen: lambda raw: self._questions.heard(raw.key, raw.content),
            AnswerEnded: lambda raw: self._questions.ended(raw.key),
            Unreadable: self._heard_nonsense,
            **dict.fromkeys((PriceTick, SizeTick, TextTick, NumberTick, DepthRow, DataKind), self._markets.hear),
        }

    # The port

    @property
    def is_connected(self) -> bool:
        """Whether requests would reach the broker now."""
        return self._connection.is_up

    def follow(self, books: EngineState, clock: TimedClock) -> None:
        """Look children up in an agent's books, live by its clock, and give out no id that the books may know."""
        self._children.books = books
        if self._connection.session is not None:  # begun by the house's time; the agent may live in another year
            ahead = clock.now() - self._now()
            self._heard_at += ahead
            self._outbox.shift(ahead)
        self._clock = clock

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
            self.notice(symbol, f"{symbol} has no market data: {str(error) or 'its contract was not answered'}")

    async def connect(self) -> None:
        """Open the session, check the account, and ask for everything that the gateway knows.

        Raises:
            BrokerError: one that says what to do; nothing was sent.
        """
        await self._connection.start()
        self._take_books_up()  # the session may be older than the books
        books = self._children.books
        for symbol in () if books is None else tuple(books.instruments):
            self._start(self._listen(symbol))

    def _take_books_up(self) -> None:
        """Let the journal's earlier runs bind this session: its ids, its account, its client id."""
        books = self._children.books
        if books is not None:
            check_same_hands(books, self._children.account, self._connection.client_id)
            self._order_ids.seen(highest_id(books))

    async def disconnect(self) -> None:
        """Close the session; orders at the broker stay as they are."""
        tasks = [task for task in self._tasks if not task.done()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._outbox.drop_all("the session was closed")
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

    def notice(self, subject: str, text: str) -> None:
        """Tell a person."""
        _log.warning(text, subject=subject)
        self.notices.append((subject, text))
        del self.notices[:-_NOTICES_KEPT]

    # What is heard

    def _hear(self, raw: Raw) -> None:
        """Lead one message to where it belongs."""
        self._hear_by[type(raw)](raw)

    def _heard_order(self, seen: OrderEcho) -> None:
        self._order_ids.seen(seen.order_id)
        self._questions.heard(COMPLETED_ORDERS if seen.is_completed else OPEN_ORDERS, seen)
        self._hearing.echo(seen)

    def _heard_execution(self, seen: ExecutionSeen) -> None:
        if self._children.is_ours(seen.client_id):
            self._order_ids.seen(seen.order_id)
        self._questions.heard(seen.request_id, seen)
        self._hearing.execution(seen)

    def _heard_nonsense(self, seen: Unreadable) -> None:
        self.notice("gateway", f"message {seen.message_id} cannot be read: {seen.error}")

    def _pause(self) -> None:
        """All that came together was heard."""
        self._heard_at = self._now()
        self._markets.publish()
        if self._is_probing:
            self._is_probing = False  # something came: it lives
            self._push()

    def _heard_code(self, seen: ErrorSeen) -> None:
        if is_read_only(seen.code, seen.text):
            self._problem = ApiIsReadOnly(seen.text)
            self.notice("gateway", str(self._problem))
            self._questions.fail_all(str(self._problem))
        if self._questions.failed(seen) or self._markets.code(seen) or self._hearing.code(seen) is not None:
            return
        self._house_code(seen)

    def _house_code(self, seen: ErrorSeen) -> None:
        """Do what a code about everything asks for."""
        text = f"{seen.text} ({seen.code})"
        match code_of(seen.code).effect:
            case Effect.LINE_LOST:
                self._connection.cut(text)
            case Effect.LINE_BACK_DATA_LOST:
                self._connection.restored(text)
                self._markets.request_anew()
            case Effect.LINE_BACK:
                self._connection.restored(text)
                self._markets.watch()
            case Effect.DATA_LOST:
                self._markets.farm(is_up=False)
            case Effect.DATA_BACK:
                self._markets.farm(is_up=True)
            case Effect.SLOW_DOWN:
                self._outbox.slow_down(self._now())
                self.notice("gateway", text)
            case _:
                _log.info("the gateway says", subject=seen.subject, code=seen.code, text=seen.text)

    def _tell(self, report: ExecutionReport) -> None:
        self._report(report)

    # The line

    async def _resume(self) -> None:
        """Do what comes between a session and a line: the account, the ids, and everything that the gateway knows."""
        session = self._connection.session
        assert session is not None, "there is a session"
        self._problem = None
        # Whoever logs in at the gateway meanwhile, orders of this process are for the account that it began with.
        wanted = self._wanted_account or self._children.account or None
        self._children.account = account_to_trade(session.accounts, wanted, live=self._live)
        self._order_ids.proposed(session.next_id)
        self._take_books_up()
        self._heard_at = self._now()
        self._outbox.may_add_risk = False
        if not await self._probe(self.settings.step_seconds):
            raise StepUnanswered(TIME, self.settings.step_seconds)
        survey = await self._survey()
        if self._problem is not None:
            raise self._problem
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
        self._push()

    def _line_changed(self, is_up: bool, reason: str) -> None:  # noqa: FBT001 - what changed is all that it tells
        if is_up:
            self._markets.line_mended()
        else:
            self._outbox.drop_risk("the line to the broker is down")
            self._markets.line_broke()
        self._link(LinkState(up=is_up, reason=reason))
        self._push()

    def _session_ended(self, reason: str) -> None:
        self._questions.fail_all(reason)
        self._outbox.drop_all(reason)
        self._is_probing = False

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

    def _call_at(self, when: Timestamp, callback: Callable[[], None]) -> object:
        return self._clock.call_at(when, callback)

    def _show(self, book: BookUpdate) -> None:
        self._book(book)

    # Questions about contracts

    async def _contract_details(self, contract: Contract) -> list[ContractDetails]:
        return await self._surveyor.numbered(
            f"contract {contract.symbol or contract.conId}",
            self.settings.step_seconds,
            "reqContractDetails",
            contract,
            urgency=Urgency.PLACE if self._connection.is_up else Urgency.QUESTION,
        )

    async def _market_rule(self, number: int) -> list[tuple[tuple[Price, Price], ...]]:
        return await self._surveyor.named(market_rule(number), self.settings.step_seconds, "reqMarketRule", number)

    # Out

    def _request(self, urgency: Urgency, request: str, *arguments: Any) -> None:
        """Put a question or a subscription into the outbox."""
        self._outbox.put(Waiting(urgency, "", lambda: self._send(request, *arguments), _nothing))
        self._push()

    def _send(self, request: str, *arguments: Any) -> None:
        session = self._connection.session
        if session is None:
            raise NotConnected("the session with the gateway is over")
        session.send(request, *arguments)

    def _push(self) -> None:
        """Look at the outbox in the next turn: what was asked for in this one leaves in the order of its urgency."""
        if not self._push_scheduled:
            self._push_scheduled = True
            asyncio.get_running_loop().call_soon(self._send_due)

    def _send_due(self) -> None:
        self._push_scheduled = False
        session = self._connection.session
        if session is None or not session.is_open:
            return
        now = self._now()
        self._outbox.may_add_risk = self._connection.is_up and self._is_surely_alive(now)
        again = self._outbox.send_due(now, has_room=session.has_room)
        if self._push_alarm is not None:
            self._push_alarm.cancel()
            self._push_alarm = None
        if again is not None:
            self._push_alarm = self._clock.call_at(again, self._push)

    def _is_surely_alive(self, now: Timestamp) -> bool:
        """Say whether something was heard lately; if not, ask before anything that adds risk is sent."""
        if self._is_probing:
            return False
        if now - self._heard_at <= self.settings.silence_seconds * SECOND or not self._outbox.holds_risk:
            return True
        self._is_probing = True
        self._outbox.put(Waiting(Urgency.QUESTION, "", lambda: self._send("reqCurrentTime"), _nothing))
        epoch = self._connection.epoch
        limit = now + round(self.settings.probe_answer_seconds * SECOND)
        self._clock.call_at(limit, lambda: self._drop_if_silent(epoch))
        return False

    def _drop_if_silent(self, epoch: int) -> None:
        if self._is_probing and epoch == self._connection.epoch:
            self._connection.drop("the gateway gave no sign of life before an order was to be sent")

    def _start(self, work: Awaitable[Any]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _now(self) -> Timestamp:
        return self._clock.now()


def _deaf(_: object) -> None:
    """Nobody listens yet."""


def _nothing(_why: str) -> None:
    """Whoever asked hears that the session is over."""
