"""write_docs.py [DIR]: writes the API reference as HTML pages, from the one documentation that each name has.

A page per module, and an index with every name; nothing but a browser is needed to read and search them.
"""

import html
import re
import sys
from pathlib import Path

from api_names import Entry, Page, read_pages, walk

STYLE = """
:root { color-scheme: light dark; --ink: light-dark(#1f2933, #e4e7eb); --pale: light-dark(#616e7c, #9aa5b1);
  --line: light-dark(#e4e7eb, #3e4c59); --back: light-dark(#fff, #1a202c);
  --code: light-dark(#f5f7fa, #252f3f); --link: light-dark(#2b6cb0, #90cdf4); }
body { font: 15px/1.55 system-ui, sans-serif; color: var(--ink); background: var(--back); margin: 0; }
main { max-width: 60rem; margin: 0 auto; padding: 1.5rem; }
nav { border-bottom: 1px solid var(--line); padding: .6rem 1.5rem; }
a { color: var(--link); text-decoration: none; } a:hover { text-decoration: underline; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.15rem; margin: 2.2rem 0 .4rem; } h3 { font-size: 1rem; }
code, pre { font: 13px/1.5 ui-monospace, monospace; background: var(--code); border-radius: 4px; }
code { padding: .1em .3em; } pre { padding: .7rem 1rem; overflow-x: auto; white-space: pre-wrap; }
.kind { color: var(--pale); font-weight: normal; font-size: .8rem; margin-left: .5rem; }
.member { margin-left: 1.5rem; border-left: 2px solid var(--line); padding-left: 1rem; }
dl { margin: .3rem 0 .8rem; } dt { float: left; clear: left; } dd { margin-left: 9rem; }
.backward { border-left: 3px solid var(--link); padding-left: .8rem; }
#names { columns: 16rem; padding: 0; list-style: none; }
input { font: inherit; padding: .4rem; width: 20rem; }
"""
SEARCH = """
const field = document.querySelector("input"), names = [...document.querySelectorAll("#names li")];
field.addEventListener("input", () => names.forEach(name =>
  name.hidden = !name.textContent.toLowerCase().includes(field.value.toLowerCase())));
"""
SECTION = re.compile(r"(Args|Raises|Returns|Shape|Shapes):\s*(.*)")
ITEM = re.compile(r"([\w*, .]+?):\s+(.*)", re.DOTALL)


class Links:
    """Where each name is documented."""

    def __init__(self, pages: list[Page]) -> None:
        self.places: dict[str, str] = {}
        for page in pages:
            for entry in page.entries:
                self.places.setdefault(f"{page.module}.{entry.name}", f"{page.module}.html#{entry.name}")
                self.places.setdefault(entry.name, f"{page.module}.html#{entry.name}")

    def text(self, text: str) -> str:
        """Prose as HTML: code in backticks; calls such as mul() and other names of a thing become links."""

        def mark(match: re.Match[str]) -> str:
            code, call, before, alias = match.groups()
            if code:
                place = self.place(code.removesuffix("()")) if "." in code or code.endswith("()") else None
                return f'<a href="{place}"><code>{code}</code></a>' if place else f"<code>{code}</code>"
            place = self.place(call or alias)
            return (
                f'{before or ""}<a href="{place}">{match[0][len(before or "") :]}</a>' if place else match[0]
            )

        pattern = r"`+([^`]+)`+|\b([A-Za-z_][\w.]*)\(\)|((?:[Tt]he same as|[Ss]ee) )(\w[\w.]*\w|\w)"
        return re.sub(pattern, mark, html.escape(text))

    def place(self, name: str) -> str | None:
        """The link to a name, with or without its module."""
        return self.places.get(name) or self.places.get(f"tensorgrad.{name}")


def paragraphs(doc: str) -> list[str]:
    """The parts between empty lines; a snippet stays whole."""
    return [part for part in re.split(r"\n\s*\n", doc.strip()) if part.strip()]


