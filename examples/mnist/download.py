"""Downloads that go on where they broke off and are checked before they count."""

import contextlib
import hashlib
import http.client
import os
import re
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..progress import ProgressBar

CHUNK = 1 << 16
TIMEOUT = 30.0  # seconds without a byte
ATTEMPTS = 4  # in a row without a byte of progress, per mirror


class DownloadError(OSError):
    """A file could not be downloaded from any mirror; the message says what each of them answered."""


@dataclass(frozen=True)
class RemoteFile:
    """A file whose length and SHA-256 are known."""

    name: str
    size: int
    sha256: str


class _MirrorFailed(Exception):
    """This mirror is of no use; the next one may be."""


def cache_folder() -> Path:
    """Where downloads are kept: `tensorgrad` in $XDG_CACHE_HOME, or in ~/.cache."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if os.path.isabs(base) else Path.home() / ".cache") / "tensorgrad"


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file in hex."""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def fetch(file: RemoteFile, mirrors: Sequence[str], folder: Path, pause: float = 1.0) -> Path:
    """Bring a file into a folder, unless it is there already, and return its path.

    What has come so far is kept as NAME.part, also when the program ends, and is gone on with; NAME itself
    appears only when length and checksum are right.

    Args:
        file: what to fetch.
        mirrors: addresses of folders that hold it, tried in order; each ends in a slash.
        folder: where to put it.
        pause: seconds to wait after a broken connection; doubled each time in a row.

    Raises:
        DownloadError: no mirror gave the file.
    """
    path = folder / file.name
    if path.exists():
        if path.stat().st_size == file.size and sha256_of(path) == file.sha256:
            return path
        print(f"{path} is not the published file: fetching it again")
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f"{file.name}.part"
    reasons = []
    for mirror in mirrors:
        try:
            _fetch_from(mirror + file.name, file, part, pause)
        except _MirrorFailed as error:
            reasons.append(f"{mirror}{file.name}: {error}")
        else:
            os.replace(part, path)
            return path
    raise DownloadError(f"{file.name} could not be downloaded:\n  " + "\n  ".join(reasons))


def _fetch_from(url: str, file: RemoteFile, part: Path, pause: float) -> None:
    """Complete `part` from one address and check it."""
    bar = ProgressBar(file.name, file.size)
    resumed = part.exists() and part.stat().st_size > 0
    failures = 0
    try:
        while True:
            before = part.stat().st_size if part.exists() else 0
            if before < file.size:
                reason = _one_request(url, file, part, before, bar)
                after = part.stat().st_size if part.exists() else 0
                if after < file.size:
                    failures = failures + 1 if after <= before else 1
                    if failures >= ATTEMPTS:
                        raise _MirrorFailed(f"{reason}, {ATTEMPTS} times")
                    time.sleep(pause * 2 ** (failures - 1))
                    continue
            found = sha256_of(part)
            if part.stat().st_size == file.size and found == file.sha256:
                return
            part.unlink()
            if not resumed:
                raise _MirrorFailed(f"expected SHA-256 {file.sha256}, found {found}")
            resumed = (
                False  # what lay there from before may have been the wrong part: once more from the start
            )
    finally:
        bar.clear()


def _one_request(url: str, file: RemoteFile, part: Path, offset: int, bar: ProgressBar) -> str:
    """Append to `part` what one request brings. Returns why it ended, if it ended early."""
    headers = {"Range": f"bytes={offset}-"} if offset else {}
    try:
        with urllib.request.urlopen(
            urllib.request.Request(url, headers=headers), timeout=TIMEOUT
        ) as response:
            length = response.headers.get("Content-Length")
            if response.status == 206:
                given = re.match(r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("Content-Range", ""))
                if not given or int(given[1]) != offset or given[2] not in ("*", str(file.size)):
                    part.unlink()
                    return "the answer is not the range that was asked for"
            elif length is not None and int(length) != file.size:
                raise _MirrorFailed(f"expected {file.size:,} bytes, found {int(length):,}")
            with open(part, "ab" if response.status == 206 else "wb") as stream:
                return _copy(response, stream, file, bar)
    except urllib.error.HTTPError as error:
        if error.code == 416:  # our part is longer than their file, or they cannot resume
            with contextlib.suppress(FileNotFoundError):
                part.unlink()
        elif error.code < 500 and error.code != 429:
            raise _MirrorFailed(f"HTTP {error.code} {error.reason}") from None
        return f"HTTP {error.code} {error.reason}"
    except (urllib.error.URLError, http.client.HTTPException, ConnectionError, TimeoutError) as error:
        return str(getattr(error, "reason", error)) or type(error).__name__


def _copy(response: http.client.HTTPResponse, stream, file: RemoteFile, bar: ProgressBar) -> str:
    start, first = time.perf_counter(), stream.tell()
    while (done := stream.tell()) < file.size:
        chunk = response.read(min(CHUNK, file.size - done))
        if not chunk:
            return "the connection was closed early"
        stream.write(chunk)
        speed = (done + len(chunk) - first) / max(time.perf_counter() - start, 1e-9)
        bar.update(done + len(chunk), f"{speed / 1e6:.1f} MB/s")
    return "complete"
