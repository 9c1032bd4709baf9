"""The report as a page: its words, its tables, and that nothing in it can do harm."""

import base64
import hashlib
import json
import re
import subprocess
import sys

import pytest

from quietfill.domain.messages import KillScope
from quietfill.domain.records import (
    AmendRefused,
    CancelRequested,
    KillSwitchEngaged,
    KillSwitchReleased,
    LinkChanged,
    OrderAmended,
    OrderCancelAsked,
    Reconciled,
    RequestWithdrawn,
    ScheduleRebased,
)
from quietfill.domain.types import Liquidity
from quietfill.report.children_table import MOST_ROWS
from quietfill.report.frame import Frame
from quietfill.report.overview import COLUMNS, summary_rows
from quietfill.report.page import report_html, write_report
from quietfill.report.price_chart import MOST_FILLS
from quietfill.report.run import RunReport
from quietfill.report.words import bps_text, number_text, share_text, story
from quietfill.tca.ledger import Ledger
from tests.report_run import filled_order, idle_order, run_of
from tests.tca_records import Script, at


def told(script):
    """Return what the report says in words of a script's only order."""
    (report,) = run_of(script).orders
    return story(report, Frame.of(report))


def text_of(html):
    """Return what a reader sees of a page, without scripts and tags."""
    body = re.sub(r"<(script|style)\b.*?</\1>", "", html, flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body))


def test_the_story_of_an_order_that_was_partly_filled():
    """A few sentences say what was done, at what cost, how, and what was left."""
    assert told(filled_order()) == (
        "Bought 800 of 1,000 600961 by TWAP over 10:00:00\N{EN DASH}10:08:21, at 9.1988 CNY on average."
        " That cost 15.0 bps against the arrival mid of 9.185, met the interval VWAP and was"
        " 8.4 bps worse than the interval TWAP. 38 % of it rested before it traded;"
        " it paid 1.4 bps of half-spread on average; it was 11 % of the volume meanwhile."
        " 200 stayed unfilled; the way the market went meanwhile cost 2.2 bps of the whole order."
    )


def test_the_story_of_an_order_for_which_nothing_happened():
    """Nothing filled is said as such, with what waiting cost or saved."""
    assert told(idle_order()) == (
        "Nothing was sold of 1,000 600961 between 10:00:00 and 10:10:00. 1,000 stayed unfilled;"
        " the way the market went meanwhile saved 10.9 bps of the whole order."
    )


def test_the_story_of_an_order_done_at_once():
    """What was over before anything else traded is not held against the market's averages; fees are named."""
    script = Script(side="sell", arrival=(9.18, 9.19), algo="market", accepted=200).place("c1", 200, 1000, 9.1)
    script.fill("c1", 200.2, 1000, 9.19, touch=(9.19, 9.2), liquidity=Liquidity.AGGRESSIVE, commission=4.595).done(
        200.2
    )

    assert told(script) == (
        "Sold all 1,000 600961 by MARKET at 10:03:20, at 9.1900 CNY on average. That gained 5.4 bps against the arrival"
        " mid of 9.185. None of it rested before it traded; it paid 5.4 bps of half-spread on average."
        " Fees cost 5.00 bps."
    )


def test_the_story_of_a_rebate_at_an_unchanged_price():
    """A cost of nothing is said to be that, a rebate gives back, and unstated liquidity is not guessed at."""
    script = Script(arrival=(9.18, 9.19)).place("c1", 1, 1000, 9.19)
    script.fill("c1", 2, 1000, 9.185, touch=(9.18, 9.19), commission=-0.9185).done(2)

    assert told(script) == (
        "Bought all 1,000 600961 by TWAP over 10:00:00\N{EN DASH}10:00:02, at 9.1850 CNY on average. That cost nothing"
        " against the arrival mid of 9.185. It neither paid nor earned half-spread on average. Fees gave back 1.00 bps."
    )


def test_an_instrument_nobody_described_is_told_in_utc():
    """Without its entry in the instrument table an order is shown in UTC and without a currency."""
    (report,) = RunReport.of(Ledger.of(filled_order()), {}, {}, title="", facts={}).orders

    assert (report.timezone, report.currency, report.history) == ("UTC", "", None)
    assert "over 02:00:00\N{EN DASH}02:08:21, at 9.1988 on average." in story(report, Frame.of(report))


