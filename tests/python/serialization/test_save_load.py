"""save and load: every object in a table goes through a file from each library to each other."""

import io
import os
import pickle
import struct
import zipfile
from collections import Counter, OrderedDict

import pytest
import torch as real_torch

import tensorgrad
from tests.python.serialization.describe import describe
from tests.python.twin import twin

DTYPES = ["float64", "float32", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "bool"]
SHAPES = [(), (0,), (3, 0, 2), (1,), (4,), (2, 3), (2, 1, 3, 1)]


def filled(torch, shape, dtype):
    count = 1
    for size in shape:
        count *= size
    return (torch.arange(count) % 2).reshape(shape).to(getattr(torch, dtype))


def with_attribute(tensor, **attributes):
    for name, value in attributes.items():
        setattr(tensor, name, value)
    return tensor


def shared(torch):
    base = torch.arange(24.0).reshape(2, 3, 4)
    return {
        "base": base,
        "transposed": base.transpose(0, 2),
        "slice": base[1, :, ::2],
        "end": base.view(-1)[24:],
        "expanded": base[0, 0].expand(5, 4),
        "again": base,
        "apart": torch.arange(24.0),
        "parameter": torch.nn.Parameter(base[0]),
        "scalar": base[1, 2, 3],
    }


def model(torch):
    return torch.nn.Sequential(
        torch.nn.Conv2d(1, 3, 3), torch.nn.BatchNorm2d(3), torch.nn.Flatten(), torch.nn.Linear(12, 2)
    )


def trained(torch, name, **options):
    m = model(torch)
    optimizer = getattr(torch.optim, name)(m.parameters(), **options)
    for _ in range(2):
        optimizer.zero_grad()
        m(torch.linspace(-1, 1, 32).reshape(2, 1, 4, 4)).square().sum().backward()
        optimizer.step()
    return {"model": m.state_dict(), "optimizer": optimizer.state_dict(), "epoch": 3, "best": 0.25}


OBJECTS = {
    **{
        f"{dtype}{shape}": lambda torch, dtype=dtype, shape=shape: filled(torch, shape, dtype)
        for dtype in DTYPES
        for shape in SHAPES
    },
    "shared": shared,
    "special values": lambda torch: torch.tensor([float("inf"), -0.0, float("nan"), 1e-45]),
    "requires_grad": lambda torch: [torch.ones(2, requires_grad=True), torch.ones(3)],
    "not a leaf": lambda torch: torch.ones(2, requires_grad=True) * 2,
    "parameter": lambda torch: torch.nn.Parameter(torch.ones(2, 3)),
    "frozen parameter": lambda torch: torch.nn.Parameter(torch.arange(3), requires_grad=False),
    "attributes": lambda torch: [
        with_attribute(torch.ones(2), note="x", more=[1, torch.zeros(1)]),
        with_attribute(torch.nn.Parameter(torch.ones(2)), note="y"),
    ],
    "buffer": lambda torch: torch.nn.Buffer(torch.ones(2), persistent=False),
    "storage": lambda torch: [torch.arange(3).untyped_storage(), torch.ones(2, dtype=torch.uint8)],
    "state dict": lambda torch: model(torch).state_dict(),
    "adam": lambda torch: trained(torch, "Adam", lr=0.1, amsgrad=True),
    "sgd": lambda torch: trained(torch, "SGD", lr=0.1, momentum=0.9),
    "numbers": lambda torch: [0, 1, -1, 255, 256, 65536, -(2**31), 2**40, -(2**100), 2**2000, 0.1, 1e300, 1j],
    "constants": lambda torch: (None, True, False),
    "texts": lambda torch: ["", "a", "é\u4e2d\U0001f600", "x" * 300, b"\x00\xff", bytearray(b"ab")],
    "containers": lambda torch: {"a": [1, (2, (3,), ())], 5: {}, (1, "x"): [], None: {1, 2}, "s": set()},
    "ordered": lambda torch: OrderedDict([("b", 1), ("a", OrderedDict())]),
    "counter": lambda torch: Counter("hello"),
    "torch types": lambda torch: [torch.float32, torch.bool, torch.Size([2, 3]), torch.device("cpu"), torch.strided],
    "many": lambda torch: {str(i): torch.tensor([i]) for i in range(300)},
    "deep": lambda torch: [[[[[[[[[[torch.ones(1)]]]]]]]]]],
    "the same twice": lambda torch: [x := [1], x],
    "keyed by dtype": lambda torch: {torch.float32: 1, torch.device("cpu"): 2},
}  # fmt: skip
# What a storage alone becomes in the old format is another class.
NOT_IN_THE_OLD_FORMAT = {"storage"}


def through_file(obj, save, load, **options):
    stream = io.BytesIO()
    save(obj, stream, **options)
    stream.seek(0)
    return load(stream)


