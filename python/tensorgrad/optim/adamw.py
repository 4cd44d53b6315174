"""AdamW, under the name of PyTorch's file."""

from tensorgrad.optim.adam import AdamW

__all__ = ["AdamW"]
