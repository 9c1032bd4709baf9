"""Reference pages from signatures and docstrings: read from the source, so that a page is the same on every machine."""  # noqa: INP001

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, Final, TypeAlias

import msgspec

from tools.docstrings import Link, attributes, cell, markdown, text

Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef

_WIDEST: Final = 100
_FACTORIES: Final = {"new_event_id": "a fresh one", "utc_now": "now"}
_HIDDEN_BASES: Final = {"Struct", "Protocol", "object", "StrEnum", "IntEnum", "Enum", "ABC", "Generic", "Exception"}


@dataclass(frozen=True)
class Section:
    """A part of a page.

    Attributes:
        title: its heading.
        names: what is documented, as `module:Name`.
        lead: Markdown that comes first.
    """

    title: str
    names: tuple[str, ...]
    lead: str = ""


@dataclass(frozen=True)
class Page:
    """One page of the reference: `name` is its file, without the ending."""

    name: str
    title: str
    lead: str
    sections: tuple[Section, ...] = ()
    after: str = ""

    @property
    def members(self) -> Iterator[str]:
        """Everything that it documents, as `module:Name`."""
        for section in self.sections:
            yield from section.names


@dataclass(frozen=True)
class Index:
    """Where each documented name is."""

    places: dict[str, str] = field(default_factory=dict[str, str])

    @classmethod
    def of(cls, pages: Iterable[Page]) -> Index:
        """Return the index of all pages; a name that stands on two of them belongs to the first."""
        places: dict[str, str] = {}
        for page in pages:
            for member in page.members:
                name = member.partition(":")[2]
                places.setdefault(name, f"{page.name}.md#{name.lower()}")
        return cls(places)

    def link(self, page: str, own: str) -> Link:
        """Return how a name in backticks is written on a page, inside the entry of *own*."""

        def written(name: str) -> str:
            place = self.places.get(name.removesuffix("()"))
            if place is None or name == own:
                return f"`{name}`"
            return f"[`{name}`]({place.removeprefix(f'{page}.md')})"

        return written


def page_text(page: Page, index: Index, note: str) -> str:
    """Return a page as Markdown."""
    parts = [note, f"# {page.title}", page.lead]
    for section in page.sections:
        parts += [f"## {section.title}", section.lead]
        parts += [entry(name, page.name, index) for name in section.names]
    return "\n\n".join(part.strip("\n") for part in [*parts, page.after] if part.strip()) + "\n"


def entry(member: str, page: str, index: Index) -> str:
    """Return one documented thing: a class, a function, or a constant with the words below it."""
    module, _, name = member.partition(":")
    link = index.link(page, name)
    node, home = definition(module, name)
    parts = [f"### {name}", f"`from {public_home(module, name)} import {name}`"]
    match node:
        case ast.ClassDef():
            parts += _class(node, home, getattr(import_module(module), name), link)
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            parts += [signature(node, home), markdown(ast.get_docstring(node) or "", link)]
        case _:
            parts += _constant(node, home, link)
    return "\n\n".join(part for part in parts if part)


def method(node: Function, home: ModuleType, link: Link, heading: str) -> str:
    """Return a method with its signature and words."""
    parts = (heading, signature(node, home), markdown(ast.get_docstring(node) or "", link))
    return "\n\n".join(part for part in parts if part)


def public_home(module: str, name: str) -> str:
    """Return where a name is imported from: the package, one that offers it, or its own module."""
    import quietfill

    if name in quietfill.__all__:
        return "quietfill"
    package = module.rpartition(".")[0]
    return package if name in getattr(import_module(package), "__all__", ()) else module


def definition(module: str, name: str) -> tuple[ast.stmt, ModuleType]:
    """Return the statement that defines a name, and the module it stands in.

    Raises:
        LookupError: when there is none.
    """
    home = import_module(module)
    for node in tree(home).body:
        match node:
            case ast.ClassDef() | ast.FunctionDef() | ast.AsyncFunctionDef() if node.name == name:
                return node, home
            case ast.AnnAssign(target=ast.Name(id=found)) if found == name:
                return node, home
            case ast.Assign(targets=[ast.Name(id=found)]) if found == name:
                return node, home
            case ast.ImportFrom(module=str(source)) if any(alias.name == name for alias in node.names):
                return definition(source, name)
            case _:
                pass
    raise LookupError(f"{module} does not define {name}")


@cache
def tree(module: ModuleType) -> ast.Module:
    """Return a module's source as a tree."""
    return ast.parse(source_of(module))


@cache
def source_of(module: ModuleType) -> str:
    """Return a module's source."""
    return Path(str(module.__file__)).read_text(encoding="utf-8")


# ------------------------------------------------------------------------------------------------- classes


