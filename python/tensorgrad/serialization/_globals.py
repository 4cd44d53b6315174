"""The globals that files of tensors name, what each stands for here, and what a call of each makes.

A file names them as PyTorch does. `Globals` is the reader's table; `written_name` is the writer's.
"""

from __future__ import annotations

import collections
import types
from collections import Counter, OrderedDict, deque
from collections.abc import Callable
from pickle import UnpicklingError
from typing import Any, NamedTuple

import tensorgrad
from tensorgrad import _C, Tensor
from tensorgrad.storage import UntypedStorage

# Storages that PyTorch has a class for, by the dtype of the tensors on them.
STORAGE_NAMES = {
    "float64": "DoubleStorage",
    "float32": "FloatStorage",
    "float16": "HalfStorage",
    "bfloat16": "BFloat16Storage",
    "int64": "LongStorage",
    "int32": "IntStorage",
    "int16": "ShortStorage",
    "int8": "CharStorage",
    "uint8": "ByteStorage",
    "bool": "BoolStorage",
    "complex128": "ComplexDoubleStorage",
    "complex64": "ComplexFloatStorage",
}
# The packages of the libraries' own Modules.
THEIR_MODULES, OUR_MODULES = "torch.nn.modules.", "tensorgrad.nn.modules."
# Never to be had, whoever allows them.
BLOCKED_MODULES = ("sys", "os", "posix", "nt")


class StorageType(NamedTuple):
    """What stands for torch.FloatStorage and its like: a dtype."""

    dtype: Any


class TypedStorage(NamedTuple):
    """A storage together with the dtype of what lies there."""

    storage: UntypedStorage
    dtype: Any


def dtypes() -> dict[str, Any]:
    """The dtypes by name."""
    return {name: value for name, value in vars(_C).items() if isinstance(value, _C.dtype)}


# What a global's call makes. Each checks its arguments, which come from the file.


def _expect(argument: Any, kind: Any, what: str) -> Any:
    if not isinstance(argument, kind):
        raise UnpicklingError(f"{what} is of {type(argument)}")
    return argument


def rebuild_tensor_v3(
    reader: Any,
    storage: Any,
    offset: Any,
    size: Any,
    stride: Any,
    requires_grad: Any,
    backward_hooks: Any,
    dtype: Any,
    metadata: Any = None,
) -> Tensor:
    """A tensor of `dtype` on a storage; what PyTorch writes besides is not used."""
    memory = storage.storage if isinstance(storage, TypedStorage) else storage
    _expect(memory, UntypedStorage, "the storage of a tensor")
    _expect(requires_grad, bool, "requires_grad of a tensor")
    _expect(dtype, _C.dtype, "the dtype of a tensor")
    if dtype is _C.bool:
        reader.bool_storages.add(memory)
    tensor = _C._on_storage(memory._bytes, dtype, offset, size, stride)
    return tensor.requires_grad_() if requires_grad else tensor


def rebuild_tensor_v2(
    reader: Any,
    storage: Any,
    offset: Any,
    size: Any,
    stride: Any,
    requires_grad: Any = False,
    backward_hooks: Any = None,
    metadata: Any = None,
) -> Tensor:
    """A tensor of its storage's dtype."""
    _expect(storage, TypedStorage, "the storage of a tensor")
    return rebuild_tensor_v3(
        reader, storage, offset, size, stride, requires_grad, backward_hooks, storage.dtype
    )


def rebuild_parameter(
    reader: Any, data: Any, requires_grad: Any, backward_hooks: Any = None, state: Any = None
) -> Any:
    """A Parameter, with attributes where it has some."""
    _expect(data, Tensor, "the data of a Parameter")
    _expect(requires_grad, bool, "requires_grad of a Parameter")
    parameter = tensorgrad.nn.Parameter(data, requires_grad)
    if state is not None:
        set_attributes(parameter, state)
    return parameter


def rebuild_from_type(reader: Any, function: Any, kind: Any, arguments: Any, state: Any) -> Any:
    """A tensor with attributes, or of a class of its own."""
    if not any(function is maker for maker in TENSOR_MAKERS):
        raise UnpicklingError("a tensor is made by a function that makes none")
    tensor = function(reader, *_expect(arguments, tuple, "the arguments of a tensor"))
    if kind is not type(tensor):
        if not isinstance(kind, type) or not issubclass(kind, Tensor):
            raise UnpicklingError("the class of a tensor is none")
        tensor = Tensor._make_subclass(kind, tensor, tensor.requires_grad)
    set_attributes(tensor, state)
    return tensor