@pytest.mark.parametrize("name", OBJECTS)
def test_round_trips(name):
    make = OBJECTS[name]
    real_torch.manual_seed(0)
    theirs = make(real_torch)
    tensorgrad.manual_seed(0)
    ours = make(tensorgrad)
    expected = describe(through_file(theirs, real_torch.save, real_torch.load))
    assert describe(through_file(theirs, real_torch.save, tensorgrad.load)) == expected
    if name not in NOT_IN_THE_OLD_FORMAT:
        old = through_file(theirs, real_torch.save, tensorgrad.load, _use_new_zipfile_serialization=False)
        assert describe(old) == expected
    expected = describe(through_file(ours, tensorgrad.save, tensorgrad.load))
    # torch's loader with weights_only=True, its default
    assert describe(through_file(ours, tensorgrad.save, real_torch.load)) == expected
    if name not in ("adam", "sgd", "state dict"):  # what training computes may differ in the last bit
        assert expected == describe(through_file(theirs, real_torch.save, real_torch.load))


@pytest.mark.parametrize("name", ["shared", "state dict", "buffer"])
def test_pickle_shares_storages(name):
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        ours = OBJECTS[name](tensorgrad)
        assert describe(pickle.loads(pickle.dumps(ours, protocol))) == describe(ours)


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_newer_protocols(protocol):
    obj = {
        "a": [1, 2.5, b"x", "y" * 300, 2**80, {1}, (1, 2, 3, 4)],
        "t": tensorgrad.ones(3),
        "f": frozenset({2}),
    }
    for save, make in ((tensorgrad.save, tensorgrad), (real_torch.save, real_torch)):
        stream = io.BytesIO()
        save(dict(obj, t=make.ones(3)), stream, pickle_protocol=protocol)
        stream.seek(0)
        assert describe(tensorgrad.load(stream, weights_only=False)) == describe(obj)


def test_empty_bytes():  # torch's loader refuses its own saver's
    for save, load in ((tensorgrad.save, real_torch.load), (real_torch.save, tensorgrad.load)):
        assert through_file([b"", bytearray()], save, load) == [b"", bytearray()]


def test_python_containers():
    from collections import defaultdict, deque

    obj = {
        "slice": slice(1, None, 2),
        "range": range(3),
        "deque": deque([1, 2], 5),
        "default": defaultdict(list, a=[1]),
    }
    stream = io.BytesIO()
    tensorgrad.save(obj, stream)
    stream.seek(0)
    assert tensorgrad.load(stream, weights_only=False) == obj
    stream.seek(0)
    with pytest.raises(pickle.UnpicklingError, match="slice was not an allowed global"):
        tensorgrad.load(stream)


@twin
def test_the_layout_of_the_archive(torch, log, tmp_path):
    path = tmp_path / "some model.pt"
    torch.save({"w": torch.arange(6.0), "e": torch.empty(0)}, path)
    with zipfile.ZipFile(path) as archive:
        log(archive.testzip(), {info.compress_type for info in archive.infolist()})
        log([name for name in archive.namelist() if "/data" in name and "id" not in name])
        log(archive.read("some model/byteorder"), archive.read("some model/version"))
        log(len(archive.read("some model/.data/serialization_id")))
        content = path.read_bytes()
        for info in archive.infolist():
            name_size, extra_size = struct.unpack_from("<2H", content, info.header_offset + 26)
            assert (info.header_offset + 30 + name_size + extra_size) % 64 == 0


@twin
def test_paths_and_streams(torch, log, tmp_path):
    x = torch.arange(3.0)
    for path in (tmp_path / "a.pt", str(tmp_path / "b.pt"), tmp_path / "no suffix"):
        torch.save(x, path)
        log(torch.load(path))
        with open(path, "rb") as stream:
            log(torch.load(stream))
    with open(tmp_path / "c.pt", "wb") as stream:
        torch.save([x], stream)
    log(torch.load(tmp_path / "c.pt", weights_only=True), torch.load(tmp_path / "c.pt", mmap=True))
    log(torch.load(tmp_path / "c.pt", "cpu", weights_only=False))
    stream = io.BytesIO(b"before" + (tmp_path / "c.pt").read_bytes())
    stream.seek(6)
    log(torch.load(stream))


@twin
def test_errors(torch, log, tmp_path):
    def of(content):
        return lambda: torch.load(io.BytesIO(content))

    log(lambda: torch.load(tmp_path / "missing.pt"), lambda: torch.load(tmp_path))
    log(lambda: torch.save(1, tmp_path / "missing" / "x.pt"), lambda: torch.save(1, 3), lambda: torch.load(3))
    log(lambda: torch.load(io.BytesIO(), mmap=True))
    x = torch.ones(4)
    log(lambda: torch.save([x, x.view(torch.int32)], io.BytesIO()))
    stream = io.BytesIO()
    torch.save(x, stream)
    whole = stream.getvalue()
    log(lambda: torch.load(stream, pickle_module=pickle, weights_only=True))

    def moved(where):
        return lambda: torch.load(io.BytesIO(whole), map_location=where)

    log(moved("cpu"), moved(torch.device("cpu")), moved({"cpu": "cpu"}), moved({"cuda:0": "cpu"}))
    log(moved(lambda storage, location: storage), moved(lambda storage, location: None))
    log(moved("cuda:0"), moved({"cpu": "cuda"}), moved("nowhere"), moved(3))


