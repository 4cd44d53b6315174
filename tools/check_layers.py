"""Fails where an include or an import points back up the layers, or where files include each other in a ring.

    check_layers.py [ROOT]

The C++ layers are the folders of CPP_LAYERS; a folder may include itself, folders of earlier lines, and
others of its own line as long as no ring of folders arises. In the Python package the imports that run on
loading count; those inside functions and under TYPE_CHECKING are free.
"""

import ast
import pathlib
import re
import sys
from collections.abc import Iterable, Iterator

CPP_LAYERS = [
    ["core"],
    ["storage"],
    ["tensor"],
    ["dispatch"],
    ["backends", "backends/common"],
    ["backends/cpu", "backends/cuda"],
    ["ops"],
    ["autograd"],
    ["nn", "optim", "data", "io"],
    ["tensorgrad.h"],
    ["python/src"],
]
# Sub-packages of the Python package, lowest first; what is not named here lies below them all.
PYTHON_LAYERS = ["autograd", "utils.checkpoint", "nn", "optim", "utils.data", "utils._summary", "viz"]
EXTENSION = "tensorgrad._C"
INCLUDE = re.compile(r'^\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)')
# Kernel files are compiled once per instruction set: an inline function of the C++ library compiled there
# may be the copy that the linker keeps for everyone.
KERNELS = "tensorgrad/backends/cpu/kernels/"

Graph = dict[str, dict[str, int]]  # file -> included file -> line


def layer_of(path: str) -> tuple[int, str] | None:
    """Rank and name of the layer that `path` (from the root) belongs to; the longest name wins."""
    if path.startswith("python/src/"):
        return len(CPP_LAYERS) - 1, "python/src"
    if not path.startswith("tensorgrad/"):
        return None
    rest = path.removeprefix("tensorgrad/")
    best: tuple[int, str] | None = None
    for rank, names in enumerate(CPP_LAYERS):
        for name in names:
            if (rest == name or rest.startswith(name + "/")) and (best is None or len(name) > len(best[1])):
                best = rank, name
    return best


def find_cycle(graph: dict[str, Iterable[str]]) -> list[str] | None:
    """One ring of the graph as a list that begins and ends with the same node, or None."""
    done: set[str] = set()
    for start in sorted(graph):
        if start in done:
            continue
        path: list[str] = []
        stack: list[tuple[str, Iterator[str]]] = [(start, iter(sorted(graph[start])))]
        path.append(start)
        while stack:
            node, successors = stack[-1]
            successor = next(successors, None)
            if successor is None:
                stack.pop()
                path.pop()
                done.add(node)
            elif successor in path:
                return [*path[path.index(successor) :], successor]
            elif successor not in done:
                path.append(successor)
                stack.append((successor, iter(sorted(graph.get(successor, ())))))
    return None


def cpp_includes(root: pathlib.Path) -> tuple[Graph, list[str]]:
    """The graph of includes among our files, and complaints about single lines."""
    graph: Graph = {}
    complaints = []
    files = [p for folder in ("tensorgrad", "python/src") for p in sorted((root / folder).rglob("*"))]
    for file in files:
        if file.suffix not in {".h", ".cpp", ".inc", ".cu", ".cuh"}:
            continue
        name = file.relative_to(root).as_posix()
        edges = graph.setdefault(name, {})
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
            if not (match := INCLUDE.match(line)):
                continue
            quoted, angled = match.groups()
            if angled:
                if name.startswith(KERNELS) and "." not in angled:
                    complaints.append(
                        f"{name}:{number}: <{angled}>: a kernel file must not include the C++ library"
                    )
                if angled in {"Python.h", "structmember.h"} and not name.startswith("python/src/"):
                    complaints.append(f"{name}:{number}: <{angled}>: there is no Python in the C++ library")
                target = angled if (root / angled).is_file() and angled.startswith("tensorgrad/") else None
            else:
                near = (file.parent / quoted).resolve()
                if (root / quoted).is_file():
                    target = quoted
                elif near.is_file() and near.is_relative_to(root.resolve()):
                    target = near.relative_to(root.resolve()).as_posix()
                else:
                    target = None
                    if quoted.startswith(("tensorgrad/", ".")):
                        complaints.append(f'{name}:{number}: "{quoted}": no such file')
            if target is not None:
                edges.setdefault(target, number)
    return graph, complaints


