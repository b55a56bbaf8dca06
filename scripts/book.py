#!/usr/bin/env python3
"""Builds the book and checks its links: `scripts/book.py [OUT]`; OUT is build/book if not given.

Pages are those of doc/src and, so that nothing is said twice, some files of the repository. Links of those files to one
another become links between pages, their pictures come along, and what else they link to in the repository is named
without a link; what is not there is an error. mdBook (on the PATH, or .tools/venv/bin/mdbook) makes OUT/html, in which
every link to a file or a place in it must lead there.
"""

import html.parser
import os
import pathlib
import re
import shutil
import subprocess
import sys
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parent.parent
# Files of the repository that are pages of the book.
PAGES = {"GUIDE.md": "walk.md", "ARCHITECTURE.md": "architecture.md", "CHANGELOG.md": "changes.md",
         "examples/ci/README.md": "ci.md"}
LINK = re.compile(r"(!?)\[([^\]\[]*)\]\(([^()\s]+)\)")
PICTURES = (".svg", ".png")


def mdbook():
    """The program, or None."""
    tools = pathlib.Path(os.environ.get("BINCIM_TOOLS", ROOT / ".tools"))
    own = tools / "venv/bin/mdbook"
    return shutil.which("mdbook") or (str(own) if own.exists() else None)


def relaid(source, name, pages, out, problems):
    """The text of the repository's file `source` as the page `name`."""
    pages = {**{f"doc/src/{page}": page for page in pages}, **PAGES}

    def link(match):
        picture, text, target = match.groups()
        if re.match(r"[a-z]+:", target) or target.startswith("#"):
            return match.group(0)
        path, _, place = target.partition("#")
        there = os.path.normpath(source.parent / path)
        if not (ROOT / there).exists():
            problems.append(f"{source}: {target} is not there")
            return match.group(0)
        if there in pages:
            to = os.path.relpath(pages[there], os.path.dirname(name) or ".")
            return f"{picture}[{text}]({to}{'#' + place if place else ''})"
        if picture or there.endswith(PICTURES):
            copy = f"pictures/{there.replace('/', '-')}"
            (out / "pictures").mkdir(exist_ok=True)
            shutil.copy(ROOT / there, out / copy)
            return f"{picture}[{text}]({copy})"
        return text if text.strip("`") == there else f"{text} (`{there}`)"

    text = (ROOT / source).read_text(encoding="utf-8")
    # Blocks of code show what they show.
    parts = re.split(r"(```.*?```)", text, flags=re.DOTALL)
    return "".join(part if part.startswith("```") else LINK.sub(link, part) for part in parts)


def lay(out, problems):
    """Lays the sources of the book into `out`."""
    shutil.rmtree(out, ignore_errors=True)
    shutil.copytree(ROOT / "doc", out)
    pages = [str(path.relative_to(ROOT / "doc/src")) for path in (ROOT / "doc/src").rglob("*.md")]
    for source, name in PAGES.items():
        text = relaid(pathlib.Path(source), name, pages, out / "src", problems)
        (out / "src" / name).write_text(text, encoding="utf-8")
    listed = set(re.findall(r"\(([^()]+\.md)\)", (out / "src/SUMMARY.md").read_text(encoding="utf-8")))
    for page in pages:
        if page != "SUMMARY.md" and page not in listed:
            problems.append(f"doc/src/{page} is not in SUMMARY.md")


def repository(problems):
    """What the Markdown of the repository links to is there."""
    for place in [".", "examples", "benches", "verif", "tests"]:
        for path in sorted((ROOT / place).glob("*.md" if place == "." else "**/*.md")):
            text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
            for _, _, target in LINK.findall(text):
                file = target.partition("#")[0]
                if file and not re.match(r"[a-z]+:", target) and not (path.parent / file).exists():
                    problems.append(f"{path.relative_to(ROOT)}: {target} is not there")


class Page(html.parser.HTMLParser):
    """Links and places of one page."""

    def __init__(self, text):
        super().__init__()
        self.links, self.places = [], set()
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        for key, value in attributes:
            if key in ("href", "src") and value:
                self.links.append(value)
            elif key in ("id", "name") and value:
                self.places.add(value)


def check(site, problems):
    """Every link inside of the site leads somewhere; the number of links that were followed."""
    pages = {path: Page(path.read_text(encoding="utf-8")) for path in site.rglob("*.html")}
    followed = 0
    for path, page in pages.items():
        # What a server shows for any address has links from the root.
        if path.name in ("404.html", "toc.html"):
            continue
        for link in page.links:
            parts = urllib.parse.urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            to = (path.parent / urllib.parse.unquote(parts.path)).resolve() if parts.path else path
            followed += 1
            if not to.exists():
                problems.append(f"{path.relative_to(site)}: {link} leads nowhere")
            elif parts.fragment and to in pages and urllib.parse.unquote(parts.fragment) not in pages[to].places:
                problems.append(f"{path.relative_to(site)}: there is no place {link}")
    return len(pages), followed


def main():
    out = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "build/book").resolve()
    program = mdbook()
    if program is None:
        print("book: no mdbook, on the PATH or in .tools (make setup brings it)", file=sys.stderr)
        return 3
    problems = []
    repository(problems)
    lay(out, problems)
    ran = subprocess.run([program, "build", str(out)], capture_output=True, text=True)
    if ran.returncode != 0 or "WARN" in ran.stderr:
        problems.append(f"mdbook: {ran.stdout}{ran.stderr}")
    else:
        pages, links = check(out / "html", problems)
        print(f"book: {pages} pages, {links} links followed: {out / 'html/index.html'}")
    for problem in problems:
        print(f"book: {problem}", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
