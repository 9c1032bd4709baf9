"""What the linters do not say. Each test fails with the list of places to mend."""

import ast
import re
import tomllib
from collections.abc import Iterator

import pytest

import quietfill

VAGUE_WORDS = {"helper", "helpers", "manager", "managers", "process", "util", "utils"}
LONGEST_FUNCTION = 60  # lines, its docstring not counted
LONGEST_MODULE = 500
LONGEST_FACADE_METHOD = 10  # statements
CLOCK_MODULE = "src/quietfill/runtime/clock.py"
CLOCK_READS = {
    "time": {"time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns"},
    "datetime": {"now", "utcnow", "today"},
    "date": {"today"},
}
# Run by name, so nothing imports them: the console script, `python -m`, and the step of the set-up that compiles.
ENTRY_POINTS = {"quietfill.__main__", "quietfill.cli.main", "quietfill.venue.warmup"}

Function = ast.FunctionDef | ast.AsyncFunctionDef


def listing(places: list[str]) -> str:
    """Return the places to mend, one a line."""
    return "\n  ".join(["to mend:", *places])


def functions(tree: ast.AST) -> Iterator[Function]:
    """Yield every function and method below a node."""
    return (node for node in ast.walk(tree) if isinstance(node, Function))


def length(function: Function) -> int:
    """Count a function's lines without its docstring."""
    end = function.end_lineno or function.lineno
    body = function.body[0]
    documented = ast.get_docstring(function, clean=False) is not None
    return end - function.lineno + 1 - (((body.end_lineno or body.lineno) - body.lineno + 1) if documented else 0)


def statements(function: Function) -> int:
    """Count a function's statements without its docstring."""
    count = sum(isinstance(node, ast.stmt) for node in ast.walk(function)) - 1
    return count - (ast.get_docstring(function) is not None)


def imported_names(module_name: str, tree: ast.AST, *, is_package: bool) -> Iterator[str]:
    """Yield each dotted name that a module imports, and each that it writes as a string (imports on demand)."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parents = module_name.split(".")
            above = parents[: len(parents) - node.level + is_package] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith("quietfill."):
            yield node.value.partition(":")[0]


def clock_reads(tree: ast.AST) -> Iterator[int]:
    """Yield the lines on which a module asks the machine what time it is."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            owner = node.value.attr if isinstance(node.value, ast.Attribute) else getattr(node.value, "id", "")
            if node.attr in CLOCK_READS.get(owner, ()):
                yield node.lineno
        elif isinstance(node, ast.ImportFrom) and node.module == "time":
            yield from (node.lineno for alias in node.names if alias.name in CLOCK_READS["time"])


def sleeps(tree: ast.AST) -> Iterator[int]:
    """Yield the lines that wait for the real clock; `asyncio.sleep(0)` only lets others run."""
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        waits = ast.unparse(call.func) in {"time.sleep", "asyncio.sleep", "sleep"}
        if waits and ast.unparse(call) != "asyncio.sleep(0)":
            yield call.lineno


def test_no_module_has_a_name_that_says_nothing(source):
    """A module is named by what it does, in the field's own words."""
    vague = [m.path for m in source if VAGUE_WORDS & set(re.split(r"[/_.]", m.path.lower()))]

    assert not vague, listing(vague)


def test_functions_fit_a_screen(source):
    """A function can be read without scrolling."""
    long = [
        f"{m.path}:{f.lineno} {f.name}: {length(f)} lines"
        for m in source
        for f in functions(m.tree)
        if length(f) > LONGEST_FUNCTION
    ]

    assert not long, listing(long)


def test_modules_hold_one_idea(source):
    """A module is short enough to be one idea."""
    long = [f"{m.path}: {len(m.lines)} lines" for m in source if len(m.lines) > LONGEST_MODULE]

    assert not long, listing(long)


def test_only_the_clock_reads_the_clock(source):
    """Time reaches everything else as an argument, so that a run can be repeated."""
    reads = [f"{m.path}:{line}" for m in source if m.path != CLOCK_MODULE for line in clock_reads(m.tree)]

    assert not reads, listing(reads)


