"""The file of live orders: each with its records from the acceptance on, so that whoever reads it knows all of it.

JSON: {"format": "quietfill orders", "schema": n, "orders": [{"order_id", "symbol", ..., "records": [...]}]}. What
stands beside the records is for people; only the records are read back.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from quietfill.domain.errors import BadInput
from quietfill.domain.records import SCHEMA_VERSION, AnyRecord, ChildRequested, OrderAccepted, OrderDone
from quietfill.domain.types import quantity_number

if TYPE_CHECKING:
    from collections.abc import Iterable

    from quietfill.ports.journal import JournalEntry

_FORMAT = "quietfill orders"


class _Order(msgspec.Struct, kw_only=True):
    """One order of the file."""

    order_id: str
    symbol: str
    side: str
    quantity: int | float
    algo: str
    records: list[AnyRecord]


class _File(msgspec.Struct, kw_only=True):
    """The whole file."""

    format: str
    schema: int
    orders: list[_Order]


def write_order_file(path: str | os.PathLike[str], entries: Iterable[JournalEntry], live: set[str]) -> int:
    """Write the orders named in *live*, as far as the journal has them, and return how many.

    Raises:
        BadInput: when the target is there and no regular file.
        OSError: when it cannot be written; what was there before is still there.
    """
    orders = _collected(entries, live)
    content = _File(format=_FORMAT, schema=SCHEMA_VERSION, orders=list(orders.values()))
    _replace(Path(os.path.realpath(path)), msgspec.json.format(msgspec.json.encode(content, order="deterministic")))
    return len(orders)


def read_order_file(path: str | os.PathLike[str]) -> tuple[AnyRecord, ...]:
    """Return the records of all orders in a file.

    Raises:
        FileNotFoundError: when there is none.
        BadInput: naming the file and what is wrong in it.
    """
    content = Path(path).read_bytes()
    try:
        read = msgspec.json.decode(content, type=_File)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadInput(f"{os.fspath(path)}: is no file of orders: {error}") from None
    if read.format != _FORMAT or not 0 < read.schema <= SCHEMA_VERSION:
        raise BadInput(f"{os.fspath(path)}: format {read.format!r} schema {read.schema} cannot be read here")
    for order in read.orders:
        if not order.records or not isinstance(order.records[0], OrderAccepted):
            raise BadInput(f"{os.fspath(path)}: order {order.order_id} does not begin with its acceptance")
    return tuple(record for order in read.orders for record in order.records)


def _collected(entries: Iterable[JournalEntry], live: set[str]) -> dict[str, _Order]:
    orders: dict[str, _Order] = {}
    owner: dict[str, str] = {}
    for entry in entries:
        record: Any = entry.record
        if isinstance(record, OrderAccepted) and record.order_id in live:
            orders[record.order_id] = _begun(record)
        if isinstance(record, ChildRequested) and record.order_id in orders:
            owner[record.child_id] = record.order_id
        order_id = getattr(record, "order_id", None) or owner.get(_subject(record))
        if order_id in orders:
            orders[order_id].records.append(record)
            if isinstance(record, OrderDone):
                del orders[order_id]
    return orders


def _subject(record: Any) -> str:
    return str(getattr(record, "child_id", None) or getattr(record, "subject", ""))


def _begun(record: OrderAccepted) -> _Order:
    return _Order(
        order_id=record.order_id,
        symbol=record.symbol,
        side=record.side.value,
        quantity=quantity_number(record.quantity),
        algo=record.algo,
        records=[],
    )


def _replace(target: Path, content: bytes) -> None:
    if target.exists() and not target.is_file():
        raise BadInput(f"{target}: not a regular file")
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(target.name + ".partial")
    try:
        with partial.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