def _class(node: ast.ClassDef, home: ModuleType, made: type, link: Link) -> list[str]:
    docstring = ast.get_docstring(node) or ""
    if issubclass(made, Enum):
        return [markdown(docstring, link), _values(node, link), *_members(node, home, link)]
    if issubclass(made, msgspec.Struct) or hasattr(made, "__dataclass_fields__"):
        head = markdown(docstring, link, leave_out=("Attributes",))
        return [head, _bases(node, link), _fields(node, home, docstring, link), *_members(node, home, link)]
    init = next((each for each in node.body if isinstance(each, Function) and each.name == "__init__"), None)
    call = "" if init is None else signature(init, home, name=node.name)
    return [call, markdown(docstring, link), _bases(node, link), *_members(node, home, link)]


def _bases(node: ast.ClassDef, link: Link) -> str:
    names = [ast.unparse(base).partition("[")[0].rpartition(".")[2] for base in node.bases]
    shown = [link(name) for name in names if name not in _HIDDEN_BASES and not name.startswith("_")]
    return f"Has everything that {', '.join(shown)} has." if shown else ""


def _fields(node: ast.ClassDef, home: ModuleType, docstring: str, link: Link) -> str:
    said = attributes(docstring)
    rows = []
    for place, each in enumerate(node.body):
        if (
            not isinstance(each, ast.AnnAssign)
            or not isinstance(each.target, ast.Name)
            or "ClassVar" in ast.unparse(each)
        ):
            continue
        name = each.target.id
        if name.startswith("_"):
            continue
        words = said.get(name) or _words_below(node.body, place)
        row = (f"`{name}`", f"`{readable(each.annotation, home)}`", _default(each.value, home), text(words, link))
        rows.append("| " + " | ".join(map(cell, row)) + " |")
    return "\n".join(["| field | type | default | meaning |", "|---|---|---|---|", *rows]) if rows else ""


def _values(node: ast.ClassDef, link: Link) -> str:
    found = [
        (each.targets[0].id, ast.unparse(each.value).strip("'"), _words_below(node.body, place))
        for place, each in enumerate(node.body)
        if isinstance(each, ast.Assign) and isinstance(each.targets[0], ast.Name)
    ]
    if not any(words for _, _, words in found):
        return "\n".join(f"* `{name}` is `{value}`" for name, value, _ in found)
    rows = [f"| `{name}` | `{value}` | {cell(text(words, link))} |" for name, value, words in found]
    return "\n".join(["| member | value | meaning |", "|---|---|---|", *rows])


def _members(node: ast.ClassDef, home: ModuleType, link: Link) -> list[str]:
    public = [each for each in node.body if isinstance(each, Function) and not each.name.startswith("_")]
    properties = [each for each in public if _is_property(each)]
    return [
        _properties(properties, home, link),
        *(method(each, home, link, f"#### {node.name}.{each.name}") for each in public if each not in properties),
    ]


def _properties(found: list[Function], home: ModuleType, link: Link) -> str:
    rows = []
    for each in found:
        kind = "" if each.returns is None else f"`{readable(each.returns, home)}`"
        words = markdown(ast.get_docstring(each) or "", link).replace("\n", " ")
        rows.append(f"| `{each.name}` | {cell(kind)} | {cell(words)} |")
    return "\n".join(["| property | type | meaning |", "|---|---|---|", *rows]) if rows else ""


def _is_property(node: Function) -> bool:
    return any(ast.unparse(each).rpartition(".")[2] in {"property", "cached_property"} for each in node.decorator_list)


def _constant(node: ast.stmt, home: ModuleType, link: Link) -> list[str]:
    body = tree(home).body
    words = _words_below(body, body.index(node))
    value = ast.get_source_segment(source_of(home), node) or ""
    lines = value.splitlines()
    shown = value if len(lines) <= 20 else f"{lines[0].partition('=')[0].strip()} = ..."  # noqa: PLR2004 - a screen
    return [f"```python\n{shown}\n```", markdown(words, link)]


def _words_below(body: list[ast.stmt], place: int) -> str:
    """Return the text that stands below an assignment, which says what it is."""
    below = body[place + 1] if place + 1 < len(body) else None
    if isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant) and isinstance(below.value.value, str):
        return inspect.cleandoc(below.value.value)
    return ""


def _default(value: ast.expr | None, home: ModuleType) -> str:
    if value is None:
        return "required"
    if isinstance(value, ast.Call) and ast.unparse(value.func).endswith("field"):
        given = {word.arg: word.value for word in value.keywords}
        if "default" in given:
            return _default(given["default"], home)
        factory = ast.unparse(given["default_factory"]).partition("[")[0]
        return _FACTORIES.get(factory, f"`{factory}()`")
    return f"`{ast.get_source_segment(source_of(home), value)}`"


# ---------------------------------------------------------------------------------------------- signatures


