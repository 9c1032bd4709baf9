#!/usr/bin/env python3
"""Set the project up, show it, check it: `python3 dev.py demo`, `python3 dev.py check`.

Standard library only, so that a machine with Python 3.11 or newer and pip needs nothing else. The environment
lives in `.venv` beside this file, made from the hash-pinned locks in `requirements/`; a stamp in it remembers
what was installed, so that later runs start at once and need no network.
"""

from __future__ import annotations  # so that an old Python gets as far as saying that it is too old

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
SCRIPTS = VENV / ("Scripts" if os.name == "nt" else "bin")
SUFFIX = ".exe" if os.name == "nt" else ""
PYTHON = SCRIPTS / ("python" + SUFFIX)
RUN_LOCK = ROOT / "requirements" / "run.txt"
DEV_LOCK = ROOT / "requirements" / "dev.txt"
OLDEST_PYTHON = (3, 11)
OLDEST_PIP = (22, 3)  # the first that installs into another environment

COMMANDS = {
    "setup": "make .venv from the run-time lock (--dev: with the development tools)",
    "demo": "set up, then work real orders against a recorded market and write a report",
    "check": "set up, then lint, types, architecture, docs and the fast tests; arguments go to pytest",
    "check-all": "check with the slow and the browser tests",
    "bench": "set up, then measure; arguments go to bench/",
    "docs": "set up, then build the documentation into site/",
    "lock": "write requirements/*.txt anew (--upgrade: with the newest versions)",
}


