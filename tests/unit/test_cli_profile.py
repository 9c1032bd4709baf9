"""`quietfill profile` and who follows what it writes: the command line, the configuration, a simulated order."""

from __future__ import annotations

import asyncio
import gzip
import json
from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest
import zstandard

from quietfill import AgentConfig
from quietfill.domain.errors import BadInput
from quietfill.domain.records import ChildRequested, VolumeProfileSet
from quietfill.domain.types import MINUTE
from quietfill.journal.inspect import entries
from quietfill.journal.memory import MemoryJournal
from quietfill.venue.feeds.bars import read_bars
from tests.agent.desk import open_desk
from tests.command_line import SYMBOL, CommandLine, write_market

if TYPE_CHECKING:
    from pathlib import Path

DAY = ("--symbol", SYMBOL, "--session", "09:30-09:50", "--timezone", "Asia/Shanghai")


@pytest.fixture
def quietfill(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> CommandLine:
    """The command line, in a folder with the small market."""
    write_market(tmp_path)
    return CommandLine(tmp_path, capsys)


def write_bars(path: Path, days: int = 4) -> Path:
    """Write bars of the twenty minutes from 09:30 of some days in March 2024: the first trades 100, any other 10."""
    lines = ["datetime,open,high,low,close,volume"]
    lines += [
        f"2024-03-{day:02d} 09:{minute}:00,1,1,1,1,{100 if minute == 30 else 10}"
        for day in range(4, 4 + days)
        for minute in range(30, 50)
    ]
    content = ("\n".join(lines) + "\n").encode()
    if path.suffix == ".gz":
        content = gzip.compress(content)
    elif path.suffix == ".zst":
        content = zstandard.compress(content)
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("name", ["bars.csv", "bars.csv.gz", "bars.csv.zst"])
def test_learning_writes_a_profile_that_can_be_shown(quietfill: CommandLine, name: str) -> None:
    """The table says how far the curve, a flat one and the default are from days they have not seen."""
    bars, out = write_bars(quietfill.folder / name), quietfill.folder / "profile.json"

    done = quietfill("profile", "learn", str(bars), *DAY, "--out", str(out))
    shown = quietfill("profile", "show", str(out), "--json")

    assert done.code == 0
    assert "TEST: 4 buckets of 5 minutes, 09:30-09:50 Asia/Shanghai, from 4 days, 2024-03-04 to 2024-03-07" in done.out
    assert f"written to {out}" in done.out
    assert shown.figures["weights"] == pytest.approx([140 / 290, 50 / 290, 50 / 290, 50 / 290])
    assert shown.figures["learned"][0] == 0 < shown.figures["flat"][0]
    assert "09:35   17.24 %   65.52 %" in quietfill("profile", "show", str(out)).out


def test_files_may_come_in_any_order_and_overlap(quietfill: CommandLine) -> None:
    """Several files of one instrument are one history; the same bar twice is one bar."""
    early, late = quietfill.folder / "early.csv", quietfill.folder / "late.csv"
    write_bars(early, 3)
    write_bars(late, 5)

    done = quietfill("profile", "learn", str(late), str(early), *DAY, "--json")

    assert len(done.out.splitlines()) == 1
    assert (done.figures["days"], done.figures["source"], done.figures["out"]) == (5, ["late.csv", "early.csv"], None)


def test_days_with_holes_are_named(quietfill: CommandLine) -> None:
    """What was left out is said where notes go, with the reason."""
    bars = write_bars(quietfill.folder / "bars.csv")
    lines = bars.read_text().splitlines(keepends=True)
    bars.write_text("".join(lines[:5] + lines[12:]))

    done = quietfill("profile", "learn", str(bars), *DAY)

    assert done.code == 0
    assert "left out: 2024-03-04: no bars for 7 minutes from minute 4 of the day" in done.err
    assert "from 3 days" in done.out


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("datetime,price\n2024-03-04 09:30:00,1\n", "none of its columns datetime, price is one of volume, vol"),
        ("when,volume\n2024-03-04 09:30:00,1\n", "none of its columns when, volume is one of datetime, timestamp"),
        ("time,volume\nnoon,1\n", "row 2: time 'noon' is no time like"),
        ("time,volume\n2024-03-04 09:30:00,-1\n", "row 2: volume -1.0 is negative"),
        ("time,volume\n2024-03-04 09:30:00,nan\n", "row 2: volume 'nan' is not a finite number"),
        ("time,volume\n2024-03-04 09:30:00,1\n2024-03-04 09:30:00,2\n", "of 2024-03-04 09:30 comes twice"),
        ("time,volume\n2024-03-04 09:30:00,1\n2024-03-04 09:30:30,2\n", "bars 0.5 minutes apart"),
        ("time,volume\n2024-03-04 09:30:00,1\n2024-03-04 09:31:00,1\n", "no bars for 18 minutes from minute 2"),
    ],
)
def test_bars_that_are_wrong_are_named(quietfill: CommandLine, content: str, complaint: str) -> None:
    """One line says file, row and value; nothing is written."""
    bars, out = quietfill.folder / "bars.csv", quietfill.folder / "profile.json"
    bars.write_text(content)

    assert complaint in quietfill("profile", "learn", str(bars), *DAY, "--out", str(out)).complaint
    assert not out.exists()


