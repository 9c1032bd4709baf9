"""What the charts of a report are drawn from: thinned, in the venue's clock, nothing invented."""

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quietfill.domain.records import ChildFilled, FillMarks
from quietfill.domain.types import price_from, quantity_from
from quietfill.report.frame import Frame, decimals_of
from quietfill.report.kept_touches import kept_touches
from quietfill.report.order_section import order_section
from quietfill.report.price_chart import child_segments, fill_points, price_domain, price_levels, touch_points
from quietfill.report.progress_charts import cost_points, filled_steps, participation_points, plan_steps, starts_high
from quietfill.report.run import OrderReport
from quietfill.report.thinning import every, kept_rows
from tests.report_run import filled_order, history, idle_order, run_of
from tests.tca_records import Script, at, market


def report_of(script, **changes):
    """Return the only order of a run, and its frame."""
    (report,) = run_of(script).orders
    if changes:
        report = OrderReport(order=report.order, summary=report.summary, figures=report.figures, **changes)
    return report, Frame.of(report)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 10**9), st.booleans()), min_size=1, max_size=400))
def test_thinning_keeps_every_extreme_and_both_ends(rows):
    """However many rows there are, at most the limit stays, and with it the first, last, lowest and highest."""
    steps, lows, known = (np.array(column) for column in zip(*rows, strict=True))
    time, known = np.cumsum(steps).astype(np.int64), known.astype(np.bool_)
    kept = kept_rows(time, lows, lows + 5, known, 40).tolist()

    assert len(kept) <= max(40, 4)
    assert kept == sorted(set(kept))
    assert (kept[0], kept[-1]) == (0, len(rows) - 1)
    if known.any():
        assert lows[known].min() in lows[kept]
        assert lows[known].max() in lows[kept]


def test_even_thinning_keeps_both_ends():
    """Fewer points are spread evenly; few enough stay as they are."""
    assert every(3, 5) == [0, 1, 2]
    assert every(100, 4) == [0, 33, 66, 99]


def test_a_chart_of_a_busy_day_stays_small():
    """A hundred thousand touches become at most 1,600 points that still show the spike."""
    count = 100_000
    touches = [(second / 200, 9.18, 9.19) for second in range(count)]
    touches[54_321] = (54_321 / 200, 8.50, 9.90)
    report, frame = report_of(filled_order(), history=market(touches, spans=((-3600, 3600),)))
    points = touch_points(report.history, frame)

    assert 800 < len(points) <= 1_601
    assert (min(p["bid"] for p in points), max(p["ask"] for p in points)) == (8.5, 9.9)


def test_the_touch_has_gaps_where_there_was_none():
    """A one-sided touch and a midday break are gaps, up to which the touch before them is held, as before the frame."""
    touches = [(-500, 9.18, 9.19), (100, 9.18, None), (200, 9.19, 9.20), (500, 9.20, 9.21)]
    report, frame = report_of(filled_order(), history=market(touches, spans=((-3600, 300), (400, 3600))))
    points = touch_points(report.history, frame)

    assert [(round(p["t"] - frame.x(at(0))) / 1000, p["bid"]) for p in points] == [
        (-30.0, 9.18), (100.0, 9.18), (100.0, None), (200.0, 9.19), (300.0, 9.19), (300.0, None),
        (500.0, 9.20), (500.0, 9.20),
    ]  # fmt: skip
    assert touch_points(None, frame) == touch_points(market([]), frame) == []


def test_times_are_those_of_the_venue_wherever_the_reader_is():
    """The axis carries Shanghai's clock as UTC, and texts are in it too."""
    _, frame = report_of(filled_order())

    assert frame.clock(at(0.25)) == "10:00:00.250"
    assert frame.x(at(0)) == 1_689_069_600_000  # 2023-07-11 10:00 as if it were UTC
    assert frame.clock_format == "%H:%M"
    assert (frame.start, frame.end) == (at(-30), at(630))


def test_children_are_drawn_over_their_life_at_the_venue():
    """Each stretch on one limit is a segment; a market order has none."""
    report, frame = report_of(filled_order().place("c3", 601, 100, None))
    segments = child_segments(report, frame)

    assert [(s["child"], s["limit"], s["from"], s["to"]) for s in segments] == [
        ("1 (s1)", "9.18", "10:00:01.001", "10:01:00.000"),
        ("2 (s2)", "9.18", "10:05:00.001", "10:08:20.001"),
        ("2 (s2)", "9.22", "10:08:20.001", "10:10:00.000"),
    ]


