"""Ways to make tensors that are not ops: legacy constructor, asarray, from_dlpack; the default dtype."""

from __future__ import annotations

from tensorgrad import _C
from tensorgrad._C import Tensor

# The name that type checkers take for true; typing itself would double the time to import.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = [
    "BFloat16Tensor",
    "BoolTensor",
    "ByteTensor",
    "CharTensor",
    "DoubleTensor",
    "FloatTensor",
    "HalfTensor",
    "IntTensor",
    "LongTensor",
    "ShortTensor",
    "asarray",
    "can_cast",
    "clone",
    "detach",
    "from_dlpack",
    "frombuffer",
    "get_default_device",
    "get_default_dtype",
    "get_num_threads",
    "is_complex",
    "is_floating_point",
    "is_nonzero",
    "numel",
    "promote_types",
    "result_type",
    "set_default_device",
    "set_default_dtype",
    "set_num_threads",
]  # fmt: skip


def legacy_tensor(*args: Any, dtype: Any = None, **kwargs: Any) -> Tensor:
    """Tensor(sizes...), Tensor(sequence), Tensor(): of the default dtype, unless one is given."""
    device = kwargs.pop("device", None)
    dtype = dtype or get_default_dtype()
    if kwargs:
        raise TypeError(f"new() got an unexpected keyword argument '{next(iter(kwargs))}'")
    if len(args) == 1 and not isinstance(args[0], int):
        data = args[0]
        if isinstance(data, _C.Size):
            return _C._ops.empty(data, dtype=dtype, device=device)
        if isinstance(data, Tensor):
            return data.detach()
        return _C.tensor(data, dtype=dtype, device=device)
    return _C._ops.empty(args if args else (0,), dtype=dtype, device=device)


class _TypedTensor(type):
    """FloatTensor and its kin: constructors of one dtype, and the type that its tensors seem to have."""

    dtype: Any

    def __init__(cls, name: str, bases: tuple[type, ...], members: dict[str, Any]) -> None:
        super().__init__(name, bases, members)
        dtype = str(cls.dtype).rsplit(".", 1)[-1]
        cls.__doc__ = (
            f"{name}(data) or {name}(*sizes): a tensor of {dtype}; isinstance() asks for that dtype."
        )

    def __call__(cls, *args: Any, **kwargs: Any) -> Tensor:
        return legacy_tensor(*args, dtype=cls.dtype, **kwargs)

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, Tensor) and instance.dtype == cls.dtype


BFloat16Tensor = _TypedTensor("BFloat16Tensor", (), {"dtype": _C.bfloat16})
BoolTensor = _TypedTensor("BoolTensor", (), {"dtype": _C.bool})
ByteTensor = _TypedTensor("ByteTensor", (), {"dtype": _C.uint8})
CharTensor = _TypedTensor("CharTensor", (), {"dtype": _C.int8})
DoubleTensor = _TypedTensor("DoubleTensor", (), {"dtype": _C.float64})
FloatTensor = _TypedTensor("FloatTensor", (), {"dtype": _C.float32})
HalfTensor = _TypedTensor("HalfTensor", (), {"dtype": _C.float16})
IntTensor = _TypedTensor("IntTensor", (), {"dtype": _C.int32})
LongTensor = _TypedTensor("LongTensor", (), {"dtype": _C.int64})
ShortTensor = _TypedTensor("ShortTensor", (), {"dtype": _C.int16})


def get_default_dtype() -> Any:
    """The dtype of tensors made from Python floats."""
    return _C._get_default_dtype()


def set_default_dtype(d: Any) -> None:
    """Sets the dtype of tensors made from Python floats: a floating point dtype."""
    if not isinstance(d, _C.dtype):
        raise TypeError("invalid dtype object: only floating-point types are supported as the default type")
    if not d.is_floating_point:
        raise TypeError("only floating-point types are supported as the default type")
    _C._set_default_dtype(d)


def get_default_device() -> Any:
    """The device on which factories place their results: the cpu."""
    return _C.device("cpu")


def set_default_device(device: Any) -> None:
    """Only the cpu can be the default."""
    if device is not None and _C.device(device).type != "cpu":
        raise NotImplementedError(f"set_default_device(): only the cpu can be the default, got {device}")