@pytest.mark.parametrize(
    ("flags", "complaint"),
    [
        (["--symbol", "X"], "say when it trades"),
        (["--symbol", "X", "--session", "09:30-09:50"], "say in which time zone it trades"),
        (["--symbol", "X", "--session", "9-5", "--timezone", "UTC"], "session '9-5' is not of the form 09:30-16:00"),
        (["--symbol", "X", "--session", "09:30-09:50", "--timezone", "Mars"], "timezone 'Mars' is not known"),
        (["--symbol", "X", "--calendar", "XXXX"], "calendar 'XXXX' is not known"),
        ([*DAY, "--bucket-minutes", "7"], "no whole number of buckets of 7 minutes; 10, 5, 2, 1 would fit"),
        ([*DAY, "--bucket-minutes", "0"], "bucket_minutes must be a positive whole number, not 0"),
        ([*DAY, "--label", "end"], "labelled with their start: say --label start"),
        ([*DAY, "--out", "."], "is a folder"),
    ],
)
def test_flags_that_are_wrong_are_named(quietfill: CommandLine, flags: list[str], complaint: str) -> None:
    """What cannot be done is said in one line."""
    bars = write_bars(quietfill.folder / "bars.csv")

    assert complaint in quietfill("profile", "learn", str(bars), *flags).complaint


def test_parquet_without_its_reader_says_what_to_install(quietfill: CommandLine) -> None:
    """Parquet is read where pyarrow is; elsewhere the error says so."""
    if find_spec("pyarrow") is not None:
        pytest.skip("pyarrow is installed")

    complaint = quietfill("profile", "learn", str(quietfill.folder / "bars.parquet"), *DAY).complaint

    assert "reading Parquet needs pyarrow" in complaint


def test_stamps_with_an_offset_or_in_utc_say_their_zone(tmp_path: Path) -> None:
    """The same minute written in three ways is the same instant."""
    texts = {
        "timestamp_utc": "2024-03-04 01:30:00",
        "time": "2024-03-04 09:30:00",
        "datetime": "2024-03-04T02:30+01:00",
    }
    starts: set[int] = set()
    for name, text in texts.items():
        path = tmp_path / f"{name}.csv"
        path.write_text(f"{name},Volume\n{text},1\n{text.replace(':30', ':31', 1)},1\n")
        bars = read_bars([path], timezone="Asia/Shanghai")
        starts.add(bars.start[0])
        assert read_bars([path], timezone="Asia/Shanghai", labelled_at_end=True).start[0] == bars.start[0] - MINUTE

    assert len(starts) == 1


def profile_file(folder: Path, *weights: float, symbol: str = SYMBOL) -> Path:
    """Write a profile with chosen weights."""
    quiet = {"rms": 0, "typical": 0, "worst": 0}
    content = {
        "format": "quietfill volume profile", "version": 1, "symbol": symbol, "weights": list(weights),
        "bucket_minutes": 5, "timezone": "America/New_York", "sessions": [["09:30:00", "16:00:00"]],
        "calendar": "XNAS", "days": 3, "first": "2024-03-04", "last": "2024-03-06", "left_out": [], "auctions": [],
        "learned": None, "flat": list(quiet.values()), "default": list(quiet.values()), "source": ["bars.csv"],
    }  # fmt: skip
    path = folder / "profile.json"
    path.write_text(json.dumps(content))
    return path


