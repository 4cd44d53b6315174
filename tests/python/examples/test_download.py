"""The downloader against servers that misbehave."""

import hashlib
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from examples.mnist import download
from examples.mnist.data import PUBLISHED, load_mnist
from examples.mnist.download import DownloadError, RemoteFile, cache_folder, fetch

CONTENT = bytes(range(256)) * 1000
FILE = RemoteFile("file.bin", len(CONTENT), hashlib.sha256(CONTENT).hexdigest())


class Server:
    """A web server on this machine that serves `content` and can be told to do it badly."""

    def __init__(self):
        self.content = CONTENT
        self.per_request = None  # drop the connection after so many bytes
        self.ranges = True
        self.answers = []  # status codes to give first
        self.requests = []  # the Range header of every request

        class Handler(BaseHTTPRequestHandler):
            def do_GET(handler):
                self._answer(handler)

            def log_message(handler, *arguments):
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.mirror = f"http://127.0.0.1:{self.http.server_port}/data/"
        threading.Thread(target=self.http.serve_forever, args=(0.01,), daemon=True).start()

    def _answer(self, handler):
        asked = handler.headers.get("Range")
        self.requests.append((handler.path, asked))
        if self.answers and (status := self.answers.pop(0)) != 200:
            return handler.send_error(status)
        start = int(re.match(r"bytes=(\d+)-$", asked)[1]) if asked and self.ranges else 0
        if start >= len(self.content):
            return handler.send_error(416)
        handler.send_response(206 if start else 200)
        if start:
            handler.send_header("Content-Range", f"bytes {start}-{len(self.content) - 1}/{len(self.content)}")
        handler.send_header("Content-Length", str(len(self.content) - start))
        handler.end_headers()
        stop = len(self.content) if self.per_request is None else start + self.per_request
        handler.wfile.write(self.content[start:stop])
        handler.close_connection = True

    def close(self):
        self.http.shutdown()
        self.http.server_close()


@pytest.fixture
def server():
    server = Server()
    yield server
    server.close()


def get(server, folder, *more):
    return fetch(FILE, [server.mirror, *more], folder, pause=0.001)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_whole(server, tmp_path):
    path = get(server, tmp_path / "new" / "folder")
    assert path.read_bytes() == CONTENT and names(path.parent) == ["file.bin"]
    assert server.requests == [("/data/file.bin", None)]
    get(server, path.parent)
    assert len(server.requests) == 1  # it was there


def test_connections_that_drop_are_resumed(server, tmp_path):
    server.per_request = 50_000
    assert get(server, tmp_path).read_bytes() == CONTENT
    assert [asked for _, asked in server.requests] == [None] + [
        f"bytes={n}-" for n in range(50_000, 256_000, 50_000)
    ]
    assert names(tmp_path) == ["file.bin"]


def test_part_of_an_earlier_run_is_gone_on_with(server, tmp_path):
    (tmp_path / "file.bin.part").write_bytes(CONTENT[:1234])
    assert get(server, tmp_path).read_bytes() == CONTENT
    assert server.requests == [("/data/file.bin", "bytes=1234-")]


def test_complete_part_needs_no_request(server, tmp_path):
    (tmp_path / "file.bin.part").write_bytes(CONTENT)
    assert get(server, tmp_path).read_bytes() == CONTENT
    assert server.requests == []


@pytest.mark.parametrize(
    "wrong", [b"x" * 1234, b"x" * len(CONTENT), CONTENT + b"more"], ids=["part", "all", "long"]
)
def test_wrong_part_is_thrown_away(server, tmp_path, wrong):
    (tmp_path / "file.bin.part").write_bytes(wrong)
    assert get(server, tmp_path).read_bytes() == CONTENT
    assert names(tmp_path) == ["file.bin"]


def test_server_without_ranges(server, tmp_path):
    server.ranges = False
    (tmp_path / "file.bin.part").write_bytes(CONTENT[:1234])
    assert get(server, tmp_path).read_bytes() == CONTENT


def test_wrong_file_is_fetched_again(server, tmp_path, capsys):
    (tmp_path / "file.bin").write_bytes(b"old")
    assert get(server, tmp_path).read_bytes() == CONTENT
    assert "is not the published file" in capsys.readouterr().out


def test_checksum_mismatch(server, tmp_path):
    server.content = b"y" + CONTENT[1:]
    with pytest.raises(DownloadError) as caught:
        get(server, tmp_path)
    found = hashlib.sha256(server.content).hexdigest()
    assert f"{server.mirror}file.bin: expected SHA-256 {FILE.sha256}, found {found}" in str(caught.value)
    assert names(tmp_path) == []


@pytest.mark.parametrize("content", [CONTENT[:-1], CONTENT + b"z", b""], ids=["short", "long", "empty"])
def test_other_length(server, tmp_path, content):
    server.content = content
    with pytest.raises(DownloadError):
        get(server, tmp_path)
    assert "file.bin" not in names(tmp_path)


def test_missing_file_goes_to_the_next_mirror(server, tmp_path):
    server.answers = [404]
    assert get(server, tmp_path, server.mirror + "second/").read_bytes() == CONTENT
    assert [path for path, _ in server.requests] == ["/data/file.bin", "/data/second/file.bin"]


def test_every_mirror_is_named_when_all_fail(server, tmp_path):
    server.answers = [404, 403]
    with pytest.raises(DownloadError) as caught:
        get(server, tmp_path, server.mirror + "second/")
    message = str(caught.value)
    assert message.startswith("file.bin could not be downloaded:\n")
    assert f"{server.mirror}file.bin: HTTP 404" in message and "second/file.bin: HTTP 403" in message
    assert names(tmp_path) == []


def test_busy_server_is_asked_again(server, tmp_path):
    server.answers = [503, 429, 500]
    assert get(server, tmp_path).read_bytes() == CONTENT
    assert len(server.requests) == 4


def test_gives_up_without_progress_and_keeps_the_part(server, tmp_path):
    server.per_request = 0
    (tmp_path / "file.bin.part").write_bytes(CONTENT[:99])
    with pytest.raises(DownloadError, match=f"{download.ATTEMPTS} times"):
        get(server, tmp_path)
    assert len(server.requests) == download.ATTEMPTS
    assert (tmp_path / "file.bin.part").read_bytes() == CONTENT[:99]


def test_no_server(server, tmp_path):
    server.close()
    with pytest.raises(DownloadError, match="Connection refused"):
        get(server, tmp_path)


def test_cache_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "tensorgrad"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")  # the specification says to ignore these
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder() == tmp_path / ".cache" / "tensorgrad"


def test_mnist_without_a_folder_is_asked_for_by_its_published_names(server, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    server.answers = [404]
    with pytest.raises(DownloadError):
        load_mnist(None, [server.mirror])
    assert server.requests == [(f"/data/{next(iter(PUBLISHED))}.gz", None)]
