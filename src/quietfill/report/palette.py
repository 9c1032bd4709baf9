"""Colours that can be told apart with any colour vision and stand out on light and on dark.

Each has a contrast of at least 3 to 1 against both backgrounds of the page; shape and dash say the same again.
"""

from __future__ import annotations

from typing import Final

OURS: Final = "#2f7fc1"
"""What we asked for and did."""
FILL: Final = "#d9730d"
ARRIVAL: Final = "#12936c"
VWAP: Final = "#a45fc4"
MARKET: Final = "#8a8f98"
LIMIT: Final = "#c2374f"

ARRIVAL_DASH: Final = (6, 3)
VWAP_DASH: Final = (2, 3)
LIMIT_DASH: Final = (10, 3, 2, 3)
PLAN_DASH: Final = (5, 4)
