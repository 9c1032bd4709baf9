"""Write the reference pages that follow from the code; a test fails while one of them is out of date.

Run it as `.venv/bin/python tools/make_docs.py` after changing a signature, a docstring, a configuration key or the
order-state table.
"""  # noqa: INP001 - a script

from __future__ import annotations

import inspect
import sys
from dataclasses import replace
from pathlib import Path

if __name__ == "__main__":  # run by its path, it does not see its neighbours
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from quietfill.agent.keys import config_table
from quietfill.algos.base import AlgoParams
from quietfill.algos.parameters import ParamRow, schema_rows
from quietfill.algos.registry import AlgoSpec, describe, registry
from quietfill.brokers.ib.algos import ALGOS
from quietfill.brokers.ib.codes import CODES, Effect
from quietfill.cli.main import app
from quietfill.domain import records
from quietfill.domain.order_state import VALID_ORDER_TRANSITIONS, OrderState
from tools.api_pages import Index, Page, page_text
from tools.docstrings import cell, summary
from tools.reference_pages import agent_text, whole_index
from tools.reference_pages import pages as listed_pages
from tools.state_diagram import state_diagram

REFERENCE = Path(__file__).resolve().parent.parent / "docs" / "reference"
IMAGES = REFERENCE.parent / "images"
NOTE = "<!-- Written by tools/make_docs.py; change the code, not this page. -->"


def main() -> None:
    """Write every page."""
    for name, text in pages().items():
        (REFERENCE / name).write_text(text, encoding="utf-8", newline="\n")
    for name, text in images().items():
        (IMAGES / name).write_text(text, encoding="utf-8", newline="\n")


def pages() -> dict[str, str]:
    """Return each page's text by its file name."""
    index = whole_index()
    listed = {page.name: page for page in listed_pages()}
    listed["journal-bus-audit"] = replace(listed["journal-bus-audit"], after=record_kinds())
    return {
        "agent.md": agent_text(index, NOTE),
        "algorithms.md": algorithms(),
        "command-line.md": command_line(),
        "configuration.md": configuration(),
        **{f"{name}.md": page_text(page, index, NOTE) for name, page in listed.items()},
        "ib-codes.md": ib_codes(),
        "order-states.md": order_states(listed["order-states"], index),
    }


def images() -> dict[str, str]:
    """Return each picture's SVG by its file name."""
    return {"order-states.svg": state_diagram()}


def algorithms() -> str:
    """Return the page of all built-in algos and their parameters."""
    shared = {row.name for row in schema_rows(AlgoParams)}
    sections = "\n".join(_algo_section(spec, shared) for spec in registry())
    theirs = "\n".join(_algo_section(spec, shared, "###") for spec in ALGOS)
    return f"""{NOTE}

# Algorithms

What a decision may name as `algo`, and `quietfill simulate --algo`, with `--param key=value` for each parameter.
`quietfill algos` prints the same from the code, your own algos included.

## Every algo

{_parameters(schema_rows(AlgoParams))}
{sections}
## Interactive Brokers' own

Only an agent whose broker is Interactive Brokers offers these: see [how to use
them](../how-to/interactive-brokers-algos.md). They take day orders, no `participation_cap`, `min_child` or `max_child`,
no `urgency` but 0.5, and for `rest` abandon or alert.

{theirs}"""


def _algo_section(spec: AlgoSpec, shared: set[str], level: str = "##") -> str:
    # A parameter that every algo has is repeated only where its default differs.
    common = {row.name: row.default for row in schema_rows(AlgoParams)}
    own = [row for row in describe(spec) if row.name not in shared or row.default != common[row.name]]
    table = _parameters(own) if own else "No parameters but those that every algo has.\n"
    return f"{level} {spec.name}\n\n{spec.docs}\n\n{table}"


def _parameters(rows: list[ParamRow]) -> str:
    lines = [
        f"| `{row.name}` | {row.type.replace('|', 'or')} | {row.default or 'none'} | {row.meaning} |" for row in rows
    ]
    return "\n".join(["| parameter | what | default | meaning |", "|---|---|---|---|", *lines, ""])