def test_fills_left_out_of_the_picture_are_counted():
    """A chart has its limit of fills; the caption says how many are shown."""
    script = Script(arrival=(9.18, 9.19), quantity=100_000).place("c1", 1, 100_000, 9.18)
    for number in range(MOST_FILLS + 1):
        script.fill("c1", 2 + number / 10, 10, 9.18)
    text = text_of(report_html(run_of(script)))

    assert f"{MOST_FILLS:,} of {MOST_FILLS + 1:,} fills shown" in text


def test_the_story_without_an_arrival_quote():
    """A cost that cannot be measured is not told."""
    script = Script(arrival=None).place("c1", 1, 100, 9.2).fill("c1", 2, 100, 9.2)

    assert "There was no arrival quote to measure the cost from." in told(script)
    assert "900 stayed unfilled." in told(script)


@pytest.mark.parametrize(
    ("bps", "text"),
    [(1.25, "+1.2"), (-1234.56, "\N{MINUS SIGN}1,234.6"), (0.04, "0.0"), (-0.04, "0.0"), (None, "\N{EN DASH}")],
)
def test_costs_carry_their_sign(bps, text):
    """A cost shows plus, a gain minus, nothing at all neither."""
    assert bps_text(bps) == text


def test_small_shares_keep_their_digits():
    """A share of a few per mille is not rounded to nothing."""
    assert [share_text(share) for share in (0.5, 0.055, 0.0063, None)] == ["50 %", "5.5 %", "0.63 %", "\N{EN DASH}"]
    assert number_text(None) == "\N{EN DASH}"


def test_the_overview_has_a_row_for_every_order():
    """Each row has the overview's columns; costs carry the figure behind their text."""
    rows = summary_rows(run_of(filled_order(), idle_order()).orders)

    assert [len(row) for row in rows] == [len(COLUMNS)] * 2
    assert [cell.text for cell in rows[0]][:5] == [
        "buy 1,000 600961 by TWAP",
        "expired",
        "800 (80 %)",
        "9.1988",
        "9.185",
    ]
    assert rows[0][5].cost == pytest.approx(14.97, abs=0.01)
    assert {cell.text for cell in rows[1][3:12]} == {"\N{EN DASH}"}


def test_the_page_says_what_it_shows_and_where_it_is_from():
    """Title, seed, source and the word SIMULATED are on the page, and so are every child's reasons."""
    text = text_of(report_html(run_of(filled_order(), idle_order())))

    for words in ("SIMULATED", "Two orders", "seed 7", "source made by hand", "slice 2 of 2 rests", "at the limit 12"):
        assert words in text
    assert "10:08:20.000 replace 9.22 700" in text
    assert "300 filled at 9.18, 10:01:00.000" in text
    assert "500 filled at 9.21; cancelled, 10:10:00.000" in text
    assert "10:01:40.000 paused by ann" in text


def test_a_live_journal_is_not_called_simulated():
    """The badge follows the run."""
    text = text_of(report_html(run_of(filled_order(), is_simulated=False)))

    assert "LIVE" in text
    assert "SIMULATED" not in text


def test_text_from_the_journal_cannot_become_markup():
    """Names, reasons and facts that look like HTML or like the end of a script are shown as text."""
    evil = '</script><script>alert(1)</script><img src=x onerror="alert(2)">'
    script = Script(order_id=evil, arrival=(9.18, 9.19), algo=evil, symbol="600961")
    script.place("c1", 1, 100, 9.2, key=evil, why=evil).fill("c1", 2, 100, 9.2)
    html = report_html(run_of(script, title=evil, facts={evil: evil}))

    assert "<img" not in re.sub(r"<script>.*</script>", "", html, flags=re.DOTALL)
    assert html.count("<script") == html.count("</script>") == 2


