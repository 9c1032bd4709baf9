"""A tape packed into one small file: a JSON line that says what it is, then the columns, all under zstandard.

Each column is stored as differences, little-endian int32, one byte plane after the other, which packs order-by-order
data to a few bytes a row.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import msgspec
import numpy as np

from quietfill.domain.errors import BadInput
from quietfill.domain.instrument import Instrument
from quietfill.domain.types import Price, Quantity, Timestamp
from quietfill.venue.tape import Column, Tape, TapeBuilder

_LEVEL = 22
_START = ("start_side", "start_price", "start_quantity")
_ROWS = ("time", "kind", "side", "order", "price", "quantity")


class Header(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the columns mean: times count `time_step` ns from `time_origin`, prices `tick`, quantities `unit`."""

    format: int
    instrument: Instrument
    date: date
    tick: Price
    unit: Quantity
    time_origin: Timestamp
    time_step: int
    volume_before: Quantity
    order_count: int
    source: tuple[str, ...]
    lengths: dict[str, int]


def pack(header: Header, columns: dict[str, Column]) -> bytes:
    """Return header and columns (already in steps, ticks and units) as one file's content."""
    import zstandard

    body = b"".join(_planes(columns[name]) for name in (*_START, *_ROWS))
    compressor = zstandard.ZstdCompressor(level=_LEVEL)
    return compressor.compress(msgspec.json.encode(header) + b"\n" + body)


def unpack(packed: bytes, name: str) -> Tape:
    """Return the tape in a packed file.

    Raises:
        BadInput: when the file is torn or of another format.
    """
    import zstandard

    try:
        head, _, body = zstandard.ZstdDecompressor().decompress(packed).partition(b"\n")
        header = msgspec.json.decode(head, type=Header)
    except (zstandard.ZstdError, msgspec.DecodeError) as error:
        raise BadInput(f"{name}: not a packed tape ({error})") from None
    columns: dict[str, Any] = {}
    at = 0
    for column in (*_START, *_ROWS):
        length = header.lengths[column]
        columns[column] = _from_planes(body[at : at + 4 * length], length)
        at += 4 * length
    start = zip(
        columns["start_side"].tolist(),
        (columns["start_price"] * header.tick).tolist(),
        (columns["start_quantity"] * header.unit).tolist(),
        strict=True,
    )
    return TapeBuilder(
        instrument=header.instrument, date=header.date, tick=header.tick, unit=header.unit, source=header.source,
        time=header.time_origin + columns["time"] * header.time_step, kind=columns["kind"], side=columns["side"],
        order=columns["order"], price=columns["price"] * header.tick, quantity=columns["quantity"] * header.unit,
        order_count=header.order_count, start=list(start), begins=header.time_origin,
        volume_before=header.volume_before,
    ).build()  # fmt: skip


def _planes(column: Column) -> bytes:
    steps = np.diff(column, prepend=0)
    assert np.abs(steps).max(initial=0) < 2**31, "a column does not fit 32 bits"
    return steps.astype("<i4").view(np.uint8).reshape(-1, 4).T.tobytes()


def _from_planes(body: bytes, length: int) -> Column:
    planes = np.frombuffer(body, dtype=np.uint8).reshape(4, length)
    steps = np.ascontiguousarray(planes.T).view("<i4").reshape(length)
    return np.cumsum(steps, dtype=np.int64)
