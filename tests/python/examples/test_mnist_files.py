"""Reading MNIST: what is right is read, what is wrong is named."""

import gzip
import hashlib
import struct

import numpy as np
import pytest

from examples.mnist import data
from examples.mnist.data import load_digits, load_mnist
from examples.mnist.idx import DataFileError, read_idx

IMAGES, LABELS = "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"


def idx_bytes(array):
    return bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def digits(count, seed=0):
    random = np.random.RandomState(seed)
    return random.randint(0, 256, (count, 28, 28)).astype(np.uint8), random.randint(0, 10, count).astype(
        np.uint8
    )


def write_pair(folder, count, prefix="t10k", seed=0, gz=False):
    images, labels = digits(count, seed)
    for kind, array in (("images-idx3", images), ("labels-idx1", labels)):
        path = folder / f"{prefix}-{kind}-ubyte{'.gz' if gz else ''}"
        path.write_bytes(gzip.compress(idx_bytes(array)) if gz else idx_bytes(array))
    return images, labels


def error_of(call, *arguments):
    with pytest.raises(DataFileError) as caught:
        call(*arguments)
    return str(caught.value)


@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize("shape", [(3, 4, 5), (7,), (0,), (2, 0, 3)], ids=str)
def test_reads_plain_and_gz(tmp_path, suffix, shape):
    array = np.arange(np.prod(shape)).astype(np.uint8).reshape(shape)
    path = tmp_path / f"file{suffix}"
    path.write_bytes(gzip.compress(idx_bytes(array)) if suffix else idx_bytes(array))
    found, md5 = read_idx(path, len(shape))
    np.testing.assert_array_equal(found, array)
    assert found.dtype == np.uint8 and found.shape == shape
    assert md5 == hashlib.md5(idx_bytes(array)).hexdigest()


WHOLE = idx_bytes(np.arange(60, dtype=np.uint8).reshape(3, 4, 5))


@pytest.mark.parametrize(
    "content, expected, found",
    [
        (b"", "magic number 0x00000803", "an empty file"),
        (WHOLE[:2], "magic number 0x00000803", "0x0000"),
        (WHOLE[:9], "a header of 16 bytes", "9 bytes in all"),
        (WHOLE[:16], "60 bytes of data (3 x 4 x 5)", "0 (truncated, or a wrong count in the header)"),
        (WHOLE[:-1], "60 bytes of data (3 x 4 x 5)", "59 (truncated, or a wrong count in the header)"),
        (WHOLE + b"x", "60 bytes of data (3 x 4 x 5)", "more bytes behind them"),
        (b"\0\0\x0d\3" + WHOLE[4:], "magic number 0x00000803", "0x00000d03"),
        (b"\0\0\x08\1" + WHOLE[4:], "magic number 0x00000803", "0x00000801"),
        (b"\0\0\x08\3" + b"\xff" * 12, "4294967295 x 4294967295", "0 (truncated"),
        (WHOLE[:4] + struct.pack(">I", 4) + WHOLE[8:], "80 bytes of data (4 x 4 x 5)", "60 (truncated"),
        (b"<html>not found</html>", "magic number 0x00000803", "0x3c68746d"),
    ],
)
@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_names_what_is_wrong(tmp_path, content, expected, found, suffix):
    path = tmp_path / f"file{suffix}"
    path.write_bytes(gzip.compress(content) if suffix else content)
    message = error_of(read_idx, path, 3)
    assert message.startswith(f"{path}: expected ") and expected in message and f"found {found}" in message


def test_damaged_gz(tmp_path):
    packed = gzip.compress(WHOLE)
    path = tmp_path / "file.gz"
    path.write_bytes(packed[:-12])
    assert error_of(read_idx, path, 3) == f"{path}: expected a whole gzip file, found one that is cut off"
    path.write_bytes(packed[:-8] + b"\1\2\3\4" + packed[-4:])  # another CRC
    assert "damaged or other data" in error_of(read_idx, path, 3)
    path.write_bytes(WHOLE)
    assert "expected a gzip file" in error_of(read_idx, path, 3)
    path.write_bytes(packed[:20] + b"\xff" * 10 + packed[30:])
    assert error_of(read_idx, path, 3).startswith(str(path))
    plain = tmp_path / "file"
    plain.write_bytes(packed)
    assert "its name should end in .gz" in error_of(read_idx, plain, 3)


