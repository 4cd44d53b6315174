"""Writes the extension's stubs, python/tensorgrad/_C/*.pyi, from the op rows.

    write_stubs.py [--check] [ROOT]

What is no op (dtypes, devices, properties of tensors) comes from tools/stub_template.pyi. With --check
nothing is written, and a stub that is not what would be written is a failure.
"""

import argparse
import keyword
import pathlib
import re
import sys
from collections.abc import Iterable

from op_rows import Parameter, Row, read_rows

STUBS = "python/tensorgrad/_C"
TEMPLATE = "tools/stub_template.pyi"
TYPES = {
    "Tensor": "Tensor",
    "Operand": "Tensor | Number",
    "Tensor[]": "Sequence[Tensor]",
    "Scalar": "Number",
    "int": "builtins.int",
    "int[]": "Sequence[builtins.int]",
    "float": "builtins.float",
    "float[]": "Sequence[builtins.float]",
    "bool": "builtins.bool",
    "bool[]": "Sequence[builtins.bool]",
    "str": "str",
    "ScalarType": "_dtype",
    "Device": "DeviceLike",
    "Generator": "Generator",
    "Layout": "_layout",
    "MemoryFormat": "_memory_format",
}
OPTIONS = ["dtype: _dtype | None = ...", "layout: _layout | None = ...", "device: DeviceLike | None = ..."]
OPTIONS += ["pin_memory: builtins.bool | None = ...", "requires_grad: builtins.bool = ..."]
HEAD = """import builtins
from collections.abc import Sequence
from typing import overload

from . import DeviceLike, Generator, Number, Size, Tensor, _dtype, _layout, _memory_format
"""
OPERATORS = "add sub mul truediv floordiv mod pow matmul and or xor lshift rshift"
DEFAULTS = {"None", "True", "False"}


def type_of(text: str) -> str:
    """The annotation for the schema's type `text`. Raises KeyError on a type that is not known."""
    base = text.removesuffix("?")
    if base.startswith("int[") and base != "int[]":
        found = "builtins.int | Sequence[builtins.int]"
    elif base.startswith("float[") and base != "float[]":
        found = "builtins.float | Sequence[builtins.float]"
    elif base.endswith("?[]"):
        found = f"Sequence[{type_of(base.removesuffix('[]'))}]"
    else:
        found = TYPES[base]
    return found + " | None" if text.endswith("?") else found


def result_of(text: str, in_class: bool) -> str:
    """The annotation for what a schema returns: `Tensor`, `Tensor[]`, `(Tensor values, Tensor indices)`."""
    if text.startswith("("):
        parts = [part.split()[0] for part in text.strip("()").split(",") if part.strip()]
        return f"tuple[{', '.join(result_of(part, in_class) for part in parts)}]" if parts else "None"
    return {
        "Tensor[]": "tuple[Tensor, ...]",
        "Scalar": "Number",
        "ScalarType": "_dtype",
        "bool": "builtins.bool",
        "int": "builtins.int",
        "float": "builtins.float",
        "()": "None",
        "int[]": "Size",
    }.get(text, text)


def parameter(p: Parameter) -> str:
    """One parameter as it stands in the stub."""
    annotation = type_of(p.type)
    if p.name.startswith("*"):
        annotation = f"Tensor | {annotation}"
    name = p.name + "_" if keyword.iskeyword(p.name) else p.name
    return f"{name}: {annotation}" + ("" if p.default is None else f" = {default(p.default)}")


def default(text: str) -> str:
    """A default that Python reads as the schema means it, else an ellipsis."""
    try:
        float(text)
    except ValueError:
        return text if text in DEFAULTS else "..."
    return text if text not in ("inf", "-inf", "nan") else "..."


def signatures(row: Row, method: bool) -> list[str]:
    """The signatures of one row; two where the sizes may also come as separate arguments."""
    parameters = row.parameters
    result = result_of(row.result, method)
    if row.name.endswith("_"):
        parameters = [p for p in parameters if p.name != "out"]
    versions = [parameters]
    sizes = parameters[1:2] if method else parameters[:1]
    if sizes and sizes[0].type == "int[]" and all(p.keyword_only for p in parameters[2 if method else 1 :]):
        versions.append(
            [Parameter("*", p.name, None, p.keyword_only) if p in sizes else p for p in parameters]
        )
    found = []
    for version in versions:
        words: list[str] = []
        star = False
        for place, p in enumerate(version):
            if method and place == 0:
                words.append("self")
                continue
            if p.type == "*":
                words.append(f"*{p.name}: builtins.int")
                star = True
                continue
            if p.keyword_only and not star:
                words.append("*")
                star = True
            star = star or p.name.startswith("*")
            if p.type == "Options":
                words += OPTIONS if star else ["*", *OPTIONS]
                star = True
            else:
                words.append(parameter(p))
        found.append(f"def {row.name}({', '.join(words)}) -> {result}: ...")
    return found


def definitions(rows: Iterable[Row], method: bool, known: Iterable[str] = ()) -> list[str]:
    """The lines of all named rows but those in `known`, overloads together, sorted by name."""
    table: dict[str, list[str]] = {}
    for row in rows:
        if row.name not in known:
            table.setdefault(row.name, []).extend(signatures(row, method))
    lines = []
    for name in sorted(table):
        unique = list(dict.fromkeys(table[name]))
        for line in unique:
            lines += ["@overload", line] if len(unique) > 1 else [line]
    return lines


def stubs(rows: list[Row], template: str) -> dict[str, str]:
    """File name -> text: `__init__.pyi` from the template, and one file per submodule of functions."""
    spaces: dict[str, list[Row]] = {"Tensor": []}
    for row in rows:
        spaces.setdefault(row.space, []).append(row)
    methods = spaces.pop("Tensor")
    written = "# Written by tools/write_stubs.py from the op rows: not to be edited.\n"
    known = set(re.findall(r"^    def (\w+)\(", template, re.MULTILINE))
    body = "".join(f"    {line}\n" for line in definitions(methods, True, known))
    operators = "".join(
        f"    def __{way}{symbol}__(self, other: Tensor | Number) -> Tensor: ...\n"
        for symbol in OPERATORS.split()
        for way in ("", "r", "i")
    )
    text = template.replace("    # methods of the ops\n", body).replace("    # operators\n", operators)
    files = {"__init__.pyi": written + text}
    for space, named in sorted(spaces.items()):
        text = "".join(f"{line}\n" for line in definitions(named, False))
        files[f"{space}.pyi"] = f"{written}{HEAD}\n{text}"
    return files


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("root", nargs="?", type=pathlib.Path, default=pathlib.Path(__file__).parent.parent)
    options = parser.parse_args()
    files = stubs(read_rows(), (options.root / TEMPLATE).read_text(encoding="utf-8"))
    folder = options.root / STUBS
    present = {file.name: file.read_text(encoding="utf-8") for file in folder.glob("*.pyi")}
    if options.check:
        stale = sorted(name for name in files.keys() | present.keys() if files.get(name) != present.get(name))
        print(f"stale, run tools/write_stubs.py: {' '.join(stale)}" if stale else "stubs: as the op rows say")
        return 1 if stale else 0
    folder.mkdir(exist_ok=True)
    for name in present.keys() - files.keys():
        (folder / name).unlink()
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
