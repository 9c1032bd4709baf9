"""An algo that the broker runs, as it is named on the wire: neutral here, made and read by one broker's edge."""

from __future__ import annotations

import msgspec


class BrokerAlgo(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which of the broker's algos works an order, and how.

    Attributes:
        name: the broker's own name for it.
        params: tags and values in the order in which they are sent.
    """

    name: str
    params: tuple[tuple[str, str], ...] = ()