def signature(node: Function, home: ModuleType, *, name: str | None = None) -> str:
    """Return how a function is called, as a code block: one line, or one a parameter where that is too long."""
    found = list(_parameters(node.args, home))
    if node.args.args and node.args.args[0].arg in {"self", "cls"}:
        found = found[1:]
    returns = "" if node.returns is None or name else f" -> {readable(node.returns, home)}"
    prefix = "async " if isinstance(node, ast.AsyncFunctionDef) else ""
    line = f"{prefix}{name or node.name}({', '.join(found)}){returns}"
    if len(line) > _WIDEST:
        inner = "".join(f"    {each},\n" for each in found)
        line = f"{prefix}{name or node.name}(\n{inner}){returns}"
    return f"```python\n{line}\n```"


def _parameters(given: ast.arguments, home: ModuleType) -> Iterator[str]:
    placed = [*given.posonlyargs, *given.args]
    defaults: list[ast.expr | None] = [*[None] * (len(placed) - len(given.defaults)), *given.defaults]
    for place, (one, default) in enumerate(zip(placed, defaults, strict=True), start=1):
        yield _parameter(one, default, home)
        if place == len(given.posonlyargs):
            yield "/"
    if given.vararg is not None:
        yield "*" + _parameter(given.vararg, None, home)
    elif given.kwonlyargs:
        yield "*"
    for one, default in zip(given.kwonlyargs, given.kw_defaults, strict=True):
        yield _parameter(one, default, home)
    if given.kwarg is not None:
        yield "**" + _parameter(given.kwarg, None, home)


def _parameter(one: ast.arg, default: ast.expr | None, home: ModuleType) -> str:
    kind = "" if one.annotation is None else f": {readable(one.annotation, home)}"
    if default is None:
        return one.arg + kind
    equals = " = " if kind else "="
    return f"{one.arg}{kind}{equals}{ast.get_source_segment(source_of(home), default)}"


def readable(annotation: ast.expr, home: ModuleType) -> str:
    """Return a type as its user thinks of it: without rules, quotes and private names."""
    return ast.unparse(_Readable(home).visit(ast.parse(ast.unparse(annotation), mode="eval").body)).replace("'", '"')


class _Readable(ast.NodeTransformer):
    def __init__(self, home: ModuleType) -> None:
        self._home = home

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if not node.id.startswith("_"):
            return node
        try:
            found, home = definition(self._home.__name__, node.id)
        except LookupError:
            return node
        value = found.value if isinstance(found, (ast.Assign, ast.AnnAssign)) else None
        if value is None:
            return node
        inner: ast.expr = _Readable(home).visit(ast.parse(ast.unparse(value), mode="eval").body)
        return inner

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        name = ast.unparse(node.value)
        if name in {"Annotated", "Final"}:
            inner = node.slice.elts[0] if isinstance(node.slice, ast.Tuple) else node.slice
            visited: ast.expr = self.visit(inner)
            return visited
        if name == "Literal":
            return node
        self.generic_visit(node)
        return node

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        if not isinstance(node.value, str):
            return node
        unquoted: ast.expr = self.visit(ast.parse(node.value, mode="eval").body)
        return unquoted


# ------------------------------------------------------------------------------------------------ packages


def package_sections(package: str) -> tuple[Section, ...]:
    """Return one section for each module that a package offers names of, in the order of the modules' names."""
    home = import_module(package)
    names: dict[str, list[str]] = {}
    for name in home.__all__:
        found = definition_home(package, name)
        names.setdefault(found, []).append(name)
    return tuple(
        Section(
            _title(module),
            tuple(f"{module}:{name}" for name in in_order(module, found)),
            markdown(ast.get_docstring(tree(import_module(module))) or ""),
        )
        for module, found in sorted(names.items())
    )


def definition_home(package: str, name: str) -> str:
    """Return the module in which a name that a package offers is defined."""
    homes: dict[str, tuple[str, ...]] = getattr(import_module(package), "_HOMES", {})
    for module, names in homes.items():
        if name in names:
            return definition(f"{package}.{module}", name)[1].__name__
    return definition(package, name)[1].__name__


def in_order(module: str, names: Iterable[str]) -> list[str]:
    """Return names in the order in which their module defines them."""
    wanted = set(names)
    found = [_name_of(node) for node in tree(import_module(module)).body]
    return [name for name in found if name in wanted]


def _name_of(node: ast.stmt) -> str:
    match node:
        case ast.ClassDef(name=name) | ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
            return name
        case ast.AnnAssign(target=ast.Name(id=name)) | ast.Assign(targets=[ast.Name(id=name)]):
            return name
        case _:
            return ""


def _title(module: str) -> str:
    words = module.rpartition(".")[2].replace("_", " ")
    return words[:1].upper() + words[1:]


def class_node(made: type[Any]) -> tuple[ast.ClassDef, ModuleType]:
    """Return a class's own statement and its module."""
    node, home = definition(made.__module__, made.__name__)
    assert isinstance(node, ast.ClassDef), f"{made} is no class statement"
    return node, home
