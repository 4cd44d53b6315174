"""Files that ask for what they may not, or make no sense: each is refused by name, and nothing is executed."""

import io
import pickle
import struct
import zipfile

import pytest
import torch as real_torch

import tensorgrad
from tests.python.twin import twin

executed = []


def canary(*args):
    executed.append(args)
    return args


def content(obj):
    stream = io.BytesIO()
    real_torch.save(obj, stream)
    return stream.getvalue()


def edited(original, changes, compression=zipfile.ZIP_STORED):
    """The archive with other content in some records; None takes a record away."""
    source, out = zipfile.ZipFile(io.BytesIO(original)), io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as target:
        for info in source.infolist():
            data = changes.get(info.filename.partition("/")[2], source.read(info))
            if callable(data):
                data = data(source.read(info))
            if data is not None:
                target.writestr(info.filename, data)
        for name in changes:
            if f"archive/{name}" not in source.namelist():
                target.writestr(f"archive/{name}", changes[name])
    return out.getvalue()


ONE = content({"a": real_torch.arange(100.0)})
WITH_PICKLE = lambda data: edited(ONE, {"data.pkl": data})


def glob(name):
    return b"c" + b"\n".join(name.encode().split(b" ")) + b"\n"


class Reduce:
    def __init__(self, function, *args):
        self.reduced = function, args

    def __reduce__(self):
        return self.reduced


FORBIDDEN = {
    "os.system": pickle.dumps(Reduce(__import__("os").system, "exit 1"), 2),
    "eval": pickle.dumps(Reduce(eval, "1"), 2),
    "getattr": pickle.dumps(Reduce(getattr, [], "append"), 2),
    "canary": pickle.dumps(Reduce(canary, 1), 2),
    "print": pickle.dumps(print, 2),
    "a dotted name": b"\x80\x02" + glob("torch serialization.os.system") + b".",
    "subprocess": b"\x80\x02" + glob("subprocess Popen") + b"X\x02\x00\x00\x00ls\x85R.",
    "sys.modules": b"\x80\x02" + glob("sys modules") + b".",
    "a call of data": b"\x80\x02]K\x01\x85R.",
    "a call of a dtype": b"\x80\x02" + glob("torch float32") + b"K\x01\x85R.",
    "arguments that are no tuple": b"\x80\x02" + glob("collections OrderedDict") + b"]R.",
    "a new list": b"\x80\x02])\x81.",
    "state of a list": b"\x80\x02]}b.",
    "append to a tuple": b"\x80\x02)K\x01a.",
    "items of a list": b"\x80\x02]K\x01K\x02s.",
    "ext1": b"\x80\x02\x82\x01.",
    "inst": b"\x80\x02(ios\nsystem\n.",
    "obj": b"\x80\x02(" + glob("collections OrderedDict") + b"o.",
    "a persistent id of another kind": b"\x80\x02X\x01\x00\x00\x00x\x85Q.",
    "a persistent id that is no tuple": b"\x80\x02]Q.",
    "a text persistent id": b"\x80\x02Pabc\n.",
    "codecs that import": b"\x80\x02c_codecs\nencode\nX\x01\x00\x00\x00aX\x05\x00\x00\x00rot13\x86R.",
    "a bytearray of any length": b"\x80\x02c__builtin__\nbytearray\nJ\xff\xff\xff\x7f\x85R.",
    "an empty stack": b"\x80\x02.",
    "no mark": b"\x80\x02t.",
    "a memo that is not there": b"\x80\x02h\x05.",
    "a list as a key": b"\x80\x02}]K\x01s.",
    "no opcode": b"\x80\x02\xff.",
    "a global without an end": b"\x80\x02cos",
    "a text longer than the file": b"\x80\x02X\xff\xff\xff\x7fa.",
    "a protocol of the future": b"\x80\x09N.",
    "nested keys": b"\x80\x02}" + b")" + b"2\x86" * 60 + b"K\x01s.",
    "nested keys through the memo": b"\x80\x02})" + b"".join(b"q%ch%c\x86" % (i, i) for i in range(60)) + b"K\x01s.",
    "a large key again and again": b"\x80\x02(" + b"K\x01" * 999 + b"tq\x000}" + b"h\x00K\x01s" * 5000 + b".",
    "a key with any hash": b"\x80\x02}\x8a\x14" + b"\x01" * 20 + b"K\x01s.",
    "copies of one text": b"\x80\x02(c_codecs\nencode\nq\x00X\x00\x00\x10\x00" + b"a" * 2**20
    + b"q\x01X\x06\x00\x00\x00latin1q\x020" + b"h\x00h\x01h\x02\x86R" * 1000 + b"t.",
}  # fmt: skip


