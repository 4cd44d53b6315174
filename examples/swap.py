"""The examples on another library: `python -m examples.swap torch DIR`, then run them in DIR.

The programs use PyTorch's interface alone, and each file names its library on one line: `import tensorgrad`.
This copies the examples into DIR with that line replaced, so that two libraries can run the same program.
"""

import argparse
import re
import shutil
from pathlib import Path

IMPORT = re.compile(r"^import tensorgrad$", re.MULTILINE)


def copy_examples(library: str, destination: Path) -> list[Path]:
    """Copy this folder to `destination`/examples with `library` in the place of tensorgrad.

    Returns the files that name the library.
    """
    changed = []
    target = destination / "examples"
    shutil.copytree(Path(__file__).parent, target, ignore=shutil.ignore_patterns("__pycache__"))
    for path in sorted(target.rglob("*.py")):
        text, count = IMPORT.subn(f"import {library} as tensorgrad", path.read_text())
        if count:
            path.write_text(text)
            changed.append(path)
    return changed


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m examples.swap", description=__doc__.splitlines()[0])
    parser.add_argument("library", help="for example torch")
    parser.add_argument("destination", type=Path, metavar="DIR", help="an empty or new folder")
    options = parser.parse_args()
    for file in copy_examples(options.library, options.destination):
        print(file)
