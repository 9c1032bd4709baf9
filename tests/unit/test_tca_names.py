"""What can be imported from the package of cost analysis."""

from __future__ import annotations

import subprocess
import sys

import pytest

import quietfill.tca


def test_every_public_name_is_there() -> None:
    """Each name in `__all__` can be asked for, and `dir` lists exactly these."""
    assert all(getattr(quietfill.tca, name) is not None for name in quietfill.tca.__all__)
    assert dir(quietfill.tca) == sorted(quietfill.tca.__all__)


def test_an_unknown_name_is_refused_by_name() -> None:
    """A misspelt import says which name is missing."""
    with pytest.raises(AttributeError, match="order_figure'"):
        _ = quietfill.tca.order_figure


def test_importing_the_package_loads_no_columns() -> None:
    """The libraries for columns come with the function that needs them."""
    script = "import sys, quietfill.tca; print([name for name in ('numpy', 'numba') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