def test_a_child_that_still_works_is_drawn_to_the_end():
    """What has no end yet goes on to the last that is known."""
    report, frame = report_of(Script(arrival=(9.18, 9.19)).place("c1", 1, 300, 9.18))
    (segment,) = child_segments(report, frame)

    assert (segment["t2"], segment["to"]) == (frame.x(at(1.001)), "still working")


def test_fills_say_whether_they_rested():
    """A passive fill is hollow, an aggressive or unknown one is not."""
    report, frame = report_of(filled_order())

    assert [(f["passive"], f["size"], f["paid"], f["touch"]) for f in fill_points(report, frame)] == [
        (True, 300, "9.18", "9.18 / 9.19"), (False, 500, "9.21", "9.20 / 9.21"),
    ]  # fmt: skip


def test_far_limits_do_not_flatten_the_market():
    """A limit near the market widens the axis; one far away is cut off."""
    report, frame = report_of(idle_order())
    touches, levels = touch_points(report.history, frame), price_levels(report)
    low, high = price_domain([touches, child_segments(report, frame), [], levels], least=0.01)

    assert [level["level"] for level in levels] == ["arrival mid", "limit"]
    assert [low, high] == pytest.approx([9.17, 9.22])
    near = price_domain([touches, [{"price": 9.17}], [], []], least=0.01)
    assert near == pytest.approx([9.16, 9.22])
    assert price_domain([[], [], [], []], least=0.01) == [-0.01, 0.01]


def test_plan_and_fills_run_from_nothing_to_the_end():
    """Both curves begin at zero on arrival and are drawn on to the end of the order."""
    report, frame = report_of(filled_order())

    assert [row["quantity"] for row in plan_steps(report, frame)] == [0, 300, 1000, 1000, 1000]
    assert [row["quantity"] for row in filled_steps(report, frame)] == [0, 300, 800, 800]
    assert filled_steps(report, frame)[-1]["t"] == frame.x(at(600))


def test_participation_is_in_percent_and_ends_with_the_order():
    """The last point is the share at the end; without a recorded market and marks there is none."""
    report, frame = report_of(filled_order())
    last = participation_points(report, frame)[-1]

    assert (last["t"], last["percent"]) == (frame.x(at(600)), pytest.approx(100 * 800 / 7000, abs=1e-4))
    unrecorded, frame = report_of(filled_order(), history=None)
    assert participation_points(unrecorded, frame) == []


def with_marks(script, *marks):
    """Return a script's records with marks kept with its fills, in order."""
    kept = iter(marks)
    return [
        msgspec.structs.replace(record, marks=next(kept)) if isinstance(record, ChildFilled) else record
        for record in script
    ]


def mark_of(bid, ask, volume):
    """Return marks as the engine keeps them."""
    sizes = {"bid_size": quantity_from(1), "ask_size": quantity_from(1)}
    whole = None if volume is None else quantity_from(volume)
    return FillMarks(bid=price_from(bid), ask=price_from(ask), **sizes, quote_age=0, market_volume=whole)


def test_without_a_recorded_market_the_marks_of_fills_tell_the_share():
    """Participation is drawn from the volume kept with each fill, and the caption says so."""
    records = with_marks(filled_order(), mark_of(9.18, 9.19, 700), mark_of(9.2, 9.21, 3200))
    report, frame = report_of(records, history=None)

    assert [(row["t"], row["percent"]) for row in participation_points(report, frame)] == [
        (frame.x(at(60)), 30),
        (frame.x(at(501)), 20),
    ]
    html, charts = order_section(report, 1)
    assert "participation-1" in charts
    assert "by the volume kept with each fill: no market was recorded" in html


