"""How much may be asked for at once. The defaults catch a slipped finger and leave normal use alone."""

from __future__ import annotations

import msgspec

from quietfill.domain.errors import BadInput
from quietfill.domain.types import Price, Quantity


class RiskLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Limits that every parent order is checked against on entry, and when it is made larger or its limit is moved.

    Attributes:
        max_order_quantity: largest parent, in 1e-8 of a share, contract or coin; None for no limit.
        max_order_notional: largest parent at its limit price, else at the market, multiplier included, in 1e-9
            of the instrument's currency; None for no limit.
        max_open_orders: parents that may be live at the same time.
        max_children_per_parent: child orders that one parent may ever place.
        max_limit_distance_bps: how far through the market a limit price may reach before it is taken for a typing
            error: a buy above market x (1 + d), a sell below market / (1 + d); None switches the check off. The
            default allows twice and half the market price.
    """

    max_order_quantity: Quantity | None = None
    max_order_notional: Price | None = None
    max_open_orders: int = 1_000
    max_children_per_parent: int = 10_000
    max_limit_distance_bps: int | None = 10_000

    def __post_init__(self) -> None:
        """Refuse limits that could not be meant.

        Raises:
            BadInput: naming the limit and its value.
        """
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if value is not None and value <= 0:
                raise BadInput(f"{name} must be positive, not {value}")
