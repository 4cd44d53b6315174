"""Reads the op rows (TG_OP) out of the built extension: schemas, documentation, and where each is reached."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

SCHEMA = re.compile(r"([\w.]+)\((.*)\)\s*->\s*(.+)", re.DOTALL)
PARAMETER = re.compile(r"([\w\[\]?]+)\s+(\*?\w+)(?:\s*=\s*(.+))?")


@dataclass(frozen=True)
class Parameter:
    """One parameter of a schema; `default` is the schema's text for it, or None."""

    type: str
    name: str
    default: str | None
    keyword_only: bool


@dataclass(frozen=True)
class Row:
    """One way to call one op; `space` is "Tensor" for methods, else a submodule such as `_ops` or `_nn`."""

    space: str
    name: str
    schema: str
    doc: str

    @property
    def where(self) -> str:
        """How messages name the row."""
        return f"{self.space}.{self.name}"

    @property
    def result(self) -> str:
        """The schema's text for what the op returns."""
        return self._parts()[2].strip()

    @property
    def parameters(self) -> list[Parameter]:
        """The parameters in order. Raises ValueError on a schema that is not well formed."""
        found: list[Parameter] = []
        keyword_only = False
        for text in split_at_commas(self._parts()[1]):
            if text == "*":
                keyword_only = True
                continue
            match = PARAMETER.fullmatch(text)
            if match is None:
                raise ValueError(f"{self.where}: parameter {text!r} of {self.name} is not understood")
            found.append(Parameter(*match.groups(), keyword_only))
        return found

    def _parts(self) -> tuple[str, str, str]:
        match = SCHEMA.fullmatch(self.schema.strip())
        if match is None:
            raise ValueError(f"{self.where}: schema {self.schema!r} is not understood")
        name, parameters, result = match.groups()
        return name, parameters, result


def split_at_commas(text: str) -> list[str]:
    """The parts of `text` between commas outside of brackets and quotes, stripped; none for an empty text."""
    parts, depth, quote, start = [], 0, "", 0
    for place, char in enumerate(text):
        if quote:
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
        elif char in "([":
            depth += 1
        elif char in ")]":
            depth -= 1
        elif char == "," and depth == 0:
            parts.append(text[start:place].strip())
            start = place + 1
    return [*parts, text[start:].strip()] if text.strip() else []


def rows_of(space: str, members: Mapping[str, Any]) -> list[Row]:
    """The rows among the members of a module or class: all that has `__schemas__`."""
    rows = []
    for name, function in members.items():
        schemas = getattr(function, "__schemas__", ())
        # The documentation repeats each schema before its text.
        doc = function.__doc__ or "" if schemas else ""
        for schema in schemas:
            doc = doc.replace(schema, "")
        rows += [Row(space, name, schema, doc.strip()) for schema in schemas]
    return rows


def read_rows() -> list[Row]:
    """Every row of the installed extension."""
    from tensorgrad import _C

    rows = rows_of("Tensor", vars(_C.Tensor))
    for name, module in vars(_C).items():
        if name.startswith("_") and type(module) is type(re):
            rows += rows_of(name, vars(module))
    return rows
