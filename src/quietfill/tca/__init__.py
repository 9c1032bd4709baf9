"""What an order cost and why, computed from records and observed market data. Pure.

What users call is importable from here; it is loaded when it is first asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from quietfill.tca.benchmarks import interval_twap as interval_twap
    from quietfill.tca.benchmarks import interval_volume as interval_volume
    from quietfill.tca.benchmarks import interval_vwap as interval_vwap
    from quietfill.tca.benchmarks import mid_at as mid_at
    from quietfill.tca.benchmarks import performance_bps as performance_bps
    from quietfill.tca.book_costs import BookShortfall as BookShortfall
    from quietfill.tca.book_costs import CostRatio as CostRatio
    from quietfill.tca.book_costs import book_shortfall as book_shortfall
    from quietfill.tca.book_costs import ratio_of_sums as ratio_of_sums
    from quietfill.tca.comparison import TwoSampleTest as TwoSampleTest
    from quietfill.tca.comparison import kolmogorov_smirnov as kolmogorov_smirnov
    from quietfill.tca.comparison import paired_t as paired_t
    from quietfill.tca.comparison import rank_sum as rank_sum
    from quietfill.tca.comparison import sign_test as sign_test
    from quietfill.tca.comparison import signed_rank as signed_rank
    from quietfill.tca.comparison import welch_t as welch_t
    from quietfill.tca.figures import OrderFigures as OrderFigures
    from quietfill.tca.figures import order_figures as order_figures
    from quietfill.tca.fill_figures import FillFigures as FillFigures
    from quietfill.tca.forms import kissell as kissell
    from quietfill.tca.forms import perold as perold
    from quietfill.tca.forms import wagner_edwards as wagner_edwards
    from quietfill.tca.ledger import Ledger as Ledger
    from quietfill.tca.ledger import OrderLedger as OrderLedger
    from quietfill.tca.marks import FillTable as FillTable
    from quietfill.tca.marks import Marks as Marks
    from quietfill.tca.marks import QuoteTable as QuoteTable
    from quietfill.tca.marks import fill_marks as fill_marks
    from quietfill.tca.percentiles import PercentileMethod as PercentileMethod
    from quietfill.tca.percentiles import percentile as percentile
    from quietfill.tca.prints import OwnPrint as OwnPrint
    from quietfill.tca.prints import others_turnover as others_turnover
    from quietfill.tca.prints import participation as participation
    from quietfill.tca.prints import participation_price as participation_price
    from quietfill.tca.prints import relative_performance as relative_performance
    from quietfill.tca.prints import total_turnover as total_turnover
    from quietfill.tca.rule605 import CoveredOrder as CoveredOrder
    from quietfill.tca.rule605 import ExecutionQuality as ExecutionQuality
    from quietfill.tca.rule605 import rule605_by_size as rule605_by_size
    from quietfill.tca.rule605 import rule605_statistics as rule605_statistics
    from quietfill.tca.sample_size import detectable_difference as detectable_difference
    from quietfill.tca.sample_size import orders_per_arm as orders_per_arm
    from quietfill.tca.screening import Screening as Screening
    from quietfill.tca.screening import screen as screen
    from quietfill.tca.shortfall import Shortfall as Shortfall
    from quietfill.tca.shortfall import ShortfallTerms as ShortfallTerms
    from quietfill.tca.summary import OrderSummary as OrderSummary
    from quietfill.tca.summary import order_summary as order_summary

_HOMES = {
    "benchmarks": ("interval_twap", "interval_volume", "interval_vwap", "mid_at", "performance_bps"),
    "book_costs": ("BookShortfall", "CostRatio", "book_shortfall", "ratio_of_sums"),
    "comparison": (
        "TwoSampleTest",
        "kolmogorov_smirnov",
        "paired_t",
        "rank_sum",
        "sign_test",
        "signed_rank",
        "welch_t",
    ),
    "figures": ("OrderFigures", "order_figures"),
    "fill_figures": ("FillFigures",),
    "forms": ("kissell", "perold", "wagner_edwards"),
    "ledger": ("Ledger", "OrderLedger"),
    "marks": ("FillTable", "Marks", "QuoteTable", "fill_marks"),
    "percentiles": ("PercentileMethod", "percentile"),
    "prints": (
        "OwnPrint",
        "others_turnover",
        "participation",
        "participation_price",
        "relative_performance",
        "total_turnover",
    ),
    "rule605": ("CoveredOrder", "ExecutionQuality", "rule605_by_size", "rule605_statistics"),
    "sample_size": ("detectable_difference", "orders_per_arm"),
    "screening": ("Screening", "screen"),
    "shortfall": ("Shortfall", "ShortfallTerms"),
    "summary": ("OrderSummary", "order_summary"),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "BookShortfall",
    "CostRatio",
    "CoveredOrder",
    "ExecutionQuality",
    "FillFigures",
    "FillTable",
    "Ledger",
    "Marks",
    "OrderFigures",
    "OrderLedger",
    "OrderSummary",
    "OwnPrint",
    "PercentileMethod",
    "QuoteTable",
    "Screening",
    "Shortfall",
    "ShortfallTerms",
    "TwoSampleTest",
    "book_shortfall",
    "detectable_difference",
    "fill_marks",
    "interval_twap",
    "interval_volume",
    "interval_vwap",
    "kissell",
    "kolmogorov_smirnov",
    "mid_at",
    "order_figures",
    "order_summary",
    "orders_per_arm",
    "others_turnover",
    "paired_t",
    "participation",
    "participation_price",
    "percentile",
    "performance_bps",
    "perold",
    "rank_sum",
    "ratio_of_sums",
    "relative_performance",
    "rule605_by_size",
    "rule605_statistics",
    "screen",
    "sign_test",
    "signed_rank",
    "total_turnover",
    "wagner_edwards",
    "welch_t",
]


def __getattr__(name: str) -> Any:
    """Load a public name when it is first asked for."""
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module 'quietfill.tca' has no attribute {name!r}")
    value = getattr(import_module(f"quietfill.tca.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List what can be asked for."""
    return sorted(__all__)