def main() -> int:
    """Run one sub-command and return its exit code."""
    if sys.version_info < OLDEST_PYTHON:
        return use_newer_python()
    if Path(sys.prefix) == VENV:  # an activated .venv can neither make itself anew nor does it hold pip
        return subprocess.call([getattr(sys, "_base_executable", sys.executable), *sys.argv])
    usage = "".join("\n  {:<10} {}".format(*row) for row in COMMANDS.items())
    parser = argparse.ArgumentParser(
        prog="dev.py",
        usage="dev.py COMMAND [ARGS]",
        epilog="commands:" + usage,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    parser.add_argument("command", choices=COMMANDS, metavar="COMMAND", help="one of those below")
    command = parser.parse_args(sys.argv[1:2]).command
    arguments = sys.argv[2:]
    os.chdir(ROOT)
    os.environ.setdefault("NO_MKDOCS_2_WARNING", "1")  # an advertisement of its successor, in red
    try:
        if command == "setup":
            set_up(dev="--dev" in arguments)
            return 0
        run = {"demo": demo, "check": check, "check-all": check_all, "bench": bench, "docs": docs, "lock": lock}
        return run[command](arguments)
    except StepFailedError as error:
        print(f"{error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


# ---------------------------------------------------------------------------------------------- commands


def demo(arguments: list[str]) -> int:
    """Work real orders against a recorded market."""
    set_up(dev=False)
    return subprocess.call([SCRIPTS / ("quietfill" + SUFFIX), "demo", *arguments])


def check(arguments: list[str]) -> int:
    """Run every check that a change must pass, and say which did not."""
    started = time.monotonic()
    set_up(dev=True)
    failed = [name for name, command in static_checks() if not step(name, command)]
    print("pytest      (without the slow and the browser tests: `dev.py check-all` runs those)", flush=True)
    return finish_check(failed, arguments, started)


def check_all(arguments: list[str]) -> int:
    """Run `check` with no test left out, and show which branches none of them took."""
    started = time.monotonic()
    set_up(dev=True)
    failed = [name for name, command in static_checks() if not step(name, command)]
    print("pytest      (everything)", flush=True)
    return finish_check(failed, ["-m", "", "--cov", "--cov-report=term", *arguments], started)


def bench(arguments: list[str]) -> int:
    """Measure what design budgets name, each beside its yardstick."""
    set_up(dev=True)
    if not (ROOT / "bench" / "__main__.py").exists():
        raise StepFailedError("bench/__main__.py is missing: nothing to measure yet")
    return subprocess.call([PYTHON, "-m", "bench", *arguments])


def docs(arguments: list[str]) -> int:
    """Build the documentation into site/; with `serve`, show it and follow changes."""
    set_up(dev=True)
    return subprocess.call(tool("mkdocs", *(arguments or ["build", "--strict"])))


def lock(arguments: list[str]) -> int:
    """Write both locks: one for every platform and Python, with hashes, without any index's address."""
    with tempfile.TemporaryDirectory() as scratch:
        uv = shutil.which("uv")
        if uv is None:
            venv = Path(scratch) / "venv"
            quietly([sys.executable, "-m", "venv", venv], "making a scratch environment")
            scripts = venv / SCRIPTS.name
            quietly([scripts / ("python" + SUFFIX), "-m", "pip", "install", "uv"], "installing uv")
            uv = str(scripts / ("uv" + SUFFIX))
        command: list[str | Path] = [uv, "pip", "compile", "--quiet", "--universal", "--generate-hashes"]
        command += ["--no-emit-index-url"]
        command += ["--python-version", "3.11", "--custom-compile-command", "python3 dev.py lock", *arguments]
        sources = ["pyproject.toml", "requirements/build.in"]
        extra = ["requirements/dev.in", "--extra", "matlab", "--constraint", "requirements/run.txt"]
        quietly([*command, *sources, "--output-file", "requirements/run.txt"], "locking the run-time set")
        quietly([*command, *sources, *extra, "--output-file", "requirements/dev.txt"], "locking the development set")
        for client in sorted(Path("requirements").glob("clients-*.in")):  # what tests install in environments apart
            quietly([*command, client, "--output-file", client.with_suffix(".txt")], f"locking {client.stem}")
    return 0


# ------------------------------------------------------------------------------------------------ set-up


class StepFailedError(Exception):
    """A step of the set-up failed; the message holds what it printed."""


def set_up(*, dev: bool) -> None:
    """Bring .venv to the state that the lock, the project table and the compiled core ask for."""
    environment = digest(sys.version, str(ROOT), os.name)
    if not stamped("environment", environment):
        say("making .venv", make_environment)
        stamp("environment", environment)
    wanted, path = ("dev", DEV_LOCK) if dev or stamp_file("dev").exists() else ("run", RUN_LOCK)
    packages = digest(path.read_text())
    if not stamped(wanted, packages):
        say(f"installing {path.relative_to(ROOT)}", lambda: install("--require-hashes", "--requirement", path))
        stamp(wanted, packages)
    project = digest(project_tables())
    if not stamped("project", project):
        say("installing quietfill", lambda: install("--no-build-isolation", "--editable", ROOT))
        stamp("project", project)
    venue = sorted((ROOT / "src" / "quietfill" / "venue").rglob("*.py"))
    core = digest(packages, *(path.read_text(encoding="utf-8") for path in venue))
    if (ROOT / "src/quietfill/venue/warmup.py").exists() and not stamped("core", core):
        say("compiling the venue core", lambda: quietly([PYTHON, "-m", "quietfill.venue.warmup"], "compiling"))
        stamp("core", core)


def make_environment() -> None:
    """Make an empty .venv; without its own pip if ours can serve it, which is faster and needs no ensurepip."""
    if VENV.exists():
        shutil.rmtree(VENV)
    without_pip = ["--without-pip"] if outer_pip_serves() else []
    quietly([sys.executable, "-m", "venv", *without_pip, VENV], "making .venv")


def outer_pip_serves() -> bool:
    """Say whether this Python's pip knows `--python` (22.3 or newer)."""
    answer = subprocess.run([sys.executable, "-m", "pip", "--version"], capture_output=True, text=True, check=False)
    words = answer.stdout.split()
    if answer.returncode or words[:1] != ["pip"]:
        return False
    return tuple(int(part) for part in words[1].split(".")[:2] if part.isdigit()) >= OLDEST_PIP


def install(*what: str | Path) -> None:
    """Install into .venv exactly what is named, with its own pip if it has one, else with ours."""
    inner = subprocess.run([PYTHON, "-m", "pip", "--version"], capture_output=True, check=False).returncode == 0
    pip: list[str | Path] = [PYTHON, "-m", "pip"] if inner else [sys.executable, "-m", "pip", "--python", PYTHON]
    options = ["--no-deps", "--no-compile", "--no-input", "--disable-pip-version-check"]
    quietly([*pip, "install", *options, *what], "pip")


def project_tables() -> str:
    """Return the part of pyproject.toml that an installation depends on."""
    import tomllib

    content = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return repr((content["build-system"], content["project"], content["tool"]["hatch"]))


def digest(*parts: str) -> str:
    """Return a short name for some text."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def stamp_file(name: str) -> Path:
    """Return where the environment remembers a finished step."""
    return VENV / f".stamp-{name}"


def stamped(name: str, value: str) -> bool:
    """Say whether a step was already done for this input."""
    return PYTHON.exists() and stamp_file(name).exists() and stamp_file(name).read_text() == value


def stamp(name: str, value: str) -> None:
    """Remember that a step is done for this input."""
    stamp_file(name).write_text(value)


# -------------------------------------------------------------------------------------------------- steps


def tool(name: str, *arguments: str) -> list[str | Path]:
    """Return the command line of a tool that lives in .venv."""
    return [SCRIPTS / (name + SUFFIX), *arguments]


def static_checks() -> list[tuple[str, list[str | Path]]]:
    """Return the checks that read the code without running it."""
    return [
        ("ruff check", tool("ruff", "check", "--quiet", ".")),
        ("ruff format", tool("ruff", "format", "--check", "--quiet", ".")),
        ("mypy", tool("mypy")),
        ("basedpyright", tool("basedpyright")),
        ("lint-imports", tool("lint-imports", "--no-logo")),
        ("docs", tool("mkdocs", "build", "--strict")),  # `--quiet` would let warnings pass
    ]


def step(name: str, command: list[str | Path]) -> bool:
    """Run a check, print its name, time and outcome, and what it said if it failed."""
    started = time.monotonic()
    print(f"{name:<12}", end="", flush=True)
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    print(f"{time.monotonic() - started:6.1f} s  {'FAILED' if done.returncode else 'ok'}", flush=True)
    if done.returncode:
        print(done.stdout.decode(errors="replace").rstrip(), flush=True)
    return done.returncode == 0


def finish_check(failed: list[str], arguments: list[str], started: float) -> int:
    """Run the tests in view, then say in one line how the whole check went."""
    if subprocess.call([PYTHON, "-m", "pytest", "--numprocesses=auto", "--dist=worksteal", *arguments]):
        failed = [*failed, "pytest"]
    outcome = f"FAILED: {', '.join(failed)}" if failed else "ok"
    print(f"check {outcome}, {time.monotonic() - started:.1f} s", flush=True)
    return 1 if failed else 0


def say(what: str, do: Callable[[], None]) -> None:
    """Do one step of the set-up and print how long it took."""
    started = time.monotonic()
    print(f"{what} ...", end="", flush=True)
    try:
        do()
    except StepFailedError:
        print(" FAILED", flush=True)
        raise
    print(f" {time.monotonic() - started:.1f} s", flush=True)


def quietly(command: list[str | Path], what: str) -> None:
    """Run a command; show what it printed only if it fails."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if done.returncode:
        output = done.stdout.decode(errors="replace").rstrip()
        raise StepFailedError(f"{output}\n{what} failed (exit code {done.returncode})")


def use_newer_python() -> int:
    """Hand over to a newer Python on the path, or say in one line what is missing."""
    for minor in (13, 12, 11):
        found = shutil.which(f"python3.{minor}")
        if (
            found
            and subprocess.run([found, "-c", "import venv"], stderr=subprocess.DEVNULL, check=False).returncode == 0
        ):
            return subprocess.call([found, __file__, *sys.argv[1:]])
    version = ".".join(str(part) for part in sys.version_info[:2])
    print(f"Quietfill needs Python 3.11 or newer; this is {version}, and no newer one is on the path.", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
