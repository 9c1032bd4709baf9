"""What can be imported from the top of the package."""

from __future__ import annotations

import subprocess
import sys

import pytest

import quietfill


def test_every_public_name_is_there() -> None:
    """Each name in `__all__` can be asked for, and `dir` lists exactly these."""
    assert all(getattr(quietfill, name) is not None for name in quietfill.__all__)
    assert dir(quietfill) == sorted(quietfill.__all__)


def test_an_unknown_name_is_refused_by_name() -> None:
    """A misspelt import says which name is missing."""
    with pytest.raises(AttributeError, match="ExecutionAgnet"):
        _ = quietfill.ExecutionAgnet


def test_importing_the_package_loads_no_heavy_library() -> None:
    """numpy, numba, altair, rich and the calendars come when they are used, not before."""
    script = (
        "import sys, quietfill; print([m for m in ('numpy', 'numba', 'altair', 'rich', 'apsw') if m in sys.modules])"
    )
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert loaded.stdout.strip() == "[]"
