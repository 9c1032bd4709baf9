"""What the pages of the reference are made of: a list in a TOML file, and the parts of the agent."""  # noqa: INP001

from __future__ import annotations

import ast
import tomllib
from functools import cache
from pathlib import Path
from typing import Any, Final

from quietfill.agent.agent import ExecutionAgentImpl
from tools.api_pages import Index, Page, Section, class_node, method, package_sections, signature
from tools.docstrings import markdown, summary

_LIST: Final = Path(__file__).with_suffix(".toml")
_OWN_PAGES: Final = {
    "ExecutionAgentImpl": "agent.md",
    "AgentConfig": "configuration.md",
    "VALID_ORDER_TRANSITIONS": "order-states.md",
}


@cache
def pages() -> tuple[Page, ...]:
    """Return every page that is made of signatures and docstrings; the agent's is not one of them."""
    return tuple(_page(row) for row in tomllib.loads(_LIST.read_text(encoding="utf-8"))["page"])


def whole_index() -> Index:
    """Return where every documented name is, but for the agent's methods, whose names others have too."""
    index = Index.of(pages())
    return Index({**index.places, **_OWN_PAGES})


def _page(row: dict[str, Any]) -> Page:
    package = row.get("package")
    listed = tuple(_section(each) for each in row.get("section", ()))
    sections = listed if package is None else package_sections(package)
    return Page(row["name"], row["title"], _flowing(row.get("lead", "")), sections)


def _section(row: dict[str, Any]) -> Section:
    members = [f"{line.partition(': ')[0]}:{name}" for line in row["names"] for name in line.partition(": ")[2].split()]
    return Section(row["title"], tuple(members), _flowing(row.get("lead", "")))


def _flowing(words: str) -> str:
    return " ".join(words.split())


# --------------------------------------------------------------------------------------------------- agent

_LEAD: Final = """
Unknown order ids give `None`, `False` or an empty list, never an exception. Costs are positive when they hurt, for
buys and sells alike; what cannot be known is `None`. Bad input is refused with `BadInput` (a `ValueError`) that names
it, and nothing has changed. Every method that changes something leaves a record in the journal. The keys of `config`
are in [Configuration](configuration.md), what the agent says on the bus in [Events](events.md).
"""

_PARTS: Final = {
    "ExecutionAgentBase": "Starting and stopping",
    "ExecutionAgentImpl": "Events, market data and direct orders",
    "StatusMethods": "What is going on",
    "OperatorMethods": "Acting on orders",
    "StopMethods": "Stops",
    "TimeoutMethods": "Time-outs",
    "ExecuteMethods": "Orders to await",
    "ParticipationMethods": "Participation and volume profiles",
    "BookMethods": "Order book, crossing and queue",
    "ImpactMethods": "Market impact",
    "TcaMethods": "What orders cost",
    "LatencyMethods": "Venues",
    "BestExecutionMethods": "Best execution",
    "FileMethods": "Orders as files",
    "OlderNames": "Names of older agents",
    "AgentFace": "The observed market",
}


def agent_parts() -> list[tuple[type, str, list[str]]]:
    """Return (class, title, names of its public methods) of every part of the agent, most used first."""
    seen: set[str] = set()
    found: list[tuple[type, str, list[str]]] = []
    for part in ExecutionAgentImpl.__mro__:
        if not part.__module__.startswith("quietfill."):
            continue
        node, _ = class_node(part)
        names = [each.name for each in _methods(node) if each.name not in seen]
        seen |= set(names)
        if names:
            found.append((part, _PARTS.get(part.__name__, part.__name__), names))
    order = list(_PARTS)
    return sorted(found, key=lambda part: order.index(part[0].__name__) if part[0].__name__ in order else len(order))


def agent_text(index: Index, note: str) -> str:
    """Return the page of the agent: every public method, by part."""
    node, home = class_node(ExecutionAgentImpl)
    init = next(each for each in node.body if isinstance(each, ast.FunctionDef) and each.name == "__init__")
    everything = Index(
        {**index.places, **{name: f"agent.md#{name}" for _, _, names in agent_parts() for name in names}}
    )
    parts = [
        note,
        "# The agent",
        "`from quietfill import ExecutionAgentImpl`",
        signature(init, home, name="ExecutionAgentImpl"),
        markdown(ast.get_docstring(node) or "", index.link("agent", "")),
        _flowing(_LEAD),
        "\n".join(
            f"* **{title}**: {', '.join(f'[`{name}`](#{name})' for name in names)}" for _, title, names in agent_parts()
        ),
    ]
    for part, title, names in agent_parts():
        parts += _agent_part(part, title, names, everything)
    return "\n\n".join(part for part in parts if part) + "\n"


def _agent_part(part: type, title: str, names: list[str], index: Index) -> list[str]:
    node, home = class_node(part)
    lead = "" if part is ExecutionAgentImpl else summary(ast.get_docstring(node) or "", index.link("agent", ""))
    found = [each for each in _methods(node) if each.name in names]
    return [
        f"## {title}",
        lead,
        *(method(each, home, index.link("agent", each.name), f"### {each.name}") for each in found),
    ]


def _methods(node: ast.ClassDef) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    found = [each for each in node.body if isinstance(each, (ast.FunctionDef, ast.AsyncFunctionDef))]
    return [each for each in found if not each.name.startswith("_") and not each.decorator_list]