def ib_codes() -> str:
    """Return the page of all codes of Interactive Brokers that have an effect."""
    rows = [f"| {code.number} | {code.meaning} | {code.effect.value} |" for code in CODES]
    return f"""{NOTE}

# Codes of Interactive Brokers

The gateway says most things about requests and orders with a number. A number is evidence and never a state: whether an
order lives or has ended is told by open-order, order-status, execution and completed-order messages alone. What a
number does is this table, and nothing else in the code looks at one.

A code that is not in the table, about an order: {Effect.ASK.value}.

{chr(10).join(["| code | what it says | what it does |", "|---|---|---|", *rows, ""])}"""


def command_line() -> str:
    """Return the page of all commands and their options, as the program itself lists them."""
    listed = app.generate_docs(output_format="markdown")
    return f"""{NOTE}

# Command line

`quietfill COMMAND --help` prints the same. Results go to standard output, progress and notes to standard error; with
`--json` standard output holds one JSON object and nothing else.

| exit code | meaning |
|---|---|
| 0 | done; that nothing was filled is no error |
| 2 | the input was wrong: one line on standard error says what |
| 130 | interrupted |

{listed[listed.index("## quietfill ") :].rstrip()}
"""


def record_kinds() -> str:
    """Return the table of what a journal holds."""
    kinds = [made for made in records.Record.__subclasses__() if made.__module__ == records.__name__]
    rows = [f"| `{made.__struct_config__.tag}` | `{made.__name__}` | {_meaning(made)} |" for made in kinds]
    lead = (
        "What a journal holds, by the kind that `quietfill journal show --kind` takes. Records are facts: past tense,"
        " immutable, never removed; the classes are in `quietfill.domain.records`."
    )
    return "\n".join(["## Records", "", lead, "", "| kind | class | meaning |", "|---|---|---|", *rows])


def _meaning(made: type) -> str:
    return cell(summary(inspect.cleandoc(made.__doc__ or "")))


def configuration() -> str:
    """Return the page of all keys of `AgentConfig.parameters`."""
    return f"""{NOTE}

# Configuration

`AgentConfig(name, enabled=True, timeout_seconds=30.0, shutdown_timeout_seconds=10.0, parameters={{}})`

A key that is unknown, of the wrong type or out of range is refused when the configuration is made, and the
message names it. `config.settings` holds every key with its type, those not given at their defaults;
`config.unused` lists the keys given that have no effect.

```python
from quietfill.agent.config import AgentConfig

config = AgentConfig("execution", parameters={{"max_slippage_bps": 20, "slice_interval_seconds": 30}})
assert config.settings.max_slippage_bps == 20
```

{config_table()}"""


def order_states(words: Page, index: Index) -> str:
    """Return the page of the order-state table, and of the words that orders are described with."""
    rows = "\n".join(f"| `{state}` | {_ends(state)} | {_followers(state)} |" for state in OrderState)
    head = f"""{NOTE}

# Order states

Parents and children share one table. A step that is not in it does not happen: `transition_state` answers
`False` and nothing changes. An end leads only to itself and to `filled`, because fills come late; `failed`,
our own withdrawal, also to whatever the broker says of the order.

![The usual ways of an order from state to state, and every step that the table knows](../images/order-states.svg)

Above: the usual ways. Below: every step that may be taken, from the state at the left to the one on top.

| state | end | may become |
|---|---|---|
{rows}

In Python: `quietfill.VALID_ORDER_TRANSITIONS`, a mapping from each state to those that may follow.
"""
    return head + page_text(words, index, "").removeprefix(f"# {words.title}\n")


def _ends(state: OrderState) -> str:
    return "yes" if state.is_terminal else ""


def _followers(state: OrderState) -> str:
    return ", ".join(f"`{other}`" for other in OrderState if other in VALID_ORDER_TRANSITIONS[state])


if __name__ == "__main__":
    main()
