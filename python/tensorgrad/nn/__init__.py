"""Neural networks: modules, functions, initialisers."""

from tensorgrad.nn import functional, init, modules, parameter, utils
from tensorgrad.nn.modules import *
from tensorgrad.nn.parameter import Buffer, Parameter

__all__ = [
    "Buffer",
    "Parameter",
    "functional",
    "init",
    "modules",
    "parameter",
    "utils",
    *modules.__all__,
]
