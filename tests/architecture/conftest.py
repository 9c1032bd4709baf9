"""The project's own files, read once, for tests about how it is built."""

import ast
import functools
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
UNTRACKED = (".venv", ".git", "__pycache__", "node_modules", "runs", "site", "build", "dist")


@dataclass(frozen=True)
class Module:
    """One Python file of the project."""

    path: str
    lines: tuple[str, ...]
    tree: ast.Module

    @property
    def name(self) -> str:
        """The dotted name that imports it, for a file under src/."""
        return self.path.removeprefix("src/").removesuffix(".py").removesuffix("/__init__").replace("/", ".")


@functools.cache
def project_files() -> tuple[str, ...]:
    """Return the paths, relative to the root, of the files that are or will be tracked."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    try:
        listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True).stdout.split("\0")
    except (OSError, subprocess.CalledProcessError):  # an unpacked archive, or no git
        relative = (path.relative_to(ROOT) for path in ROOT.rglob("*"))
        listed = [path.as_posix() for path in relative if not set(path.parts) & set(UNTRACKED)]
    return tuple(sorted({name for name in listed if name and (ROOT / name).is_file()}))


@functools.cache
def read_modules(prefix: str) -> tuple[Module, ...]:
    """Parse the Python files under a folder."""
    found: list[Module] = []
    for path in project_files():
        if path.startswith(prefix) and path.endswith(".py"):
            text = (ROOT / path).read_text(encoding="utf-8")
            found.append(Module(path, tuple(text.splitlines()), ast.parse(text, path)))
    return tuple(found)


@pytest.fixture(scope="session")
def root() -> Path:
    """The root of the checkout."""
    return ROOT


@pytest.fixture(scope="session")
def files() -> tuple[str, ...]:
    """The project's files."""
    return project_files()


@pytest.fixture(scope="session")
def source() -> tuple[Module, ...]:
    """The modules of the package."""
    return read_modules("src/quietfill/")


@pytest.fixture(scope="session")
def tests() -> tuple[Module, ...]:
    """The modules of the test suite."""
    return read_modules("tests/")


@pytest.fixture(scope="session")
def users() -> tuple[Module, ...]:
    """The modules that use the package from outside."""
    return (*read_modules("tests/"), *read_modules("bench/"), *read_modules("examples/"))