def set_attributes(instance: Any, state: Any) -> None:
    """Gives an instance the attributes of a dict."""
    for key in _expect(state, dict, "the state of an object"):
        _expect(key, str, "the name of an attribute")
    instance.__dict__.update(state)


def encode(reader: Any, text: Any, encoding: Any = "utf-8") -> bytes:
    """bytes, which protocol 2 writes as a str of as many characters."""
    if not isinstance(text, str) or encoding not in ("latin1", "latin-1", "utf-8"):
        raise UnpicklingError("_codecs.encode is for bytes in latin1 only")
    return text.encode(encoding)


def make_bytearray(reader: Any, *arguments: Any) -> bytearray:
    """bytearray(), of bytes, or of a str that stands for bytes; not of a length, which may be any."""
    if not arguments or isinstance(arguments[0], bytes):
        return bytearray(*arguments)
    return bytearray(encode(reader, *arguments))


def make_bytes(reader: Any) -> bytes:
    """b"", which protocol 2 writes as bytes()."""
    return b""


def make_set(reader: Any, items: Any = ()) -> set[Any]:
    """A set of a list."""
    return set(map(reader.check_key, _expect(items, list | tuple, "the content of a set")))


def make_frozenset(reader: Any, items: Any = ()) -> frozenset[Any]:
    """A frozenset of a list."""
    return frozenset(make_set(reader, items))


def make_ordered_dict(reader: Any, pairs: Any = ()) -> OrderedDict[Any, Any]:
    """An OrderedDict, empty or of pairs."""
    result: OrderedDict[Any, Any] = OrderedDict()
    for key, value in _expect(pairs, list | tuple, "the content of an OrderedDict"):
        result[reader.check_key(key)] = value
    return result


def make_counter(reader: Any, counts: Any = None) -> Counter[Any]:
    """A Counter of a dict of counts."""
    result: Counter[Any] = Counter()
    if counts is not None:
        dict.update(result, _expect(counts, dict, "the content of a Counter"))
    return result


def make_size(reader: Any, sizes: Any = ()) -> Any:
    """A Size of ints."""
    for size in _expect(sizes, tuple | list, "a Size"):
        _expect(size, int, "the size of a dimension")
    return _C.Size(sizes)


def make_device(reader: Any, *arguments: Any) -> Any:
    """A device of its name and index."""
    for argument in arguments:
        _expect(argument, str | int, "the name of a device")
    return _C.device(*arguments)


def make_complex(reader: Any, real: Any = 0.0, imaginary: Any = 0.0) -> complex:
    """A complex number of two floats."""
    return complex(_expect(real, float, "a real part"), _expect(imaginary, float, "an imaginary part"))


def get_layout(reader: Any, name: Any) -> Any:
    """torch.strided."""
    if name != "torch.strided":
        raise UnpicklingError(
            f"tensors are strided; there is no layout {_expect(name, str, 'a layout')[:50]}"
        )
    return tensorgrad.strided


def _small(kind: Any) -> Callable[..., Any]:
    def make(reader: Any, *arguments: Any) -> Any:
        for argument in arguments:
            _expect(argument, int | str | float | None, f"an argument of {kind.__name__}")
        return kind(*arguments)

    return make


def make_deque(reader: Any, items: Any = (), length: Any = None) -> deque[Any]:
    """A deque of a list."""
    return deque(
        _expect(items, list | tuple, "the content of a deque"), _expect(length, int | None, "maxlen")
    )


def make_defaultdict(reader: Any, factory: Any = None) -> collections.defaultdict[Any, Any]:
    """A defaultdict whose factory makes empty containers or zeros."""
    if factory not in (None, dict, list, set, int, float, OrderedDict):
        raise UnpicklingError("a defaultdict's factory makes what it should not")
    return collections.defaultdict(factory)


