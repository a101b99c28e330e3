#!/usr/bin/env python3
"""Draws the pictures in docs/pictures from recorded screens: one of docs/screens.md, and the texts
next to the pictures.

picture.py          writes them
picture.py --check  changes nothing; exit status 1 if one is not what was recorded

Tests record the screens with real programs, so a picture shows what the product shows. The
pictures are SVG with text, so that they can be read aloud, searched and copied; they use the fonts of
the reader, and follow the reader's dark or light colours.
"""

import re
import sys
from pathlib import Path
from xml.sax.saxutils import escape

ROOT = Path(__file__).resolve().parent.parent
# The heading of the screen, or the file with it, and the title of the picture.
PICTURES = {
    "login.svg": (
        "An app whose codes the host checks",
        "A login with ssh, then sudo: password, then the code of an app",
    ),
    "enroll.svg": (
        "enroll.txt",
        "authyctl enroll shows a QR code and a secret, and asks for the first code of the app",
    ),
    "enable.svg": (
        "enable.txt",
        "authyctl pam enable sshd shows its change, makes it, and waits for yes",
    ),
}

# Pixels. A font that is wider or narrower is fitted by textLength.
LINE, COLUMN, MARGIN, BAR = 22, 8.4, 20, 34
# What a person typed: commands, and codes.
TYPED = re.compile(r"((?:^|\S)\$ |^# )(.+)|(code: |app: )(\d+)|^()(yes)$")

STYLE = """
  .ground { fill: #ffffff; stroke: #c4ccd6; } .bar { fill: #eef1f5; } .dot { fill: #c4ccd6; }
  text { font: 14px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace;
    fill: #1c2430; white-space: pre; }
  .typed { font-weight: 700; fill: #0b5cad; } .dark { fill: #000000; } .light { fill: #ffffff; }
  @media (prefers-color-scheme: dark) {
    .ground { fill: #12161d; stroke: #3a4453; } .bar { fill: #1d232d; } .dot { fill: #3a4453; }
    text { fill: #e8ecf2; } .typed { fill: #7cc0ff; }
  }
"""


def screen(source):
    """Returns the lines of a file, or of the block below a heading of the page."""
    if source.endswith(".txt"):
        return (ROOT / "docs/pictures" / source).read_text(encoding="utf-8").splitlines()
    page = (ROOT / "docs/screens.md").read_text(encoding="utf-8")
    section = page.split(f"\n## {source}\n")[1].split("\n## ")[0]
    return section.split("```text\n")[1].split("\n```")[0].splitlines()


def marked(line):
    """Returns a line as the content of a text element, with what was typed marked."""
    found = TYPED.search(line)
    if not found:
        return escape(line)
    begin, end = next(found.span(group) for group in (2, 4, 6) if found.group(group))
    typed = f'<tspan class="typed">{escape(line[begin:end])}</tspan>'
    return escape(line[:begin]) + typed + escape(line[end:])


def modules(line, top):
    """Returns the light modules of a line of a QR code, each half of a character, as a path."""
    path = []
    for half, signs in enumerate(("█▀", "█▄")):
        y = round(top + half * COLUMN, 1)
        for run in re.finditer(f"[{signs}]+", line):
            x, width = (round(n * COLUMN, 1) for n in (run.start(), len(run.group())))
            path.append(f"M{round(MARGIN + x, 1)} {y}h{width}v{COLUMN}h-{width}z")
    return "".join(path)


def draw(title, lines):
    """Returns the picture of these lines."""
    drawn = [bool(set(line) & set("█▀▄")) for line in lines]
    tops = [BAR + MARGIN - 6]
    for is_drawn in drawn:
        tops.append(round(tops[-1] + (2 * COLUMN if is_drawn else LINE), 1))
    width = round(max(map(len, lines)) * COLUMN + 2 * MARGIN)
    height = round(tops[-1] + MARGIN - 2)
    words = [line if not is_drawn else "(a QR code)" for line, is_drawn in zip(lines, drawn)]
    words = " / ".join(word for word, before in zip(words, [None, *words]) if word != before)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" role="img" aria-labelledby="title desc">',
        f'<title id="title">{escape(title)}</title>',
        f'<desc id="desc">A terminal that shows: {escape(words)}</desc>',
        f"<style>{STYLE}</style>",
        f'<rect class="ground" x="0.5" y="0.5" width="{width - 1}" height="{height - 1}" rx="8"/>',
        f'<path class="bar" d="M1 {BAR} V8 a7 7 0 0 1 7 -7 H{width - 8} a7 7 0 0 1 7 7 V{BAR} Z"/>',
    ]
    parts += [f'<circle class="dot" cx="{x}" cy="{BAR // 2}" r="5.5"/>' for x in (20, 38, 56)]
    path = "".join(modules(line, top) for line, top, is_qr in zip(lines, tops, drawn) if is_qr)
    if path:
        first, after = drawn.index(True), drawn.index(True) + sum(drawn)
        size = round(max(map(len, lines[first:after])) * COLUMN, 1)
        # Below an odd number of rows there is half a line.
        end = round(tops[after] - (0 if set(lines[after - 1]) & set("█▄") else COLUMN), 1)
        parts.append(f'<path class="dark" d="M{MARGIN} {tops[first]}h{size}V{end}h-{size}z"/>')
        parts.append(f'<path class="light" d="{path}"/>')
    for line, top, is_qr in zip(lines, tops, drawn):
        if is_qr or not line:
            continue
        y = round(top + 16, 1)
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
    for name, (source, title) in PICTURES.items():
        path = ROOT / "docs/pictures" / name
        picture = draw(title, screen(source))
        if not is_check:
            path.parent.mkdir(exist_ok=True)
            path.write_text(picture, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != picture:
            print(f"docs/pictures/{name} is not what was recorded: run scripts/picture.py")
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