def test_a_simulated_vwap_follows_the_profile(quietfill: CommandLine) -> None:
    """A profile without volume before 09:35 keeps the order waiting until then; the journal says which it followed."""
    late = profile_file(quietfill.folder, 0.0, *[1.0] * 77)
    runs: dict[str, list[ChildRequested]] = {}
    for name, extra in (("default", ()), ("late", ("--profile", str(late)))):
        journal = quietfill.folder / f"{name}.journal"
        done = quietfill.simulate(*extra, "--journal", str(journal), algo="vwap", param="slice_seconds=20")
        assert (done.code, done.figures["filled"]) == (0, 600)
        records = [entry.record for entry in entries(journal)]
        runs[name] = [record for record in records if isinstance(record, ChildRequested)]
        assert [len(record.weights) for record in records if isinstance(record, VolumeProfileSet)] == (
            [78] if extra else []
        )

    opens = runs["default"][0].at // MINUTE * MINUTE - MINUTE
    assert runs["default"][0].at < opens + 3 * MINUTE
    assert runs["late"][0].at >= opens + 4 * MINUTE


def test_the_profile_of_another_symbol_is_refused(quietfill: CommandLine) -> None:
    """A curve belongs to its instrument, and a file that is none is named."""
    other = profile_file(quietfill.folder, 1.0, symbol="OTHER")
    none = quietfill.folder / "none.json"
    none.write_text('{"format": "quietfill volume profile"}')

    assert "is that of OTHER, not of TEST" in quietfill.simulate("--profile", str(other)).complaint
    assert f"{none}: not a volume profile" in quietfill.simulate("--profile", str(none)).complaint
    assert "no.json: cannot be read" in quietfill("profile", "show", "no.json").complaint


def test_an_agent_follows_the_profiles_of_its_configuration(tmp_path: Path) -> None:
    """They are journaled at the start, once: the next start with the same file is no news."""
    journal = MemoryJournal()

    async def play() -> tuple[float, ...]:
        async with open_desk(journal, volume_profile_files=[str(file)]) as desk:
            return desk.agent.runtime.engine.state.profiles[desk.symbol]

    file = profile_file(tmp_path, 1.0, 2.0, symbol="600961.SH")
    symbol_weights = asyncio.run(play())

    records = [entry.record for entry in journal.read() if isinstance(entry.record, VolumeProfileSet)]
    assert symbol_weights == (1.0, 2.0)
    assert [(record.by, record.source) for record in records] == [("Desk", "profile.json, 3 days to 2024-03-06")]


def test_a_wrong_list_of_profiles_is_refused() -> None:
    """The key wants a list of paths."""
    with pytest.raises(BadInput, match="volume_profile_files must be"):
        AgentConfig("Desk", parameters={"volume_profile_files": 3})


def test_learned_beats_flat_on_recorded_bars(quietfill: CommandLine, shared_data: Path) -> None:
    """On a month of a currency future and a week of stocks, days held out are told better than by a straight line."""
    bars = shared_data / "bars"
    future = quietfill(
        "profile", "learn", str(bars / "cme_6EH4_1min_202401.csv.gz"), "--symbol", "6EH4", "--timezone",
        "America/Chicago", "--session", "17:00-16:00", "--label", "end", "--hole-minutes", "15", "--json",
    ).figures  # fmt: skip
    stocks = [
        quietfill(
            "profile", "learn", str(path), "--symbol", path.name[:4], "--calendar", "XNYS", "--label", "end",
            "--auction", "open", "--json",
        ).figures
        for path in sorted((bars / "us_1min_20190211_20190215").glob("*.zst"))
    ]  # fmt: skip

    assert future["days"] == 22
    assert [left["date"] for left in future["left_out"]] == ["2024-01-31"]
    assert future["learned"][0] < 0.4 * future["flat"][0]
    assert len(stocks) == 7
    assert all(stock["learned"][0] < 0.7 * stock["flat"][0] for stock in stocks)
