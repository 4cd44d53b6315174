"""A reader of pickles that executes nothing.

It builds containers, strings and numbers itself. A global is looked up in a table, never imported, and only
what the table has for it is called. Time and memory are bounded by a small multiple of the pickle's length.
"""

from __future__ import annotations

import struct
import warnings
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable
from pickle import UnpicklingError
from types import FunctionType
from typing import Any

from tensorgrad.serialization._globals import Globals

Opcode = Callable[["Unpickler"], None]

# The objects of a tuple that is a key: hashing one that holds another twice, and so on, takes exponential
# time.
MOST_OBJECTS_IN_A_KEY = 1000
DICTIONARIES = (dict, OrderedDict, Counter, defaultdict)
PLAIN_KEYS = frozenset({str, float, bool, type(None), bytes, complex})
# What Python 2 called otherwise, and protocol 2 therefore does.
RENAMED_MODULES = {"__builtin__": "builtins", "copy_reg": "copyreg"}
RENAMED = {("builtins", "xrange"): "range"}


class Unpickler:
    """Reads pickles from a buffer, one `load()` each.

    Args:
        data: the bytes.
        table: the globals that the pickle may name, and what may be done with them.
        persistent_load: takes the tuple that stands for a storage and gives the storage.
        every_opcode: whether to take those of newer protocols too, which PyTorch refuses in files of weights.

    Raises:
        UnpicklingError: the pickle asks for something that it may not, or makes no sense.
        EOFError: it ended early.
    """

    def __init__(
        self,
        data: Any,
        table: Globals,
        persistent_load: Callable[[tuple[Any, ...]], Any],
        every_opcode: bool = False,
    ) -> None:
        self.data = memoryview(data)
        self.position = 0
        self.table = table
        self.persistent_load = persistent_load
        self.opcodes = EVERY_OPCODE if every_opcode else OPCODES
        self.bool_storages: set[Any] = set()  # those that a tensor of bools shows
        # What calls may copy, so that no pickle makes a lot out of a little by naming it again and again.
        self.budget = 2 * len(self.data) + 65536

    def load(self) -> Any:
        """Reads the next pickle."""
        self.stack: list[Any] = []
        self.outer_stacks: list[list[Any]] = []
        self.memo: dict[int, Any] = {}
        self.stopped = False
        self.callers_error: Exception | None = None
        opcodes, data = self.opcodes, self.data
        try:
            while not self.stopped:
                if self.position >= len(data):
                    raise EOFError("Ran out of input")
                code = data[self.position]
                self.position += 1
                opcode = opcodes.get(code)
                if opcode is None:
                    raise UnpicklingError(f"Unsupported operand {code}")
                opcode(self)
            return self.stack.pop()
        except (IndexError, KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            if error is self.callers_error:
                raise
            if isinstance(error, IndexError):
                raise UnpicklingError("the pickle takes from an empty stack") from None
            raise UnpicklingError(f"{type(error).__name__}: {error}") from None

    # Bytes of the pickle.

    def take(self, count: int) -> memoryview:
        """The next `count` bytes."""
        end = self.position + count
        if end > len(self.data):
            raise UnpicklingError("pickle data was truncated")
        taken = self.data[self.position : end]
        self.position = end
        return taken

    def number(self, layout: struct.Struct) -> Any:
        """The next number."""
        return layout.unpack(self.take(layout.size))[0]

    def line(self) -> str:
        """Text up to the end of its line; names are not long."""
        window = bytes(self.data[self.position : self.position + 4096])
        end = window.find(b"\n")
        if end < 0:
            raise UnpicklingError("pickle data was truncated")
        self.position += end + 1
        return window[:end].decode()

    # The stack.

    def pop_to_mark(self) -> list[Any]:
        """What was pushed since the last mark."""
        items = self.stack
        self.stack = self.outer_stacks.pop()
        return items

    def charge(self, size: int) -> None:
        """Counts what a call copies."""
        self.budget -= size
        if self.budget < 0:
            raise UnpicklingError("the pickle makes far more data than it has")

    def check_key(self, key: Any) -> Any:
        """A key that is hashed and compared in bounded time."""
        if type(key) in PLAIN_KEYS:
            return key
        if type(key) is int:  # longer ones can be chosen so that all hashes are equal
            if not -(2**63) <= key < 2**64:
                raise UnpicklingError("a key of more than 64 bits")
            return key
        pending, count = [key], 0
        while pending:
            item = pending.pop()
            count += 1
            if count > MOST_OBJECTS_IN_A_KEY:
                raise UnpicklingError(f"a key of more than {MOST_OBJECTS_IN_A_KEY} objects")
            if isinstance(item, tuple | frozenset):
                pending.extend(item)
            elif type(item) is int and not -(2**63) <= item < 2**64:
                raise UnpicklingError("a key of more than 64 bits")
        self.charge(count)
        return key

    # Opcodes.

    def read_global(self) -> None:
        self.push_global(self.line(), self.line())

    def push_global(self, module: str, name: str) -> None:
        module = RENAMED_MODULES.get(module, module)
        self.stack.append(self.table.find(module, RENAMED.get((module, name), name)))

    def run(self, make: Callable[..., Any], arguments: Any) -> Any:
        if type(arguments) is not tuple:
            raise UnpicklingError(f"arguments must be a tuple, but got {type(arguments)}")
        for argument in arguments:
            if isinstance(argument, str | bytes | bytearray | list | dict | tuple | set):
                self.charge(len(argument))
        return make(self, *arguments)

    def reduce(self) -> None:
        arguments = self.stack.pop()
        function = self.stack[-1]
        make = self.table.find_call(function)
        if make is None:
            raise UnpicklingError(f"Trying to call reduce for unrecognized function {describe(function)}")
        self.stack[-1] = self.run(make, arguments)

    def new_object(self) -> None:
        arguments, kind = self.stack.pop(), self.stack.pop()
        make = self.table.find_new(kind)
        if make is None:
            raise UnpicklingError(
                "Can only create new object for nn.Parameter or classes allowlisted "
                f"via `add_safe_globals` but got {describe(kind)}"
            )
        self.stack.append(self.run(make, arguments))

    def build(self) -> None:
        state = self.stack.pop()
        instance = self.stack[-1]
        build = self.table.find_build(instance)
        if build is None:
            raise UnpicklingError(
                "Can only build Tensor, Parameter, OrderedDict or types allowlisted "
                f"via `add_safe_globals`, but got {type(instance)}"
            )
        build(instance, state)

    def append(self) -> None:
        item = self.stack.pop()
        self.list_on_top("append to").append(item)

    def extend(self) -> None:
        items = self.pop_to_mark()
        self.list_on_top("extend").extend(items)

    def list_on_top(self, action: str) -> Any:
        target = self.stack[-1]
        if type(target) is not list and type(target) is not deque:
            raise UnpicklingError(f"Can only {action} lists, but got {type(target)}")
        return target

    def set_item(self) -> None:
        value, key = self.stack.pop(), self.stack.pop()
        self.set_items_of("SETITEM", [key, value])

    def set_items(self) -> None:
        self.set_items_of("SETITEMS", self.pop_to_mark())

    def set_items_of(self, opcode: str, items: list[Any]) -> None:
        target = self.stack[-1]
        if type(target) not in DICTIONARIES and self.table.find_build(target) is None:
            raise UnpicklingError(
                f"Can only {opcode} for dict, collections.OrderedDict, "
                f"collections.Counter, but got {type(target)}"
            )
        for index in range(0, len(items), 2):
            target[self.check_key(items[index])] = items[index + 1]

    def mark(self) -> None:
        self.outer_stacks.append(self.stack)
        self.stack = []

    def make_tuple(self) -> None:
        items = self.pop_to_mark()
        self.stack.append(tuple(items))

    def make_short_tuple(self, size: int) -> None:
        if len(self.stack) < size:
            raise UnpicklingError("the pickle takes from an empty stack")
        self.stack[-size:] = [tuple(self.stack[-size:])]

    def text(self, size: int) -> None:
        self.stack.append(str(self.take(size), "utf-8", "surrogatepass"))

    def put(self, index: int) -> None:
        self.memo[index] = self.stack[-1]

    def long(self, size: int) -> None:
        self.stack.append(int.from_bytes(self.take(size), "little", signed=True))

    def persistent(self) -> None:
        identity = self.stack.pop()
        if type(identity) is not tuple:
            raise UnpicklingError(f"persistent_load id must be tuple or int, but got {type(identity)}")
        if identity and not (isinstance(identity[0], str) and identity[0] == "storage"):
            raise UnpicklingError(
                f"Only persistent_load of storage is allowed, but got {describe(identity[0])}"
            )
        try:
            self.stack.append(self.persistent_load(identity))
        except Exception as error:  # may come from the caller's map_location
            self.callers_error = error
            raise

    def protocol(self) -> None:
        version = self.number(U8)
        if version > 5:
            raise UnpicklingError(f"unsupported pickle protocol: {version}")
        if version != 2 and self.opcodes is OPCODES:
            warnings.warn(
                f"Detected pickle protocol {version} in the checkpoint, which was not the default pickle "
                "protocol used by `torch.load` (2). The weights_only Unpickler might not support all "
                "instructions implemented by this protocol.",
                stacklevel=2,
            )

    def stop(self) -> None:
        self.stopped = True

    # Of newer protocols.

    def add_items(self) -> None:
        items = self.pop_to_mark()
        target = self.stack[-1]
        if type(target) is not set:
            raise UnpicklingError(f"Can only add to sets, but got {type(target)}")
        target.update(map(self.check_key, items))

    def make_frozenset(self) -> None:
        items = self.pop_to_mark()
        self.stack.append(frozenset(map(self.check_key, items)))

    def stack_global(self) -> None:
        name, module = self.stack.pop(), self.stack.pop()
        if type(name) is not str or type(module) is not str:
            raise UnpicklingError("STACK_GLOBAL requires str")
        self.push_global(module, name)

    def memoize(self) -> None:
        self.memo[len(self.memo)] = self.stack[-1]


def describe(thing: Any) -> str:
    """A text about an object of a pickle; to print a container that holds others twice takes exponential
    time."""
    plain = isinstance(thing, type | str | float | FunctionType)
    return repr(thing)[:200] if plain else f"an object of {type(thing)}"


U8, U16, U32, U64 = (struct.Struct(layout) for layout in ("B", "<H", "<I", "<Q"))
I32, BIG_F64 = struct.Struct("<i"), struct.Struct(">d")


def _push(make: Callable[[Unpickler], Any]) -> Opcode:
    return lambda reader: reader.stack.append(make(reader))


def _sized(action: Callable[[Unpickler, int], None], layout: struct.Struct) -> Opcode:
    return lambda reader: action(reader, reader.number(layout))


# Those of protocol 2 that PyTorch takes in a file of weights.
OPCODES: dict[int, Opcode] = {
    ord(code): opcode
    for code, opcode in {
        "c": Unpickler.read_global,
        "R": Unpickler.reduce,
        "b": Unpickler.build,
        "\x81": Unpickler.new_object,
        "a": Unpickler.append,
        "e": Unpickler.extend,
        "s": Unpickler.set_item,
        "u": Unpickler.set_items,
        "(": Unpickler.mark,
        "t": Unpickler.make_tuple,
        "\x85": lambda reader: reader.make_short_tuple(1),
        "\x86": lambda reader: reader.make_short_tuple(2),
        "\x87": lambda reader: reader.make_short_tuple(3),
        "N": _push(lambda reader: None),
        "\x88": _push(lambda reader: True),
        "\x89": _push(lambda reader: False),
        ")": _push(lambda reader: ()),
        "]": _push(lambda reader: []),
        "}": _push(lambda reader: {}),
        "\x8f": _push(lambda reader: set()),
        "J": _push(lambda reader: reader.number(I32)),
        "K": _push(lambda reader: reader.number(U8)),
        "M": _push(lambda reader: reader.number(U16)),
        "G": _push(lambda reader: reader.number(BIG_F64)),
        "X": _sized(Unpickler.text, U32),
        "U": _sized(Unpickler.text, U8),
        "\x8a": _sized(Unpickler.long, U8),
        "Q": Unpickler.persistent,
        "h": _push(lambda reader: reader.memo[reader.number(U8)]),
        "j": _push(lambda reader: reader.memo[reader.number(U32)]),
        "q": _sized(Unpickler.put, U8),
        "r": _sized(Unpickler.put, U32),
        "\x80": Unpickler.protocol,
        ".": Unpickler.stop,
    }.items()
}

# The others that a pickle without code of its own may need.
EVERY_OPCODE: dict[int, Opcode] = OPCODES | {
    ord(code): opcode
    for code, opcode in {
        "0": lambda reader: reader.stack.pop() if reader.stack else reader.pop_to_mark(),
        "1": Unpickler.pop_to_mark,
        "2": _push(lambda reader: reader.stack[-1]),
        "C": _push(lambda reader: bytes(reader.take(reader.number(U8)))),
        "B": _push(lambda reader: bytes(reader.take(reader.number(U32)))),
        "\x8e": _push(lambda reader: bytes(reader.take(reader.number(U64)))),
        "\x96": _push(lambda reader: bytearray(reader.take(reader.number(U64)))),
        "\x8b": _sized(Unpickler.long, U32),
        "\x8c": _sized(Unpickler.text, U8),
        "\x8d": _sized(Unpickler.text, U64),
        "\x90": Unpickler.add_items,
        "\x91": Unpickler.make_frozenset,
        "\x93": Unpickler.stack_global,
        "\x94": Unpickler.memoize,
        "\x95": lambda reader: reader.number(U64),
    }.items()
}
