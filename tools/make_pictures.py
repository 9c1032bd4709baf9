"""Draw the picture of each how-to page of an algo, from the very command that the page shows.

Run it as `.venv/bin/python tools/make_pictures.py [ALGO ...]` when a page's command, an algo or a chart has changed.
Each page in docs/how-to/algos has one `quietfill simulate` line that makes its picture, the first. It is run on the
packaged hour, the charts of the report are drawn to docs/images/algos, and the figures that the command prints are put
into the page. `pictures.json` keeps what each picture was drawn from, so that a test can tell without drawing.
"""  # noqa: INP001 - a script

from __future__ import annotations

import hashlib
import io
import re
import shlex
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import altair as alt
import msgspec
import vl_convert
from rich.console import Console

from quietfill import bootstrap
from quietfill.cli.main import app
from quietfill.cli.tables import order_table
from quietfill.report import palette
from quietfill.report.frame import Frame
from quietfill.report.price_chart import price_chart, price_levels
from quietfill.report.progress_charts import plan_chart
from quietfill.report.words import story

if TYPE_CHECKING:
    from quietfill.report.axes import Picture
    from quietfill.report.run import OrderReport
    from quietfill.simulation.result import SimulationResult

DOCS = Path(__file__).resolve().parent.parent / "docs"
PAGES = DOCS / "how-to" / "algos"
IMAGES = DOCS / "images" / "algos"
DIGESTS = IMAGES / "pictures.json"
BEGIN = "<!-- from here on written by tools/make_pictures.py -->"
END = "<!-- to here -->"

_WIDTH, _HEIGHT, _PLAN_HEIGHT = 860, 300, 110
_TABLE_WIDTH = 140
_FONT = "Liberation Sans, Arial, sans-serif"
_LETTER = 5.3  # px of a letter of the key


def main(names: list[str]) -> None:
    """Draw the pictures of the named algos, or of all."""
    digests = read_digests()
    for page in pages():
        if names and page.stem not in names:
            continue
        shown = Shown(page)
        (IMAGES / f"{page.stem}.svg").write_text(shown.svg() + "\n", encoding="utf-8", newline="\n")
        page.write_text(shown.page_text(), encoding="utf-8", newline="\n")
        digests[page.stem] = shown.digest
        sys.stdout.write(f"{page.stem}: {shown.story}\n")
    known = {page.stem for page in pages()}
    kept = {name: digest for name, digest in sorted(digests.items()) if name in known}
    DIGESTS.write_bytes(msgspec.json.format(msgspec.json.encode(kept)) + b"\n")


def pages() -> list[Path]:
    """Return the pages that have a picture."""
    return sorted(page for page in PAGES.glob("*.md") if page.stem != "index")


def read_digests() -> dict[str, str]:
    """Return what each picture was last drawn from."""
    return msgspec.json.decode(DIGESTS.read_bytes(), type=dict[str, str]) if DIGESTS.exists() else {}


@dataclass(frozen=True)
class Shown:
    """What a page shows: one simulated order."""

    page: Path

    @cached_property
    def text(self) -> str:
        """The page as it is."""
        return self.page.read_text(encoding="utf-8")

    @cached_property
    def result(self) -> SimulationResult:
        """The order of the page's first command."""
        return simulated(commands(self.text)[0])

    @cached_property
    def report(self) -> OrderReport:
        """What the report would say of it."""
        return bootstrap.simulation_report(self.result).orders[0]

    @cached_property
    def story(self) -> str:
        """The same in words."""
        return story(self.report, Frame.of(self.report))

    @cached_property
    def specification(self) -> dict[str, Any]:
        """The picture as Vega-Lite."""
        drawn: dict[str, Any] = picture(self.report).to_dict()
        return drawn

    @property
    def digest(self) -> str:
        """What the picture is drawn from, in short."""
        return hashlib.sha256(msgspec.json.encode(self.specification, order="sorted")).hexdigest()

    def svg(self) -> str:
        """Return the picture, without what only a page with a script could use, in hundredths of a pixel."""
        drawn: str = vl_convert.vegalite_to_svg(self.specification)
        drawn = re.sub(r' (?:aria-[a-z]+|role|class)="[^"]*"', "", drawn)
        return re.sub(r"-?\d+\.\d{3,}", lambda number: f"{float(number[0]):.2f}".rstrip("0").rstrip("."), drawn)

    def page_text(self) -> str:
        """Return the page with the figures of the order as it is now."""
        before, _, rest = self.text.partition(BEGIN)
        _, _, after = rest.partition(END)
        name = self.page.stem
        image = f"![{self.story}](../../images/algos/{name}.svg)"
        return f"{before}{BEGIN}\n\n```text\n{table(self.result)}\n```\n\n{image}\n\n{END}{after}"