def test_facade_methods_only_delegate(source):
    """The agent's public face decides nothing: its methods are a few statements long."""
    faces = [m for m in source if m.path == "src/quietfill/agent/agent.py"]
    long = [
        f"{m.path}:{f.lineno} {f.name}: {statements(f)} statements"
        for m in faces
        for f in functions(m.tree)
        if statements(f) > LONGEST_FACADE_METHOD
    ]

    assert not long, listing(long)


def test_every_module_is_used(source, users):
    """No module is left behind: something imports it, or it is run by name."""
    used = {name for m in source for name in imported_names(m.name, m.tree, is_package=m.path.endswith("__init__.py"))}
    public = {name for m in users for name in imported_names(m.path, m.tree, is_package=False)}
    used |= {name for name in public if name.startswith("quietfill.testing")}
    unused = [m.path for m in source if not m.path.endswith("__init__.py") and m.name not in used | ENTRY_POINTS]

    assert not unused, listing(unused)


def test_every_test_says_what_it_shows(tests):
    """Each test states in its docstring the behaviour that it shows."""
    silent = [
        f"{m.path}:{f.lineno} {f.name}"
        for m in tests
        for f in functions(m.tree)
        if f.name.startswith("test") and not ast.get_docstring(f)
    ]

    assert not silent, listing(silent)


def test_tests_do_not_sleep(tests):
    """A test steps its own clock; waiting for the real one is slow where it works and wrong where it does not."""
    sleeping = [f"{m.path}:{line}" for m in tests for line in sleeps(m.tree)]

    assert not sleeping, listing(sleeping)


def test_no_file_names_an_index_or_a_machine(root, files):
    """Where packages come from and where a checkout lies is the reader's affair."""
    folders = "work|root|home|Users"
    patterns = (
        rf"(?<![\w.~-])/(?:{folders})/",
        "python" + "hosted",
        r"https?://\S*/" + "simple",
        "--(?:extra-)?index" + "-url[ =]",
    )
    address = re.compile("|".join(patterns).encode())
    found = []
    for name in files:
        content = (root / name).read_bytes()
        if b"\0" not in content:
            found += [f"{name}:{number}" for number, line in enumerate(content.splitlines(), 1) if address.search(line)]

    assert not found, listing(found)


def test_versions_agree(root):
    """The package says of itself the version that it is distributed under."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]

    assert quietfill.__version__ == project["version"]


@pytest.mark.parametrize(
    ("snippet", "lines"),
    [
        ("import time\nnow = time.monotonic()", [2]),
        ("from time import time_ns", [1]),
        ("import datetime as dt\nnow = dt.datetime.now(dt.UTC)", [2]),
        ("from datetime import date\nday = date.today()", [2]),
        ("def plan(now): return now.time", []),
    ],
)
def test_a_clock_read_is_seen(snippet, lines):
    """The search for clock reads finds each way of reading one, and only those."""
    assert sorted(clock_reads(ast.parse(snippet))) == lines


def test_a_sleep_is_seen():
    """The search for sleeps lets `asyncio.sleep(0)` pass and nothing else."""
    snippet = "await asyncio.sleep(0)\nawait asyncio.sleep(0.1)\ntime.sleep(pause)"

    assert sorted(sleeps(ast.parse(snippet))) == [2, 3]


def test_docstrings_do_not_count_as_length():
    """A function is as long as its code, however well it is described."""
    function = ast.parse('def f():\n    """One.\n\n    Two.\n    """\n    a = 1\n    return a').body[0]

    assert isinstance(function, ast.FunctionDef)
    assert (length(function), statements(function)) == (3, 2)


def test_relative_and_late_imports_are_seen():
    """An import counts as use however it is written."""
    tree = ast.parse("from .a import b\nfrom .. import c\nload('quietfill.x.late:Name')")

    assert {"quietfill.x.a", "quietfill.c", "quietfill.x.late"} <= set(
        imported_names("quietfill.x.y", tree, is_package=False)
    )
