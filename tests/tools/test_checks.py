"""The repository's own check scripts, on small trees made for the purpose."""

import pathlib
import subprocess
import sys

import pytest

TOOLS = pathlib.Path(__file__).resolve().parents[2] / "tools"
sys.path.insert(0, str(TOOLS))

import check_files
import check_layers
import check_tests
import op_rows
import requirements
import write_stubs


def make_tree(root: pathlib.Path, files: dict[str, str]) -> pathlib.Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def layers(tmp_path: pathlib.Path, files: dict[str, str]) -> list[str]:
    root = make_tree(tmp_path, files)
    return check_layers.check_cpp(root) + check_layers.check_python(root)


def test_arrows_that_point_down_pass(tmp_path):
    assert not layers(
        tmp_path,
        {
            "tensorgrad/core/dtype.h": "#include <stdint.h>\n",
            "tensorgrad/ops/add.cpp": '#include "tensorgrad/core/dtype.h"\n#include <vector>\n',
            "tensorgrad/backends/cpu/pool.h": "",
            "tensorgrad/backends/cpu/kernels/add.cpp": '#include <stddef.h>\n#include "tensorgrad/backends/cpu/pool.h"\n',
            "python/src/module.cpp": '#include <Python.h>\n#include "module.h"\n#include "tensorgrad/ops/add.cpp"\n',
            "python/src/module.h": "",
            "python/tensorgrad/__init__.py": "from . import _tensor\nfrom .nn import Module\nfrom ._C import add\n",
            "python/tensorgrad/_tensor.py": "from tensorgrad import _C\nimport os, typing\n",
            "python/tensorgrad/nn/__init__.py": "from .module import Module\n",
            "python/tensorgrad/nn/module.py": "def f():\n    import numpy\n    import tensorgrad\n",
        },
    )


@pytest.mark.parametrize(
    ("files", "words"),
    [
        (
            {"tensorgrad/core/a.h": '#include "tensorgrad/ops/b.h"\n', "tensorgrad/ops/b.h": ""},
            "core must not include ops",
        ),
        (
            {"tensorgrad/ops/a.h": ' #  include "../autograd/b.h"\n', "tensorgrad/autograd/b.h": ""},
            "ops must not include autograd",
        ),
        (
            {"tensorgrad/core/a.h": "#include <tensorgrad/ops/b.h>\n", "tensorgrad/ops/b.h": ""},
            "core must not include ops",
        ),
        (
            {
                "tensorgrad/core/a.h": '#include "tensorgrad/core/b.h"\n',
                "tensorgrad/core/b.h": '#include "tensorgrad/core/a.h"\n',
            },
            "files include each other",
        ),
        (
            {
                "tensorgrad/nn/a.h": '#include "tensorgrad/optim/b.h"\n',
                "tensorgrad/optim/b.h": "",
                "tensorgrad/optim/c.h": '#include "tensorgrad/nn/d.h"\n',
                "tensorgrad/nn/d.h": "",
            },
            "folders include each other",
        ),
        ({"tensorgrad/core/a.h": '#include "tensorgrad/core/gone.h"\n'}, "no such file"),
        ({"tensorgrad/core/a.h": "#include <Python.h>\n"}, "no Python in the C++ library"),
        ({"tensorgrad/backends/cpu/kernels/a.cpp": "#include <cmath>\n"}, "must not include the C++ library"),
        ({"tensorgrad/odd/a.h": ""}, "lies in no layer"),
        (
            {
                "python/tensorgrad/__init__.py": "from .nn import f\n",
                "python/tensorgrad/nn/__init__.py": "import tensorgrad\n",
            },
            "modules import each other",
        ),
        (
            {
                "python/tensorgrad/__init__.py": "",
                "python/tensorgrad/nn/__init__.py": "from ..optim import sgd\n",
                "python/tensorgrad/optim/__init__.py": "",
                "python/tensorgrad/optim/sgd.py": "",
            },
            "must not import tensorgrad.optim.sgd",
        ),
        (
            {"python/tensorgrad/__init__.py": "try:\n    import numpy\nexcept ImportError:\n    pass\n"},
            "numpy is imported",
        ),
    ],
)
def test_wrong_arrows_are_named(tmp_path, files, words):
    found = layers(tmp_path, files)
    assert len(found) == 1, found
    assert words in found[0]


def test_cycle_is_found_behind_a_long_tail():
    graph = {str(i): [str(i + 1)] for i in range(5000)} | {"5000": ["4990"]}
    assert check_layers.find_cycle(graph) == [str(i) for i in range(4990, 5001)] + ["4990"]
    assert check_layers.find_cycle({"a": ["b", "c"], "b": ["d"], "c": ["d"], "d": []}) is None


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.cpp", "\n" * 601, "601 lines"),
        ("a.h", "// a header\nint f();\n", "#pragma once"),
        ("a.md", "see /home/someone/notes\n", "names a place"),
    ],
)
def test_house_rules(name, text, words):
    found = check_files.complaints_about(name, text)
    assert len(found) == 1
    assert words in found[0]
    assert not check_files.complaints_about("a.h", "// why\n#pragma once\n")


