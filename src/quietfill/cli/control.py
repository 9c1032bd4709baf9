"""What the clients of a running agent have in common: where it is, who speaks, and how an answer is shown.

The agent is found through its configuration file. Where that cannot be read any more, port and token file are enough:
nobody may be kept from a kill by a comma.
"""

from __future__ import annotations

import getpass
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from cyclopts import Parameter

from quietfill.cli.options import Flag
from quietfill.domain.errors import BadInput

if TYPE_CHECKING:
    from quietfill.cli.terminal import Terminal
    from quietfill.service.control.client import ControlClient


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class AgentFlags:
    """Which agent.

    Attributes:
        config: the configuration file that `quietfill run` was started with.
        port: its control port, in place of the file's.
        token_file: its token file, in place of the file's; with --port the configuration is not read.
        json: print the answer as one JSON object.
    """

    config: Path = Path("quietfill.toml")
    port: int | None = None
    token_file: Path | None = None
    json: Flag = False

    def client(self) -> ControlClient:
        """Return the client of this agent.

        Raises:
            BadInput: when the configuration or the token file cannot be used.
        """
        from quietfill.service.control.client import ControlClient
        from quietfill.service.control.token import read_token

        if self.port is not None and self.token_file is not None:
            return ControlClient("127.0.0.1", self.port, read_token(self.token_file))
        from quietfill.service.control.section import read_control

        control = read_control(self.config)
        port = control.port if self.port is None else self.port
        return ControlClient(control.host, port, read_token(self.token_file or control.token_file))

    def terminal(self) -> Terminal:
        """Return where words go."""
        from quietfill.cli.terminal import Terminal

        return Terminal(json=self.json)


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class ActorFlags:
    """Who acts.

    Attributes:
        by: your name, for the journal; the name you are logged in with by default.
    """

    by: str | None = None

    @property
    def name(self) -> str:
        """The actor's name.

        Raises:
            BadInput: when this machine has no name for the user.
        """
        if self.by is not None:
            return self.by
        try:
            return getpass.getuser()
        except (OSError, KeyError, ImportError):  # as systems and versions have it
            raise BadInput("who acts? This machine has no name for you: say it with --by") from None


def order_path(order_id: str, act: str = "") -> str:
    """Return the path of an order, or of an act on it."""
    return f"/v1/orders/{quote(order_id, safe='')}{act}"


def tell(agent: AgentFlags, told: dict[str, Any], text: str) -> int:
    """Show an answer."""
    terminal = agent.terminal()
    terminal.line(text)
    if agent.json:
        terminal.finish(told)
    return 0
