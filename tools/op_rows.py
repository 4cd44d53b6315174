"""Reads the op rows (TG_OP) out of the C++ sources: their schemas, flags and documentation."""

import pathlib
import re
from dataclasses import dataclass

ROW = re.compile(r"\bTG_OP\(")
STRING = re.compile(r'\s*(?:R"([^(\s]*)\((.*?)\)\1"|"((?:[^"\\]|\\.)*)")', re.DOTALL)
DEFINITION = re.compile(r"^[ \t]*#[ \t]*define\b(?:[^\n]*\\\n)*[^\n]*", re.MULTILINE)
SCHEMA = re.compile(r"([\w.]+)\((.*)\)\s*->\s*(.+)", re.DOTALL)
PARAMETER = re.compile(r"([\w\[\]?]+)\s+(\w+)(?:\s*=\s*(.+))?")


@dataclass(frozen=True)
class Parameter:
    """One parameter of a schema; `default` is the schema's text for it, or None."""

    type: str
    name: str
    default: str | None
    keyword_only: bool


@dataclass(frozen=True)
class Row:
    """One TG_OP row and where it is written."""

    schema: str
    flags: frozenset[str]
    doc: str
    where: str

    @property
    def name(self) -> str:
        """The op's name, its namespace included: `linalg.norm`."""
        return self.schema[: self.schema.index("(")].strip()

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


def text_at(source: str, start: int) -> tuple[str, int]:
    """The adjacent string literals from `start` on as one text, and where they end."""
    text = ""
    while match := STRING.match(source, start):
        raw, plain = match.group(2), match.group(3)
        text += raw if raw is not None else plain.replace(r"\"", '"').replace(r"\n", "\n")
        start = match.end()
    return text, start


def rows_of(source: str, name: str) -> list[Row]:
    """The rows in the text of one C++ source. Raises ValueError at a row that is not written as expected."""
    source = DEFINITION.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), source)
    rows = []
    for match in ROW.finditer(source):
        if source.rfind("//", source.rfind("\n", 0, match.start()) + 1, match.start()) >= 0:
            continue
        where = f"{name}:{source.count(chr(10), 0, match.start()) + 1}"
        schema, end = text_at(source, source.index(",", match.end()) + 1)
        flags_end = source.find(",", end + 1)
        if not schema or "(" not in schema or flags_end < 0:
            raise ValueError(f"{where}: the row's schema is not a string literal")
        flags = frozenset(re.findall(r"\w+", source[end:flags_end]))
        rows.append(Row(schema, flags, text_at(source, flags_end + 1)[0].strip(), where))
    return rows


def read_rows(root: pathlib.Path) -> list[Row]:
    """Every row of the C++ library below `root`, by file and line."""
    rows = []
    for file in sorted((root / "tensorgrad").rglob("*.cpp")):
        rows += rows_of(file.read_text(encoding="utf-8"), file.relative_to(root).as_posix())
    return rows
