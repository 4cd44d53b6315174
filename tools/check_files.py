"""Fails on files that break the house rules a linter does not know: check_files.py [ROOT].

Source files have at most 600 lines, headers begin with `#pragma once`, and no line names a place on one
machine.
"""

import pathlib
import re
import subprocess
import sys

LIMIT = 600
SOURCES = {".h", ".cpp", ".py", ".cu", ".cuh", ".inc"}
# Written by a script from the schemas, committed, never edited.
WRITTEN = {"tensorgrad/tensor/methods.h"}
PLACES = re.compile(r"(?<![\w/])/(?:home|Users|work|root)/\w")


def complaints_about(name: str, text: str) -> list[str]:
    """What is wrong with the file `name` (path from the root) holding `text`."""
    found = []
    suffix = pathlib.PurePath(name).suffix
    lines = text.splitlines()
    if suffix in SOURCES and name not in WRITTEN and len(lines) > LIMIT:
        found.append(f"{name}: {len(lines)} lines; the limit is {LIMIT}: split it by subject")
    if suffix == ".h":
        first = next((line for line in lines if line.strip() and not line.lstrip().startswith("//")), "")
        if first.strip() != "#pragma once":
            found.append(f"{name}: a header begins with #pragma once")
    for number, line in enumerate(lines, 1):
        if PLACES.search(line):
            found.append(f"{name}:{number}: names a place on one machine: {line.strip()}")
    return found


def main() -> int:
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent)
    listing = subprocess.run(
        ["git", "ls-files", "-z"], cwd=root, check=True, capture_output=True, text=True
    ).stdout
    found = []
    for name in filter(None, listing.split("\0")):
        file = root / name
        if not file.is_file() or name == "tools/check_files.py" or name.startswith("tests/tools/"):
            continue
        try:
            found += complaints_about(name, file.read_text(encoding="utf-8"))
        except UnicodeDecodeError:
            continue
    print("\n".join(found) or "files: within the house rules")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