def test_the_policy_admits_this_script_and_nothing_from_outside():
    """The page's own security policy names the hash of its one script and forbids every other source."""
    html = report_html(run_of(filled_order()))
    policy = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', html)[0]
    script = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)[0]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()

    assert f"script-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy
    assert "unsafe-eval" not in policy
    assert not re.findall(r'(?:src|href)="(?!#|data:)', re.sub(r"<script>.*?</script>", "", html, flags=re.DOTALL))


def test_the_charts_of_the_page_are_those_it_has_places_for():
    """Every chart of the embedded data has exactly one place, and every place a chart."""
    html = report_html(run_of(filled_order(), idle_order()))
    charts = json.loads(re.findall(r'<script type="application/json" id="charts">(.*?)</script>', html)[0])

    assert sorted(charts) == sorted(re.findall(r'class="chart" id="([^"]+)"', html))
    assert len(charts) == 6


def test_one_run_gives_one_page():
    """The same records give the same bytes: no clock, path or chance is in the page."""
    assert report_html(run_of(filled_order())) == report_html(run_of(filled_order()))


def test_a_run_without_orders_is_a_page_too():
    """A journal in which nothing was accepted is reported as that."""
    assert "No order was accepted." in report_html(run_of())


def test_the_file_is_there_whole_or_not_at_all(tmp_path):
    """A report replaces an older one only once it is complete, and a failed one leaves nothing behind."""
    path = tmp_path / "report.html"
    write_report(path, run_of(filled_order()))

    assert path.read_text(encoding="utf-8").endswith("</html>\n")
    with pytest.raises(OSError, match="missing"):
        write_report(tmp_path / "missing" / "report.html", run_of(filled_order()))
    assert [item.name for item in tmp_path.iterdir()] == ["report.html"]


def test_the_house_and_people_are_in_the_report():
    """Kills, line changes, reconciliations, amendments, cancels and withdrawn requests are all told."""
    scope = KillScope(symbols=("600961",), account="U1")
    script = filled_order().add(
        OrderAmended(at=at(10), order_id="order-1", by="ann"),
        AmendRefused(at=at(11), order_id="order-1", by="ann", reasons=("below filled",)),
        ScheduleRebased(at=at(12), order_id="order-1", start=at(12), filled=0, market_volume=0, reason="resumed"),
        OrderCancelAsked(at=at(13), order_id="order-1", by="bob", reason="enough"),
        CancelRequested(at=at(13), child_id="c2", attempt=1, why="not wanted"),
        KillSwitchEngaged(at=at(14), kill_id="k", by="ann", reason="test", scope=KillScope(), cancel_pending=True),
        KillSwitchReleased(at=at(15), by="ann", second="bob", reason="over", scope=scope),
        LinkChanged(at=at(16), up=False, reason="lost"),
        Reconciled(
            at=at(17),
            complete=True,
            adopted=1,
            filled_while_away=2,
            ended_while_away=0,
            never_arrived=0,
            still_in_doubt=3,
        ),
    )
    script.place("c9", 602, 100, None, key="s9", acknowledged=-1)
    script.add(RequestWithdrawn(at=at(602), child_id="c9", revision=0, reason="kill switch"))
    text = text_of(report_html(run_of(script)))

    for words in (
        "amended by ann", "amendment refused: below filled", "schedule laid out anew: resumed",
        "cancel asked by bob: enough", "kill switch for everything engaged by ann: test",
        "kill switch for 600961 of account U1 released by ann and bob: over",
        "line to the broker down: lost", "1 adopted, 2 filled while away", "3 still in doubt", "withdrawn",
    ):  # fmt: skip
        assert words in text


def test_a_long_life_is_cut_and_says_so():
    """A table has its limit; what is left out is counted."""
    script = Script(arrival=(9.18, 9.19))
    for number in range(MOST_ROWS + 5):
        script.place(f"c{number}", number / 10, 100, 9.18)
    text = text_of(report_html(run_of(script)))

    assert "5 more requests are in the journal." in text


def test_an_order_without_children_says_so():
    """No child is no table."""
    assert "No child order was asked for." in report_html(run_of(Script().done(1, "cancelled")))


def test_drawing_loads_when_a_report_is_written():
    """Importing the report does not import the drawing libraries."""
    code = "import sys, quietfill.report.page; print(sorted({'altair', 'vl_convert', 'pandas'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
