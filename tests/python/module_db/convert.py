"""Arguments for modules: as for ops, and modules themselves, which cross through a file."""

from __future__ import annotations

import io
from types import ModuleType
from typing import Any

import torch

from tests.python.harness.convert import Converter, Excluded
from tests.python.op_db.translate import Absent, Translator


class ModuleConverter(Converter):
    """A Converter that knows modules; a module that appears twice is one module."""

    def __init__(self, target: ModuleType) -> None:
        super().__init__(target, Translator(target) if target is not torch else None)
        self.modules: dict[int, Any] = {}

    def __call__(self, value: Any) -> Any:
        if not isinstance(value, torch.nn.Module):
            try:
                return super().__call__(value)
            except Absent as missing:
                raise Excluded(f"{missing} is absent") from None
        if id(value) not in self.modules:
            stream = io.BytesIO()
            torch.save(value, stream)
            stream.seek(0)
            self.modules[id(value)] = self.target.load(stream, weights_only=False)
            self.keep.append(value)
        return self.modules[id(value)]
