"""How far the caller lets time go at once changes nothing that the venue does."""

from hypothesis import given, settings
from hypothesis import strategies as st

from quietfill.domain.execution_report import ExecutionReport
from quietfill.domain.messages import BookUpdate
from quietfill.domain.records import CancelRequested, ChildRequested, ReplaceRequested, WireRequest
from quietfill.domain.types import OrderSide, TimeInForce
from quietfill.venue.exchange import Exchange, VenueOptions
from quietfill.venue.samples import load_sample

TAPE = load_sample()
LAST = 60 * 10**9


@st.composite
def requests(draw) -> list[WireRequest]:
    """A few orders with their replaces and cancels, in order of time."""
    sent: list[WireRequest] = []
    for number in range(draw(st.integers(1, 5))):
        child, at = f"c{number}", draw(st.integers(0, LAST))
        side = draw(st.sampled_from(list(OrderSide)))
        price = 9_200_000_000 + 10_000_000 * draw(st.integers(-3, 4))
        sent.append(
            ChildRequested(
                at=at,
                child_id=child,
                order_id="p",
                key="k",
                symbol="600961.SH",
                side=side,
                quantity=draw(st.integers(1, 80)) * TAPE.instrument.lot,
                limit_price=price,
                time_in_force=draw(st.sampled_from([TimeInForce.DAY, TimeInForce.IOC, TimeInForce.FOK])),
                good_till=None,
                why="",
            )
        )
        if draw(st.booleans()):
            total = draw(st.integers(1, 80)) * TAPE.instrument.lot
            later = at + draw(st.integers(0, 10**10))
            sent.append(ReplaceRequested(at=later, child_id=child, revision=1, total=total, limit_price=price, why=""))
        if draw(st.booleans()):
            later = at + draw(st.integers(0, 2 * 10**10))
            sent.append(CancelRequested(at=later, child_id=child, attempt=1, why=""))
    return sorted(sent, key=lambda request: request.at)


def run(script: list[WireRequest], seed: int, steps: list[int]) -> tuple[list[tuple[int, ExecutionReport]], BookUpdate]:
    """Send a script and go to the end, stopping at *steps* too; return reports with their times, and the book."""
    exchange = Exchange(TAPE, VenueOptions(), seed)
    start = TAPE.first_time
    heard: list[tuple[int, ExecutionReport]] = []
    stops = sorted([*((at, None) for at in steps), *((request.at, request) for request in script)], key=lambda x: x[0])
    for at, request in [*stops, (2 * LAST, None)]:
        reached = -1
        while reached < start + at:
            reached = exchange.advance(start + at)
            heard += [(reached, report) for report in exchange.take_reports(reached)]
        if request is not None:
            exchange.send(request, start + at)
    return heard, exchange.book("600961.SH")


@given(script=requests(), seed=st.integers(0, 99), steps=st.lists(st.integers(0, 2 * LAST), max_size=20))
@settings(max_examples=60)
def test_small_steps_and_large_ones_lead_to_the_same_day(script, seed, steps):
    """Every report comes at the same time with the same content, and the books end equal."""
    assert run(script, seed, []) == run(script, seed, steps)


@given(script=requests(), seed=st.integers(0, 99))
@settings(max_examples=20)
def test_a_rebuilt_venue_draws_the_same(script, seed):
    """The same requests at the same times give the same reports again, so a dead venue can be rebuilt."""
    assert run(script, seed, []) == run(script, seed, [])


@given(script=requests(), seed=st.integers(0, 99))
@settings(max_examples=40)
def test_reports_add_up(script, seed):
    """Fills sum to the cumulative quantity, never above the total, and the last word agrees with the snapshot."""
    heard, _ = run(script, seed, [])
    by_child: dict[str, list[ExecutionReport]] = {}
    for _, report in heard:
        by_child.setdefault(report.child_id, []).append(report)

    for reports in by_child.values():
        filled = 0
        for report in reports:
            filled += report.fill.quantity if report.fill else 0
            assert report.cumulative is None or report.cumulative == filled
            assert filled <= (report.total or filled)
        times = [report.exchange_time for report in reports]
        assert times == sorted(times)
