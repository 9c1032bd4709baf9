"""The configuration file of a service: what is read, and how what is wrong is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from quietfill.agent.config import AgentConfig
from quietfill.domain.errors import BadInput
from quietfill.service.config import IBSection, SimSection, digest_of, read_config

EXAMPLES = Path(__file__).parents[2] / "examples"


def written(folder: Path, text: str) -> Path:
    """Return a configuration file with this text."""
    path = folder / "desk.toml"
    path.write_text(text)
    return path


def test_the_least_file_is_a_broker(tmp_path: Path) -> None:
    """Everything but the broker has a default, and paths lie beside the file."""
    config = read_config(written(tmp_path, '[broker]\nkind = "ib"\n'))
    assert config.broker == IBSection()
    assert config.journal.path == tmp_path / "data/quietfill.journal"
    assert config.control.token_file == tmp_path / "data/control.token"
    assert config.report.path is None


def test_a_simulated_broker_takes_a_recording(tmp_path: Path) -> None:
    """The files of a recording are beside the configuration too."""
    text = '[broker]\nkind = "sim"\nfeed = "lobster"\ndata = ["a.csv"]\nbook = "b.csv"\nsymbol = "AAPL"\nspeed = 60\n'
    broker = read_config(written(tmp_path, text)).broker
    assert isinstance(broker, SimSection)
    assert (broker.data, broker.book, broker.speed) == ((tmp_path / "a.csv",), tmp_path / "b.csv", 60.0)


def test_limits_and_parameters_reach_the_agent(tmp_path: Path) -> None:
    """Both tables end in the agent's parameters."""
    text = '[broker]\nkind = "ib"\n[limits]\nmax_order_quantity = 500\n[parameters]\nslice_interval_seconds = 5.0\n'
    agent = read_config(written(tmp_path, text)).agent_config()
    assert isinstance(agent, AgentConfig)
    assert agent.settings.max_order_quantity == 500
    assert agent.settings.slice_interval_seconds == 5.0


@pytest.mark.parametrize(("line", "allowed"), [("", False), ("allow_direct_orders = true", True)])
def test_direct_orders_are_off_unless_allowed(tmp_path: Path, line: str, *, allowed: bool) -> None:
    """A service trades on approved decisions only, unless its file says otherwise."""
    config = read_config(written(tmp_path, f'[broker]\nkind = "ib"\n[parameters]\n{line}\n'))
    assert config.agent_config().settings.allow_direct_orders is allowed


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "Object missing required field `broker`"),
        ("[broker", "is no TOML"),
        ('[broker]\nkind = "ibkr"', "broker.kind: Invalid value 'ibkr'"),
        ('[broker]\nkind = "ib"\nprot = 1', "broker: Object contains unknown field `prot`"),
        ('[broker]\nkind = "ib"\nport = 70000', "broker.port: Expected `int` <= 65535"),
        ('[broker]\nkind = "ib"\nport = "4002"', "broker.port: Expected `int`, got `str`"),
        ('[broker]\nkind = "sim"\nspeed = -1', "broker.speed: Expected `float` >= 0"),
        ('[broker]\nkind = "ib"\n[limits]\nslice_interval_seconds = 1', "limits.slice_interval_seconds is no limit"),
        ('[broker]\nkind = "ib"\n[limits]\nmax_open_orders = 0', "max_open_orders"),
        ('[broker]\nkind = "ib"\n[parameters]\nslice_interval = 1', "unknown key 'slice_interval', did you mean"),
        ('[broker]\nkind = "ib"\n[parameters]\njournal_path = "x"', "the journal of a service is journal.path"),
        (
            '[broker]\nkind = "ib"\n[limits]\nmax_open_orders = 2\n[parameters]\nmax_open_orders = 2',
            "max_open_orders is in [limits] and in [parameters]",
        ),
        ('[broker]\nkind = "ib"\n[bus]\nkind = "nats"', "bus.kind: Invalid value 'nats'"),
        ('[broker]\nkind = "ib"\n[instruments.ES]\nexpirey = "202612"', "instruments[...]: Object contains unknown"),
        ('[broker]\nkind = "ib"\n[control]\nport = -1', "control.port: Expected `int` >= 0"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, problem: str) -> None:
    """The message names the file, the place in it, and what is wrong there, on one line."""
    with pytest.raises(BadInput) as caught:
        read_config(written(tmp_path, text))
    message = str(caught.value)
    assert problem in message
    assert message.startswith(str(tmp_path))
    assert "\n" not in message


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """A file that is not there is no configuration."""
    with pytest.raises(BadInput, match=r"none\.toml: No such file"):
        read_config(tmp_path / "none.toml")


@pytest.mark.parametrize("name", ["paper-gateway.toml", "paper-account.toml"])
def test_the_examples_are_read(name: str) -> None:
    """The examples that the guides use are valid, let `quietfill send` trade, and trade no real money."""
    config = read_config(EXAMPLES / name)
    assert isinstance(config.broker, IBSection)
    assert not config.broker.live
    assert "CommandLine" in config.agent_config().settings.approving_agents
    assert config.report.path is not None


def test_the_digest_is_of_the_words(tmp_path: Path) -> None:
    """Another word in the file is another digest."""
    one = digest_of(written(tmp_path, '[broker]\nkind = "ib"\n'))
    assert digest_of(written(tmp_path, '[broker]\nkind = "ib"\nport = 4001\n')) != one
