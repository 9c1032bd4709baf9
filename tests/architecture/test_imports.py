"""What may be imported where, as far as import-linter's contracts in pyproject.toml do not say it."""

import ast
import importlib
import subprocess
import sys

PURE = ("domain", "market", "algos", "risk", "tca", "engine")
IMPURE = {"apsw", "asyncio", "logging", "os", "random", "socket", "sqlite3", "structlog", "threading", "time"}
HEAVY = {"altair", "exchange_calendars", "numba", "numpy", "pandas", "rich", "scipy", "structlog", "vl_convert"}


def top_level_imports(tree):
    """Yield the packages that a module imports, anywhere in it, with the lines."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name.partition(".")[0], node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0], node.lineno


def test_pure_packages_touch_nothing_outside(source):
    """What decides has no way to do I/O, read a clock or throw dice."""
    pure = tuple(f"src/quietfill/{package}/" for package in PURE)
    impure = [
        f"{m.path}:{line} imports {name}"
        for m in source
        if m.path.startswith(pure)
        for name, line in top_level_imports(m.tree)
        if name in IMPURE
    ]

    assert not impure, impure


def test_every_module_can_be_imported(source):
    """No module fails on import, whichever comes first."""
    for name in sorted(m.name for m in source):
        if not name.endswith("__main__"):
            importlib.import_module(name)


def test_importing_the_package_loads_nothing_heavy():
    """`import quietfill` stays quick: heavy libraries load when they are used."""
    program = "import sys, quietfill; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()

    assert HEAVY & set(loaded) == set()