def test_without_a_recorded_market_the_kept_touches_are_drawn():
    """The price path shows bid and ask at arrival, requests, fills and end, and the key says that this is all."""
    records = with_marks(filled_order(), mark_of(9.17, 9.18, None), mark_of(9.2, 9.21, None))
    report, frame = report_of(records, history=None)
    rows = [(row["t"], row["bid"], row["ask"]) for row in kept_touches(report, frame)]

    assert rows == [
        (frame.x(at(0)), 9.18, 9.19), (frame.x(at(1)), 9.18, 9.19), (frame.x(at(60)), 9.17, 9.18),
        (frame.x(at(300)), 9.19, 9.2), (frame.x(at(501)), 9.2, 9.21),
    ]  # fmt: skip
    html, charts = order_section(report, 1)
    assert charts["price-1"].to_dict()["layer"][0]["mark"]["type"] == "rule"
    assert "bid to ask, as kept with requests and fills" in html
    assert "no recorded market" in html
    recorded, _ = order_section(report_of(filled_order())[0], 1)
    assert "no recorded market" not in recorded


def test_what_is_missing_for_the_share_is_named():
    """A filled order without market and marks says what is not known, not that nothing was filled."""
    html, _ = order_section(report_of(filled_order(), history=None)[0], 1)

    assert "the market's volume was not kept with the fills" in html
    assert "nothing filled" not in html


def test_a_share_of_next_to_nothing_does_not_flatten_the_picture():
    """A first fill before the market traded is 100 %; the axis fits what came after and the caption says so."""
    script = (
        Script(arrival=(9.18, 9.19))
        .place("c1", 1, 300, 9.2)
        .fill("c1", 2, 100, 9.2)
        .fill("c1", 300, 100, 9.2)
        .done(600)
    )
    report, frame = report_of(script)
    points = participation_points(report, frame)
    html, charts = order_section(report, 1)
    scale = charts["participation-1"].to_dict()["layer"][0]["encoding"]["y"]["scale"]

    assert starts_high(points)
    assert max(point["percent"] for point in points) == 100
    assert float(scale["domainMax"]["expr"]) == pytest.approx(1.1 * 100 * 100 / 2100, abs=1e-3)
    assert "first moments above the picture" in html
    assert not starts_high(participation_points(*report_of(filled_order())))


def test_cost_to_date_is_drawn_on_to_the_end():
    """Three parts a fill and once more at the end; an order without an arrival quote has no cost to draw."""
    report, frame = report_of(filled_order())
    points = cost_points(report, frame)
    end = {point["part"]: point["bps"] for point in points if point["t"] == frame.x(at(600))}

    assert [point["part"] for point in points] == ["total", "spread", "drift"] * 3
    assert end["total"] == pytest.approx(end["spread"] + end["drift"], abs=2e-4)
    assert end["total"] == pytest.approx(report.summary.shortfall_bps, abs=1e-4)
    unquoted = Script(arrival=None).place("c1", 1, 100, 9.2).fill("c1", 2, 100, 9.2)
    assert cost_points(*report_of(unquoted)) == []


def test_only_the_total_goes_on_where_a_fill_cannot_be_split():
    """The parts stop at the last fill that could be split."""
    script = filled_order().fill("c2", 590, 100, 9.2)
    report, frame = report_of(script, history=None)
    points = cost_points(report, frame)

    assert [p["part"] for p in points if p["t"] >= frame.x(at(590))] == ["total", "total"]


def test_every_chart_is_a_valid_drawing_of_its_container():
    """Altair accepts each chart, and each is as wide as the page lets it be."""
    report, _ = report_of(filled_order())
    html, charts = order_section(report, 4)

    assert list(charts) == ["price-4", "plan-4", "participation-4", "cost-4"]
    for place, chart in charts.items():
        specification = chart.to_dict()
        assert specification["width"] == "container"
        assert "order-1" in specification["description"]
        assert html.count(f'id="{place}"') == 1


def test_what_cannot_be_drawn_says_so():
    """An order without fills has no participation and no cost to draw."""
    report, _ = report_of(idle_order(), history=None)
    html, charts = order_section(report, 1)

    assert list(charts) == ["price-1", "plan-1"]
    assert html.count('class="none"') == 2


def test_prices_keep_the_digits_they_need():
    """The grid sets the decimals; a price off the grid keeps its own."""
    _, frame = report_of(filled_order())

    assert [frame.price(price_from(p)) for p in (9.2, "9.185", 1234)] == ["9.20", "9.185", "1,234.00"]
    assert frame.price(None) == "\N{EN DASH}"
    assert [decimals_of(price_from(p)) for p in ("0.00000001", 100, "0.5")] == [8, 0, 1]
    assert history().symbol == "600961"
