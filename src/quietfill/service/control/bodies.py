"""What requests may say. Frozen; a field that is not known is refused, and so is a number that nobody can mean.

Numbers come as JSON numbers or as decimal text, which keeps what a person typed exact.
"""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any, TypeAlias, TypeVar

import msgspec
from msgspec import Meta

from quietfill.domain.messages import Resolution
from quietfill.domain.types import OrderSide, OrderType
from quietfill.service.control.answers import Refused
from quietfill.service.control.body_words import in_words

_LARGEST = 10**15
_NOTHING_UNPRINTABLE = r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]*\Z"
_SAYS_SOMETHING = r"^(?=.*\S)[^\x00-\x1f\x7f-\x9f\u2028\u2029]*\Z"

Name: TypeAlias = Annotated[str, Meta(min_length=1, max_length=100, pattern=_SAYS_SOMETHING)]
Words: TypeAlias = Annotated[str, Meta(max_length=500, pattern=_NOTHING_UNPRINTABLE)]
Why: TypeAlias = Annotated[str, Meta(min_length=1, max_length=500, pattern=_SAYS_SOMETHING)]
Number: TypeAlias = (
    Annotated[int, Meta(ge=-_LARGEST, le=_LARGEST)]
    | Annotated[float, Meta(ge=-_LARGEST, le=_LARGEST)]
    | Annotated[str, Meta(pattern=r"^-?[0-9]{1,15}(\.[0-9]{1,9})?\Z")]
)
Moment: TypeAlias = Annotated[datetime, Meta(tz=True)]
Minutes: TypeAlias = Annotated[float, Meta(gt=0, le=200_000)] | None
_Value: TypeAlias = (
    bool
    | Annotated[int, Meta(ge=-_LARGEST, le=_LARGEST)]
    | Annotated[float, Meta(ge=-_LARGEST, le=_LARGEST)]
    | Annotated[str, Meta(max_length=200, pattern=_NOTHING_UNPRINTABLE)]
)
Params: TypeAlias = Annotated[dict[Name, _Value], Meta(max_length=50)]


class Body(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The base of all bodies.

    Attributes:
        by: who acts; the journal keeps it.
    """

    by: Name


class ActBody(Body, frozen=True, kw_only=True):
    """An act on one order: cancel, pause, resume.

    Attributes:
        reason: why, for the journal.
    """

    reason: Words = ""


class DecisionBody(Body, frozen=True, kw_only=True):
    """A decision to trade, and its approval in one.

    Attributes:
        decision_id: chosen by the client, so that a request said twice is one order.
        order_type: stated only where algo and prices do not say it already.
        minutes: how long it may work, by the agent's clock; in place of `end`.
        approver: signs the approval as `CommandLine:APPROVER` in place of `CommandLine`.
    """

    symbol: Name
    side: OrderSide
    quantity: Number
    algo: Name | None = None
    order_type: OrderType | None = None
    limit: Number | None = None
    stop_price: Number | None = None
    end: Moment | None = None
    minutes: Minutes = None
    params: Params = {}
    account: Name | None = None
    reason: Words = ""
    decision_id: Name | None = None
    approver: Name | None = None


class AmendBody(Body, frozen=True, kw_only=True):
    """New terms of a live order; what is left out stays."""

    quantity: Number | None = None
    limit: Number | None = None
    stop_price: Number | None = None
    end: Moment | None = None
    minutes: Minutes = None
    params: Params = {}
    reason: Words = ""


class ScopeBody(Body, frozen=True, kw_only=True):
    """What a kill covers: everything, or these symbols, or this account."""

    symbols: Annotated[tuple[Name, ...], Meta(max_length=1_000)] = ()
    account: Name | None = None


class KillBody(ScopeBody, frozen=True, kw_only=True):
    """Stop: see `quietfill.domain.messages.Kill`. No reason is asked for, since nobody may be kept from it."""

    reason: Words = ""
    cancel_pending: bool = True
    close_positions: bool = False


class ReleaseBody(ScopeBody, frozen=True, kw_only=True):
    """Lift the kills of exactly this scope."""

    second: Name
    reason: Why


class ResolveBody(Body, frozen=True, kw_only=True):
    """A person's word on what evidence could not settle."""

    subject: Name
    outcome: Resolution
    reason: Why


AnyBody = TypeVar("AnyBody", bound=Body)


def read_body(content: bytes, kind: type[AnyBody]) -> AnyBody:
    """Return a request's body.

    Raises:
        Refused: 400, naming the field, when it is not what is asked for.
    """
    try:
        return msgspec.json.decode(content, type=kind)
    except msgspec.ValidationError as error:
        raise Refused(HTTPStatus.BAD_REQUEST, in_words(error, content, kind)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Refused(HTTPStatus.BAD_REQUEST, "the body is no JSON object") from None


def stated(body: msgspec.Struct) -> dict[str, Any]:
    """Return the fields of a body that say something."""
    given = msgspec.structs.asdict(body)
    return {name: value for name, value in given.items() if value is not None}