def check_cpp(root: pathlib.Path) -> list[str]:
    """Complaints about the C++ includes below `root`."""
    graph, complaints = cpp_includes(root)
    folders: dict[str, set[str]] = {}
    for name, edges in graph.items():
        here = layer_of(name)
        if here is None:
            complaints.append(f"{name}: lies in no layer that tools/check_layers.py knows")
            continue
        for target, number in edges.items():
            there = layer_of(target)
            if there is None:
                complaints.append(f"{name}:{number}: {target} lies in no layer")
            elif there[0] > here[0]:
                complaints.append(f"{name}:{number}: {here[1]} must not include {there[1]} ({target})")
            elif there[1] != here[1]:
                folders.setdefault(here[1], set()).add(there[1])
    for what, candidate in (("files", graph), ("folders", folders)):
        if ring := find_cycle({key: list(value) for key, value in candidate.items()}):
            complaints.append(f"{what} include each other: " + " -> ".join(ring))
    return complaints


def load_time_imports(tree: ast.Module) -> Iterator[ast.Import | ast.ImportFrom]:
    """The imports that run when the module is loaded."""
    pending: list[ast.stmt] = list(tree.body)
    while pending:
        node = pending.pop(0)
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node
        elif isinstance(node, ast.If):
            guard = ast.unparse(node.test)
            pending += node.orelse if guard.endswith("TYPE_CHECKING") else node.body + node.orelse
        elif isinstance(node, ast.Try):
            pending += node.body + node.orelse + node.finalbody
            pending += [statement for handler in node.handlers for statement in handler.body]
        elif isinstance(node, ast.With | ast.ClassDef):
            pending += node.body


def python_imports(root: pathlib.Path) -> tuple[Graph, list[str]]:
    """The graph of load-time imports among the package's modules, and complaints about single lines."""
    base = root / "python"
    modules: dict[str, pathlib.Path] = {}
    for file in sorted((base / "tensorgrad").rglob("*.py")):
        parts = file.relative_to(base).with_suffix("").parts
        modules[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = file
    graph: Graph = {}
    complaints = []
    for name, file in modules.items():
        edges = graph.setdefault(name, {})
        where = file.relative_to(root).as_posix()
        package = name if file.name == "__init__.py" else name.rpartition(".")[0]
        for node in load_time_imports(ast.parse(file.read_text(encoding="utf-8"), str(file))):
            if isinstance(node, ast.Import):
                targets = [alias.name for alias in node.names]
            else:
                source = node.module or ""
                if node.level:
                    parent = package.split(".")
                    source = ".".join(parent[: len(parent) - node.level + 1] + ([source] if source else []))
                inner = [f"{source}.{alias.name}" for alias in node.names]
                # `from package import name`: the module of that name if there is one, else the package.
                targets = [m if m in modules or m == EXTENSION else source for m in inner]
            for target in targets:
                top = target.split(".")[0]
                if top == "tensorgrad":
                    while (
                        target not in modules
                        and "." in target
                        and not f"{target}.".startswith(EXTENSION + ".")
                    ):
                        target = target.rpartition(".")[0]
                    if target in modules and target != name:
                        edges.setdefault(target, node.lineno)
                elif top not in sys.stdlib_module_names:
                    complaints.append(
                        f"{where}:{node.lineno}: {top} is imported on loading; import it where it is used"
                    )
    return graph, complaints


def check_python(root: pathlib.Path) -> list[str]:
    """Complaints about the imports of the Python package below `root`."""
    graph, complaints = python_imports(root)

    def rank(module: str) -> int:
        for place, part in enumerate(PYTHON_LAYERS, 1):
            if f"{module}.".startswith(f"tensorgrad.{part}."):
                return place
        return 0

    for name, edges in graph.items():
        for target, number in edges.items():
            # The package's own __init__ stands above everything, as does what it re-exports.
            if name != "tensorgrad" and rank(target) > rank(name):
                complaints.append(f"{name}:{number}: must not import {target}, which lies above it")
    if ring := find_cycle({key: list(value) for key, value in graph.items()}):
        complaints.append("modules import each other: " + " -> ".join(ring))
    return complaints


def main() -> int:
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent)
    complaints = check_cpp(root) + check_python(root)
    print("\n".join(complaints) or "layers: every include and import points down")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