@pytest.mark.parametrize("name", FORBIDDEN)
@pytest.mark.parametrize("weights_only", [True, False])
def test_pickles_that_are_refused(name, weights_only):
    with pytest.raises(pickle.UnpicklingError) as raised:
        tensorgrad.load(io.BytesIO(WITH_PICKLE(FORBIDDEN[name])), weights_only=weights_only)
    assert executed == []
    assert str(raised.value).startswith("Weights only load failed. ") == weights_only


@pytest.mark.parametrize("name", ["os.system", "canary", "print", "state of a list", "append to a tuple", "no opcode", "a persistent id of another kind", "items of a list", "ext1"])  # fmt: skip
def test_what_is_refused_is_named_as_by_torch(name):
    """The error of torch's loader ends with the text that ours has behind its first sentence."""
    stream = io.BytesIO(WITH_PICKLE(FORBIDDEN[name]))
    with pytest.raises(pickle.UnpicklingError) as expected:
        real_torch.load(stream)
    stream.seek(0)
    with pytest.raises(pickle.UnpicklingError) as raised:
        tensorgrad.load(stream)
    ours = str(raised.value).removeprefix("Weights only load failed. ").partition("<class")[0]
    theirs = str(expected.value).replace(" 'str'", " 'x'")
    assert ours.partition("'x'")[0] in theirs and str(expected.value).startswith("Weights only load failed. ")


def tensor_pickle(offset=0, size=(100,), stride=(1,), length=100, key="0", kind="FloatStorage", grad=False):
    class Storage:
        pass

    class Writer(pickle._Pickler):
        def persistent_id(self, obj):
            return (
                ("storage", real_torch.FloatStorage, key, "cpu", length) if isinstance(obj, Storage) else None
            )

    stream = io.BytesIO()
    arguments = (Storage(), offset, size, stride, grad, __import__("collections").OrderedDict())
    Writer(stream, 2).dump(Reduce(real_torch._utils._rebuild_tensor_v2, *arguments))
    return stream.getvalue().replace(b"FloatStorage", kind.encode())


TENSORS = {
    "beyond the storage": {"size": (101,)},
    "an offset beyond it": {"offset": 1},
    "a stride beyond it": {"size": (2,), "stride": (100,)},
    "a huge stride": {"size": (3,), "stride": (2**62,)},
    "a huge stride that is not used": {"size": (1,), "stride": (2**62,)},
    "a huge size": {"size": (2**40, 2**40), "stride": (0, 0)},
    "a huge offset": {"offset": 2**62, "size": (0,)},
    "a negative offset": {"offset": -1},
    "a negative size": {"size": (-1,)},
    "a negative stride": {"size": (2,), "stride": (-1,)},
    "an offset of 100 bits": {"offset": 2**100},
    "a size of 100 bits": {"size": (2**100,)},
    "sizes and strides of different lengths": {"size": (1, 1)},
    "too many dimensions": {"size": (1,) * 1000, "stride": (1,) * 1000},
    "a size that is no int": {"size": (1.5,)},
    "a size that is no tuple": {"size": None},
    "a storage longer than its record": {"length": 101},
    "a storage of 2^60 elements": {"length": 2**60},
    "a negative length": {"length": -1},
    "a record that is not there": {"key": "1"},
    "a key that is no text": {"key": 3},
    "a key with a path": {"key": "../../data.pkl"},
    "another dtype": {"kind": "DoubleStorage"},
    "no such dtype": {"kind": "QInt8Storage"},
    "gradients of integers": {"kind": "IntStorage", "grad": True},
    "gradients of a text": {"grad": "yes"},
}  # fmt: skip


@pytest.mark.parametrize("name", TENSORS)
def test_tensors_that_are_refused(name):
    before = tensorgrad._C.memory_stats()["peak_allocated_bytes"]
    with pytest.raises((pickle.UnpicklingError, RuntimeError)):
        tensorgrad.load(io.BytesIO(WITH_PICKLE(tensor_pickle(**TENSORS[name]))))
    assert tensorgrad._C.memory_stats()["peak_allocated_bytes"] - before < 2**20


