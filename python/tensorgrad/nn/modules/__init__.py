"""The modules of tensorgrad.nn, one file per kind."""

from tensorgrad.nn.modules import (
    _parameter_containers,
    activation,
    batchnorm,
    container,
    conv,
    distance,
    dropout,
    flatten,
    linear,
    loss,
    normalization,
    padding,
    pooling,
    sparse,
    transformer,
)
from tensorgrad.nn.modules._parameter_containers import *
from tensorgrad.nn.modules.activation import *
from tensorgrad.nn.modules.batchnorm import *
from tensorgrad.nn.modules.container import *
from tensorgrad.nn.modules.conv import *
from tensorgrad.nn.modules.distance import *
from tensorgrad.nn.modules.dropout import *
from tensorgrad.nn.modules.flatten import *
from tensorgrad.nn.modules.linear import *
from tensorgrad.nn.modules.loss import *
from tensorgrad.nn.modules.module import Module
from tensorgrad.nn.modules.normalization import *
from tensorgrad.nn.modules.padding import *
from tensorgrad.nn.modules.pooling import *
from tensorgrad.nn.modules.sparse import *
from tensorgrad.nn.modules.transformer import *

__all__ = [
    "Module",
    *_parameter_containers.__all__,
    *activation.__all__,
    *batchnorm.__all__,
    *container.__all__,
    *conv.__all__,
    *distance.__all__,
    *dropout.__all__,
    *flatten.__all__,
    *linear.__all__,
    *loss.__all__,
    *normalization.__all__,
    *padding.__all__,
    *pooling.__all__,
    *sparse.__all__,
    *transformer.__all__,
]
