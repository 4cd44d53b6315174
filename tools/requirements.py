"""Prints the pinned requirements of the named extras of pyproject.toml: requirements.py EXTRA..."""

import pathlib
import sys
import tomllib


def requirements(pyproject: str, extras: list[str]) -> list[str]:
    """The requirements of `extras` in the text `pyproject`, each once. KeyError for an unknown extra."""
    table = tomllib.loads(pyproject)["project"]["optional-dependencies"]
    return list(dict.fromkeys(line for extra in extras for line in table[extra]))


if __name__ == "__main__":
    root = pathlib.Path(__file__).resolve().parent.parent
    print("\n".join(requirements((root / "pyproject.toml").read_text(), sys.argv[1:])))