def test_map_location_is_asked():
    stream = io.BytesIO()
    tensorgrad.save([tensorgrad.arange(2.0), tensorgrad.zeros(1)], stream)
    stream.seek(0)
    asked = []
    tensorgrad.load(stream, map_location=lambda storage, where: asked.append((storage.nbytes(), where)))
    assert asked == [(8, "cpu"), (4, "cpu")]
    stream.seek(0)
    replaced = tensorgrad.load(
        stream, map_location=lambda storage, where: tensorgrad.ones(2).untyped_storage()
    )
    assert [t.tolist() for t in replaced] == [[1, 1], [1]]


def big_endian(content):
    """The archive as a machine of the other byte order would have written it."""
    stream, out = zipfile.ZipFile(io.BytesIO(content)), io.BytesIO()
    with zipfile.ZipFile(out, "w") as target:
        for name in stream.namelist():
            data = stream.read(name)
            if name.endswith("/byteorder"):
                data = b"big"
            if "/data/" in name:
                data = b"".join(data[i : i + 8][::-1] for i in range(0, len(data), 8))
            target.writestr(name, data)
    return out.getvalue()


def test_other_byte_order():
    stream = io.BytesIO()
    real_torch.save(real_torch.arange(5.0, dtype=real_torch.float64), stream)
    content = big_endian(stream.getvalue())
    expected = real_torch.load(io.BytesIO(content)).tolist()
    assert tensorgrad.load(io.BytesIO(content)).tolist() == expected == [0, 1, 2, 3, 4]


def test_mapped_tensors_do_not_reach_the_file(tmp_path):
    path = tmp_path / "x.pt"
    tensorgrad.save({"a": tensorgrad.arange(1000.0), "b": tensorgrad.ones(3)}, path)
    before = path.read_bytes()
    loaded = tensorgrad.load(path, mmap=True)
    assert loaded["a"].tolist() == list(range(1000))
    loaded["a"].zero_()
    assert loaded["a"].sum().item() == 0 and loaded["b"].tolist() == [1, 1, 1]
    assert path.read_bytes() == before


def test_a_failed_save_changes_nothing(tmp_path):
    path = tmp_path / "x.pt"
    tensorgrad.save(1, path)
    path.chmod(0o640)
    before = path.read_bytes()
    with pytest.raises((AttributeError, pickle.PicklingError)):
        tensorgrad.save([tensorgrad.ones(1000), lambda: 0], path)
    assert path.read_bytes() == before and os.listdir(tmp_path) == ["x.pt"]
    tensorgrad.save(2, path)
    assert tensorgrad.load(path) == 2 and path.stat().st_mode & 0o777 == 0o640

    class Full(io.RawIOBase):
        def write(self, data):
            raise OSError("no space left")

    with pytest.raises(OSError, match="no space left"):
        tensorgrad.save(tensorgrad.ones(3), Full())


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "link.pt").symlink_to(tmp_path / "file.pt")
    tensorgrad.save([1], tmp_path / "link.pt")
    assert (tmp_path / "link.pt").is_symlink() and tensorgrad.load(tmp_path / "file.pt") == [1]


def test_the_same_object_gives_the_same_bytes():
    def content():
        stream = io.BytesIO()
        tensorgrad.save({"a": tensorgrad.ones(3), "b": [1, 2]}, stream)
        return stream.getvalue()

    assert content() == content()


class Point:
    def __init__(self, x):
        self.x = x


def test_safe_globals():
    stream = io.BytesIO()
    tensorgrad.save([Point(tensorgrad.ones(2)), Point(3)], stream)
    for options in ({}, {"weights_only": False}):
        stream.seek(0)
        with pytest.raises(
            pickle.UnpicklingError, match="GLOBAL tests.python.serialization.test_save_load.Point"
        ):
            tensorgrad.load(stream, **options)
    with tensorgrad.serialization.safe_globals([Point]):
        stream.seek(0)
        tensor, number = tensorgrad.load(stream)
        assert tensor.x.tolist() == [1, 1] and number.x == 3
        assert tensorgrad.serialization.get_safe_globals() == [Point]
    assert tensorgrad.serialization.get_safe_globals() == []
    tensorgrad.serialization.add_safe_globals([(Point, "tests.python.serialization.test_save_load.Point")])
    stream.seek(0)
    assert tensorgrad.load(stream)[1].x == 3
    tensorgrad.serialization.clear_safe_globals()
