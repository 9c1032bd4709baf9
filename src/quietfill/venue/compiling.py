"""Turn a plain kernel module into its compiled twin.

The kernel is written once as ordinary functions. `core_functions` hands them out either as they are or
compiled by numba, with the calls among them compiled too, so that both forms can run in one process and be
compared. numba keeps the machine code on disk, beside the source, and compiles again when the source changes; the
options are therefore a constant of the kernel module, `COMPILE_OPTIONS`.
"""

from __future__ import annotations

import functools
import os
import types
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

PLAIN_SWITCH = "QUIETFILL_PLAIN"
"""Environment variable: any value but empty and 0 makes the venue run uncompiled."""


def compiled_by_default() -> bool:
    """Say whether the core runs compiled: numba is installed and nobody asked for plain Python."""
    return os.environ.get(PLAIN_SWITCH, "") in {"", "0"} and find_spec("numba") is not None


@functools.cache
def core_functions(kernel: str, *, compiled: bool) -> types.SimpleNamespace:
    """Return the functions of the module named *kernel* by their names, compiled or plain.

    Compiling happens at the first call of each; `warmup` makes that call ahead of time.
    """
    scope = vars(import_module(kernel))
    own = {
        name: value
        for name, value in scope.items()
        if isinstance(value, types.FunctionType) and value.__module__ == kernel
    }
    if not compiled:
        return types.SimpleNamespace(**own)
    return types.SimpleNamespace(**_compile(own, scope))


def _compile(functions: dict[str, types.FunctionType], scope: dict[str, Any]) -> dict[str, Callable[..., Any]]:
    # Copies with globals of their own: numba looks called functions up there, and must find compiled ones
    # while the module keeps the plain ones.
    from numba import njit

    compiled_scope = dict(scope)
    for name, function in functions.items():
        twin = types.FunctionType(function.__code__, compiled_scope, name, function.__defaults__)
        twin.__qualname__ = function.__qualname__
        twin.__module__ = function.__module__
        twin.__doc__ = function.__doc__
        compiled_scope[name] = njit(**scope["COMPILE_OPTIONS"])(twin)
    return {name: compiled_scope[name] for name in functions}
