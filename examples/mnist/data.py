"""The two sets of handwritten digits: scikit-learn's bundled 8x8 ones, and MNIST."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .download import RemoteFile, cache_folder, fetch
from .idx import DataFileError, read_idx

# Addresses that serve the four published files.
MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)


@dataclass(frozen=True)
class Published:
    """What is known of a published file: dimensions and MD5 uncompressed, length and SHA-256 compressed."""

    shape: tuple[int, ...]
    md5: str
    gz_size: int
    gz_sha256: str


PUBLISHED = {
    "train-images-idx3-ubyte": Published(
        (60000, 28, 28),
        "6bbc9ace898e44ae57da46a324031adb",
        9912422,
        "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
    ),
    "train-labels-idx1-ubyte": Published(
        (60000,),
        "a25bea736e30d166cdddb491f175f624",
        28881,
        "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
    ),
    "t10k-images-idx3-ubyte": Published(
        (10000, 28, 28),
        "2646ac647ad5339dbf082846283269ea",
        1648877,
        "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
    ),
    "t10k-labels-idx1-ubyte": Published(
        (10000,),
        "27ae3e4e09519cfbb04c329615203637",
        4542,
        "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
    ),
}


@dataclass(frozen=True)
class Digits:
    """Images, float32 of shape (n, 1, size, size) from 0 to 1, and their labels, int64 of shape (n,)."""

    images: np.ndarray
    labels: np.ndarray

    def first(self, count: int | None) -> "Digits":
        """The first `count` of them; all if None."""
        return Digits(self.images[:count], self.labels[:count])


@dataclass(frozen=True)
class Split:
    """Data to train on, data to test with, and what is worth saying about them."""

    train: Digits
    test: Digits
    notes: tuple[str, ...] = ()


def load_digits(seed: int) -> Split:
    """scikit-learn's 1,797 digits of 8x8 pixels: the seed chooses the fifth that is kept for testing."""
    from sklearn.datasets import load_digits as bundled

    raw = bundled()
    order = np.random.RandomState(seed).permutation(len(raw.target))
    held_out = len(order) // 5
    images = np.ascontiguousarray((raw.images[order] / 16).astype(np.float32)[:, None])
    labels = raw.target[order].astype(np.int64)
    train = Digits(images[held_out:], labels[held_out:])
    test = Digits(images[:held_out], labels[:held_out])
    return Split(
        train, test, (f"digits: {len(train.labels):,} to train, {held_out:,} to test (seed {seed})",)
    )


def load_mnist(folder: Path | None, mirrors: Sequence[str] = MIRRORS) -> Split:
    """MNIST from a folder, or downloaded into the cache folder.

    A folder that holds the t10k files alone is split in file order, 85 % to train and 15 % to test.

    Raises:
        DataFileError: a file is missing, damaged or not what its name says.
        DownloadError: there is no folder and no mirror gave the files.
    """
    if folder is None:
        folder = cache_folder() / "mnist"
        for name, known in PUBLISHED.items():
            fetch(RemoteFile(f"{name}.gz", known.gz_size, known.gz_sha256), mirrors, folder)
    notes: list[str] = []
    test = _read_pair(folder, "t10k", notes)
    train = _read_pair(folder, "train", notes)
    if test is None:
        raise DataFileError(folder, "t10k-images-idx3-ubyte or t10k-images-idx3-ubyte.gz", _listing(folder))
    if train is None:
        count = len(test.labels)
        cut = count * 17 // 20
        if cut == 0:
            raise DataFileError(folder, "at least 2 images to split", f"{count}")
        train = test.first(cut)
        test = Digits(test.images[cut:], test.labels[cut:])
        notes.append(
            f"{folder} has no train files: the {count:,} t10k images are split in file order, "
            f"the first {cut:,} to train, the last {count - cut:,} to test"
        )
    notes.append(f"mnist: {len(train.labels):,} to train, {len(test.labels):,} to test")
    return Split(train, test, tuple(notes))


def _read_pair(folder: Path, prefix: str, notes: list[str]) -> Digits | None:
    """The images and labels of one half of MNIST; None if neither file is there."""
    names = f"{prefix}-images-idx3-ubyte", f"{prefix}-labels-idx1-ubyte"
    paths = [_find(folder, name) for name in names]
    if paths == [None, None]:
        return None
    for name, path in zip(names, paths):
        if path is None:
            raise DataFileError(folder, f"{name} or {name}.gz", _listing(folder))
    images = _read_checked(paths[0], names[0], notes)
    labels = _read_checked(paths[1], names[1], notes)
    if images.shape[1:] != (28, 28):
        raise DataFileError(paths[0], "images of 28 x 28", f"{images.shape[1]} x {images.shape[2]}")
    if len(images) == 0:
        raise DataFileError(paths[0], "at least 1 image", "0")
    if len(labels) != len(images):
        raise DataFileError(paths[1], f"{len(images):,} labels, one per image", f"{len(labels):,}")
    if labels.max() > 9:
        where = int((labels > 9).argmax())
        raise DataFileError(paths[1], "labels from 0 to 9", f"{labels[where]} at position {where:,}")
    pixels = images.astype(np.float32)[:, None] / np.float32(255)
    return Digits(pixels, labels.astype(np.int64))


def _find(folder: Path, name: str) -> Path | None:
    for candidate in (name, f"{name}.gz"):
        if (folder / candidate).is_file():
            return folder / candidate
    return None


def _listing(folder: Path) -> str:
    if not folder.is_dir():
        return "no such folder"
    names = sorted(entry.name for entry in folder.iterdir())
    return ", ".join(names[:6]) + (", ..." if len(names) > 6 else "") if names else "an empty folder"


def _read_checked(path: Path, name: str, notes: list[str]) -> np.ndarray:
    """Read one file; one with the published dimensions has to have the published content too."""
    known = PUBLISHED[name]
    array, md5 = read_idx(path, len(known.shape))
    if array.shape != known.shape:
        notes.append(f"{path}: not the published file (other dimensions): its structure alone was checked")
    elif md5 != known.md5:
        raise DataFileError(path, f"MD5 {known.md5} (uncompressed)", md5)
    return array
