"""Ways to damage a file: its bytes, the opcodes of its pickle, the fields of its header."""

import copy
import io
import json
import pickletools
import struct
import zipfile
from random import Random
from typing import Any

from tensorgrad.serialization._archive import ArchiveWriter

ODD_NUMBERS = [
    0,
    1,
    2,
    3,
    7,
    8,
    255,
    256,
    2**15,
    2**16 - 1,
    2**31 - 1,
    2**31,
    2**32 - 1,
    2**63 - 1,
    2**63,
    2**64 - 1,
]
GLOBALS = [
    "tests.fuzz.canary sing", "tests.fuzz.canary Bird", "os system", "posix system", "builtins eval",
    "__builtin__ getattr", "builtins exec", "builtins __import__", "subprocess Popen", "sys modules", "sys exit",
    "torch.serialization load", "torch save", "torch.nn.modules.linear Linear", "torch.nn.modules.module Module",
    "torch.nn.functional relu", "torch._utils _rebuild_tensor_v2", "torch._utils _rebuild_tensor_v3",
    "torch._utils _rebuild_parameter", "torch._utils _rebuild_parameter_with_state",
    "torch._tensor _rebuild_from_type_v2", "torch Tensor", "torch.nn.parameter Parameter", "torch Size",
    "torch device", "torch float32", "torch bool", "torch FloatStorage", "torch BoolStorage", "torch LongStorage",
    "torch.storage UntypedStorage", "torch ComplexFloatStorage", "collections OrderedDict", "collections Counter",
    "collections defaultdict", "collections deque", "_codecs encode", "__builtin__ set", "__builtin__ bytearray",
    "__builtin__ bytes", "__builtin__ complex", "builtins slice", "__builtin__ frozenset",
    "torch.serialization _get_layout", "copyreg _reconstructor", "functools partial", "operator attrgetter",
]  # fmt: skip
PLAIN_OPCODES = [
    bytes([code]) for code in b"RboaestuNl])}(0QR\x81\x85\x86\x87\x88\x89\x8f\x90\x91\x93\x942.d"
]


def damage_bytes(data: bytes, others: list[bytes], random: Random) -> bytes:
    """Bits, bytes, numbers, pieces."""
    result = bytearray(data)
    for _ in range(random.choice((1, 1, 1, 2, 4, 16))):
        if not result:
            break
        at = random.randrange(len(result))
        kind = random.randrange(9)
        if kind == 0:
            result[at] ^= 1 << random.randrange(8)
        elif kind == 1:
            result[at] = random.randrange(256)
        elif kind == 2:
            del result[at:]
        elif kind == 3:
            del result[at : at + random.randrange(1, 64)]
        elif kind == 4:
            piece = bytes(result[at : at + random.randrange(1, 64)])
            to = random.randrange(len(result))
            result[to:to] = piece * random.choice((1, 1, 2, 50))
        elif kind == 5:
            other = random.choice(others)
            begin = random.randrange(len(other))
            piece = other[begin : begin + random.randrange(1, 200)]
            result[at : at + random.choice((0, len(piece)))] = piece
        elif kind == 6:
            layout = random.choice(("<H", "<I", "<Q"))
            number = random.choice(ODD_NUMBERS) + random.choice((0, 0, 1, -1, len(data)))
            piece = struct.pack(layout, number % 2 ** (8 * struct.calcsize(layout)))
            result[at : at + len(piece)] = piece
        elif kind == 7:
            result[at:at] = random.randbytes(random.randrange(1, 32))
        else:
            end = min(len(result), at + random.randrange(1, 32))
            result[at:end] = bytes(end - at)
    return bytes(result)


def split_opcodes(data: bytes) -> list[bytes]:
    """A pickle's opcodes with their arguments."""
    positions = [position for _, _, position in pickletools.genops(data)]
    return [data[begin:end] for begin, end in zip(positions, [*positions[1:], positions[-1] + 1])]


def text(value: str) -> bytes:
    """The opcode that pushes a text."""
    return b"X" + struct.pack("<I", len(value.encode())) + value.encode()


def number(value: int) -> bytes:
    """The opcode that pushes a number of up to 9 bytes."""
    data = value.to_bytes(9, "little", signed=True)
    return b"\x8a" + bytes([len(data)]) + data


def odd_opcode(random: Random) -> bytes:
    """One that could do harm."""
    kind = random.randrange(8)
    if kind <= 1:
        module, name = random.choice(GLOBALS).split(" ")
        return f"c{module}\n{name}\n".encode()
    if kind == 2:
        return number(random.choice(ODD_NUMBERS) * random.choice((1, 1, -1)))
    if kind == 3:
        return text(
            random.choice(("storage", "cpu", "0", "1", "cuda:0", "latin1", "rot13", "__class__", "x" * 100))
        )
    if kind == 4:
        return bytes([random.choice(b"hq"), random.randrange(64)])
    if kind == 5:
        module, name = random.choice(GLOBALS).split(" ")
        return f"c{module}\n{name}\n(".encode() + text("a") + b"tR"
    if kind == 6:
        return b"J" + random.randbytes(4)
    return random.choice(PLAIN_OPCODES)


