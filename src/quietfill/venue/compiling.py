"""Turn a plain kernel into its compiled twin.

A kernel is written once as ordinary functions, in one module or a few. `core_functions` hands them out either
as they are or compiled by numba, with the calls among them compiled too, so that both forms can run in one
process and be compared. numba keeps the machine code on disk, beside the source.
"""

from __future__ import annotations

import functools
import hashlib
import inspect
import os
import types
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

PLAIN_SWITCH = "QUIETFILL_PLAIN"
"""Environment variable: any value but empty and 0 makes the venue run uncompiled."""

_OPTIONS: dict[str, Any] = {
    "cache": True,
    "nogil": True,
    # The core only works on arrays that its caller holds, so counting references to them buys nothing. Together
    # with putting every call in line this is a factor of ten (6 and 60 million rows a second were measured).
    "_nrt": False,
    "forceinline": True,
}


def compiled_by_default() -> bool:
    """Say whether the core runs compiled: numba is installed and nobody asked for plain Python."""
    return os.environ.get(PLAIN_SWITCH, "") in {"", "0"} and find_spec("numba") is not None


@functools.cache
def core_functions(kernel: str, *, compiled: bool) -> types.SimpleNamespace:
    """Return the functions of the module named *kernel*, and of its `PARTS`, by their names, compiled or plain.

    Compiling happens at the first call of each; `warmup` makes that call ahead of time.
    """
    module = import_module(kernel)
    modules: Sequence[types.ModuleType] = (*module.PARTS, module)
    names = {part.__name__ for part in modules}
    scope = {name: value for part in modules for name, value in vars(part).items()}
    own = {
        name: value
        for name, value in scope.items()
        if isinstance(value, types.FunctionType) and value.__module__ in names
    }
    return types.SimpleNamespace(**(_compile(own, scope, _edition(modules)) if compiled else own))


def _edition(modules: Sequence[types.ModuleType]) -> str:
    """Return what tells the machine code of one state of the sources from that of another."""
    text = repr(sorted(_OPTIONS.items())) + "".join(inspect.getsource(module) for module in modules)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _compile(functions: dict[str, types.FunctionType], scope: dict[str, Any], edition: str) -> dict[str, Any]:
    # Copies with globals of their own: numba looks called functions up there, and must find compiled ones
    # while the modules keep the plain ones. The edition is part of the name because numba, left alone, throws
    # a function's machine code away only when its own file changes, and not one that it calls or reads from.
    from numba import njit

    compiled_scope = dict(scope)
    for name, function in functions.items():
        twin = types.FunctionType(function.__code__, compiled_scope, name, function.__defaults__)
        twin.__qualname__ = f"{name}_{edition}"
        twin.__module__ = function.__module__
        twin.__doc__ = function.__doc__
        compiled_scope[name] = njit(**_OPTIONS)(twin)
    return {name: compiled_scope[name] for name in functions}
