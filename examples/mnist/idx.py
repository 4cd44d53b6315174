"""The IDX files in which MNIST is published: a header (type, dimensions), then the numbers, big-endian."""

import gzip
import hashlib
import math
import struct
import zlib
from pathlib import Path
from typing import BinaryIO

import numpy as np

UINT8 = 0x08
CHUNK = 1 << 20


class DataFileError(ValueError):
    """A data file is not what it should be; the message names the file, what was expected, what was found."""

    def __init__(self, path: Path, expected: object, found: object):
        super().__init__(f"{path}: expected {expected}, found {found}")


def read_idx(path: Path, ndim: int) -> tuple[np.ndarray, str]:
    """Read an IDX file of bytes, plain or (named .gz) compressed.

    Args:
        path: the file.
        ndim: how many dimensions it has to have.

    Returns:
        The numbers, a uint8 array of the file's dimensions, and the MD5 of the uncompressed file in hex.

    Raises:
        DataFileError: wrong magic number, truncated, longer than its header says, or damaged.
        OSError: the file cannot be read.
    """
    with gzip.open(path) if path.suffix == ".gz" else open(path, "rb") as stream:
        try:
            return _read(stream, path, ndim)
        except EOFError:
            raise DataFileError(path, "a whole gzip file", "one that is cut off") from None
        except (gzip.BadGzipFile, zlib.error) as error:
            raise DataFileError(path, "a gzip file", f"damaged or other data ({error})") from None


def _read(stream: BinaryIO, path: Path, ndim: int) -> tuple[np.ndarray, str]:
    header = stream.read(4 + 4 * ndim)
    magic = bytes([0, 0, UINT8, ndim])
    if header[:4] != magic:
        hint = " (gzip; its name should end in .gz)" if header[:2] == b"\x1f\x8b" else ""
        found = f"0x{header[:4].hex()}{hint}" if header else "an empty file"
        raise DataFileError(path, f"magic number 0x{magic.hex()}", found)
    if len(header) < 4 + 4 * ndim:
        raise DataFileError(path, f"a header of {4 + 4 * ndim} bytes", f"{len(header)} bytes in all")
    shape = struct.unpack(f">{ndim}I", header[4:])
    count = math.prod(shape)

    # By chunks: a header may promise more than there is, or than fits in memory.
    body = bytearray()
    while len(body) < count and (chunk := stream.read(min(CHUNK, count - len(body)))):
        body += chunk
    dims = " x ".join(map(str, shape))
    if len(body) < count:
        found = f"{len(body):,} (truncated, or a wrong count in the header)"
        raise DataFileError(path, f"{count:,} bytes of data ({dims})", found)
    if stream.read(1):
        raise DataFileError(path, f"{count:,} bytes of data ({dims})", "more bytes behind them")
    digest = hashlib.md5(header, usedforsecurity=False)
    digest.update(body)
    return np.frombuffer(bytes(body), dtype=np.uint8).reshape(shape), digest.hexdigest()