def doc_html(doc: str, links: Links) -> str:
    """A documentation's text: prose, sections of arguments and exceptions, snippets, gradients."""
    parts = []
    for part in paragraphs(doc):
        lines = part.splitlines()
        section = SECTION.fullmatch(lines[0].strip())
        if lines[0].lstrip().startswith(">>>"):
            parts.append(f"<pre>{html.escape(part)}</pre>")
        elif section:
            parts.append(section_html(section[1], [section[2], *lines[1:]], links))
        elif part.startswith("Backward"):
            parts.append(f'<p class="backward">{links.text(part)}</p>')
        elif lines[0].startswith("    ") and len(parts) > 0:
            parts.append(f"<pre>{html.escape(part)}</pre>")
        else:
            parts.append(f"<p>{links.text(part)}</p>")
    return "\n".join(parts)


def section_html(title: str, lines: list[str], links: Links) -> str:
    """An indented list of `name: text`."""
    body = [line for line in lines if line.strip()]
    indent = min((len(line) - len(line.lstrip()) for line in body), default=0)
    items: list[str] = []
    for line in body:
        if len(line) - len(line.lstrip()) > indent and items:
            items[-1] += " " + line.strip()
        else:
            items.append(line.strip())
    cells = []
    for item in items:
        match = ITEM.fullmatch(item)
        if match:
            cells.append(f"<dt><code>{html.escape(match[1])}</code></dt><dd>{links.text(match[2])}</dd>")
        else:
            cells.append(f"<dd>{links.text(item)}</dd>")
    return f"<h3>{title}</h3><dl>{''.join(cells)}</dl>"


def entry_html(entry: Entry, links: Links, heading: str = "h2", prefix: str = "") -> str:
    """A name with its calls, its text and its members."""
    anchor = f"{prefix}{entry.name}"
    calls = "\n".join(html.escape(call) for call in entry.calls)
    title = f'<a href="#{anchor}">{anchor}</a><span class="kind">{entry.kind}</span>'
    parts = [
        f'<{heading} id="{anchor}">{title}</{heading}>',
        "" if entry.kind == "property" else f"<pre>{calls}</pre>",
        doc_html(entry.doc, links),
    ]
    parts += [
        f'<div class="member">{entry_html(member, links, "h3", anchor + ".")}</div>'
        for member in entry.members
    ]
    return "\n".join(parts)


def page_html(title: str, body: str) -> str:
    """A whole page."""
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width">'
        f'<style>{STYLE}</style><nav><a href="index.html">tensorgrad</a></nav>'
        f"<main>\n{body}\n</main></html>\n"
    )


def index_html(pages: list[Page], links: Links) -> str:
    """The modules, and all names with a field that narrows them."""
    modules = "".join(
        f'<dt><a href="{page.module}.html">{page.module}</a></dt><dd>{links.text(first_line(page.doc))}</dd>'
        for page in pages
    )
    names = "".join(
        f'<li><a href="{page.module}.html#{entry.name}">{entry.name}</a>'
        f'<span class="kind">{page.module.removeprefix("tensorgrad").lstrip(".")}</span></li>'
        for page in pages
        for entry in page.entries
    )
    return (
        f"<h1>The reference of tensorgrad</h1><dl class=modules>{modules}</dl>"
        "<style>.modules dt { float: none } .modules dd { margin: 0 0 .5rem 1.5rem }</style>"
        f'<h2>All names</h2><input placeholder="narrow the list"><ul id="names">{names}</ul>'
        f"<script>{SEARCH}</script>"
    )


def first_line(doc: str) -> str:
    return paragraphs(doc)[0].replace("\n", " ") if doc.strip() else ""


def write_docs(folder: Path) -> int:
    """Writes all pages; returns how many names they document."""
    pages = read_pages()
    links = Links(pages)
    folder.mkdir(parents=True, exist_ok=True)
    for page in pages:
        body = f"<h1>{page.module}</h1>\n{doc_html(page.doc, links)}\n"
        body += "\n".join(entry_html(entry, links) for entry in page.entries)
        (folder / f"{page.module}.html").write_text(page_html(page.module, body), encoding="utf-8")
    (folder / "index.html").write_text(page_html("tensorgrad", index_html(pages, links)), encoding="utf-8")
    return sum(1 for _ in walk(pages))


if __name__ == "__main__":
    target = Path(sys.argv[1] if len(sys.argv) > 1 else "build-docs")
    count = write_docs(target)
    print(f"{count} names documented in {target}/index.html")
