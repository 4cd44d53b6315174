"""The API reference: every name is documented, every snippet runs, every link leads somewhere."""

import doctest
import re
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

import tensorgrad

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))

from api_names import Entry, Page, read_pages, walk
from check_docs import check
from write_docs import write_docs

PAGES = read_pages()
SNIPPETS = {name: entry.doc for name, entry in walk(PAGES) if ">>>" in entry.doc}
SNIPPETS |= {page.module: page.doc for page in PAGES if ">>>" in page.doc}

# What a snippet need not import.
NAMES = {"tensorgrad": tensorgrad, "torch": tensorgrad, "nn": tensorgrad.nn}


def test_every_name_is_documented():
    assert check(PAGES) == []
    assert len(list(walk(PAGES))) > 1000
    assert [page.module for page in PAGES if not page.doc] == []


@pytest.mark.parametrize("name", sorted(SNIPPETS))
def test_snippet(name):
    tensorgrad.manual_seed(0)
    test = doctest.DocTestParser().get_doctest(SNIPPETS[name], dict(NAMES), name, None, None)
    said = []
    failed, count = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE).run(test, out=said.append)
    assert count and not failed, "".join(said)


def op(name, doc, call="Tensor input"):
    return Entry(name, "op", [f"{name}({call}) -> Tensor"], doc)


@pytest.mark.parametrize(
    ("entries", "complaints"),
    [
        ([op("a", "")], ["a has no documentation"]),
        ([op("a", "out = 2 * input.")], ["a does not say its gradient"]),
        ([op("a", "out = 2 * input.\n\nBackward: 2 * u.")], []),
        ([op("a", "out = 2 * input.\n\nBackward, where it is positive: 2 * u.")], []),
        ([op("a", "Not a Backward: line.")], ["a does not say its gradient"]),
        ([op("a", "The same as b."), op("b", "x\n\nBackward: u.")], []),
        ([op("a", "b() under another name."), op("b", "x\n\nBackward: u.")], []),
        ([op("a", "The same as b."), op("b", "x")], ["a does not", "b does not"]),
        ([op("a", "The same as nothing.")], ["a does not"]),
        ([op("a", "bool: whether it is so.")], []),
        ([op("a", "int64: where it is.")], []),
        ([op("a", "Ones.", "int[] size, *, Options options")], []),
        ([op("a", "Ones of the shape.", "Tensor input, *, Options options")], []),
        ([Entry("f", "function", ["f()"], "")], ["f has no documentation"]),
        ([Entry("f", "function", ["f()"], "Does.")], []),
        (
            [Entry("C", "class", ["class C()"], "A class.", [Entry("m", "method", ["m()"], "")])],
            ["C.m has no"],
        ),
    ],
)
def test_check(entries, complaints):
    found = check([Page("m", "A module.", entries)])
    assert len(found) == len(complaints)
    assert all(text.startswith(f"m.{wanted}") for text, wanted in zip(found, complaints, strict=True))


class Reader(HTMLParser):
    """Anchors and links of a page; unbalanced tags are an error."""

    def __init__(self, text):
        super().__init__()
        self.open, self.anchors, self.links, self.text = [], set(), set(), []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if "id" in attrs:
            assert attrs["id"] not in self.anchors, attrs["id"]
            self.anchors.add(attrs["id"])
        if "href" in attrs:
            self.links.add(attrs["href"])
        if tag not in ("meta", "input", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def test_pages(tmp_path):
    assert write_docs(tmp_path / "docs") == len(list(walk(PAGES)))
    pages = {path.name: Reader(path.read_text()) for path in (tmp_path / "docs").iterdir()}
    assert set(pages) == {"index.html", *(f"{page.module}.html" for page in PAGES)}
    for name, page in pages.items():
        for link in page.links:
            target, _, anchor = link.partition("#")
            where = pages[target or name]
            assert not anchor or anchor in where.anchors, f"{name}: {link}"
    text = "".join(pages["tensorgrad.html"].text)
    schema = tensorgrad.softmax.__schemas__[0]
    assert schema in text and re.search(r"Backward: .*\bu\b", text)
