"""Neural networks: modules, functions, initialisers."""

from tensorgrad.nn import functional, init, modules, parameter, utils
from tensorgrad.nn.modules import *  # noqa: F403
from tensorgrad.nn.parameter import Buffer, Parameter

__all__ = [  # noqa: PLE0604
    "Buffer",
    "Parameter",
    "functional",
    "init",
    "modules",
    "parameter",
    "utils",
    *modules.__all__,
]
