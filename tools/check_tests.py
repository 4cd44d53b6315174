"""Fails if a public op has no test or no docstring: check_tests.py [ROOT].

The ops are those of the installed extension. An op is tested if PyTorch's op database, which the tests
run whole, has an entry or an alias of its name, or if a test names it: as an attribute (`torch.fmod`,
`x.fmod_`) or as a string in a table.
"""

import ast
import pathlib
import re
import sys
from collections.abc import Iterable

from op_rows import Row, read_rows


def names_in_tests(sources: Iterable[str]) -> set[str]:
    """Every attribute, and every word of every string but docstrings, in the texts of test modules."""
    names: set[str] = set()
    for source in sources:
        tree = ast.parse(source)
        docstrings = {
            id(node.body[0].value)
            for node in ast.walk(tree)
            if isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef)
            and node.body
            and isinstance(node.body[0], ast.Expr)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute):
                names.add(node.attr)
            elif (
                isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings
            ):
                names.update(re.findall(r"[A-Za-z_][\w.]*", node.value))
    return names


def names_in_op_db() -> set[str]:
    """Names of PyTorch's op database: entries, aliases, last parts of dotted names, in-place twins."""
    from torch.testing._internal.common_methods_invocations import op_db

    names = set()
    for op in op_db:
        for name in [op.name, *(alias.name for alias in op.aliases)]:
            names |= {name, name.rpartition(".")[2]}
        names |= {it.name + "_" for it in (op, *op.aliases) if it.inplace_variant is not None}
    return names


def complaints(rows: list[Row], tested: set[str]) -> list[str]:
    """What is wrong with `rows`, given the names that are tested; a leading `_` is private."""
    found = [] if rows else ["no op rows were found"]
    for row in rows:
        if row.name.startswith("_"):
            continue
        if row.name not in tested:
            found.append(f"{row.where} has no test")
        if not row.doc:
            found.append(f"{row.where} has no docstring")
    return list(dict.fromkeys(found))


def main() -> int:
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent)
    rows = read_rows()
    tests = names_in_tests(file.read_text(encoding="utf-8") for file in (root / "tests/python").rglob("*.py"))
    found = complaints(rows, tests | names_in_op_db())
    print(
        "\n".join(found)
        or f"tests: each of {len({row.name for row in rows})} op names has a test and a docstring"
    )
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