@pytest.mark.parametrize("gz", [False, True])
def test_t10k_alone_is_split_in_file_order(tmp_path, gz):
    images, labels = write_pair(tmp_path, 200, gz=gz)
    split = load_mnist(tmp_path)
    np.testing.assert_array_equal(split.train.labels, labels[:170])
    np.testing.assert_array_equal(split.test.labels, labels[170:])
    np.testing.assert_array_equal(split.test.images[:, 0], images[170:].astype(np.float32) / np.float32(255))
    assert split.train.images.dtype == np.float32 and split.train.labels.dtype == np.int64
    assert split.train.images.shape == (170, 1, 28, 28)
    said = "\n".join(split.notes)
    assert "the first 170 to train, the last 30 to test" in said
    assert "not the published file" in said


def test_train_and_t10k(tmp_path):
    write_pair(tmp_path, 30, "train", seed=1)
    _, labels = write_pair(tmp_path, 20)
    split = load_mnist(tmp_path)
    assert len(split.train.labels) == 30
    np.testing.assert_array_equal(split.test.labels, labels)


def test_missing_files(tmp_path):
    assert "found no such folder" in error_of(load_mnist, tmp_path / "none")
    assert f"expected {IMAGES} or {IMAGES}.gz, found an empty folder" in error_of(load_mnist, tmp_path)
    write_pair(tmp_path, 5)
    (tmp_path / LABELS).unlink()
    assert f"{tmp_path}: expected {LABELS} or {LABELS}.gz, found {IMAGES}" == error_of(load_mnist, tmp_path)


def test_images_and_labels_have_to_fit(tmp_path):
    _, labels = write_pair(tmp_path, 5)
    (tmp_path / LABELS).write_bytes(idx_bytes(labels[:4]))
    assert "expected 5 labels, one per image, found 4" in error_of(load_mnist, tmp_path)
    labels[3] = 10
    (tmp_path / LABELS).write_bytes(idx_bytes(labels))
    assert "expected labels from 0 to 9, found 10 at position 3" in error_of(load_mnist, tmp_path)
    (tmp_path / IMAGES).write_bytes(idx_bytes(np.zeros((5, 27, 28), np.uint8)))
    assert "expected images of 28 x 28, found 27 x 28" in error_of(load_mnist, tmp_path)
    (tmp_path / IMAGES).write_bytes(idx_bytes(np.zeros((0, 28, 28), np.uint8)))
    assert "expected at least 1 image, found 0" in error_of(load_mnist, tmp_path)


def test_published_size_needs_published_content(tmp_path, monkeypatch):
    images, _ = write_pair(tmp_path, 20)
    known = data.PUBLISHED[IMAGES]
    right = data.Published(
        images.shape, hashlib.md5(idx_bytes(images)).hexdigest(), known.gz_size, known.gz_sha256
    )
    monkeypatch.setitem(data.PUBLISHED, IMAGES, right)
    assert not any(IMAGES in note for note in load_mnist(tmp_path).notes)
    images[3, 4, 5] ^= 1
    (tmp_path / IMAGES).write_bytes(idx_bytes(images))
    message = error_of(load_mnist, tmp_path)
    assert message.startswith(f"{tmp_path / IMAGES}: expected MD5 {right.md5} (uncompressed), found ")


def test_digits_split_depends_on_the_seed_alone():
    one, same, other = load_digits(0), load_digits(0), load_digits(1)
    assert (len(one.train.labels), len(one.test.labels)) == (1438, 359)
    np.testing.assert_array_equal(one.test.images, same.test.images)
    assert not np.array_equal(one.test.images, other.test.images)
    everything = np.concatenate([one.train.images, one.test.images]).reshape(1797, 64)
    again = np.concatenate([other.train.images, other.test.images]).reshape(1797, 64)
    assert sorted(map(bytes, everything)) == sorted(map(bytes, again))
    assert everything.min() == 0 and everything.max() == 1


def test_truncation():
    split = load_digits(0)
    np.testing.assert_array_equal(split.train.first(10).labels, split.train.labels[:10])
    assert len(split.train.first(10**6).labels) == 1438 and len(split.train.first(None).labels) == 1438