def test_requirements_reads_extras_once_each():
    text = '[project.optional-dependencies]\na = ["x==1", "y==2"]\nb = ["y==2", "z==3"]\n'
    assert requirements.requirements(text, ["a", "b"]) == ["x==1", "y==2", "z==3"]
    with pytest.raises(KeyError):
        requirements.requirements(text, ["c"])


def compile_kernel(folder: pathlib.Path, text: str) -> subprocess.CompletedProcess:
    objects = folder / "CMakeFiles/tensorgrad_kernels_v3.dir"
    objects.mkdir(parents=True, exist_ok=True)
    (folder / "a.cpp").write_text(text)
    subprocess.run(["g++", "-std=c++20", "-O0", "-c", folder / "a.cpp", "-o", objects / "a.o"], check=True)
    script = TOOLS / "check_symbols.sh"
    return subprocess.run(["bash", script, folder], capture_output=True, text=True)


def test_symbols_within_the_namespace_pass(tmp_path):
    text = (
        "namespace tensorgrad::cpu::v3 { template <class T> T g(T x) { return x; } int f() { return g(1); } }"
    )
    result = compile_kernel(tmp_path, text)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize(
    "text",
    [
        "inline int g() { return 1; } namespace tensorgrad::cpu::v3 { int f() { return g(); } }",
        "template <class T> T g(T x) { return x; } namespace tensorgrad::cpu::v3 { int f() { return g(1); } }",
        "namespace tensorgrad::cpu::v2 { int f() { return 1; } }",
    ],
)
def test_escaped_symbols_fail(tmp_path, text):
    result = compile_kernel(tmp_path, text)
    assert result.returncode == 1
    assert "outside of tensorgrad::cpu::v3" in result.stdout


def test_no_kernel_objects_is_a_failure(tmp_path):
    result = subprocess.run(["bash", TOOLS / "check_symbols.sh", tmp_path], capture_output=True, text=True)
    assert result.returncode == 1


class Op:
    """What the extension's functions show of themselves."""

    def __init__(self, *rows: tuple[str, str]):
        self.__schemas__ = [schema for schema, _ in rows]
        self.__doc__ = "\n".join(f"{schema}\n{doc}" for schema, doc in rows)


ADD = "add(Tensor input, Operand other, *, Scalar alpha=1, Tensor? out=None) -> Tensor"
SUM = "sum(Tensor input, int[1]? dim, bool keepdim=False, *, ScalarType? dtype=None) -> Tensor"
MODE = "mode(Tensor input, int dim=-1, str how='a, b') -> (Tensor values, Tensor indices)"


def rows() -> list[op_rows.Row]:
    members = {"add": Op((ADD, "The sum.")), "sum": Op((SUM, ""), (SUM, "")), "other": len}
    return op_rows.rows_of("_ops", members) + op_rows.rows_of("Tensor", {"mode": Op((MODE, "Doc"))})


def test_rows_are_read_from_functions():
    found = rows()
    assert [(row.where, row.doc) for row in found] == [
        ("_ops.add", "The sum."),
        ("_ops.sum", ""),
        ("_ops.sum", ""),
        ("Tensor.mode", "Doc"),
    ]
    assert [(p.type, p.name, p.default, p.keyword_only) for p in found[0].parameters] == [
        ("Tensor", "input", None, False),
        ("Operand", "other", None, False),
        ("Scalar", "alpha", "1", True),
        ("Tensor?", "out", "None", True),
    ]
    assert found[3].parameters[2].default == "'a, b'"
    assert found[3].result == "(Tensor values, Tensor indices)"
    with pytest.raises(ValueError, match=r"_ops.bad.*not understood"):
        _ = op_rows.Row("_ops", "bad", "bad(Tensor) -> Tensor", "").parameters


def test_ops_without_test_or_docstring_are_named():
    assert check_tests.complaints(rows(), {"add", "sum"}) == [
        "_ops.sum has no docstring",
        "Tensor.mode has no test",
    ]
    assert check_tests.complaints([], set())


def test_stubs_say_what_the_schemas_say():
    files = write_stubs.stubs(rows(), "class Tensor:\n    # methods of the ops\n    # operators\n")
    assert sorted(files) == ["__init__.pyi", "_ops.pyi"]
    assert (
        "def add(input: Tensor, other: Tensor | Number, *, alpha: Number = 1, out: Tensor | None = None) -> Tensor: ..."
        in files["_ops.pyi"]
    )
    assert (
        "    def mode(self, dim: builtins.int = -1, how: str = ...) -> tuple[Tensor, Tensor]: ..."
        in files["__init__.pyi"]
    )
    for text in files.values():
        compile(text, "stub", "exec")


def test_names_come_from_attributes_and_strings_but_not_from_docstrings():
    source = 'def f(x):\n    """mul"""\n    return x.add_(1), ["sub", "linalg.norm"]\n'
    names = check_tests.names_in_tests([source])
    assert {"add_", "sub", "linalg.norm"} <= names
    assert "mul" not in names
