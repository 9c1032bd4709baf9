"""How to spread an order over time and over ways of trading: the models of the field, by author.

Everything that users program against is importable from here. Costs are positive when they hurt; units and
validity are in each model's docstring.
"""

from quietfill.market.scheduling.almgren_chriss import (
    FrontierPoint,
    autocorrelation_gain,
    autocorrelation_shift,
    drift_gain,
    drift_target,
    efficient_frontier,
    immediate_trajectory,
    least_value_at_risk,
    linear_trajectory,
    optimal_trajectory,
    path_between,
    replanned,
)
from quietfill.market.scheduling.bertsimas_lo import (
    BlockCost,
    InformedMarket,
    even_split,
    even_split_cost,
    informed_cost,
    informed_trade,
)
from quietfill.market.scheduling.cartea_jaimungal import InventoryPenalties, expected_penalty, quantity_left, speed
from quietfill.market.scheduling.cont_kukanov import (
    PenaltyBounds,
    Placement,
    PlacementCosts,
    best_placement,
    penalty_bounds,
    placement_cost,
)
from quietfill.market.scheduling.linear_market import (
    LinearMarket,
    TimeScale,
    Trajectory,
    cost_variance,
    expected_cost,
    time_scale,
    value_at_risk,
)
from quietfill.market.scheduling.outflow import ExponentialOutflow, ObservedOutflow, OutflowLaw, OutflowOfCdf
from quietfill.market.scheduling.portfolio import PortfolioMarket, PortfolioPlan, optimal_portfolio
from quietfill.market.scheduling.scheduled_news import NewsOutcome, NewsPlan, trajectory_through_news
from quietfill.market.scheduling.vwap_tracking import (
    TrackingVariance,
    dirichlet_covariance,
    tracking_variance,
    volume_curve_moments,
)

__all__ = [
    "BlockCost",
    "ExponentialOutflow",
    "FrontierPoint",
    "InformedMarket",
    "InventoryPenalties",
    "LinearMarket",
    "NewsOutcome",
    "NewsPlan",
    "ObservedOutflow",
    "OutflowLaw",
    "OutflowOfCdf",
    "PenaltyBounds",
    "Placement",
    "PlacementCosts",
    "PortfolioMarket",
    "PortfolioPlan",
    "TimeScale",
    "TrackingVariance",
    "Trajectory",
    "autocorrelation_gain",
    "autocorrelation_shift",
    "best_placement",
    "cost_variance",
    "dirichlet_covariance",
    "drift_gain",
    "drift_target",
    "efficient_frontier",
    "even_split",
    "even_split_cost",
    "expected_cost",
    "expected_penalty",
    "immediate_trajectory",
    "informed_cost",
    "informed_trade",
    "least_value_at_risk",
    "linear_trajectory",
    "optimal_portfolio",
    "optimal_trajectory",
    "path_between",
    "penalty_bounds",
    "placement_cost",
    "quantity_left",
    "replanned",
    "speed",
    "time_scale",
    "tracking_variance",
    "trajectory_through_news",
    "value_at_risk",
    "volume_curve_moments",
]
