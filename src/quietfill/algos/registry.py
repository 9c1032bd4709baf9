"""Which algos there are, and what can be set on each. One schema drives configuration, forms and docs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec

from quietfill.algos.adaptive import Adaptive
from quietfill.algos.base import Algo, AlgoParams, Plan
from quietfill.algos.close import Close
from quietfill.algos.iceberg import Iceberg
from quietfill.algos.limit import Limit
from quietfill.algos.market import Market
from quietfill.algos.midpoint_peg import MidpointPeg
from quietfill.algos.parameters import ParamRow, read_params, schema_rows
from quietfill.algos.pov import Pov
from quietfill.algos.pricing import appears
from quietfill.algos.shortfall import Shortfall
from quietfill.algos.sniper import Sniper
from quietfill.algos.stop import Stop
from quietfill.algos.stop_limit import StopLimit
from quietfill.algos.trailing_stop import TrailingStop
from quietfill.algos.twap import Twap
from quietfill.algos.vwap import Vwap
from quietfill.algos.windows import as_working, outside, window
from quietfill.domain.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from quietfill.algos.base import ParentView
    from quietfill.domain.types import Timestamp
    from quietfill.market.view import MarketView


class AlgoSpec(msgspec.Struct, frozen=True):
    """One algo: what plans, what can be set, and what it is for.

    Attributes:
        name: how orders name it; lower case.
        algo: answers with plans.
        params: the parameters' schema.
        docs: the first sentence of the class's docstring.
        needs_limit: an order without a limit price is refused.
        is_stop: nothing works before its trigger; a kill disarms it.
        needs_stop: an order without a stop price is refused.
        all_day: without a stated end it lasts to the end of the day's continuous trading.
        day_only: an order with another time in force than DAY is refused.
    """

    name: str
    algo: Algo
    params: type[AlgoParams]
    docs: str
    needs_limit: bool = False
    is_stop: bool = False
    needs_stop: bool = False
    all_day: bool = False
    day_only: bool = False


class AlgoRegistry:
    """The algos that orders may name. Names are matched in any letter case."""

    def __init__(self) -> None:
        """Start empty; `registry()` gives one with the built-in algos."""
        self._specs: dict[str, AlgoSpec] = {}

    def register(self, spec: AlgoSpec) -> None:
        """Add an algo.

        Raises:
            BadInput: when the name is taken or not a plain word.
        """
        if not re.fullmatch(r"[a-z][a-z0-9_]*", spec.name):
            raise BadInput(f"algo name {spec.name!r} must be lower-case letters, digits and _")
        if spec.name in self._specs:
            raise BadInput(f"algo {spec.name!r} is registered already")
        self._specs[spec.name] = spec

    def get(self, name: str) -> AlgoSpec:
        """Return the algo of this name.

        Raises:
            BadInput: when there is none; the message lists the known ones.
        """
        spec = self._specs.get(name.lower())
        if spec is None:
            raise BadInput(f"unknown algo {name!r}; known: {', '.join(sorted(self._specs))}")
        return spec

    def __contains__(self, name: str) -> bool:
        return name.lower() in self._specs

    def __iter__(self) -> Iterator[AlgoSpec]:
        return iter(self._specs.values())


class AcceptedAlgos(AlgoRegistry):
    """The algos of orders that were accepted, also those of an agent that knew other algos than this one.

    A journal outlives the broker and the files that its orders' algos came from. An algo that is not known here fails
    when it is asked for a plan, as one with a bug does: its order freezes, and what works of it is withdrawn.
    """

    def __init__(self, known: AlgoRegistry) -> None:
        """Look up in *known* first."""
        super().__init__()
        self._known = known

    def get(self, name: str) -> AlgoSpec:
        """Return the algo of this name, or one that has no plan."""
        if name in self._known:
            return self._known.get(name)
        return AlgoSpec(name, _Unknown(name), AlgoParams, "Not known here.")


class _Unknown:
    """Stands where an algo would be."""

    def __init__(self, name: str) -> None:
        self._name = name

    def plan(self, order: ParentView, market: MarketView, now: Timestamp) -> Plan:  # noqa: ARG002 - whatever it is
        """Fail.

        Raises:
            BadInput: always.
        """
        words = "is not known here: cancel the order, or start with the broker or the file that has the algo"
        raise BadInput(f"{self._name} {words}")


def registry() -> AlgoRegistry:
    """Return a registry with the built-in algos."""
    known = AlgoRegistry()
    known.register(spec_of("market", Market))
    known.register(spec_of("limit", Limit, needs_limit=True))
    known.register(spec_of("twap", Twap))
    known.register(spec_of("vwap", Vwap))
    known.register(spec_of("pov", Pov))
    known.register(spec_of("midpoint_peg", MidpointPeg))
    known.register(spec_of("iceberg", Iceberg))
    known.register(spec_of("sniper", Sniper, needs_limit=True))
    known.register(spec_of("adaptive", Adaptive))
    known.register(spec_of("is", Shortfall))
    known.register(spec_of("stop", Stop, is_stop=True, needs_stop=True, all_day=True))
    known.register(spec_of("stop_limit", StopLimit, is_stop=True, needs_stop=True, all_day=True, needs_limit=True))
    known.register(spec_of("trailing_stop", TrailingStop, is_stop=True, all_day=True))
    known.register(spec_of("close", Close, all_day=True))
    return known


def spec_of(name: str, algo: type[Any], **traits: bool) -> AlgoSpec:
    """Return the entry of a class with `plan`, a docstring and maybe its own `Params`.

    Args:
        name: see `AlgoSpec`.
        algo: made without arguments.
        traits: the flags of `AlgoSpec` that are set.

    Raises:
        BadInput: when the class lacks one of these; the message names class and lack.
    """
    if not callable(getattr(algo, "plan", None)):
        raise BadInput(f"algo {algo.__name__}: has no method plan(order, market, now)")
    docs = (algo.__doc__ or "").strip().split("\n\n")[0]
    if not docs:
        raise BadInput(f"algo {algo.__name__}: has no docstring to say what it is for")
    params = getattr(algo, "Params", AlgoParams)
    if not (isinstance(params, type) and issubclass(params, AlgoParams)):
        raise BadInput(f"algo {algo.__name__}: Params must extend AlgoParams")
    try:
        made: Algo = algo()
    except TypeError as error:
        raise BadInput(f"algo {algo.__name__}: must be made without arguments ({error})") from None
    return AlgoSpec(name, made, params, " ".join(docs.split()), **traits)


def parse_params(spec: AlgoSpec, given: Mapping[str, Any]) -> AlgoParams:
    """Return typed parameters from what a user wrote: texts from a command line, or TOML and JSON values.

    Raises:
        BadInput: one line that names algo, key and value.
    """
    return read_params(spec.name, spec.params, given)


def describe(spec: AlgoSpec) -> list[ParamRow]:
    """Return the parameters of an algo with type, default and meaning, its own first."""
    return schema_rows(spec.params)


class Windowed:
    """A user's algo, asked only while it can trade: inside its window, outside breaks, with a two-sided market.

    What holds otherwise is the same for every algo, so that one of a few lines need not say it.
    """

    def __init__(self, inner: Algo) -> None:
        """Guard *inner*."""
        self._inner = inner

    def plan(self, order: ParentView, market: MarketView, now: Timestamp) -> Plan:
        """Return the inner algo's plan, or what holds where it has no say; wake at the end at the latest."""
        if (idle := outside(order, now)) is not None:
            return idle
        end = window(order)[1]
        if not market.is_tradable:
            return Plan(as_working(order), end, appears(market), why="no two-sided market")
        plan = self._inner.plan(order, market, now)
        return plan if plan.wake_at is not None and plan.wake_at <= end else msgspec.structs.replace(plan, wake_at=end)