def damage_pickle(data: bytes, random: Random) -> bytes:
    """Opcodes taken away, doubled, exchanged, put in, or with other arguments."""
    opcodes = split_opcodes(data)
    for _ in range(random.choice((1, 1, 2, 3, 8))):
        at = random.randrange(1, len(opcodes))
        kind = random.randrange(7)
        if kind == 0 and len(opcodes) > 3:
            del opcodes[at]
        elif kind == 1:
            opcodes.insert(at, opcodes[random.randrange(len(opcodes))])
        elif kind == 2:
            other = random.randrange(1, len(opcodes))
            opcodes[at], opcodes[other] = opcodes[other], opcodes[at]
        elif kind == 3:
            opcodes.insert(at, odd_opcode(random))
        elif kind == 4:
            opcodes[at] = odd_opcode(random)
        elif kind == 5:
            argument = bytearray(opcodes[at])
            if len(argument) > 1:
                argument[random.randrange(1, len(argument))] = random.randrange(256)
            opcodes[at] = bytes(argument)
        else:
            begin = random.randrange(1, len(opcodes))
            opcodes[at:at] = opcodes[begin : begin + random.randrange(1, 12)] * random.choice((1, 2, 40))
        if len(opcodes) < 2:
            break
    return b"".join(opcodes)


def repack(records: dict[str, bytes]) -> bytes:
    """An archive of records, whose checksums are right."""
    stream = io.BytesIO()
    archive = ArchiveWriter(stream, "archive")
    for name, data in records.items():
        archive.write_record(name, data)
    archive.close()
    return stream.getvalue()


def damage_pt(data: bytes, others: list[bytes], random: Random) -> bytes:
    """A .pt file of either format, damaged at one of its levels."""
    if random.random() < 0.3:
        return damage_bytes(data, others, random)
    if not data.startswith(b"PK"):  # the old format: five pickles one after the other
        ends = [0]
        for _ in range(5):
            ends.append(ends[-1] + sum(map(len, split_opcodes(data[ends[-1] :]))))
        which = random.choice((0, 2, 3, 3, 3, 3, 4))
        begin, end = ends[which : which + 2]
        return data[:begin] + damage_pickle(data[begin:end], random) + data[end:]
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        records = {name.partition("/")[2]: archive.read(name) for name in archive.namelist()}
    records.pop(".data/serialization_id", None)
    if random.random() < 0.85:
        records["data.pkl"] = damage_pickle(records["data.pkl"], random)
    else:
        name = random.choice(list(records))
        kind = random.randrange(3)
        if kind == 0:
            records[name] = damage_bytes(records[name], others, random)
        elif kind == 1:
            del records[name]
        else:
            records[random.choice(list(records))] = records[name]
    return repack(records)


def damage_value(value: Any, random: Random) -> Any:
    """Another value in a header."""
    if isinstance(value, int) and random.random() < 0.5:
        return value + random.choice((1, -1, 2, 8, 2**31, 2**63, 2**64))
    return random.choice(
        [*ODD_NUMBERS, -1, 1.5, 1e300, "", "F32", "BOOL", "Q", None, True, [], {}, [[]], "\ud800"]
    )


def damage_header(header: Any, random: Random) -> Any:
    """Some field of it exchanged, taken away or added."""
    keys = list(header) if isinstance(header, dict) else list(range(len(header)))
    if not keys or random.random() < 0.1:
        if isinstance(header, dict):
            header[random.choice(("a", "__metadata__", "dtype", ""))] = damage_value(None, random)
        else:
            header.append(damage_value(None, random))
        return header
    key = random.choice(keys)
    if isinstance(header[key], dict | list) and random.random() < 0.85:
        damage_header(header[key], random)
    elif random.random() < 0.3:
        del header[key]
    elif random.random() < 0.3:
        header[key] = copy.deepcopy(header[random.choice(keys)])
    else:
        header[key] = damage_value(header[key], random)
    return header


def damage_safetensors(data: bytes, others: list[bytes], random: Random) -> bytes:
    """A .safetensors file, damaged in its bytes or in its header, whose length is then right."""
    if random.random() < 0.4:
        return damage_bytes(data, others, random)
    (length,) = struct.unpack_from("<Q", data)
    header = json.loads(data[8 : 8 + length])
    for _ in range(random.choice((1, 1, 2, 4))):
        header = damage_header(header, random)
    written = json.dumps(header).encode()
    if random.random() < 0.2:
        written = damage_bytes(written, others, random)
    rest = data[8 + length :]
    if random.random() < 0.2:
        rest = damage_bytes(rest, others, random) if rest else b"x"
    return struct.pack("<Q", len(written)) + written + rest
