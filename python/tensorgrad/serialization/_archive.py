"""The zip archives that PyTorch writes: records stored as they are, each at a multiple of 64 bytes.

The reader takes no compressed, encrypted or overlapping records, so that what it reads is never more than the
file has.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from typing import IO, Any, NamedTuple

ALIGNMENT = 64
LOCAL, CENTRAL, END = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
END64, LOCATOR64 = b"PK\x06\x06", b"PK\x06\x07"
# Little-endian fields behind each signature, as the zip format has them.
# Version, flags, method, time, date; checksum and sizes; lengths of name and extra.
LOCAL_FIELDS = struct.Struct("<5H3I2H")
CENTRAL_FIELDS = struct.Struct("<6H3I5H2I")
END_FIELDS = struct.Struct("<4H2IH")
END64_FIELDS = struct.Struct("<Q2H2I4Q")
LOCATOR64_FIELDS = struct.Struct("<IQI")
WIDE = 0xFFFFFFFF  # stands where the zip64 extra field has the number
UTF8_NAMES = 0x800
FIRST_OF_JANUARY_1980 = 0x21


class ArchiveWriter:
    """Writes records to a stream that needs `write` alone.

    Args:
        stream: where to.
        name: the folder of all records.
    """

    def __init__(self, stream: Any, name: str) -> None:
        self._stream = stream
        self._folder = name
        self._position = 0
        self._directory: list[bytes] = []
        self._content = hashlib.sha256()

    def _write(self, data: Any) -> None:
        self._stream.write(data)
        self._position += len(data)

    def write_record(self, name: str, data: Any) -> None:
        """Adds a record of `data`, bytes or a memoryview of bytes."""
        full = f"{self._folder}/{name}".encode()
        size, crc, offset = len(data), zlib.crc32(data), self._position
        self._content.update(full + struct.pack("<QI", size, crc))
        wide = struct.pack("<HHQQ", 1, 16, size, size) if size >= WIDE else b""
        start = offset + 4 + LOCAL_FIELDS.size + len(full) + len(wide) + 4
        padding = -start % ALIGNMENT
        extra = wide + b"FB" + struct.pack("<H", padding) + b"Z" * padding
        short_size = min(size, WIDE)
        common = (45 if wide else 0, UTF8_NAMES, 0, 0, FIRST_OF_JANUARY_1980, crc, short_size, short_size)
        self._write(LOCAL + LOCAL_FIELDS.pack(*common, len(full), len(extra)) + full + extra)
        self._write(data)
        far = ([size, size] if wide else []) + ([offset] if offset >= WIDE else [])
        extra = struct.pack(f"<HH{len(far)}Q", 1, 8 * len(far), *far) if far else b""
        self._directory.append(
            CENTRAL
            + CENTRAL_FIELDS.pack(0, *common, len(full), len(extra), 0, 0, 0, 0, min(offset, WIDE))
            + full
            + extra
        )

    def close(self) -> None:
        """Writes the serialization id, a number made from the content, and the directory."""
        number = int.from_bytes(self._content.digest(), "little") % 10**40
        self.write_record(".data/serialization_id", b"%040d" % number)
        start, count = self._position, len(self._directory)
        directory = b"".join(self._directory)
        self._write(directory)
        if count >= 0xFFFF or start >= WIDE or len(directory) >= WIDE:
            at = self._position
            self._write(END64 + END64_FIELDS.pack(44, 45, 45, 0, 0, count, count, len(directory), start))
            self._write(LOCATOR64 + LOCATOR64_FIELDS.pack(0, at, 1))
        short = min(count, 0xFFFF)
        self._write(END + END_FIELDS.pack(0, 0, short, short, min(len(directory), WIDE), min(start, WIDE), 0))


class Record(NamedTuple):
    size: int
    crc: int
    header: int  # where its local header stands
    limit: int  # where the next record's header, or the directory, stands
    full_name: bytes


def failed(why: str) -> RuntimeError:
    """The error for an archive that is none."""
    return RuntimeError(
        f"PytorchStreamReader failed reading zip archive: {why}. The file was not written whole, or was "
        "changed."
    )


class ArchiveReader:
    """The records of an archive, read from a seekable stream between its position and its end.

    Raises:
        RuntimeError: it is no archive of stored records that lie apart from each other; or, from the
            methods, a record is missing, lies outside the file, or does not have the checksum that it should.
    """

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._start = stream.tell()
        stream.seek(0, 2)
        self._size = stream.tell() - self._start
        self._records = self._read_directory(*self._find_directory())

    def _read_at(self, position: int, size: int) -> bytes:
        if position < 0 or size < 0 or position + size > self._size:
            raise failed("a part lies outside the file")
        self._stream.seek(self._start + position)
        data = self._stream.read(size)
        if len(data) != size:
            raise failed("the file ended early")
        return data

    def _find_directory(self) -> tuple[int, int, int]:
        """Where the directory is, its length, and how many records it has."""
        tail_size = min(self._size, 4 + END_FIELDS.size + 0xFFFF)
        tail = self._read_at(self._size - tail_size, tail_size)
        at = tail.rfind(END)
        if at < 0 or at + 4 + END_FIELDS.size > len(tail):
            raise failed("failed finding central directory")
        disk, first_disk, here, count, length, start, _ = END_FIELDS.unpack_from(tail, at + 4)
        end = self._size - tail_size + at
        if WIDE in (length, start) or count == 0xFFFF:
            locator = end - 4 - LOCATOR64_FIELDS.size
            if locator < 0 or self._read_at(locator, 4) != LOCATOR64:
                raise failed("failed finding the zip64 central directory")
            _, end, _ = LOCATOR64_FIELDS.unpack(self._read_at(locator + 4, LOCATOR64_FIELDS.size))
            if self._read_at(end, 4) != END64:
                raise failed("failed finding the zip64 central directory")
            fields = END64_FIELDS.unpack(self._read_at(end + 4, END64_FIELDS.size))
            disk, first_disk, here, count, length, start = fields[3:]
        if disk or first_disk or here != count or start + length > end or count * 46 > length:
            raise failed("invalid header or archive is corrupted")
        return start, length, count

    def _read_directory(self, start: int, length: int, count: int) -> dict[str, Record]:
        directory = self._read_at(start, length)
        found: list[Record] = []
        position = 0
        for _ in range(count):
            fields_end = position + 4 + CENTRAL_FIELDS.size
            if directory[position : position + 4] != CENTRAL or fields_end > length:
                raise failed("invalid header or archive is corrupted")
            fields = CENTRAL_FIELDS.unpack_from(directory, position + 4)
            flags, method, crc, packed, size = fields[2], fields[3], *fields[6:9]
            name_size, extra_size, comment_size, disk, header = *fields[9:13], fields[15]
            position = fields_end + name_size + extra_size + comment_size
            if position > length or disk:
                raise failed("invalid header or archive is corrupted")
            name = directory[fields_end : fields_end + name_size]
            extra = directory[fields_end + name_size : fields_end + name_size + extra_size]
            packed, size, header = _widen([packed, size, header], extra)
            if flags & 1 or method != 0 or packed != size:
                raise failed(f"record {name!r} is compressed or encrypted, which archives of tensors are not")
            found.append(Record(size, crc, header, start, name))
        found.sort(key=lambda record: record.header)
        folder = found[0].full_name.partition(b"/")[0] + b"/" if found else b""
        records: dict[str, Record] = {}
        for index, record in enumerate(found):
            if index + 1 < len(found):
                record = record._replace(limit=found[index + 1].header)
            if record.header + 4 + LOCAL_FIELDS.size + record.size > record.limit:
                raise failed(f"record {record.full_name!r} overlaps another")
            short = record.full_name.removeprefix(folder).decode(errors="backslashreplace")
            if not record.full_name.startswith(folder) or short in records:
                raise failed(f"record {record.full_name!r} is there twice, or outside the folder")
            records[short] = record
        return records

    def __contains__(self, name: str) -> bool:
        return name in self._records

    def _find(self, name: str) -> Record:
        record = self._records.get(name)
        if record is None:
            raise RuntimeError(f"PytorchStreamReader failed locating file {name}: file not found.")
        return record

    def size(self, name: str) -> int:
        """The number of bytes of a record."""
        return self._find(name).size

    def locate(self, name: str) -> int:
        """Where in the stream a record's bytes begin."""
        record = self._find(name)
        header = self._read_at(record.header, 4 + LOCAL_FIELDS.size)
        *_, name_size, extra_size = LOCAL_FIELDS.unpack_from(header, 4)
        begin = record.header + len(header) + name_size + extra_size
        if not header.startswith(LOCAL) or begin + record.size > record.limit:
            raise failed(f"the header of record {name} is corrupted")
        if self._read_at(record.header + len(header), name_size) != record.full_name:
            raise failed(f"the header of record {name} has another name")
        return self._start + begin

    def read(self, name: str) -> bytes:
        """A record's bytes."""
        data = bytearray(self.size(name))
        self.read_into(name, memoryview(data))
        return bytes(data)

    def read_into(self, name: str, target: memoryview) -> None:
        """Reads a record into memory of its size."""
        self._stream.seek(self.locate(name))
        read_exactly(self._stream, target)
        crc = self._records[name].crc
        if crc and zlib.crc32(target) != crc:  # 0: PyTorch was told not to compute it
            raise failed(f"record {name} does not have its checksum: bytes in it were changed")


def _widen(numbers: list[int], extra: bytes) -> list[int]:
    """Numbers of 32 bits, with those that do not fit taken from the zip64 extra field."""
    position = 0
    while WIDE in numbers:
        if position + 4 > len(extra):
            raise failed("invalid header or archive is corrupted")
        kind, size = struct.unpack_from("<HH", extra, position)
        position += 4
        if kind == 1:
            wide = [index for index, number in enumerate(numbers) if number == WIDE]
            if len(wide) * 8 > size or position + size > len(extra):
                raise failed("invalid header or archive is corrupted")
            for index, number in zip(
                wide, struct.unpack_from(f"<{len(wide)}Q", extra, position), strict=True
            ):
                numbers[index] = number
            return numbers
        position += size
    return numbers


def read_exactly(stream: Any, target: memoryview) -> None:
    """Fills `target` from a stream; RuntimeError if the stream ends before."""
    while len(target):
        if hasattr(stream, "readinto"):
            count = stream.readinto(target)
        else:
            data = stream.read(len(target))
            count = len(data)
            target[:count] = data
        if not count:
            raise RuntimeError(
                f"unexpected EOF, expected {len(target)} more bytes. The file might be corrupted."
            )
        target = target[count:]
