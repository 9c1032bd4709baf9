"""The configuration file of `quietfill run`: one TOML file, read whole or refused with what is wrong in it.

Paths in it are relative to its own folder, so that it means the same from wherever it is started. Nothing secret is
in it: the token of the control port has a file of its own.
"""

from __future__ import annotations

import hashlib
import os
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, TypeAlias

import msgspec
from msgspec import Meta

from quietfill.agent.config import AgentConfig
from quietfill.agent.keys import described_keys
from quietfill.domain.errors import BadInput
from quietfill.service.control.section import ControlSection
from quietfill.service.toml import read_toml

_Port: TypeAlias = Annotated[int, Meta(ge=1, le=65_535)]
_Name: TypeAlias = Annotated[str, Meta(min_length=1)]


class Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of the file; what it does not know is refused."""


class AgentSection(Section, frozen=True, kw_only=True):
    """`[agent]`: how the agent signs, and its patience; see `AgentConfig`."""

    name: _Name = "ExecutionAgent"
    enabled: bool = True
    timeout_seconds: float = 30.0
    shutdown_timeout_seconds: float = 10.0


class IBSection(Section, frozen=True, kw_only=True, tag_field="kind", tag="ib"):
    """`[broker]` with `kind = "ib"`: Interactive Brokers, through IB Gateway, TWS or `quietfill gateway`.

    Attributes:
        host, port: of the API socket; 4002 is IB Gateway's for paper accounts, 4001 for live ones.
        client_id: of all orders, for ever.
        account: its code; may be left out where the gateway serves one paper account only.
        live: the account trades real money. The command line must say `--live` too.
        recorded: the gateway plays recorded data, and the agent lives by its clock.
        settings: patience and pace, see `IBSettings`.
    """

    host: _Name = "127.0.0.1"
    port: _Port = 4002
    client_id: Annotated[int, Meta(ge=0, le=2**31 - 1)] = 1
    account: _Name | None = None
    live: bool = False
    recorded: bool = False
    settings: dict[str, Any] = {}


class SimSection(Section, frozen=True, kw_only=True, tag_field="kind", tag="sim"):
    """`[broker]` with `kind = "sim"`: the embedded exchange on recorded data, without a gateway.

    Attributes:
        feed, data, symbol, book, date, tick, lot: the recording, as in `quietfill simulate`; the packaged hour without.
        speed: simulated seconds a second; 0 is as fast as possible, and then time stands still while no order lives.
        seed: of latency and ids.
    """

    feed: _Name | None = None
    data: tuple[Path, ...] = ()
    symbol: _Name | None = None
    book: Path | None = None
    date: date | None = None
    tick: Decimal | None = None
    lot: Decimal | None = None
    speed: Annotated[float, Meta(ge=0, le=100_000)] = 1.0
    seed: Annotated[int, Meta(ge=0, le=2**63 - 1)] = 1


class InstrumentSection(Section, frozen=True, kw_only=True):
    """`[instruments.NAME]`: which contract a name stands for; what is left out is open and must leave one contract.

    Attributes:
        symbol: its ticker, where that is not the name.
        expiry: of futures and options, `20261218` or `202612`.
        right: of options, C or P.
        con_id: Interactive Brokers' own number, which alone is enough.
        depth: rows of the book to listen to on each side; 0 for the touch alone. Each takes one of a few subscriptions.
        average_daily_volume, daily_volatility: for impact estimates until these were observed.
    """

    symbol: _Name | None = None
    security_type: str | None = None
    exchange: str | None = None
    currency: str | None = None
    primary_exchange: str | None = None
    expiry: str | None = None
    strike: Decimal | None = None
    right: str | None = None
    multiplier: str | None = None
    local_symbol: str | None = None
    trading_class: str | None = None
    con_id: int | None = None
    depth: Annotated[int, Meta(ge=0, le=60)] = 0
    average_daily_volume: Annotated[float, Meta(gt=0)] | None = None
    daily_volatility: Annotated[float, Meta(gt=0)] | None = None

    def contract(self) -> dict[str, Any]:
        """Return what was said of the contract itself."""
        said = msgspec.structs.asdict(self)
        return {key: value for key, value in said.items() if value is not None and key not in _NOT_OF_THE_CONTRACT}


_NOT_OF_THE_CONTRACT = frozenset({"depth", "average_daily_volume", "daily_volatility"})


class JournalSection(Section, frozen=True, kw_only=True):
    """`[journal]`: the file that everything is in; the audit log lies beside it."""

    path: Path = Path("data/quietfill.journal")


class AlgosSection(Section, frozen=True, kw_only=True):
    """`[algos]`: algos of your own, each as `path.py:Class`; those of installed packages are there anyway."""

    files: tuple[_Name, ...] = ()


class BusSection(Section, frozen=True, kw_only=True, tag_field="kind", tag="local"):
    """`[bus]`: where decisions come from. `local` is a bus inside the process, fed by the control port."""


class ReportSection(Section, frozen=True, kw_only=True):
    """`[report]`: the page written when the service stops; without a path none is."""

    path: Path | None = None


class ServiceConfig(Section, frozen=True, kw_only=True):
    """The whole file.

    Attributes:
        limits: keys of the groups Limits and Pacing of the configuration page; `parameters` takes all of them.
    """

    broker: IBSection | SimSection
    agent: AgentSection = AgentSection()
    journal: JournalSection = JournalSection()
    bus: BusSection = BusSection()
    limits: dict[str, Any] = {}
    parameters: dict[str, Any] = {}
    algos: AlgosSection = AlgosSection()
    instruments: dict[str, InstrumentSection] = {}
    control: ControlSection = ControlSection()
    report: ReportSection = ReportSection()

    def agent_config(self) -> AgentConfig:
        """Return what the agent is told.

        Direct orders are off unless the file allows them: a service trades on approved decisions.

        Raises:
            BadInput: naming every key that is wrong.
        """
        rows = described_keys()
        for key in self.limits:
            if key not in rows or rows[key].group not in _LIMIT_GROUPS:
                raise BadInput(f"limits.{key} is no limit; other keys belong into [parameters]")
            if key in self.parameters:
                raise BadInput(f"{key} is in [limits] and in [parameters]")
        if "journal_path" in self.parameters:
            raise BadInput("parameters.journal_path: the journal of a service is journal.path")
        return AgentConfig(
            self.agent.name,
            self.agent.enabled,
            self.agent.timeout_seconds,
            self.agent.shutdown_timeout_seconds,
            {"allow_direct_orders": False} | self.parameters | self.limits,
        )


_LIMIT_GROUPS = frozenset({"Limits", "Pacing"})


def read_config(path: Path) -> ServiceConfig:
    """Read and check a configuration file; paths in it become relative to its folder.

    Raises:
        BadInput: when it is missing, no TOML, or holds what is not known or out of range; the message names it.
    """
    config = read_toml(path, ServiceConfig)
    try:
        config.agent_config()
    except BadInput as error:
        raise BadInput(f"{path}: {error}") from None
    config = _beside(config, path.parent)
    _check_apart(config, path)
    return config


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a configuration file, for the journal: which words the agent was started with."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _check_apart(config: ServiceConfig, path: Path) -> None:
    """Refuse one file for two things: a report would take the journal's place."""
    journal = config.journal.path
    files = {
        "the configuration": path,
        "journal.path": journal,
        "the audit log beside the journal": journal.with_name(f"{journal.name}.audit"),
        "control.token_file": config.control.token_file,
    }
    if config.report.path is not None:
        files["report.path"] = config.report.path
    found: dict[str, str] = {}
    for what, file in files.items():
        try:
            place = os.path.realpath(file)
            file.exists()
        except (OSError, ValueError) as error:  # too long, a file where a folder should be, a zero byte
            raise BadInput(f"{path}: {what} cannot be used: {getattr(error, 'strerror', None) or error}") from None
        if place in found:
            raise BadInput(f"{path}: {what} is the same file as {found[place]}: {file}")
        found[place] = what


def _beside(config: ServiceConfig, folder: Path) -> ServiceConfig:
    replace = msgspec.structs.replace
    broker = config.broker
    if isinstance(broker, SimSection):
        book = None if broker.book is None else folder / broker.book
        broker = replace(broker, data=tuple(folder / one for one in broker.data), book=book)
    report = config.report.path
    return replace(
        config,
        broker=broker,
        journal=replace(config.journal, path=folder / config.journal.path),
        algos=replace(config.algos, files=tuple(str(folder / one) for one in config.algos.files)),
        control=config.control.beside(folder),
        report=replace(config.report, path=None if report is None else folder / report),
    )
