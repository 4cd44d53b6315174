"""check_docs.py: every public name has documentation, and every op says what its gradient is.

An op's text has a line that begins with "Backward"; or names the op that it is another name of; or its
result can carry no gradient: it is no tensor, a new tensor, or of a dtype that the text says (bool:, int64:).
"""

import re
import sys

from api_names import Entry, Page, read_pages, walk

ALIAS = re.compile(r"(?:(?:The|the) same as |See )([\w.]*\w)|^([a-z][\w.]*)(?:\(\)| in place)", re.MULTILINE)
BACKWARD = re.compile(r"^Backward\b", re.MULTILINE)
NO_GRADIENT = re.compile(r"^(?:[Bb]ool\b|int64\b|.*\bintegers?\b|.*No gradient\b)", re.MULTILINE)


def makes_new_tensors(schemas: list[str]) -> bool:
    """Whether no schema takes a tensor whose gradient could be asked for."""
    return all(
        "Options options" in schema
        or not re.search(r"\b(Tensor|Operand)\b", schema.split("->")[0].split("out=")[0])
        for schema in schemas
    )


def complaint(entry: Entry, ops: dict[str, Entry]) -> str | None:
    """What an entry's documentation lacks; None where it is whole."""
    if not entry.doc:
        return "has no documentation"
    if entry.kind != "op" or BACKWARD.search(entry.doc) or NO_GRADIENT.search(entry.doc.split("\n")[0]):
        return None
    if makes_new_tensors(entry.calls) or not any("Tensor" in call.split("->")[1] for call in entry.calls):
        return None
    for match in ALIAS.finditer(entry.doc):
        target = ops.get((match[1] or match[2]).rsplit(".", 1)[-1])
        if target is not None and target is not entry and complaint(target, ops) is None:
            return None
    return "does not say its gradient: a line 'Backward: ...', or 'The same as NAME.'"


def check(pages: list[Page]) -> list[str]:
    """One line for each entry that lacks something."""
    ops: dict[str, Entry] = {}
    for _, entry in walk(pages):
        if entry.kind == "op" and (BACKWARD.search(entry.doc) or entry.name not in ops):
            ops[entry.name] = entry
    found = []
    for name, entry in walk(pages):
        text = complaint(entry, ops)
        if text is not None:
            found.append(f"{name} {text}")
    return found


def main() -> int:
    complaints = check(read_pages())
    for line in complaints:
        print(line, file=sys.stderr)
    if not complaints:
        print("docs: every public name has them, every op its gradient")
    return bool(complaints)


if __name__ == "__main__":
    sys.exit(main())