def test_the_pickle_that_they_change_is_sound():
    assert tensorgrad.load(io.BytesIO(WITH_PICKLE(tensor_pickle()))).sum().item() == 4950


@twin(check_warnings=False)  # torch announces that it would run TorchScript
def test_records(torch, log):
    def of(**changes):
        changes = {name.replace("_", "/"): data for name, data in changes.items()}
        data = changes.pop("pickle", None)
        if data is not None:
            changes["data.pkl"] = data
        return lambda: first_sentence(torch, edited(ONE, changes))

    log(of(), of(byteorder=b"mid"), of(data_0=None), of(version=None), of(data_0=b"short"))
    log(lambda: first_sentence(torch, edited(ONE, {"data.pkl": None})))
    log(of(version=b"3"), lambda: first_sentence(torch, edited(ONE, {"constants.pkl": b""})))
    log(lambda: first_sentence(torch, b""), lambda: first_sentence(torch, ONE[:-30]))
    log(lambda: first_sentence(torch, ONE[:300]), lambda: first_sentence(torch, ONE[:5] + ONE[6:])[:60])


def first_sentence(torch, data):
    """The type of the error and its first sentence, up to what follows a number or a hint."""
    try:
        return torch.load(io.BytesIO(data))["a"].sum().item()
    except Exception as error:
        text = str(error).split(". ")[0].split(" = ")[0].split(" = ")[0]
        return type(error).__name__, text.rstrip(". ") if not isinstance(error, EOFError) else ""


def test_damaged_archives():
    from tensorgrad.serialization._archive import ArchiveReader

    for compression in (zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2):
        with pytest.raises(RuntimeError, match="is compressed"):
            tensorgrad.load(io.BytesIO(edited(ONE, {}, compression)))
    flipped = bytearray(ONE)
    flipped[ONE.index(struct.pack("<2f", 50, 51))] ^= 1
    with pytest.raises(RuntimeError, match="does not have its checksum"):
        tensorgrad.load(io.BytesIO(flipped))
    # without a checksum, as PyTorch writes on demand, there is none to compare
    real_torch.serialization.set_crc32_options(False)
    try:
        assert tensorgrad.load(io.BytesIO(content(real_torch.arange(3.0)))).tolist() == [0, 1, 2]
    finally:
        real_torch.serialization.set_crc32_options(True)
    # two entries of the directory for the same bytes
    names = [info.header_offset for info in zipfile.ZipFile(io.BytesIO(ONE)).infolist()]
    directory = struct.unpack_from("<I", ONE, len(ONE) - 6)[0]
    second = ONE.index(b"PK\x01\x02", directory + 4)
    overlapping = bytearray(ONE)
    struct.pack_into("<I", overlapping, second + 42, names[0])
    with pytest.raises(RuntimeError, match=r"overlaps|twice|another name"):
        tensorgrad.load(io.BytesIO(overlapping))
    assert ArchiveReader(io.BytesIO(ONE)).size("data/0") == 400


def test_booleans_of_other_bytes_are_true():
    data = edited(content({"a": real_torch.zeros(4, dtype=real_torch.bool)}), {"data/0": b"\x00\x01\x02\xff"})
    loaded = tensorgrad.load(io.BytesIO(data))["a"]
    assert loaded.tolist() == [False, True, True, True] and loaded.sum().item() == 3
    assert loaded.untyped_storage().tolist() == [0, 1, 1, 1]


def test_old_format():
    stream = io.BytesIO()
    real_torch.save([real_torch.arange(5), real_torch.ones(2)], stream, _use_new_zipfile_serialization=False)
    whole = stream.getvalue()
    assert [t.tolist() for t in tensorgrad.load(io.BytesIO(whole))] == [[0, 1, 2, 3, 4], [1, 1]]
    for end in range(0, len(whole)):
        with pytest.raises((EOFError, RuntimeError, pickle.UnpicklingError)):
            tensorgrad.load(io.BytesIO(whole[:end]))
    with pytest.raises(RuntimeError, match=r"Invalid magic number; corrupt file\?"):
        tensorgrad.load(io.BytesIO(pickle.dumps(3, 2)))
