// Draws every chart of the page, in the colours of the reader's scheme. `vegaEmbed` comes with the bundle around this.
const charts = JSON.parse(document.getElementById("charts").textContent);
const drawn = new Map();
const scheme = matchMedia("(prefers-color-scheme: dark)");

function themed() {
  const style = getComputedStyle(document.documentElement);
  const [ink, rule] = [style.getPropertyValue("--quiet").trim(), style.getPropertyValue("--rule").trim()];
  const font = "system-ui, sans-serif";
  return {
    background: null,
    font,
    view: { stroke: null },
    axis: {
      labelColor: ink, tickColor: rule, domainColor: rule, gridColor: rule, labelFontSize: 12, tickSize: 4, labelPadding: 5,
    },
  };
}

async function draw() {
  for (const [id, spec] of Object.entries(charts)) {
    const place = document.getElementById(id);
    // Expressions are interpreted, not compiled, so the page's policy can forbid `eval`.
    drawn.get(id)?.finalize();
    const result = await vegaEmbed(place, spec, {
      mode: "vega-lite", actions: false, renderer: "svg", ast: true, defaultStyle: false, config: themed(),
      tooltip: { disableDefaultStyle: true },
    });
    drawn.set(id, result);
  }
  const page = document.documentElement.dataset;
  page.drawn = String(Number(page.drawn ?? 0) + 1);
}

// One drawing after the other: two at once would leave each place to whichever came last.
let drawing = draw();
scheme.addEventListener("change", () => { drawing = drawing.then(draw); });
