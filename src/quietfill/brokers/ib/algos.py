"""Interactive Brokers' own algos as algorithms beside ours, to be asked for and measured in the same way.

Each of them asks for one child: everything that is left, at the order's limit or, without one, at a collar from the
arrival, to be worked by the broker's algo. All that is on the wire is in the child's record. What we keep for
ourselves is the end of it: a pause, a kill, a cancel and the end of the window withdraw the child.

The child is sent when the window begins, so no start time goes with it; it would lie in the past when the order is
sent again. The end time goes with it wherever the broker's algo has one, so that it ends without us. Whatever of its
instructions changes, changes the child's key: the old one is cancelled, and when that has settled another one is sent.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, ClassVar
from zlib import crc32

from msgspec import Meta

from quietfill.algos.base import AlgoParams, Plan, Rest, Slice
from quietfill.algos.pricing import appears, arrival_bound, limit_on_tick
from quietfill.algos.registry import AlgoSpec, spec_of
from quietfill.algos.windows import leaves_of_others, outside
from quietfill.brokers.ib import strategies
from quietfill.brokers.ib.strategies import Priority, RiskAversion, Strategy, TwapStyle
from quietfill.domain.errors import BadInput

if TYPE_CHECKING:
    from quietfill.algos.base import ParentView
    from quietfill.domain.broker_algo import BrokerAlgo
    from quietfill.domain.types import Timestamp
    from quietfill.market.view import MarketView

_Share = Annotated[float, Meta(ge=0.01, le=0.5)]
_Whole = Annotated[int, Meta(ge=1, le=1_000_000_000)]


class IbAlgoParams(AlgoParams, frozen=True, kw_only=True):
    """What holds for every algo of Interactive Brokers: what it has no word for is refused, not dropped.

    Attributes:
        participation_cap: refused: the broker's algo cannot be held to it.
        min_child, max_child: refused: the broker's algo cuts the order.
        urgency: refused unless 0.5: the algo's own parameters say how fast it is.
        rest: complete is refused: the broker does not cross for the rest at the end of the window.
    """

    rest: Rest = Rest.ABANDON

    def __post_init__(self) -> None:
        """Refuse what the broker's algo cannot be held to."""
        for name in ("participation_cap", "min_child", "max_child"):
            value = getattr(self, name)
            if value is not None:
                raise BadInput(f"{name} {value} cannot be kept: the broker's algo cuts the order")
        if self.urgency != _NO_URGENCY:
            raise BadInput(f"urgency {self.urgency:g} means nothing to the broker's algo: set its own parameters")
        if self.rest is Rest.COMPLETE:
            raise BadInput("rest complete cannot be kept: the broker's algo does not cross for the rest at the end")

    def strategy(self, end: Timestamp) -> Strategy:
        """Return the broker's algo with what is set here, for a window up to *end*."""
        raise NotImplementedError


_NO_URGENCY = 0.5


class IbAlgo:
    """One child for everything, worked by the broker."""

    Params: ClassVar[type[IbAlgoParams]] = IbAlgoParams

    def plan(self, order: ParentView, market: MarketView, now: Timestamp) -> Plan:
        """Return the child that the broker is to work until the window ends."""
        if (idle := outside(order, now)) is not None:
            return idle
        params = order.params
        assert isinstance(params, IbAlgoParams)
        end = order.day.clip(order.start, order.end)[1]
        bound = arrival_bound(order) if order.limit_price is None else limit_on_tick(order)
        if bound is None:
            return Plan(wake_at=end, wake_when=appears(market), why="no arrival quote to collar at")
        algo = params.strategy(end).on_the_wire()
        key = slice_key(algo)
        why = f"Interactive Brokers works it by {algo.name}"
        piece = Slice(key, order.leaves - leaves_of_others(order, key), bound, why=why, broker_algo=algo)
        return Plan((piece,), end, why=why)


def slice_key(algo: BrokerAlgo) -> str:
    """Return the key of the child that an algo works: another one for other instructions, the same in every process."""
    words = "\n".join(f"{tag}={value}" for tag, value in algo.params)
    return f"{algo.name}-{crc32(words.encode()):08x}"


class IbAdaptiveParams(IbAlgoParams, frozen=True, kw_only=True):
    """Parameters of Adaptive.

    Attributes:
        priority: how fast it fills.
    """

    priority: Priority = Priority.NORMAL

    def strategy(self, end: Timestamp) -> Strategy:  # noqa: ARG002 - the broker's Adaptive knows no end; we withdraw it
        """Return Adaptive."""
        return strategies.Adaptive(priority=self.priority)


class IbAdaptive(IbAlgo):
    """Interactive Brokers' Adaptive: between bid and ask, faster or slower."""

    Params = IbAdaptiveParams


class IbTwapParams(IbAlgoParams, frozen=True, kw_only=True):
    """Parameters of Twap.

    Attributes:
        style: how it prices its slices.
    """

    style: TwapStyle = TwapStyle.MARKETABLE

    def strategy(self, end: Timestamp) -> Strategy:
        """Return Twap."""
        return strategies.Twap(style=self.style, end=end)


class IbTwap(IbAlgo):
    """Interactive Brokers' Twap: evenly over the window."""

    Params = IbTwapParams


