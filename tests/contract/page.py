"""The contract's data, read, and the two comparisons that the tests make with it."""

from __future__ import annotations

import ast
import inspect
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import quietfill

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CONTRACT: dict[str, Any] = tomllib.loads(Path(__file__).with_name("contract.toml").read_text(encoding="utf-8"))


def differences(function: Callable[..., Any], call: str) -> list[str]:
    """Return where a function's signature is not the one that the page writes as *call*; empty when it is."""
    is_async = call.startswith("async ")
    found: list[str] = []
    if inspect.iscoroutinefunction(function) != is_async:
        found.append(f"must {'' if is_async else 'not '}be async")
    wanted = _arguments(call.removeprefix("async "))
    given = {name: one for name, one in inspect.signature(function).parameters.items() if name != "self"}
    names = [name for name, one in given.items() if one.kind is not one.VAR_KEYWORD]
    positional = [name for name, (_, keyword) in wanted.items() if not keyword]
    if names[: len(positional)] != positional:
        found.append(f"positional arguments are {names}, not {positional}")
    for name, (default, keyword) in wanted.items():
        if name not in given:
            found.append(f"lacks {name}")
        elif not _same_default(given[name].default, default):
            found.append(f"{name} defaults to {given[name].default!r}, not {default!r}")
        elif keyword and given[name].kind is not given[name].KEYWORD_ONLY:
            found.append(f"{name} must be keyword-only")
    extra = [name for name in names if name not in wanted and given[name].default is inspect.Parameter.empty]
    return found + [f"also requires {name}" for name in extra]


def missing_keys(value: Any, path: list[str], keys: list[Any]) -> Iterator[str]:
    """Yield what *value* lacks of the page's keys; `*` in the path stands for every key that the data has."""
    if path:
        head, *rest = path
        parts = list(value.values()) if head == "*" else [value[head]]
        assert parts, f"nothing under {head} to be checked"
        for part in parts:
            yield from missing_keys(part, rest, keys)
        return
    is_list = bool(keys) and isinstance(keys[0], list)
    rows = value if is_list else [value]
    wanted = keys[0] if is_list else keys
    assert rows, "no row to be checked"
    for row in rows:
        yield from (key for key in wanted if key not in row)


def read_default(text: str) -> Any:
    """Return a default as the page writes it."""
    return eval(text, {"__builtins__": {}}, vars(quietfill) | {name: getattr(quietfill, name) for name in _ENUMS})


_ENUMS = ("OrderState", "OrderSide", "OrderType", "TimeInForce")
_REQUIRED = object()


def _arguments(call: str) -> dict[str, tuple[Any, bool]]:
    """Return name to (default, keyword-only) of a signature text."""
    tree = ast.parse(f"def f{call}: ...").body[0]
    assert isinstance(tree, ast.FunctionDef)
    spec = tree.args
    defaults = [None] * (len(spec.args) - len(spec.defaults)) + list(spec.defaults)
    positional = zip(spec.args, defaults, strict=True)
    keyword = zip(spec.kwonlyargs, spec.kw_defaults, strict=True)
    return {
        **{one.arg: (_value(default), False) for one, default in positional},
        **{one.arg: (_value(default), True) for one, default in keyword},
    }


def _value(node: ast.expr | None) -> Any:
    return _REQUIRED if node is None else read_default(ast.unparse(node))


def _same_default(given: Any, wanted: Any) -> bool:
    if wanted is _REQUIRED:
        return given is inspect.Parameter.empty
    if wanted in ({}, []):  # a fresh one each time
        return given == wanted or repr(given) == "<factory>"
    return bool(given == wanted)
