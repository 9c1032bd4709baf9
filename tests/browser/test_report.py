"""The report in a real browser: it draws, it asks nobody for anything, and it fits a phone."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from quietfill.report.page import write_report
from tests.report_run import filled_order, idle_order, run_of

pytestmark = pytest.mark.browser

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)
QUIET = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
DRAWN = (
    "html[data-drawn='{}']"  # a selector: functions polled in the page would need the `eval` that its policy forbids
)
PHONE = (390, 844)
DESK = (1440, 900)


@dataclass
class Visit:
    """An open page, what it said and what it asked for."""

    page: object
    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """A written report of two orders."""
    path = tmp_path_factory.mktemp("report") / "report.html"
    write_report(path, run_of(filled_order(), idle_order()))
    return path


@pytest.fixture
def visit(request, report, tmp_path) -> Iterator[Visit]:
    """The report in a browser that is offline, in a given size and colour scheme."""
    sync_api = pytest.importorskip("playwright.sync_api")
    if CHROMIUM is None:
        pytest.skip("needs chromium")
    (width, height), scheme = request.param
    with sync_api.sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            tmp_path / "profile", headless=True, executable_path=CHROMIUM, args=QUIET, offline=True,
            viewport={"width": width, "height": height}, color_scheme=scheme, timezone_id="America/New_York",
        )  # fmt: skip
        page = context.new_page()
        visit = Visit(page)
        page.on("console", lambda message: visit.said.append(message.text))
        page.on("pageerror", lambda error: visit.said.append(str(error)))
        page.on("request", lambda asked: visit.asked.append(asked.url))
        page.goto(report.as_uri())
        page.wait_for_selector(DRAWN.format(1), state="attached")
        yield visit
        context.close()


sizes = pytest.mark.parametrize(
    "visit",
    [(DESK, "light"), (PHONE, "light"), (DESK, "dark"), (PHONE, "dark")],
    indirect=True,
    ids=["desk-light", "phone-light", "desk-dark", "phone-dark"],
)


@sizes
def test_the_report_draws_alone_and_fits(visit, report):
    """Every chart has its marks, the console is silent, only the file itself is read, nothing runs off the side."""
    page = visit.page

    assert visit.said == []
    assert visit.asked == [report.as_uri()]
    places = page.evaluate("[...document.querySelectorAll('.chart')].map(c => c.querySelectorAll('svg path').length)")
    assert len(places) == 6
    assert all(marks > 0 for marks in places), places
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    widths = page.evaluate("[...document.querySelectorAll('.chart svg')].map(s => s.getBoundingClientRect().right)")
    assert all(right <= page.viewport_size["width"] for right in widths)


@pytest.mark.parametrize("visit", [(DESK, "light")], indirect=True)
def test_the_axis_shows_the_venues_clock(visit):
    """A reader in New York sees Shanghai's time on the axis, and the fills lie inside the picture."""
    labels = visit.page.eval_on_selector_all("#price-1 .role-axis-label text", "nodes => nodes.map(n => n.textContent)")
    fills = visit.page.eval_on_selector_all(
        "#price-1 .mark-symbol path", "nodes => nodes.map(n => n.getBoundingClientRect().x)"
    )

    assert "10:05" in labels
    assert len(fills) == 2
    assert fills[1] - fills[0] > 100


@pytest.mark.parametrize("visit", [(DESK, "light")], indirect=True)
def test_a_fill_tells_about_itself(visit):
    """Pointing at a fill shows its size, price and liquidity."""
    visit.page.hover("#price-1 .mark-symbol path >> nth=0")
    visit.page.wait_for_selector("#vg-tooltip-element.visible")
    told = visit.page.inner_text("#vg-tooltip-element")

    assert "passive" in told
    assert "9.18" in told
    assert visit.said == []


@pytest.mark.parametrize("visit", [(DESK, "light")], indirect=True)
def test_the_charts_follow_the_readers_colours(visit):
    """Switching the scheme redraws the axes in the other ink, without an error."""
    ink = "getComputedStyle(document.querySelector('#price-1 .role-axis-label text')).fill"
    before = visit.page.evaluate(ink)
    visit.page.emulate_media(color_scheme="dark")
    visit.page.wait_for_selector(DRAWN.format(2), state="attached")

    assert visit.page.evaluate(ink) != before
    assert visit.said == []