TENSOR_MAKERS = (rebuild_tensor_v2, rebuild_tensor_v3, rebuild_parameter)
REBUILD: dict[str, Callable[..., Any]] = {
    "torch._utils._rebuild_tensor": rebuild_tensor_v2,
    "torch._utils._rebuild_tensor_v2": rebuild_tensor_v2,
    "torch._utils._rebuild_tensor_v3": rebuild_tensor_v3,
    "torch._utils._rebuild_parameter": rebuild_parameter,
    "torch._utils._rebuild_parameter_with_state": rebuild_parameter,
    "torch._tensor._rebuild_from_type_v2": rebuild_from_type,
    "torch.serialization._get_layout": get_layout,
    "_codecs.encode": encode,
}
# Name, what it stands for, what a call of it makes.
CLASSES: dict[str, tuple[Any, Callable[..., Any] | None]] = {
    "collections.OrderedDict": (OrderedDict, make_ordered_dict),
    "collections.Counter": (Counter, make_counter),
    "builtins.bytearray": (bytearray, make_bytearray),
    "builtins.bytes": (bytes, make_bytes),
    "builtins.set": (set, make_set),
    "builtins.complex": (complex, make_complex),
    "torch.Size": (_C.Size, make_size),
    "torch.device": (_C.device, make_device),
    "torch.Tensor": (Tensor, None),
}
# With weights_only=False: more containers, still no code.
MORE_CLASSES: dict[str, tuple[Any, Callable[..., Any] | None]] = {
    "builtins.frozenset": (frozenset, make_frozenset),
    "builtins.slice": (slice, _small(slice)),
    "builtins.range": (range, _small(range)),
    "builtins.list": (list, None),
    "builtins.dict": (dict, None),
    "builtins.int": (int, None),
    "builtins.float": (float, None),
    "collections.deque": (deque, make_deque),
    "collections.defaultdict": (collections.defaultdict, make_defaultdict),
}


def parameter_class() -> Any:
    """nn.Parameter, whose module is imported when a file has one."""
    return tensorgrad.nn.Parameter


def module_class(full: str) -> Any:
    """The Module of this library that the name of one, PyTorch's or ours, means; None if there is none."""
    for package in (THEIR_MODULES, OUR_MODULES):
        if full.startswith(package):
            name = full.rpartition(".")[2]
            kind = getattr(tensorgrad.nn, name, None) or getattr(tensorgrad.nn.modules.linear, name, None)
            if _is_own_module(kind):
                return kind
    return None


def activation_function(full: str) -> Any:
    """The function of nn.functional, which a transformer layer keeps; to be named, not to be called."""
    for package in ("torch.nn.functional.", "torch._C._nn.", "tensorgrad.nn.functional."):
        name = full.removeprefix(package)
        if name != full and name in tensorgrad.nn.functional.__all__:
            return getattr(tensorgrad.nn.functional, name)
    return None


def _is_own_module(kind: Any) -> bool:
    return (
        isinstance(kind, type)
        and issubclass(kind, tensorgrad.nn.Module)
        and kind.__module__.startswith(OUR_MODULES)
    )


def _build_module(instance: Any, state: Any) -> None:
    for key in _expect(state, dict, "the state of a module"):
        _expect(key, str, "the name of an attribute")
    try:
        instance.__setstate__(state)
    except Exception as error:
        raise UnpicklingError(f"the state of a {type(instance).__name__} makes no sense: {error}") from None


