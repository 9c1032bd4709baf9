"""Execution algorithms: each says which slices should be working now. Pure, one file an algo.

The names here are what an algo of your own needs; `docs/how-to/write-an-algo.md` shows how.
"""

from quietfill.algos.base import (
    Algo,
    AlgoParams,
    ChildView,
    Outcome,
    ParentView,
    Plan,
    Rest,
    Slice,
)
from quietfill.algos.pricing import Priced, cross, inside, rest
from quietfill.algos.windows import child_of
from quietfill.domain.types import Timestamp
from quietfill.market.view import MarketView

__all__ = [
    "Algo",
    "AlgoParams",
    "ChildView",
    "MarketView",
    "Outcome",
    "ParentView",
    "Plan",
    "Priced",
    "Rest",
    "Slice",
    "Timestamp",
    "child_of",
    "cross",
    "inside",
    "rest",
]
