"""Neural networks: modules, functions, initialisers."""

from tensorgrad.nn import attention, functional, init, modules, parameter, utils
from tensorgrad.nn.modules import *
from tensorgrad.nn.parameter import Buffer, Parameter

__all__ = [
    "Buffer",
    "Parameter",
    "attention",
    "functional",
    "init",
    "modules",
    "parameter",
    "utils",
    *modules.__all__,
]
