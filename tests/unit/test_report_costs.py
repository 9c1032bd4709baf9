"""The cost tables of a report: parts that are seen to add up, known figures only, sums over all orders."""

import re

import msgspec
import pytest

from quietfill.domain.types import price_from
from quietfill.report.cost_tables import BENCHMARK_WORDS, book_table, cost_tables
from quietfill.report.frame import Frame
from quietfill.report.page import report_html
from quietfill.report.run import RunReport
from quietfill.report.words import signed_text
from quietfill.tca.figures import BENCHMARKS
from quietfill.tca.ledger import Ledger
from tests.report_run import filled_order, idle_order, run_of

MINUS = "\N{MINUS SIGN}"


def decided(script, price):
    """Return the script of an order that was decided at a price."""
    script.records[0] = msgspec.structs.replace(script.records[0], decision_price=price_from(price))
    return script


def rows_of(html):
    """Return the rows of every table as texts."""
    return [
        [re.sub(r"<[^>]+>|\s*[\N{BLACK UP-POINTING SMALL TRIANGLE}\N{BLACK DOWN-POINTING SMALL TRIANGLE}]", "", cell)
         for cell in re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row)]
        for row in re.findall(r"<tr>(.*?)</tr>", html)
    ]  # fmt: skip


def number(text):
    """Return a shown figure as a number."""
    return float(text.replace(MINUS, "-").replace(",", ""))


def tables_of(script):
    """Return the rows of the cost tables of a script's only order."""
    (report,) = run_of(script).orders
    return rows_of(cost_tables(report, Frame.of(report)))


@pytest.mark.parametrize("script", [filled_order(), idle_order(), decided(filled_order(), 9.17)])
def test_the_parts_are_seen_to_add_up(script):
    """Delay, trading, unfilled rest and fees meet the cost in all as shown, in money and in bps."""
    rows = {row[0]: row[1:] for row in tables_of(script)}
    parts = ("delay to arrival", "trading", "unfilled rest", "fees")

    for column in (0, 1):
        shown = sum(number(rows[part][column]) for part in parts)
        assert shown == pytest.approx(number(rows["in all"][column]), abs=0.021)


def test_the_table_says_what_it_is_measured_from():
    """A decision price is named as the base and has a row of its own among the benchmarks."""
    with_price, without = tables_of(decided(filled_order(), 9.17)), tables_of(filled_order())

    assert ["cost from decision on", "CNY", "bps"] in with_price
    assert ["cost from arrival on", "CNY", "bps"] in without
    assert "decision" in [row[0] for row in with_price]
    assert "decision" not in [row[0] for row in without]


def test_what_is_not_known_has_no_row():
    """From a journal alone there are no markouts and no prices of the day, and nothing is shown in their place."""
    ledger = Ledger.of(filled_order())
    (report,) = RunReport.of(ledger, {}, {}, title="", facts={}).orders
    firsts = [row[0] for row in rows_of(cost_tables(report, Frame.of(report)))]

    assert "VWAP of the others" not in firsts
    assert "50ms" not in firsts
    assert "effective spread" in firsts


def test_markouts_end_with_the_data():
    """Horizons that no fill's data reach are left out of the table."""
    firsts = [row[0] for row in tables_of(filled_order())]

    assert "5min" in firsts
    assert "30min" not in firsts


def test_every_benchmark_that_judges_has_its_words():
    """Each benchmark is shown under a name of its own, but for the best and worst print of the interval."""
    assert [name for name in BENCHMARKS if name not in BENCHMARK_WORDS] == ["low", "high"]
    assert len(set(BENCHMARK_WORDS.values())) == len(BENCHMARK_WORDS)


def test_sums_over_all_orders_are_shown_for_more_than_one():
    """Two orders have a row of sums whose parts add up to what they cost in all; one order has none."""
    run = run_of(filled_order(), idle_order())
    (_, row) = rows_of(book_table([order.observed for order in run.orders]))

    assert row[1] == "2"
    assert sum(map(number, row[2:6])) == pytest.approx(number(row[6]), abs=0.021)
    assert number(row[7]) > 0
    assert book_table([order.observed for order in run_of(filled_order()).orders]) == ""
    assert "all orders" in report_html(run)


@pytest.mark.parametrize(
    ("value", "text"),
    [(1.234, "+1.23"), (-1234.5, f"{MINUS}1,234.50"), (0.001, "0.00"), (-0.001, "0.00"), (None, "\N{EN DASH}")],
)
def test_figures_show_their_sign_unless_they_are_nothing(value, text):
    """Plus hurts, minus helps, and what rounds to nothing has no sign."""
    assert signed_text(value) == text
