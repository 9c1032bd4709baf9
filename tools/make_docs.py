"""Write the reference pages that follow from the code; a test fails while one of them is out of date.

Run it as `.venv/bin/python tools/make_docs.py` after changing a configuration key or the order-state table.
"""  # noqa: INP001 - a script

from pathlib import Path

from quietfill.agent.keys import config_table
from quietfill.domain.order_state import VALID_ORDER_TRANSITIONS, OrderState

REFERENCE = Path(__file__).resolve().parent.parent / "docs" / "reference"
NOTE = "<!-- Written by tools/make_docs.py; change the code, not this page. -->"


def main() -> None:
    """Write every page."""
    for name, text in pages().items():
        (REFERENCE / name).write_text(text, encoding="utf-8", newline="\n")


def pages() -> dict[str, str]:
    """Return each page's text by its file name."""
    return {"configuration.md": configuration(), "order-states.md": order_states()}


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


def order_states() -> str:
    """Return the page of the order-state table."""
    rows = "\n".join(f"| `{state}` | {_ends(state)} | {_followers(state)} |" for state in OrderState)
    return f"""{NOTE}

# Order states

Parents and children share one table. A step that is not in it does not happen: `transition_state` answers
`False` and nothing changes. An end leads only to itself and to `filled`, because fills come late; `failed`,
our own withdrawal, also to whatever the broker says of the order.

| state | end | may become |
|---|---|---|
{rows}
"""


def _ends(state: OrderState) -> str:
    return "yes" if state.is_terminal else ""


def _followers(state: OrderState) -> str:
    return ", ".join(f"`{other}`" for other in OrderState if other in VALID_ORDER_TRANSITIONS[state])


if __name__ == "__main__":
    main()
