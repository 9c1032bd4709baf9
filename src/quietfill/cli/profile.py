"""`quietfill profile`: learn how an instrument's volume is spread over its day, and look at what was learned."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time, timedelta
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from cyclopts import Parameter

from quietfill.agent.profiles import read_profile, write_profile
from quietfill.cli.options import Flag, Text, Texts, decimal, writable
from quietfill.cli.terminal import Terminal
from quietfill.domain.errors import BadInput
from quietfill.domain.instrument import Instrument, LocalSession, TickRule
from quietfill.domain.types import MINUTE, Duration, datetime_of
from quietfill.market.volume_days import Cutting, daily_volumes, mislabelled
from quietfill.market.volume_profile import VolumeProfile
from quietfill.market.volume_profile import learn as learn_profile

if TYPE_CHECKING:
    from quietfill.market.volume_days import Bars
    from quietfill.market.volume_learning import Distance

Files: TypeAlias = Annotated[list[Path], Parameter(negative=())]
Auctions: TypeAlias = Annotated[list[Literal["open", "close"]] | None, Parameter(negative=())]


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class DayFlags:
    """When the instrument trades.

    Attributes:
        symbol: the instrument; whoever follows the profile must trade this symbol.
        timezone: of the sessions and of stamps without one, like America/New_York; a calendar brings its own.
        session: continuous trading in local time, like 09:30-16:00; twice where there is a lunch break.
        calendar: ISO 10383 code of the exchange, like XNAS: its holidays and early closes are left out.
    """

    symbol: str
    timezone: str | None = None
    session: Texts = None
    calendar: str | None = None

    def instrument(self) -> Instrument:
        """Return what is to be learned about, its calendar not looked up yet.

        Raises:
            BadInput: when neither says when it trades, or the time zone is not known.
        """
        if not self.session and self.calendar is None:
            raise BadInput("say when it trades: --session 09:30-16:00 (00:00-00:00 for all day), or --calendar XNAS")
        return Instrument(
            symbol=self.symbol,
            ticks=(TickRule(0, 1),),
            lot=1,
            timezone=self._zone(),
            sessions=tuple(_session(text) for text in self.session or ()),
            calendar=self.calendar,
        )

    def _zone(self) -> str:
        if self.timezone is None:
            if self.calendar is None:
                raise BadInput("say in which time zone it trades: --timezone America/New_York, or --calendar XNAS")
            from quietfill.agent.calendars import calendar_timezone

            return calendar_timezone(self.calendar)
        try:
            return ZoneInfo(self.timezone).key
        except (ZoneInfoNotFoundError, ValueError):
            raise BadInput(f"timezone {self.timezone!r} is not known; give a name like America/New_York") from None


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class CutFlags:
    """How the bars are read.

    Attributes:
        bucket_minutes: length of a bucket of the profile, in minutes of trading time.
        label: whether a bar's stamp is when it starts or when it ends.
        hole_minutes: a day with a longer stretch without bars is left out.
        auction: replace the first bar of the day (open) or the last (close), which holds an auction's print, by the
            mean of the five next to it; may be given twice.
    """

    bucket_minutes: Text = "5"
    label: Literal["start", "end"] = "start"
    hole_minutes: Text = "5"
    auction: Auctions = None

    def cutting(self) -> Cutting:
        """Return the same in ns."""
        return Cutting(
            bucket=_minutes(self.bucket_minutes, "bucket_minutes"),
            hole=_minutes(self.hole_minutes, "hole_minutes"),
            opening_auction="open" in (self.auction or ()),
            closing_auction="close" in (self.auction or ()),
        )


def learn(bars: Files, /, *, day: DayFlags, cut: CutFlags | None = None, out: Path | None = None,
          json: Flag = False) -> int:  # fmt: skip
    """Learn a volume profile from minute bars, and say how well it tells days that it has not seen.

    Args:
        bars: files of one instrument: CSV (plain, .gz or .zst) with a header naming a time and a volume column, or
            Parquet where pyarrow is installed.
        out: write the profile to this file.
        json: print nothing but one JSON object.
    """
    if out is not None:
        writable(out, "profile")
    cut = cut or CutFlags()
    profile = learned(bars, day.instrument(), cut.cutting(), labelled_at_end=cut.label == "end")
    if out is not None:
        write_profile(out, profile)
    terminal = Terminal(json=json)
    for reason, days in groupby(profile.left_out, key=lambda left: left.reason):
        terminal.note(f"left out: {', '.join(str(left.date) for left in days)}: {reason}")
    _say(terminal, profile)
    if out is not None:
        terminal.line(f"written to {out}")
    if json:
        terminal.finish({**msgspec.to_builtins(profile), "out": None if out is None else str(out)})
    return 0


def show(path: Path, /, *, json: Flag = False) -> int:
    """Show a volume profile: where it comes from, how well it fits, and the curve.

    Args:
        path: a file that `profile learn` wrote.
        json: print one JSON object.
    """
    profile = read_profile(path)
    terminal = Terminal(json=json)
    _say(terminal, profile)
    for line in _curve(profile):
        terminal.line(line)
    if json:
        terminal.finish(msgspec.to_builtins(profile))
    return 0


def learned(files: list[Path], instrument: Instrument, cutting: Cutting, *, labelled_at_end: bool) -> VolumeProfile:
    """Return the profile that the bars in *files* teach.

    Raises:
        BadInput: when a file, value or flag is wrong; the message names it.
    """
    from quietfill.venue.feeds.bars import read_bars

    bars = read_bars(files, timezone=instrument.timezone, labelled_at_end=labelled_at_end)
    instrument = _with_days_off(instrument, bars)
    whole, left_out = daily_volumes(bars, instrument, cutting)
    seems = mislabelled(bars, instrument, whole)
    if seems is not None:
        raise BadInput(f"the bars seem to be labelled with their {seems}: say --label {seems}")
    return learn_profile(instrument, whole, left_out, cutting, source=[file.name for file in files])


def _with_days_off(instrument: Instrument, bars: Bars) -> Instrument:
    if instrument.calendar is None:
        return instrument
    from quietfill.agent.calendars import with_calendar

    first, last = (datetime_of(bars.start[end]).date() for end in (0, -1))
    return with_calendar(instrument, first - timedelta(days=1), last + timedelta(days=1))


def _session(text: str) -> LocalSession:
    opens, _, closes = text.partition("-")
    try:
        return LocalSession(time.fromisoformat(opens.strip()), time.fromisoformat(closes.strip()))
    except ValueError:
        raise BadInput(f"session {text!r} is not of the form 09:30-16:00") from None


def _minutes(text: str, name: str) -> Duration:
    minutes = decimal(text, name)
    if minutes <= 0 or minutes % 1:
        raise BadInput(f"{name} must be a positive whole number, not {text}")
    return int(minutes) * MINUTE


def _say(terminal: Terminal, profile: VolumeProfile) -> None:
    sessions = ", ".join(f"{opens:%H:%M}-{closes:%H:%M}" for opens, closes in profile.sessions) or "round the clock"
    terminal.line(
        f"{profile.symbol}: {len(profile.weights)} buckets of {profile.bucket_minutes:g} minutes, {sessions}"
        f" {profile.timezone}, from {profile.days} days, {profile.first} to {profile.last}"
    )
    terminal.line(f"{'distance from a day, in % of its volume':42s}{'rms':>8}{'typical':>9}{'worst':>8}")
    for name, row in (
        ("learned, each day by the others", profile.learned),
        ("flat", profile.flat),
        ("default of its kind of day", profile.default),
    ):
        terminal.line(f"{name:42s}{_row(row)}")


def _row(row: Distance | None) -> str:
    if row is None:
        return f"{'not known: one day only':>25}"
    return f"{100 * row.rms:8.2f}{100 * row.typical:9.2f}{100 * row.worst:8.2f}"


def _curve(profile: VolumeProfile) -> list[str]:
    """Return the curve as lines of text, about a dozen, each a stretch of the day."""
    per_line = -(-len(profile.weights) // _LINES)
    instrument = _instrument_of(profile)
    lines: list[str] = []
    done, total = 0.0, sum(profile.weights)
    for begin in range(0, len(profile.weights), per_line):
        share = sum(profile.weights[begin : begin + per_line]) / total
        done += share
        bar = "#" * round(share * len(profile.weights) / per_line * _FLAT_BAR)
        lines.append(f"{_clock(profile, instrument, begin)}  {100 * share:6.2f} %  {100 * done:6.2f} %  {bar}")
    return lines


_LINES = 13
_FLAT_BAR = 20
"""Characters of the bar of a stretch that trades like the average."""


def _instrument_of(profile: VolumeProfile) -> Instrument:
    sessions = tuple(LocalSession(opens, closes) for opens, closes in profile.sessions)
    return Instrument(
        symbol=profile.symbol, ticks=(TickRule(0, 1),), lot=1, timezone=profile.timezone, sessions=sessions
    )


def _clock(profile: VolumeProfile, instrument: Instrument, bucket: int) -> str:
    """Return the local time at which a bucket begins on the first day."""
    day = instrument.trading_day(profile.first)
    at = day.after(day.spans[0][0], round(bucket * profile.bucket_minutes * MINUTE))
    begins = next((opens for opens, _ in day.spans if opens >= at), at) if not day.is_open(at) else at
    return f"{datetime_of(begins).astimezone(ZoneInfo(profile.timezone)):%H:%M}"
