#!/usr/bin/env python3
"""Draws the pictures in docs/pictures from recorded screens of docs/screens.md.

picture.py          writes them
picture.py --check  changes nothing; exit status 1 if one is not what the page shows

A test records the page with real ssh, sudo and su, so a picture shows what the product shows. The
pictures are SVG with text, so that they can be read aloud, searched and copied; they use the fonts of
the reader, and follow the reader's dark or light colours.
"""

import re
import sys
from pathlib import Path
from xml.sax.saxutils import escape

ROOT = Path(__file__).resolve().parent.parent
# The heading of the screen, and the title of the picture.
PICTURES = {
    "login.svg": (
        "An app whose codes the host checks",
        "A login with ssh, then sudo: password, then the code of an app",
    ),
}

# Pixels. A font that is wider or narrower is fitted by textLength.
LINE, COLUMN, MARGIN, BAR = 22, 8.4, 20, 34
# What a person typed: commands, and codes.
TYPED = re.compile(r"((?:^|\S)\$ )(.+)|(code: )(\d+)")

STYLE = """
  .ground { fill: #ffffff; stroke: #c4ccd6; } .bar { fill: #eef1f5; } .dot { fill: #c4ccd6; }
  text { font: 14px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace;
    fill: #1c2430; white-space: pre; }
  .typed { font-weight: 700; fill: #0b5cad; }
  @media (prefers-color-scheme: dark) {
    .ground { fill: #12161d; stroke: #3a4453; } .bar { fill: #1d232d; } .dot { fill: #3a4453; }
    text { fill: #e8ecf2; } .typed { fill: #7cc0ff; }
  }
"""


def screen(heading):
    """Returns the lines of the block below a heading of the page."""
    page = (ROOT / "docs/screens.md").read_text(encoding="utf-8")
    section = page.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return section.split("```text\n")[1].split("\n```")[0].splitlines()


def marked(line):
    """Returns a line as the content of a text element, with what was typed marked."""
    found = TYPED.search(line)
    if not found:
        return escape(line)
    begin, end = found.span(2) if found.group(2) else found.span(4)
    typed = f'<tspan class="typed">{escape(line[begin:end])}</tspan>'
    return escape(line[:begin]) + typed + escape(line[end:])


def draw(title, lines):
    """Returns the picture of these lines."""
    width = round(max(map(len, lines)) * COLUMN + 2 * MARGIN)
    height = len(lines) * LINE + 2 * MARGIN + BAR - 8
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" role="img" aria-labelledby="title desc">',
        f'<title id="title">{escape(title)}</title>',
        f'<desc id="desc">A terminal that shows: {escape(" / ".join(lines))}</desc>',
        f"<style>{STYLE}</style>",
        f'<rect class="ground" x="0.5" y="0.5" width="{width - 1}" height="{height - 1}" rx="8"/>',
        f'<path class="bar" d="M1 {BAR} V8 a7 7 0 0 1 7 -7 H{width - 8} a7 7 0 0 1 7 7 V{BAR} Z"/>',
    ]
    parts += [f'<circle class="dot" cx="{x}" cy="{BAR // 2}" r="5.5"/>' for x in (20, 38, 56)]
    for number, line in enumerate(lines):
        y = BAR + MARGIN + number * LINE + 10
        length = round(len(line) * COLUMN, 1)
        parts.append(
            f'<text x="{MARGIN}" y="{y}" textLength="{length}" lengthAdjust="spacingAndGlyphs">'
            f"{marked(line)}</text>"
        )
    return "\n".join(parts + ["</svg>", ""])


def main():
    if sys.argv[1:] not in ([], ["--check"]):
        sys.exit(__doc__)
    is_check = bool(sys.argv[1:])
    status = 0
    for name, (heading, title) in PICTURES.items():
        path = ROOT / "docs/pictures" / name
        picture = draw(title, screen(heading))
        if not is_check:
            path.parent.mkdir(exist_ok=True)
            path.write_text(picture, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != picture:
            print(f"docs/pictures/{name} is not what docs/screens.md shows: run scripts/picture.py")
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
