"""An algo of your own in ten lines. Run it by name: `--algo examples/patient.py:Patient --param patience=0.8`."""

from quietfill.algos import AlgoParams, MarketView, ParentView, Plan, Slice, Timestamp, child_of, cross, rest


class Patient:
    """Rest everything at the near touch for most of the window, then cross for what is left."""

    class Params(AlgoParams, frozen=True, kw_only=True):
        """What can be set.

        Attributes:
            patience: share of the window spent resting.
        """

        patience: float = 0.9

    def plan(self, order: ParentView, market: MarketView, now: Timestamp) -> Plan:
        """Say what should be working now."""
        turn = order.start + int((order.end - order.start) * order.params.patience)
        child = child_of(order, "all")
        price = child.limit_price if child else None
        priced = rest(order, market, price) if now < turn else cross(order, market, order.leaves, price)
        piece = Slice("all", order.leaves, priced.price, crossing=priced.crossing, why=priced.why)
        return Plan((piece,), turn if now < turn else order.end, priced.wake_when, priced.why, alert=priced.alert)
