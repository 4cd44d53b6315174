"""Reads the package's public names with their documentation, for the reference and for the check of it."""

import importlib
import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

# One page each, in this order.
MODULES = (
    "tensorgrad",
    "tensorgrad.autograd",
    "tensorgrad.autograd.forward_ad",
    "tensorgrad.autograd.function",
    "tensorgrad.autograd.functional",
    "tensorgrad.autograd.graph",
    "tensorgrad.linalg",
    "tensorgrad.nn",
    "tensorgrad.nn.attention",
    "tensorgrad.nn.functional",
    "tensorgrad.nn.init",
    "tensorgrad.nn.parameter",
    "tensorgrad.nn.utils",
    "tensorgrad.optim",
    "tensorgrad.optim.lr_scheduler",
    "tensorgrad.random",
    "tensorgrad.serialization",
    "tensorgrad.special",
    "tensorgrad.storage",
    "tensorgrad.testing",
    "tensorgrad.utils",
    "tensorgrad.utils.checkpoint",
    "tensorgrad.utils.data",
    "tensorgrad.utils.safetensors",
    "tensorgrad.viz",
)


@dataclass
class Entry:
    """A public name: how it is called, and what is said of it."""

    name: str
    kind: str  # op, function, class, method or property
    calls: list[str]
    doc: str
    members: list["Entry"] = field(default_factory=list)


@dataclass
class Page:
    """A module's names."""

    module: str
    doc: str
    entries: list[Entry]


def read_pages() -> list[Page]:
    """The pages of all modules that there are; Tensor has one of its own, after the first."""
    pages = []
    for name in MODULES:
        try:
            module = importlib.import_module(name)
        except ModuleNotFoundError:
            continue
        pages.append(read_module(module))
    import tensorgrad

    tensor = _entry("Tensor", tensorgrad.Tensor)
    page = Page("tensorgrad.Tensor", tensor.doc, tensor.members)
    pages[0].entries = [entry for entry in pages[0].entries if entry.name != "Tensor"]
    return [pages[0], page, *pages[1:]]


def read_module(module: ModuleType) -> Page:
    """A module's public names, sorted: `__all__`, or all that does not begin with an underscore."""
    from tensorgrad import Tensor

    names = list(getattr(module, "__all__", ()))
    if not names or module.__name__ == "tensorgrad":
        names = [name for name in dir(module) if not name.startswith("_")]
    entries = []
    for name in sorted(set(names), key=str.lower):
        try:
            value = getattr(module, name)
        except (ModuleNotFoundError, AttributeError):  # a name that is planned
            continue
        if isinstance(value, ModuleType) or not callable(value) or _is_foreign(value):
            continue
        if value is Tensor and name != "Tensor":  # Variable, the old name
            continue
        entries.append(_entry(name, value))
    return Page(module.__name__, inspect.cleandoc(module.__doc__ or ""), entries)


def _is_foreign(value: Any) -> bool:
    """What a module imported for its own use."""
    home = getattr(value, "__module__", None) or ""
    return bool(home) and not home.startswith("tensorgrad") and home not in ("builtins",)


def _entry(name: str, value: Any) -> Entry:
    schemas = list(getattr(value, "__schemas__", ()))
    if schemas:
        doc = value.__doc__ or ""
        for schema in schemas:
            doc = doc.replace(schema, "")
        parts = [part.strip("\n") for part in re.split(r"\n\s*\n", doc) if part.strip()]
        return Entry(name, "op", schemas, "\n\n".join(dict.fromkeys(parts)))  # overloads say the same once
    doc = inspect.cleandoc(value.__doc__ or "") if _own_doc(value) else ""
    if isinstance(value, type):
        return Entry(name, "class", [f"class {name}{_signature(value)}"], doc, list(_members(value)))
    return Entry(name, "function", [name + _signature(value)], doc)


def _own_doc(value: Any) -> bool:
    """Whether the documentation is the object's, not its base class's."""
    return not isinstance(value, type) or "__doc__" in vars(value)


def _members(cls: type) -> Iterator[Entry]:
    for name, value in sorted(vars(cls).items()):
        if name.startswith("_"):
            continue
        inner = value.__func__ if isinstance(value, classmethod | staticmethod) else value
        if isinstance(inner, property) or inspect.isgetsetdescriptor(inner):
            yield Entry(name, "property", [name], inspect.cleandoc(inner.__doc__ or ""))
        elif callable(inner) and not isinstance(inner, type):
            entry = _entry(name, inner)
            if entry.kind == "function":
                entry.kind = "method"
            # What a base class says of a method is said there.
            if entry.doc or not any(name in vars(base) for base in cls.__mro__[1:]):
                yield entry


def _signature(value: Any) -> str:
    try:
        signature = inspect.signature(value)
    except (TypeError, ValueError):
        return "(...)"  # of C functions: their documentation says it
    plain = [
        parameter.replace(annotation=inspect.Parameter.empty)
        for parameter in signature.parameters.values()
        if parameter.name != "self"
    ]
    text = str(signature.replace(parameters=plain, return_annotation=inspect.Signature.empty))
    return re.sub(r" at 0x[0-9a-f]+", "", text)


def walk(pages: list[Page]) -> Iterator[tuple[str, Entry]]:
    """Every entry with its full name, members included."""
    for page in pages:
        for entry in page.entries:
            yield f"{page.module}.{entry.name}", entry
            for member in entry.members:
                yield f"{page.module}.{entry.name}.{member.name}", member
