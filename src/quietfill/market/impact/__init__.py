"""What an order costs by moving the market: the models of the field, and which of them may not be.

Everything that users program against is importable from here. Costs are positive when they hurt; units, source and
validity are in each model's docstring.
"""

from quietfill.market.impact.almgren_2003 import (
    FreeHorizonOptimum,
    PowerLawMarket,
    characteristic_time,
    free_horizon_optimum,
    optimal_holding,
    optimal_speed,
)
from quietfill.market.impact.almgren_2005 import (
    Almgren2005Coefficients,
    Almgren2005Impact,
    Almgren2005Model,
    almgren_2005_impact,
)
from quietfill.market.impact.istar import (
    ALL_STOCKS,
    LARGE_CAP,
    SMALL_CAP,
    IStarCoefficients,
    IStarEstimate,
    IStarModel,
    istar_estimate,
)
from quietfill.market.impact.model import ImpactModel, OrderImpact
from quietfill.market.impact.no_arbitrage import (
    LEAST_DECAY_EXPONENT,
    ExponentialDecay,
    PermanentImpact,
    PowerLawDecay,
    check_exponential_decay,
    check_power_law_decay,
    linear_exponent,
    permanent_pump_profit,
    propagator_cost,
    round_trip_cost,
)
from quietfill.market.impact.obizhaeva_wang import (
    BlockSchedule,
    ResilientBook,
    constant_rate_transient_cost,
    optimal_blocks,
    optimal_transient_cost,
    permanent_cost,
    saving_against_constant_rate,
    trades_cost,
)
from quietfill.market.impact.power_law import PowerLawImpact
from quietfill.market.impact.selection import DEFAULT_MODEL, select_model
from quietfill.market.impact.square_root import SquareRootLaw, SquareRootMove

__all__ = [
    "ALL_STOCKS",
    "DEFAULT_MODEL",
    "LARGE_CAP",
    "LEAST_DECAY_EXPONENT",
    "SMALL_CAP",
    "Almgren2005Coefficients",
    "Almgren2005Impact",
    "Almgren2005Model",
    "BlockSchedule",
    "ExponentialDecay",
    "FreeHorizonOptimum",
    "IStarCoefficients",
    "IStarEstimate",
    "IStarModel",
    "ImpactModel",
    "OrderImpact",
    "PermanentImpact",
    "PowerLawDecay",
    "PowerLawImpact",
    "PowerLawMarket",
    "ResilientBook",
    "SquareRootLaw",
    "SquareRootMove",
    "almgren_2005_impact",
    "characteristic_time",
    "check_exponential_decay",
    "check_power_law_decay",
    "constant_rate_transient_cost",
    "free_horizon_optimum",
    "istar_estimate",
    "linear_exponent",
    "optimal_blocks",
    "optimal_holding",
    "optimal_speed",
    "optimal_transient_cost",
    "permanent_cost",
    "permanent_pump_profit",
    "propagator_cost",
    "round_trip_cost",
    "saving_against_constant_rate",
    "select_model",
    "trades_cost",
]
