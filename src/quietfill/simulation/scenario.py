"""What `simulate` is asked to do, and the same checked against the recording that it is to be done on."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

import msgspec

from quietfill.agent.intake import order_id_of
from quietfill.domain.errors import BadInput
from quietfill.domain.messages import AnyMessage, NewOrder, SetVolumeProfile
from quietfill.domain.stamps import seeded_event_id
from quietfill.domain.types import (
    QUANTITY_SCALE,
    SECOND,
    Duration,
    OrderSide,
    Price,
    Quantity,
    Timestamp,
    datetime_of,
    price_from,
    quantity_from,
    timestamp_from,
)
from quietfill.market.volume_profile import VolumeProfile

if TYPE_CHECKING:
    from quietfill.venue.tape import Tape

SLACK: Final[Duration] = 60 * SECOND
"""How long after the last recorded row a window may end."""

_TIME = re.compile(r"(\d{1,2}):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?")


class OrderTerms(msgspec.Struct, frozen=True, kw_only=True):
    """One order as its user wrote it: numbers and times as text, to be read against a recording."""

    side: str
    quantity: str
    algo: str
    params: dict[str, str] = {}
    limit: str | None = None
    stop: str | None = None
    start: str
    end: str
    profile: VolumeProfile | None = None


class Scenario(msgspec.Struct, frozen=True, kw_only=True):
    """One order that can be worked on its recording; `start` and `end` lie inside it."""

    symbol: str
    side: OrderSide
    quantity: Quantity
    algo: str
    params: dict[str, Any]
    limit_price: Price | None
    stop_price: Price | None = None
    start: Timestamp
    end: Timestamp
    seed: int
    profile: tuple[float, ...] = ()

    @property
    def messages(self) -> tuple[AnyMessage, ...]:
        """What the engine is told: the volume profile, if there is one, and the order."""
        if not self.profile:
            return (self.order,)
        return SetVolumeProfile(symbol=self.symbol, weights=self.profile, by="simulate"), self.order

    @property
    def order(self) -> NewOrder:
        """The order for the engine; its ids come from the seed."""
        decision_id = seeded_event_id(self.seed, 1)
        return NewOrder(
            order_id=order_id_of(decision_id),
            decision_id=decision_id,
            symbol=self.symbol,
            side=self.side,
            quantity=self.quantity,
            algo=self.algo,
            params=self.params,
            limit_price=self.limit_price,
            stop_price=self.stop_price,
            start=self.start,
            end=self.end,
            direct=True,
            by="simulate",
        )


def read_terms(terms: OrderTerms, tape: Tape, *, algo: str, seed: int) -> Scenario:
    """Check an order against a recording.

    Args:
        terms: as the user wrote them.
        tape: the recording.
        algo: the name under which the algo is registered.
        seed: of the ids.

    Raises:
        BadInput: naming the value that is wrong.
    """
    try:
        side = OrderSide.parse(terms.side)
        quantity = quantity_from(terms.quantity, "quantity")
        limit = None if terms.limit is None else price_from(terms.limit, "limit")
        stop = None if terms.stop is None else price_from(terms.stop, "stop")
    except ValueError as error:
        raise BadInput(str(error)) from None
    check_quantity(quantity, terms.quantity, tape)
    start, end = read_window(terms.start, terms.end, tape)
    profile = () if terms.profile is None else terms.profile.weights_for(tape.instrument.symbol)
    return Scenario(
        symbol=tape.instrument.symbol, side=side, quantity=quantity, algo=algo, params=dict(terms.params),
        limit_price=limit, stop_price=stop, start=start, end=end, seed=seed, profile=profile,
    )  # fmt: skip


def check_quantity(quantity: Quantity, given: str, tape: Tape) -> None:
    """Refuse a quantity that is not a positive number of whole lots.

    Raises:
        BadInput: naming the quantity as *given*.
    """
    if quantity <= 0:
        raise BadInput(f"quantity must be positive, not {given}")
    lot = tape.instrument.lot
    if quantity % lot:
        raise BadInput(f"quantity {given} is not a whole number of lots of {_plain(lot)} ({tape.instrument.symbol})")


def read_window(start: str, end: str, tape: Tape) -> tuple[Timestamp, Timestamp]:
    """Return a window, stated in the venue's local time, as instants.

    Raises:
        BadInput: when it is empty, holds no recorded row, or ends long after the last one.
    """
    begins = _instant(start, "start", tape, not_before=tape.first_time)
    ends = _instant(end, "end", tape, not_before=begins)
    if ends <= begins:
        raise BadInput(f"end {end} is not after start {start}")
    first, last = local_text(tape.first_time, tape), local_text(tape.last_time, tape)
    if ends > tape.last_time + SLACK:
        raise BadInput(f"end {end} is more than {SLACK // SECOND} s after the last row at {last} ({_name(tape)})")
    if tape.time.searchsorted(begins) == tape.time.searchsorted(ends, side="right"):
        raise BadInput(f"the window {start} to {end} holds no data: {_name(tape)} has rows from {first} to {last}")
    return begins, ends


def local_text(instant: Timestamp, tape: Tape) -> str:
    """Return an instant as the venue's local time of day."""
    return datetime_of(instant).astimezone(ZoneInfo(tape.instrument.timezone)).strftime("%H:%M:%S")


def local_iso(instant: Timestamp, tape: Tape) -> str:
    """Return an instant as ISO text in the venue's local time."""
    return datetime_of(instant).astimezone(ZoneInfo(tape.instrument.timezone)).isoformat()


def _instant(text: str, name: str, tape: Tape, *, not_before: Timestamp) -> Timestamp:
    found = _TIME.fullmatch(text.strip())
    if found is None:
        raise BadInput(f"{name} {text!r} is not a time of day like 10:30:00 or 10:30:00.250")
    hours, minutes, seconds = int(found[1]), int(found[2]), int(found[3] or 0)
    if hours > 23 or minutes > 59 or seconds > 59:  # noqa: PLR2004 - a clock's
        raise BadInput(f"{name} {text!r} is not a time of day")
    nanos = int((found[4] or "").ljust(9, "0"))
    clock = time(hours, minutes, seconds)
    instant = _on(tape.date, clock, tape) + nanos
    next_day = _on(tape.date + timedelta(days=1), clock, tape) + nanos
    if not tape.instrument.sessions and instant < not_before and next_day <= tape.last_time + SLACK:
        return next_day  # a market that never closes: the recording runs over midnight
    return instant


def _on(day: date, clock: time, tape: Tape) -> Timestamp:
    return timestamp_from(datetime.combine(day, clock, ZoneInfo(tape.instrument.timezone)))


def _name(tape: Tape) -> str:
    return tape.source[0] if tape.source else tape.instrument.symbol


def _plain(quantity: Quantity) -> str:
    return format((Decimal(quantity) / QUANTITY_SCALE).normalize(), "f")
