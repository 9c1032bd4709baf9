"""Environments with one foreign client each, made from hash-pinned locks and kept for the next run."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
LOCKS = ROOT / "requirements"
KEPT = ROOT / "build" / "clients"
_BUILD_LOCK = LOCKS / "clients-build.txt"


def python_with(name: str) -> Path:
    """Return the Python of an environment that holds a client and nothing of ours; skip the test if it can't be had."""
    lock = LOCKS / f"clients-{name}.txt"
    key = hashlib.sha256(b"\0".join([lock.read_bytes(), _BUILD_LOCK.read_bytes(), sys.version.encode()])).hexdigest()
    folder = KEPT / f"{name}-{key[:12]}"
    if not folder.exists():
        _make(folder, lock)
    return _python(folder)


def _make(folder: Path, lock: Path) -> None:
    """Make it under another name first: tests run side by side, and half an environment must never be found."""
    scratch = folder.with_name(f"{folder.name}.{os.getpid()}")
    try:
        _run([sys.executable, "-m", "venv", scratch], "making an environment")
        # One client comes as source and names no build system; what builds it is pinned like everything else.
        _run(_pip(scratch, _BUILD_LOCK), f"installing {_BUILD_LOCK.name}")
        _run([*_pip(scratch, lock), "--no-build-isolation"], f"installing {lock.name}")
        scratch.rename(folder)
    except OSError:
        if not folder.exists():  # else another test made it meanwhile
            raise
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _pip(folder: Path, lock: Path) -> list[str | Path]:
    options = ["--no-deps", "--require-hashes", "--no-input", "--disable-pip-version-check", "--retries=1"]
    return [_python(folder), "-m", "pip", "install", "--quiet", *options, "--requirement", lock]


def _python(folder: Path) -> Path:
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def _run(command: list[str | Path], what: str) -> None:
    """Run one step; a package that is not the pinned one fails the test, anything else (no network) skips it."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return
    said = (done.stderr + done.stdout).strip()
    assert "DO NOT MATCH THE HASHES" not in said, said
    pytest.skip(f"{what} failed, is there a network? {said.splitlines()[-1] if said else ''}")
