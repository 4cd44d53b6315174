"""Texts to learn from: a file, or the sources of Python's standard library."""

import hashlib
import sysconfig
from pathlib import Path

import tensorgrad

CORPUS_SIZE = 1_000_000  # characters


class Text:
    """A text as numbers, one for each character; the last tenth is kept for validation.

    Args:
        content: the text.
        context: how many characters the model sees at once.

    Raises:
        ValueError: a part is too short for one window.
    """

    def __init__(self, content: str, context: int):
        self.characters = "".join(sorted(set(content)))
        self.digest = hashlib.sha256(content.encode()).hexdigest()
        cut = len(content) * 9 // 10
        if min(cut, len(content) - cut) <= context:
            raise ValueError(f"a text of {len(content):,} characters is too short for a context of {context}")
        numbers = encode(content, self.characters)
        self.train, self.validation = numbers[:cut], numbers[cut:]
        self.window = tensorgrad.arange(context + 1)

    def batch(self, size: int):
        """Random windows of the training part: (size, context) characters and those that follow them."""
        starts = tensorgrad.randint(len(self.train) - len(self.window) + 1, (size, 1))
        windows = self.train[starts + self.window]
        return windows[:, :-1], windows[:, 1:]

    def validation_windows(self):
        """The validation part cut into windows, as `batch` gives them; what does not fill one is left out."""
        context = len(self.window) - 1
        count = (len(self.validation) - 1) // context
        inputs = self.validation[: count * context].view(count, context)
        return inputs, self.validation[1 : count * context + 1].view(count, context)


def encode(content: str, characters: str):
    """A tensor of each character's place in `characters`; raises ValueError for one that has none."""
    places = {character: place for place, character in enumerate(characters)}
    unknown = sorted(set(content) - set(characters))
    if unknown:
        raise ValueError(f"the training text has no {unknown[0]!r}")
    return tensorgrad.tensor([places[character] for character in content])


def read_text(path: Path | None) -> str:
    """The file's text, or a corpus from the sources of the standard library.

    Raises:
        OSError, ValueError: it could not be read, or is not UTF-8.
    """
    if path is not None:
        return path.read_text(encoding="utf-8")
    parts: list[str] = []
    size = 0
    for source in sorted(Path(sysconfig.get_path("stdlib")).glob("*.py")):
        content = source.read_text(encoding="utf-8", errors="replace")
        if content.isascii():
            parts.append(content)
            size += len(content)
        if size >= CORPUS_SIZE:
            break
    return "".join(parts)[:CORPUS_SIZE]
