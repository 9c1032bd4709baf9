"""Minute bars, for learning how volume is spread over a day: CSV (plain, gzip, zstandard) and Parquet.

A CSV has a header that names a time and a volume column. Its stamps are ISO texts: with an offset, in the given
time zone, or (a column whose name ends in `_utc`) in UTC. Parquet needs pyarrow, which is not among our dependencies.
"""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from importlib import import_module
from itertools import pairwise
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from quietfill.domain.errors import BadInput
from quietfill.domain.types import MINUTE, Duration, Timestamp, datetime_of, timestamp_from
from quietfill.market.volume_days import Bars
from quietfill.venue.feeds.files import Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

_TIME_COLUMNS = ("datetime", "timestamp", "timestamp_utc", "time", "date", "ts_event")
_VOLUME_COLUMNS = ("volume", "vol")


def read_bars(paths: Sequence[Path], *, timezone: str, labelled_at_end: bool = False) -> Bars:
    """Return the bars of one instrument from one or more files, in any order.

    Args:
        paths: the files.
        timezone: of stamps that say nothing themselves.
        labelled_at_end: whether a bar's stamp is when it ended, not when it began.

    Raises:
        BadInput: when a file or value is wrong, a bar comes twice with different volumes, or the bars' length cannot
            be told; the message names it.
    """
    zone = ZoneInfo(timezone)
    volumes: dict[Timestamp, float] = {}
    for path in paths:
        rows = _parquet(path, zone) if path.suffix == ".parquet" else _csv(path, zone)
        for stamp, volume in rows:
            if volumes.setdefault(stamp, volume) != volume:
                when = datetime_of(stamp).astimezone(zone)
                raise BadInput(f"{path}: the bar of {when:%Y-%m-%d %H:%M} comes twice, with different volumes")
    stamps = sorted(volumes)
    length = _length(stamps, paths)
    shift = length if labelled_at_end else 0
    return Bars(start=[stamp - shift for stamp in stamps], volume=[volumes[stamp] for stamp in stamps], length=length)


def _csv(path: Path, zone: tzinfo) -> Iterable[tuple[Timestamp, float]]:
    table = Table(path, header=True)
    time_name, volume_name = _columns(path, table.names)
    volumes = table.floats(volume_name)
    implied = UTC if time_name.endswith("_utc") else zone
    for row, (text, volume) in enumerate(zip(table.text(time_name), volumes.tolist(), strict=True)):
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            raise table.fault(row, time_name, text, "is no time like 2024-01-31 09:30:00") from None
        if volume < 0:
            raise table.fault(row, volume_name, volume, "is negative")
        yield _instant(moment, implied), volume


def _parquet(path: Path, zone: tzinfo) -> Iterable[tuple[Timestamp, float]]:
    try:
        parquet: Any = import_module("pyarrow.parquet")
    except ModuleNotFoundError:
        raise BadInput(f"{path}: reading Parquet needs pyarrow (pip install pyarrow), or convert it to CSV") from None
    if not path.is_file():
        raise BadInput(f"{path}: no such file")
    try:
        names = parquet.read_schema(path).names
        time_name, volume_name = _columns(path, names)
        table = parquet.read_table(path, columns=[time_name, volume_name]).to_pydict()
    except (OSError, ValueError) as error:
        raise BadInput(f"{path}: not a readable Parquet file ({' '.join(str(error).split())})") from None
    implied = UTC if time_name.endswith("_utc") else zone
    for row, (moment, volume) in enumerate(zip(table[time_name], table[volume_name], strict=True), start=1):
        if not isinstance(moment, datetime):
            raise BadInput(f"{path} row {row}: {time_name} {moment!r} is no timestamp")
        if volume is None or not 0 <= volume < float("inf"):
            raise BadInput(f"{path} row {row}: {volume_name} {volume!r} is no volume")
        yield _instant(moment, implied), float(volume)


def _columns(path: Path, names: Sequence[str]) -> tuple[str, str]:
    known = {name.lower(): name for name in names}
    found = [
        next((known[name] for name in wanted if name in known), None) for wanted in (_TIME_COLUMNS, _VOLUME_COLUMNS)
    ]
    if found[0] is None or found[1] is None:
        wanted = _TIME_COLUMNS if found[0] is None else _VOLUME_COLUMNS
        raise BadInput(f"{path}: none of its columns {', '.join(names)} is one of {', '.join(wanted)}")
    return found[0], found[1]


def _instant(moment: datetime, implied: tzinfo) -> Timestamp:
    return timestamp_from(moment if moment.tzinfo else moment.replace(tzinfo=implied))


def _length(stamps: Sequence[Timestamp], paths: Sequence[Path]) -> Duration:
    """Return the bars' length: the smallest step between two of them, in whole minutes."""
    length = min((later - at for at, later in pairwise(stamps)), default=0)
    if length < MINUTE or length % MINUTE:
        raise BadInput(f"{paths[0]}: bars {length / MINUTE:g} minutes apart; whole minutes are needed, and two bars")
    return length
