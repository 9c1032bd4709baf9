"""Find the algos that users wrote: a class in a file, or an entry point of an installed package."""

from __future__ import annotations

import re
import sys
from importlib.metadata import entry_points
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from quietfill.algos.registry import AlgoRegistry, AlgoSpec, Windowed, spec_of
from quietfill.domain.errors import BadInput

if TYPE_CHECKING:
    from types import ModuleType

ENTRY_POINT_GROUP = "quietfill.algos"


def is_file_reference(text: str) -> bool:
    """Say whether *text* names a class in a file, as `path.py:Class`, and not an algo by its name."""
    return ".py:" in text or text.endswith(".py")


def load_algo(reference: str) -> AlgoSpec:
    """Return the algo that *reference* names, such as `examples/patient.py:Patient`.

    Orders name it by its class in lower case: `patient`.

    Raises:
        BadInput: one line that names the file or class and what is wrong with it.
    """
    path, _, class_name = reference.rpartition(":")
    if not path or not class_name:
        raise BadInput(f"algo {reference!r}: write it as path.py:Class")
    return _user_spec(_name_of(class_name), getattr(_module(Path(path)), class_name, None), reference)


def load_entry_points(known: AlgoRegistry) -> None:
    """Register the algos that installed packages offer in the entry-point group `quietfill.algos`.

    The entry point's name is the algo's.

    Raises:
        BadInput: when one cannot be loaded, is no algo, or takes a name that is taken.
    """
    for point in sorted(entry_points(group=ENTRY_POINT_GROUP), key=lambda point: point.name):
        try:
            found = point.load()
        except Exception as error:
            raise BadInput(f"algo {point.name!r} ({point.value}): {_one_line(error)}") from error
        known.register(_user_spec(point.name, found, point.value))


def _user_spec(name: str, found: object, reference: str) -> AlgoSpec:
    if not isinstance(found, type):
        raise BadInput(f"algo {reference!r}: there is no such class")
    checked: type[Any] = found
    spec = spec_of(name, checked, needs_limit=bool(getattr(checked, "needs_limit", False)))
    return msgspec.structs.replace(spec, algo=Windowed(spec.algo))


def _name_of(class_name: str) -> str:
    """Return CamelCase as lower_case."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", class_name).lower()


def _module(path: Path) -> ModuleType:
    if not path.is_file():
        raise BadInput(f"algo file {path} does not exist")
    name = "quietfill_user_" + re.sub(r"\W", "_", str(path.resolve()))
    spec = spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise BadInput(f"algo file {path} is not a Python file")
    module = module_from_spec(spec)
    sys.modules[name] = module  # where msgspec looks up what annotations mean
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        raise BadInput(f"algo file {path}: {_one_line(error)}") from error
    return module


def _one_line(error: BaseException) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())
