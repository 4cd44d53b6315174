"""Pictures of the graph that backward() walks: values, ops, shapes, gradients, module names.

>>> x = tensorgrad.tensor([1.0, 2.0], requires_grad=True)
>>> loss = (x * x).sum()
>>> loss.backward()
>>> print(tensorgrad.viz.render(loss, format="dot", names={"x": x})[:19])
digraph tensorgrad
"""

from tensorgrad.viz._render import render
from tensorgrad.viz._watch import watch

__all__ = ["render", "watch"]