class Globals:
    """A reader's table: the fixed one, and what the user allowed.

    Args:
        allowed: the user's objects by full name.
        every_container: whether to know more than a file of weights may name.
    """

    def __init__(self, allowed: dict[str, Any], every_container: bool = False) -> None:
        self._allowed = allowed
        self._modules = every_container
        self._allowed_ids = {id(value) for value in allowed.values()}
        classes = CLASSES | (MORE_CLASSES if every_container else {})
        self._named: dict[str, Any] = {name: kind for name, (kind, _) in classes.items()}
        self._named.update(REBUILD)
        self._calls = {id(call): call for call in REBUILD.values()}
        self._calls.update({id(kind): call for kind, call in classes.values() if call is not None})
        for name, dtype in dtypes().items():
            self._named[f"torch.{name}"] = dtype
            if name in STORAGE_NAMES:
                self._named[f"torch.{STORAGE_NAMES[name]}"] = StorageType(dtype)
        for name in ("torch.UntypedStorage", "torch.storage.UntypedStorage"):
            self._named[name] = StorageType(None)

    def find(self, module: str, name: str) -> Any:
        """The object of a name; UnpicklingError if there is none."""
        full = f"{module}.{name}"
        if module.partition(".")[0] in BLOCKED_MODULES:
            raise UnpicklingError(
                f"Trying to load unsupported GLOBAL {full} whose module {module} is blocked."
            )
        if full in self._named:
            return self._named[full]
        if full in self._allowed:
            return self._allowed[full]
        if full == "torch.nn.parameter.Parameter":
            return parameter_class()
        if self._modules:
            found = module_class(full) or activation_function(full)
            if found is not None:
                return found
        if full.removeprefix("torch.") in STORAGE_NAMES.values():
            raise UnpicklingError(f"{full}: there are no tensors of this dtype")
        shown = full.removeprefix("builtins.")
        raise UnpicklingError(
            f"Unsupported global: GLOBAL {shown} was not an allowed global by default. "
            f"Please use `torch.serialization.add_safe_globals([{shown}])` or the "
            f"`torch.serialization.safe_globals([{shown}])` context manager to allowlist this global "
            "if you trust this class/function."
        )

    def find_call(self, function: Any) -> Callable[..., Any] | None:
        """What a call of an object of a file does; None if it may not be called."""
        if not isinstance(function, type | types.FunctionType | types.BuiltinFunctionType):
            return None
        call = self._calls.get(id(function))
        if call is None and function is parameter_class():
            return rebuild_parameter
        if call is None and id(function) in self._allowed_ids:
            return lambda reader, *arguments: function(*arguments)
        return call

    def find_new(self, kind: Any) -> Callable[..., Any] | None:
        """What makes an instance of a class that a file names, without initialising it; None if it may
        not."""
        if not isinstance(kind, type):
            return None
        if id(kind) in self._allowed_ids:
            return lambda reader, *arguments: kind.__new__(kind, *arguments)
        if self._modules and _is_own_module(kind):
            return lambda reader: kind.__new__(kind)  # type: ignore[call-overload]
        return self.find_call(kind)

    def find_build(self, instance: Any) -> Callable[[Any, Any], None] | None:
        """What sets the state of an instance; None if it has none to set."""
        if type(instance) is OrderedDict:
            return set_attributes
        if id(type(instance)) in self._allowed_ids:
            return _build_allowed
        if self._modules and _is_own_module(type(instance)):
            return _build_module
        return None


def _build_allowed(instance: Any, state: Any) -> None:
    """As pickle does it; the user vouched for the class."""
    if hasattr(instance, "__setstate__"):
        instance.__setstate__(state)
        return
    slots = None
    if isinstance(state, tuple) and len(state) == 2:
        state, slots = state
    if state:
        set_attributes(instance, state)
    for name, value in (slots or {}).items():
        setattr(instance, name, value)


def _split(name: str) -> tuple[str, str]:
    module, _, last = name.rpartition(".")
    return module, last


# The writer's side: what an object is called in a file.
WRITTEN_NAMES: dict[Any, tuple[str, str]] = {
    function: _split(name)
    for name, function in REBUILD.items()
    if name not in ("torch._utils._rebuild_tensor", "torch._utils._rebuild_parameter_with_state")
}
WRITTEN_NAMES.update({kind: _split(name) for name, (kind, _) in CLASSES.items() if name.startswith("torch.")})
WRITTEN_NAMES[StorageType(None)] = ("torch.storage", "UntypedStorage")


def written_name(thing: Any) -> tuple[str, str] | None:
    """Module and name under which a file has an object, if they are not the object's own."""
    if isinstance(thing, _C.dtype):
        return "torch", str(thing).removeprefix("torch.")
    if isinstance(thing, StorageType) and thing.dtype is not None:
        return "torch", STORAGE_NAMES[str(thing.dtype).removeprefix("torch.")]
    if isinstance(thing, type) and _is_own_module(thing):
        return THEIR_MODULES + thing.__module__.removeprefix(OUR_MODULES), thing.__name__
    if isinstance(thing, type) and thing is parameter_class():
        return "torch.nn.parameter", "Parameter"
    if str(getattr(thing, "__module__", "")).startswith("tensorgrad.nn.") and callable(thing):
        name = getattr(thing, "__name__", "")
        if getattr(tensorgrad.nn.functional, name, None) is thing:
            return "torch.nn.functional", name
    try:
        return WRITTEN_NAMES.get(thing)
    except TypeError:
        return None
