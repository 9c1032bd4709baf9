"""Make the packaged sample from the recorded Shanghai day: `python tools/make_sample.py ../shared/data`.

Deterministic: the same input gives the same bytes.
"""  # noqa: INP001 - a script

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from quietfill.domain.types import MILLISECOND, timestamp_from
from quietfill.venue import kernel_layout as layout
from quietfill.venue.core import OrderBookCore
from quietfill.venue.feeds import sse
from quietfill.venue.samples import SAMPLE
from quietfill.venue.samples.packed import Header, pack
from quietfill.venue.tape import Column, RowKind, Tape

SYMBOL = "600961.SH"
OPENS = timestamp_from(datetime(2023, 7, 11, 2, 0, tzinfo=UTC))  # 10:00 in Shanghai
CLOSES = timestamp_from(datetime(2023, 7, 11, 3, 0, tzinfo=UTC))
STEP = 10 * MILLISECOND
TARGET = Path(__file__).resolve().parent.parent / "src/quietfill/venue/samples" / SAMPLE


def main(data: Path) -> None:
    """Cut the hour out of the day and write it into the package."""
    orders = data / "sse_l3" / f"{SYMBOL}_2023-07-11_orders.csv.zst"
    day = sse.load(orders, symbol=SYMBOL, day=None, tick=None, lot=None)
    core = OrderBookCore(day)
    core.advance(OPENS - 1)
    resting = _queues(core)
    content = pack(*_cut(day, resting, core.volume))
    TARGET.write_bytes(content)
    sys.stdout.write(f"{TARGET.name}: {len(content):,} bytes, {len(resting)} resting orders\n")


def _queues(core: OrderBookCore) -> list[tuple[int, int, int, int]]:
    """Return (order, side, price, leaves) of everything that rests, queue by queue."""
    book = core.book
    found: list[tuple[int, int, int, int]] = []
    for level in range(len(book.levels)):
        for side in (layout.BUY, layout.SELL):
            node = int(book.levels[level, 3 * side + layout.HEAD])
            while node >= 0:
                price = int(book.levels[level, layout.LEVEL_PRICE])
                found.append((node, side, price, int(book.orders[node, layout.LEAVES])))
                node = int(book.orders[node, layout.NEXT])
    return found


def _cut(day: Tape, resting: list[tuple[int, int, int, int]], volume: int) -> tuple[Header, dict[str, Column]]:
    hour = (day.time >= OPENS) & (day.time < CLOSES) & (day.kind != RowKind.PHASE)
    added = day.order[hour & (day.kind == RowKind.ADD)]
    numbers = np.full(day.order_count, -1, dtype=np.int64)
    numbers[added] = np.arange(len(added))
    numbers[[order for order, _, _, _ in resting]] = len(added) + np.arange(len(resting))
    columns = {
        "start_side": np.array([side for _, side, _, _ in resting], dtype=np.int64),
        "start_price": np.array([price // day.tick for _, _, price, _ in resting], dtype=np.int64),
        "start_quantity": np.array([leaves // day.unit for _, _, _, leaves in resting], dtype=np.int64),
        "time": (day.time[hour] - OPENS) // STEP,
        "kind": day.kind[hour].astype(np.int64),
        "side": day.side[hour].astype(np.int64),
        "order": numbers[day.order[hour]],
        "price": day.price[hour] // day.tick,
        "quantity": day.quantity[hour] // day.unit,
    }
    assert np.all(columns["time"] * STEP + OPENS == day.time[hour]), "times are not on the feed's step"
    assert columns["order"].min() >= 0, "a row of the hour speaks of an order that neither rests nor is added"
    header = Header(
        format=1, instrument=day.instrument, date=day.date, tick=day.tick, unit=day.unit, time_origin=OPENS,
        time_step=STEP, volume_before=volume, order_count=len(added), source=(SAMPLE, *day.source),
        lengths={name: len(column) for name, column in columns.items()},
    )  # fmt: skip
    return header, columns


if __name__ == "__main__":
    main(Path(sys.argv[1]))
