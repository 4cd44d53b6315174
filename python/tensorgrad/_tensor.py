"""What Tensor does in Python: printing, pickling, copying, NumPy's protocols."""

from __future__ import annotations

import copyreg  # noqa: F401

from tensorgrad import _C, _tensor_str
from tensorgrad._C import Tensor
from tensorgrad._layout import strided

# The name that type checkers take for true; typing itself would double the time to import.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

set_printoptions = _tensor_str.set_printoptions


def is_tensor(obj: Any) -> bool:
    """Whether obj is a tensor."""
    return isinstance(obj, Tensor)


def _repr(self: Tensor, *, tensor_contents: Any = None) -> str:
    return _tensor_str._tensor_str(self)


def _format(self: Tensor, spec: str) -> str:
    if self.dim() == 0:
        return self.item().__format__(spec)
    return object.__format__(self, spec)


def _iter(self: Tensor) -> Any:
    if self.dim() == 0:
        raise TypeError("iteration over a 0-d tensor")
    return iter(self.unbind(0))


def _contains(self: Tensor, element: Any) -> bool:
    if isinstance(element, (Tensor, int, float, bool)):
        return bool((self == element).any().item())
    raise RuntimeError(
        f"Tensor.__contains__ only supports Tensor or scalar, but you passed in a {type(element)}."
    )


def _reversed(self: Tensor) -> Tensor:
    return self if self.dim() == 0 else self.flip(0)


def _numpy(self: Tensor, *, force: bool = False) -> Any:
    """The tensor's memory as a NumPy array, without copying."""
    import numpy

    if force:
        self = self.detach().cpu()
    if self.requires_grad:
        raise RuntimeError(
            "Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead."
        )
    if self.dtype is _C.bfloat16:
        raise TypeError("Got unsupported ScalarType BFloat16")
    return numpy.asarray(_C._memory_view(self))


def _array(self: Tensor, dtype: Any = None, copy: bool | None = None) -> Any:
    array = _numpy(self)
    if dtype is not None:
        array = array.astype(dtype, copy=bool(copy))
    elif copy:
        array = array.copy()
    return array


def _array_wrap(self: Tensor, array: Any, context: Any = None, return_scalar: bool = False) -> Any:
    import numpy

    return _C.as_tensor(numpy.asarray(array))


def _untyped_storage(self: Tensor) -> Any:
    """The bytes that this tensor shows, of which other tensors may be views too."""
    from tensorgrad.storage import UntypedStorage

    return UntypedStorage._of(self)


def _rebuild(
    kind: type,
    storage: Any,
    dtype: Any,
    offset: int,
    size: tuple[int, ...],
    stride: tuple[int, ...],
    requires_grad: bool,
    state: Any,
) -> Tensor:
    tensor = _C._on_storage(storage._bytes, dtype, offset, size, stride)
    if kind is not Tensor:
        tensor = Tensor._make_subclass(kind, tensor)
    if requires_grad:
        tensor.requires_grad_()
    if state:
        tensor.__dict__.update(state)
    return tensor


def _reduce_ex(self: Tensor, protocol: int) -> Any:
    geometry = (self.storage_offset(), tuple(self.shape), self.stride())
    state = dict(self.__dict__) if getattr(self, "__dict__", None) else None
    return _rebuild, (type(self), _untyped_storage(self), self.dtype, *geometry, self.requires_grad, state)


def _deepcopy(self: Tensor, memo: dict[Any, Any]) -> Tensor:
    if id(self) in memo:
        return memo[id(self)]
    if not self.is_leaf:
        raise RuntimeError(
            "Only Tensors created explicitly by the user (graph leaves) support the deepcopy "
            "protocol at the moment.  "
            "If you were attempting to deepcopy a module, this may be because of a "
            "torch.nn.utils.weight_norm usage, "
            "see https://github.com/pytorch/pytorch/pull/103001"
        )
    import copy

    # Tensors on one storage share their copy's storage too.
    key = ("storage", _C._storage_id(self))
    storage = memo.get(key)
    if storage is None:
        storage = _C._storage(self).clone()
        memo[key] = storage
    result = _C._on_storage(storage, self.dtype, self.storage_offset(), tuple(self.shape), self.stride())
    if type(self) is not Tensor:
        result = Tensor._make_subclass(type(self), result)
    result.requires_grad_(self.requires_grad)
    memo[id(self)] = result
    if self.grad is not None:
        result.grad = copy.deepcopy(self.grad, memo)
    if getattr(self, "__dict__", None):
        result.__dict__.update(copy.deepcopy(self.__dict__, memo))
    return result


def _dlpack(
    self: Tensor, *, stream: Any = None, max_version: Any = None, dl_device: Any = None, copy: Any = None
) -> Any:
    if self.requires_grad:
        raise BufferError("Can't export tensors that require gradient, use tensor.detach()")
    return _C._to_dlpack(self.clone() if copy else self)


def _new_tensor(
    self: Tensor, data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """A tensor of data with self's dtype and device unless others are given; the data is copied."""
    return _C.tensor(
        data, dtype=dtype or self.dtype, device=device or self.device, requires_grad=requires_grad
    )


def _rdiv(self: Tensor, other: Any) -> Tensor:
    """other / self, under Python 2's name."""
    return self.reciprocal() * other


def _is_same_size(self: Tensor, other: Tensor) -> bool:
    """Whether the two have the same shape."""
    return self.shape == other.shape


def _dlpack_device(self: Tensor) -> tuple[int, int]:
    return (1, 0)


def _render(self: Tensor, format: str = "image", **options: Any) -> Any:
    """A picture of the graph that ends in this tensor: see tensorgrad.viz.render."""
    import importlib

    return importlib.import_module("tensorgrad.viz").render(self, format, **options)


_NUMPY_MULTIPLY_PRIORITY = 1000

for _name, _function in {
    "__repr__": _repr,
    "__str__": _repr,
    "__format__": _format,
    "__iter__": _iter,
    "__contains__": _contains,
    "__reversed__": _reversed,
    "numpy": _numpy,
    "__array__": _array,
    "__array_wrap__": _array_wrap,
    "__array_priority__": _NUMPY_MULTIPLY_PRIORITY,
    "untyped_storage": _untyped_storage,
    "__div__": Tensor.__truediv__,
    "__rdiv__": _rdiv,
    "__idiv__": Tensor.__itruediv__,
    "new_tensor": _new_tensor,
    "is_same_size": _is_same_size,
    "layout": property(lambda _: strided, doc="How the elements lie in memory: strided."),
    "__reduce_ex__": _reduce_ex,
    "__deepcopy__": _deepcopy,
    "__dlpack__": _dlpack,
    "__dlpack_device__": _dlpack_device,
    "render": _render,
}.items():
    setattr(Tensor, _name, _function)
del _name, _function
