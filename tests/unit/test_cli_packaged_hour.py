"""`quietfill simulate` without files: the hour that ships with the package, and orders that need a stop price."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.command_line import CommandLine

ORDER = ("simulate", "--side", "buy", "--quantity", "2000", "--start", "10:05", "--end", "10:15", "--seed", "1")


@pytest.fixture
def quietfill(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> CommandLine:
    """The command line, in an empty folder."""
    return CommandLine(tmp_path, capsys)


def test_an_order_needs_no_files(quietfill: CommandLine) -> None:
    """Without a recording the packaged hour is used, and the figures say which market that is."""
    figures = quietfill(*ORDER, "--algo", "twap").figures

    assert (figures["symbol"], figures["filled"]) == ("600961.SH", 2000)
    assert figures["start"] == "2023-07-11T10:05:00+08:00"


@pytest.mark.parametrize(
    ("tokens", "named"),
    [
        (("--symbol", "600961.SH"), "--symbol needs --feed, --data too"),
        (("--feed", "lobster", "--data", "x.csv"), "--feed, --data needs --symbol too"),
        (("--tick", "0.01"), "--tick needs --feed, --data, --symbol too"),
    ],
)
def test_half_a_recording_is_refused(quietfill: CommandLine, tokens: tuple[str, ...], named: str) -> None:
    """Whoever names a part of a recording of his own is told what is missing, and never given the packaged one."""
    assert named in quietfill(*ORDER, "--algo", "twap", *tokens).complaint


def test_a_stop_waits_for_its_price(quietfill: CommandLine) -> None:
    """--stop is the price that lets a stop begin: nothing before it printed, and everything at once after it."""
    untouched = quietfill(*ORDER, "--algo", "stop", "--stop", "9.60").figures
    met = quietfill(*ORDER, "--algo", "stop", "--stop", "9.25").figures

    assert (untouched["filled"], untouched["state"], untouched["children"]) == (0, "expired", 0)
    assert (met["filled"], met["children"]) == (2000, 1)
    assert met["first_fill"] > "2023-07-11T02:09:00Z"


def test_a_stop_price_that_is_none_is_refused(quietfill: CommandLine) -> None:
    """A word for a stop price, and a stop order without one, are wrong input."""
    assert "stop" in quietfill(*ORDER, "--algo", "stop", "--stop", "low").complaint
    assert "stop" in quietfill(*ORDER, "--algo", "stop").complaint