def asarray(
    obj: Any, *, dtype: Any = None, device: Any = None, copy: bool | None = None, requires_grad: bool = False
) -> Tensor:
    """A tensor of obj, sharing memory where possible; copy=True copies, copy=False may raise ValueError."""
    result = (
        _C.as_tensor(obj, dtype, device) if not copy else _C.tensor(_plain(obj), dtype=dtype, device=device)
    )
    shares = isinstance(obj, Tensor) or hasattr(obj, "__dlpack__") or isinstance(obj, (bytearray, memoryview))
    if copy is False and not shares:
        raise ValueError("can't alias arbitrary sequence into a tensor.")
    if requires_grad:
        result = result.detach().requires_grad_()
    return result


def _plain(obj: Any) -> Any:
    return obj.detach().clone().tolist() if isinstance(obj, Tensor) else obj


def frombuffer(
    buffer: Any, *, dtype: Any, count: int = -1, offset: int = 0, requires_grad: bool = False
) -> Tensor:
    """A 1-d tensor on the memory of an object with the buffer protocol."""
    view = memoryview(buffer).cast("B")
    size = dtype.itemsize
    if len(view) == 0 or count == 0:
        raise ValueError(f"both buffer length ({len(view)}) and count ({count}) must not be 0")
    if not 0 <= offset < len(view):
        raise ValueError(
            f"offset ({offset} bytes) must be non-negative and no greater than buffer length "
            f"({len(view)} bytes) minus 1"
        )
    if count < 0:
        if (len(view) - offset) % size:
            raise ValueError(
                f"buffer length ({len(view) - offset} bytes) after offset ({offset} bytes) must be a "
                "multiple of "
                f"element size ({size})"
            )
        count = (len(view) - offset) // size
    if offset + count * size > len(view):
        raise ValueError(
            f"requested buffer length ({count} * {size} bytes) after offset ({offset} bytes) must "
            "not be greater than "
            f"actual buffer length ({len(view)} bytes)"
        )
    result = _C._bitcast(_C.as_tensor(view[offset : offset + count * size]), dtype)
    return result.requires_grad_() if requires_grad else result


def from_dlpack(ext_tensor: Any) -> Tensor:
    """A tensor on the memory of an object with __dlpack__, or of a DLPack capsule."""
    if hasattr(ext_tensor, "__dlpack_device__"):
        kind = ext_tensor.__dlpack_device__()[0]
        if kind != 1:
            raise BufferError(f"from_dlpack(): device type {int(kind)} is not supported")
        return _C._from_dlpack(ext_tensor.__dlpack__())
    return _C._from_dlpack(ext_tensor)


def numel(input: Tensor) -> int:
    """The number of elements."""
    if not isinstance(input, Tensor):
        raise TypeError(f"numel(): argument 'input' (position 1) must be Tensor, not {type(input).__name__}")
    return input.numel()


def result_type(tensor1: Any, tensor2: Any) -> Any:
    """The dtype an arithmetic op on these two operands (tensors or numbers) computes in."""
    return _C._result_type(tensor1, tensor2)


def promote_types(type1: Any, type2: Any) -> Any:
    """The smallest dtype that both can be cast to."""
    return _C._promote_types(type1, type2)


def can_cast(from_: Any, to: Any) -> bool:
    """Whether PyTorch's casting rules let `from_` be written into `to`."""
    return _C._can_cast(from_, to)


def is_floating_point(input: Tensor) -> bool:
    """Whether the dtype is a floating point one."""
    return input.is_floating_point()


def is_complex(input: Tensor) -> bool:
    """False: there are no complex dtypes."""
    return input.is_complex()


def is_nonzero(input: Tensor) -> bool:
    """Whether a one-element tensor is not zero."""
    if input.numel() != 1:
        what = "no values" if input.numel() == 0 else "more than one value"
        raise RuntimeError(f"Boolean value of Tensor with {what} is ambiguous")
    return bool(input)


def clone(input: Tensor, *, memory_format: Any = None) -> Tensor:
    """A copy. Backward: u."""
    return input.clone(memory_format=memory_format) if memory_format is not None else input.clone()


def detach(input: Tensor) -> Tensor:
    """The same memory without history."""
    return input.detach()


def get_num_threads() -> int:
    """How many threads work on one op."""
    return _C._get_num_threads()


def set_num_threads(n: int) -> None:
    """Sets how many threads work on one op."""
    if not isinstance(n, int) or isinstance(n, bool):
        raise RuntimeError(f"set_num_threads expects an int, but got {type(n).__name__}")
    if n <= 0:
        raise RuntimeError("set_num_threads expects a positive integer")
    _C._set_num_threads(n)
