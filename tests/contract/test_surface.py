"""Every class, method, keyword and default of the public contract is in the package, as the page has it."""

from __future__ import annotations

import inspect
from typing import Any

import msgspec
import pytest

import quietfill
from quietfill import AgentConfig, ExecutionAgentImpl, MemoryJournal
from tests.contract.page import CONTRACT, differences, read_default

VALUES = CONTRACT["values"]
EVENTS = {name: fields for name, fields in CONTRACT["events"].items() if name != "base"}
METHODS = [(name, method, call) for name in VALUES for method, call in VALUES[name].get("methods", {}).items()]
PROPERTIES = [(name, member) for name in VALUES for member in VALUES[name].get("properties", ())]


@pytest.mark.parametrize("name", VALUES)
def test_a_class_is_made_as_the_contract_says(name: str) -> None:
    """A constructor takes these arguments in this order with these defaults."""
    kind = getattr(quietfill, name)

    assert differences(kind, VALUES[name]["call"]) == []


@pytest.mark.parametrize(("name", "method", "call"), METHODS)
def test_a_class_has_its_methods(name: str, method: str, call: str) -> None:
    """A method takes these arguments, and is awaited where the page says so."""
    assert differences(getattr(getattr(quietfill, name), method), call) == []


@pytest.mark.parametrize(("name", "member"), PROPERTIES)
def test_a_class_has_its_properties(name: str, member: str) -> None:
    """A property is one, not a method."""
    assert not callable(inspect.getattr_static(getattr(quietfill, name), member))


@pytest.mark.parametrize("name", EVENTS)
def test_an_event_has_its_fields(name: str) -> None:
    """An event has these fields with these defaults, is frozen, and goes into the audit log."""
    kind = getattr(quietfill, name)
    fields = {field.name: field for field in msgspec.structs.fields(kind)}

    for key, default in {**CONTRACT["events"]["base"], **EVENTS[name]}.items():
        assert key in fields, f"{name} lacks {key}"
        field = fields[key]
        if default == "!":
            assert field.required, f"{name}.{key} must be required"
        elif default not in {"?", "unknown"}:
            assert _default_of(field) == read_default(default), f"{name}.{key}"
    assert kind.__struct_config__.frozen
    assert callable(kind.to_audit_dict)


@pytest.mark.parametrize("name", CONTRACT["enums"])
def test_an_enum_has_its_values(name: str) -> None:
    """An enum has at least these values."""
    values = {item.value for item in getattr(quietfill, name)}

    assert set(CONTRACT["enums"][name]) <= values


def test_parameters_have_their_defaults() -> None:
    """Every configuration key of the page is there with its default; those of older agents are accepted."""
    settings = AgentConfig("desk").settings

    for key, default in CONTRACT["parameters"].items():
        value: Any = getattr(settings, key)
        assert value == (tuple(default) if isinstance(default, list) else default), key
    for key in CONTRACT["older_parameters"]["names"]:
        assert hasattr(settings, key), key


def test_the_agent_is_made_as_the_contract_says() -> None:
    """The agent's constructor has fixed keyword names."""
    assert differences(ExecutionAgentImpl, CONTRACT["agent"]["call"]) == []
    assert issubclass(ExecutionAgentImpl, quietfill.ExecutionAgentBase)


@pytest.mark.parametrize(("method", "call"), CONTRACT["agent"]["methods"].items())
def test_the_agent_has_its_methods(method: str, call: str) -> None:
    """A method of the agent takes these arguments with these defaults, and has a docstring."""
    function = getattr(ExecutionAgentImpl, method)

    assert differences(function, call) == []
    assert (inspect.getdoc(function) or "").strip()


@pytest.mark.parametrize("method", CONTRACT["agent"]["older_methods"]["names"])
def test_names_of_older_agents_are_there(method: str) -> None:
    """Users coming from an older agent find its names."""
    assert callable(getattr(ExecutionAgentImpl, method))


def test_every_public_name_of_the_page_is_at_the_top() -> None:
    """What the page names is importable from the top level and listed there."""
    further = ["VALID_ORDER_TRANSITIONS", "is_valid_state_transition", "ExecutionAgentBase", "ExecutionAgentImpl"]
    for name in (*VALUES, *EVENTS, *CONTRACT["enums"], *further):
        assert name in quietfill.__all__, name
        assert getattr(quietfill, name) is not None
    assert MemoryJournal().sequence == 0


def _default_of(field: msgspec.structs.FieldInfo) -> Any:
    return field.default if field.default is not msgspec.NODEFAULT else field.default_factory()
