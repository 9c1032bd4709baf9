"""All algos there are: built in, installed, and the one in a file of the user's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quietfill.algos.registry import registry
from quietfill.runtime.user_algos import is_file_reference, load_algo, load_entry_points

if TYPE_CHECKING:
    from quietfill.algos.registry import AlgoRegistry, AlgoSpec


def broker_algos() -> tuple[AlgoSpec, ...]:
    """Return the algos that Interactive Brokers runs; only an agent over it offers them."""
    from quietfill.brokers.ib.algos import ALGOS

    return ALGOS


def open_algos(name: str | None) -> tuple[AlgoRegistry, str]:
    """Return all algos (built in, from entry points, and the one in a file that *name* may refer to).

    Args:
        name: an algo's name or `FILE.py:CLASS`; None names none.

    Returns:
        The algos, and the name under which the one asked for is registered; "" without one.

    Raises:
        BadInput: when there is no such algo; the message lists the known ones.
    """
    algos = registry()
    load_entry_points(algos)
    if name is None:
        return algos, ""
    if is_file_reference(name):
        algos.register(load_algo(name))
        return algos, list(algos)[-1].name
    return algos, algos.get(name).name