class IbVwapParams(IbAlgoParams, frozen=True, kw_only=True):
    """Parameters of Vwap.

    Attributes:
        max_participation: most that it is of the volume.
        passive: it takes no liquidity.
        speed_up: it may go faster than the volume curve where the market moves favourably.
    """

    max_participation: _Share = 0.1
    passive: bool = False
    speed_up: bool = False

    def strategy(self, end: Timestamp) -> Strategy:
        """Return Vwap."""
        share = _decimal(self.max_participation)
        return strategies.Vwap(share=share, end=end, passive=self.passive, speed_up=self.speed_up or None)


class IbVwap(IbAlgo):
    """Interactive Brokers' Vwap: after its volume curve, at most a share of the volume."""

    Params = IbVwapParams


class IbArrivalPxParams(IbAlgoParams, frozen=True, kw_only=True):
    """Parameters of ArrivalPx.

    Attributes:
        max_participation: most that it is of the volume.
        risk_aversion: how much risk of price it bears.
        force_completion: the broker tries to complete by the end of the day; we still withdraw it at the window's.
    """

    max_participation: _Share = 0.1
    risk_aversion: RiskAversion = RiskAversion.NEUTRAL
    force_completion: bool = False

    def strategy(self, end: Timestamp) -> Strategy:
        """Return ArrivalPx."""
        share = _decimal(self.max_participation)
        aversion, complete = self.risk_aversion, self.force_completion
        return strategies.ArrivalPx(share=share, risk_aversion=aversion, end=end, complete=complete)


class IbArrivalPx(IbAlgo):
    """Interactive Brokers' ArrivalPx: near the price at arrival, impact traded off against risk."""

    Params = IbArrivalPxParams


class IbPctVolParams(IbAlgoParams, frozen=True, kw_only=True):
    """Parameters of PctVol.

    Attributes:
        rate: share of the volume to be.
        passive: it takes no liquidity.
    """

    rate: _Share = 0.1
    passive: bool = False

    def strategy(self, end: Timestamp) -> Strategy:
        """Return PctVol."""
        return strategies.PctVol(share=_decimal(self.rate), end=end, passive=self.passive)


class IbPctVol(IbAlgo):
    """Interactive Brokers' PctVol: a constant share of the volume."""

    Params = IbPctVolParams


class IbClosePxParams(IbAlgoParams, frozen=True, kw_only=True):
    """Parameters of ClosePx.

    Attributes:
        max_participation: most that it is of the volume.
        risk_aversion: how much risk of price it bears.
        force_completion: the broker tries to complete by the end of the day.
    """

    max_participation: _Share = 0.1
    risk_aversion: RiskAversion = RiskAversion.NEUTRAL
    force_completion: bool = False

    def strategy(self, end: Timestamp) -> Strategy:  # noqa: ARG002 - its end is the close
        """Return ClosePx."""
        share, aversion = _decimal(self.max_participation), self.risk_aversion
        return strategies.ClosePx(share=share, risk_aversion=aversion, complete=self.force_completion)


class IbClosePx(IbAlgo):
    """Interactive Brokers' ClosePx: near the price of the close."""

    Params = IbClosePxParams


class IbDarkIceParams(IbAlgoParams, frozen=True, kw_only=True):
    """Parameters of DarkIce.

    Attributes:
        display_size: what it shows at a time, in whole shares or contracts.
    """

    display_size: _Whole

    def strategy(self, end: Timestamp) -> Strategy:
        """Return DarkIce."""
        return strategies.DarkIce(display=self.display_size, end=end)


class IbDarkIce(IbAlgo):
    """Interactive Brokers' DarkIce: an iceberg that varies what it shows and when, at the order's limit."""

    Params = IbDarkIceParams


class IbAccumulateDistributeParams(IbAlgoParams, frozen=True, kw_only=True):
    """Parameters of Accumulate/Distribute.

    Attributes:
        component_size: one piece, in whole shares or contracts.
        seconds_between: time between pieces.
        vary_time: that time is varied by up to 20 %.
        vary_size: the size of a piece is varied by up to 55 %.
        catch_up: pieces that were missed are caught up with.
        wait_for_fill: the next piece waits until the last one is filled.
    """

    component_size: _Whole
    seconds_between: _Whole
    vary_time: bool = False
    vary_size: bool = False
    catch_up: bool = False
    wait_for_fill: bool = True

    def strategy(self, end: Timestamp) -> Strategy:
        """Return Accumulate/Distribute."""
        return strategies.AccumulateDistribute(
            component=self.component_size,
            seconds_between=self.seconds_between,
            vary_time=self.vary_time,
            vary_size=self.vary_size,
            catch_up=self.catch_up,
            wait_for_fill=self.wait_for_fill,
            end=end,
        )


class IbAccumulateDistribute(IbAlgo):
    """Interactive Brokers' Accumulate/Distribute: small pieces at intervals."""

    Params = IbAccumulateDistributeParams


def _decimal(share: float) -> Decimal:
    return Decimal(repr(share))


ALGOS: tuple[AlgoSpec, ...] = (
    spec_of("ib_adaptive", IbAdaptive, day_only=True),
    spec_of("ib_twap", IbTwap, day_only=True),
    spec_of("ib_vwap", IbVwap, day_only=True),
    spec_of("ib_arrival_px", IbArrivalPx, day_only=True),
    spec_of("ib_pct_vol", IbPctVol, day_only=True),
    spec_of("ib_close_px", IbClosePx, day_only=True, all_day=True),
    spec_of("ib_dark_ice", IbDarkIce, day_only=True),
    spec_of("ib_accumulate_distribute", IbAccumulateDistribute, day_only=True),
)
"""What an agent whose broker is Interactive Brokers offers beside ours."""