def commands(text: str) -> list[list[str]]:
    """Return the arguments of each `quietfill` line in a page's console blocks, continued lines joined."""
    blocks = re.findall(r"```console\n(.*?)```", text, re.DOTALL)
    lines = [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    return [shlex.split(line)[2:] for line in lines if line.startswith("$ quietfill ")]


def simulated(tokens: list[str]) -> SimulationResult:
    """Return what came of a `simulate` command on the packaged hour."""
    _, bound, _ = app.parse_args(tokens, print_error=False, exit_on_error=False)
    given = bound.arguments
    venue = given.get("venue")
    if venue is None:
        from quietfill.cli.simulate import VenueFlags

        venue = VenueFlags()
    return bootstrap.simulate(None, given["order"].terms(), venue.options(), seed=given.get("seed", 0))


def table(result: SimulationResult) -> str:
    """Return the figures as the command prints them."""
    page = io.StringIO()
    console = Console(file=page, width=_TABLE_WIDTH)
    console.print(order_table([result.summary], width=_TABLE_WIDTH), highlight=False)
    lines = [line.rstrip() for line in page.getvalue().splitlines()]
    return "\n".join(line for line in lines[:-1] if line)


def picture(report: OrderReport) -> Picture:
    """Return price path and progress of an order, one above the other, with a key."""
    frame = Frame.of(report)
    charts = [
        _key(report),
        price_chart(report, frame).properties(width=_WIDTH, height=_HEIGHT),
        plan_chart(report, frame).properties(width=_WIDTH, height=_PLAN_HEIGHT),
    ]
    whole = alt.vconcat(*charts, spacing=10).resolve_scale(x="independent", y="independent", color="independent")
    return whole.configure(font=_FONT, background="white", padding=8).configure_view(stroke="#d5d8dd")


def _key(report: OrderReport) -> Picture:
    """Return what the marks of the picture mean, in a row."""
    items = [
        ("bid to ask", _mark("rect", palette.MARKET, opacity=0.32)),
        ("child at its limit", _mark("rule", palette.OURS, strokeWidth=2.6)),
        ("fill that rested", _mark("point", palette.FILL, fillOpacity=0)),
        ("fill that crossed", _mark("point", palette.FILL, fill=palette.FILL, opacity=1)),
        *((row["level"], _LEVELS[row["level"]]) for row in price_levels(report)),
        ("below: planned", _mark("rule", palette.FILL, strokeWidth=1.5, strokeDash=palette.PLAN_DASH)),
        ("filled", _mark("rule", palette.OURS, strokeWidth=2)),
    ]
    layers: list[Picture] = []
    left = 0.0
    for word, mark in items:
        layers.append(_item({**mark, "clip": False}, left))
        text = {"type": "text", "align": "left", "baseline": "middle", "fontSize": 11, "text": word}
        layers.append(_item(text, left + _SWATCH + 5, is_point=True))
        left += _SWATCH + 5 + _LETTER * len(word) + 11
    return alt.layer(*layers).properties(width=_WIDTH, height=_KEY_HEIGHT, view=alt.ViewBackground(stroke=None))


def _mark(kind: str, colour: str, **more: Any) -> dict[str, Any]:
    return {"type": kind, "color": colour, **{name: list(x) if isinstance(x, tuple) else x for name, x in more.items()}}


def _item(mark: dict[str, Any], left: float, *, is_point: bool = False) -> Picture:
    """Return one mark of the key, *left* px from its edge."""
    middle, kind = _KEY_HEIGHT / 2, mark["type"]
    place: dict[str, Any] = {"x": left, "y": middle}
    if kind == "point":
        place["x"] = left + _SWATCH / 2
    elif kind == "rect":
        place |= {"y": middle - 5, "x2": left + _SWATCH, "y2": middle + 5}
    elif not is_point:
        place["x2"] = left + _SWATCH
    encoding = {channel: {"value": value} for channel, value in place.items()}
    return alt.Chart.from_dict({"data": {"values": [{}]}, "mark": mark, "encoding": encoding}, validate=False)


_SWATCH, _KEY_HEIGHT = 22, 14
_LEVELS = {
    "arrival mid": _mark("rule", palette.ARRIVAL, strokeWidth=1.6, strokeDash=palette.ARRIVAL_DASH),
    "interval VWAP": _mark("rule", palette.VWAP, strokeWidth=1.6, strokeDash=palette.VWAP_DASH),
    "limit": _mark("rule", palette.LIMIT, strokeWidth=1.6, strokeDash=palette.LIMIT_DASH),
}


if __name__ == "__main__":
    main(sys.argv[1:])
