"""The protocol's grains: frames, fields, and how a value is written as text.

A frame is a 4-byte big-endian length and that many bytes; they are fields of text, each ended by a NUL. The first field
of a message is its number. "Not given" is an empty field, or the largest number of its type.
"""

from __future__ import annotations

import struct
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Final, NamedTuple
from zoneinfo import ZoneInfo

from quietfill.domain.types import (
    SECOND,
    Price,
    Quantity,
    Timestamp,
    datetime_of,
    price_decimal,
    quantity_decimal,
    timestamp_from,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

MIN_VERSION: Final = 157
MAX_VERSION: Final = 178
LONGEST_FRAME: Final = 1 << 20
UNSET_FLOAT: Final = "1.7976931348623157E308"
UNSET_INTEGER: Final = "2147483647"
_UNSET = {"", UNSET_INTEGER, "9223372036854775807", "-9223372036854775808", "-2147483648"}
_UNSET_ABOVE = Decimal("1e300")

Value = str | int | bool | Decimal


class Message(NamedTuple):
    """One message to a client; `about` is what it tells of (an order, an execution, a request id), for the faults."""

    kind: int
    fields: tuple[str, ...]
    about: object = None


class BrokenFrameError(Exception):
    """What arrived cannot be the protocol; the line is cut."""


class Frames:
    """Cuts a stream of bytes into frames, however the network has split or joined them."""

    def __init__(self) -> None:
        self._rest = bytearray()

    def take(self, received: bytes) -> list[bytes]:
        """Return every frame that is complete by now.

        Raises:
            BrokenFrameError: when a frame claims to be longer than any message.
        """
        self._rest += received
        frames: list[bytes] = []
        start = 0
        while len(self._rest) - start >= _LENGTH.size:
            (size,) = _LENGTH.unpack_from(self._rest, start)
            if size > LONGEST_FRAME:
                raise BrokenFrameError(f"a frame of {size} bytes is too long")
            if len(self._rest) - start - _LENGTH.size < size:
                break
            start += _LENGTH.size
            frames.append(bytes(self._rest[start : start + size]))
            start += size
        del self._rest[:start]
        return frames

    def hold(self, received: bytes) -> None:
        """Keep what arrived for later."""
        self._rest += received

    def skip(self, opening: bytes) -> bool | None:
        """Take *opening* off the start of the stream: True when it was there, None while too little has come."""
        if len(self._rest) < len(opening):
            return None if opening.startswith(bytes(self._rest)) else False
        if not self._rest.startswith(opening):
            return False
        del self._rest[: len(opening)]
        return True


_LENGTH = struct.Struct(">I")


def frame(fields: Iterable[str]) -> bytes:
    """Return fields as one frame; what is not ASCII is escaped with backslashes."""
    body = ("\0".join(fields) + "\0").encode("ascii", "backslashreplace")
    return _LENGTH.pack(len(body)) + body


def fields_of(body: bytes) -> list[str]:
    """Return the fields of a frame."""
    parts = body.decode("utf-8", "backslashreplace").split("\0")
    if parts and not parts[-1]:
        parts.pop()
    return parts


def text(value: Value) -> str:
    """Return a value as a field: flags as 0 and 1, decimals in plain digits."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "1" if value else "0"
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def is_unset(field: str) -> bool:
    """Say whether a field stands for "not given", in any client's way of writing that."""
    if field in _UNSET:
        return True
    if "E308" not in field and "e+308" not in field and "Inf" not in field:
        return False
    try:
        return abs(Decimal(field)) > _UNSET_ABOVE
    except InvalidOperation:
        return field == "Infinite"


def price_text(price: Price) -> str:
    """Return a price as a field."""
    return format(price_decimal(price), "f")


def quantity_text(quantity: Quantity) -> str:
    """Return a size as a field."""
    return format(quantity_decimal(quantity), "f")


def local_text(instant: Timestamp, zone: str, *, named: bool = True) -> str:
    """Return an instant as `yyyymmdd hh:mm:ss`, followed by the zone's name where that is wanted."""
    words = datetime_of(instant).astimezone(ZoneInfo(zone)).strftime("%Y%m%d %H:%M:%S")
    return f"{words} {zone}" if named else words


def instant_of(words: str, zone: str) -> Timestamp:
    """Read `yyyymmdd hh:mm:ss [zone]`, `yyyymmdd-hh:mm:ss` (UTC) or seconds since 1970.

    Raises:
        ValueError: when it is none of these, or the zone is unknown.
    """
    words = words.strip()
    if words.isdigit() and len(words) > len("yyyymmdd"):
        return int(words) * SECOND
    if len(words) > _DASH and words[_DASH] == "-":
        return timestamp_from(datetime.strptime(words, "%Y%m%d-%H:%M:%S").replace(tzinfo=UTC))
    day, _, rest = words.partition(" ")
    clock, _, named = rest.strip().partition(" ")
    try:
        place = ZoneInfo(named.strip() or zone)
    except (KeyError, OSError):
        raise ValueError(f"no time zone {named.strip()!r}") from None
    return timestamp_from(datetime.strptime(f"{day} {clock or '00:00:00'}", "%Y%m%d %H:%M:%S").replace(tzinfo=place))


_DASH = 8
