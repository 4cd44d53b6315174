"""Known failures: `known_failures.txt` has a test id and a reason per line. It may only shrink."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

# Where set, a known failure that passes is an error too.
STRICT = bool(os.environ.get("TENSORGRAD_STRICT"))
KNOWN = Path(__file__).with_name("known_failures.txt")


def known_failures() -> dict[str, str]:
    """Test id, as pytest prints it from the root, -> reason."""
    found: dict[str, str] = {}
    if KNOWN.exists():
        for number, line in enumerate(KNOWN.read_text().splitlines(), 1):
            if not line.strip() or line.startswith("#"):
                continue
            name, mark, reason = line.partition("  # ")
            if not mark or not reason.strip():
                raise ValueError(f"{KNOWN.name}:{number}: expected `test id  # reason`")
            found[name.strip()] = reason.strip()
    return found


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    known = known_failures()
    for item in items:
        if reason := known.get(item.nodeid):
            item.add_marker(pytest.mark.xfail(reason=reason, strict=STRICT))
