#!/usr/bin/env python3
"""Draws the pictures of the page on the engine, into doc/src/pictures: `doc/pictures.py`.

Both follow from the formulas of that page: a bank is `L mod NB`, a stage is so many cycles behind the door.
"""

import pathlib

OUT = pathlib.Path(__file__).resolve().parent / "src/pictures"
COLORS = ["#cfe3f7", "#fbe3c0", "#d4edd3", "#ead7f3"]
INK = "#222"


def svg(width, height, body):
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
            'font-family="DejaVu Sans, sans-serif" font-size="13">\n'
            f'<rect width="{width}" height="{height}" fill="#fff"/>\n' + "\n".join(body) + "\n</svg>\n")


def text(x, y, words, size=13, anchor="middle", weight="normal"):
    return (f'<text x="{x}" y="{y}" font-size="{size}" text-anchor="{anchor}" font-weight="{weight}" '
            f'fill="{INK}">{words}</text>')


def box(x, y, w, h, fill, stroke="#888", width=1):
    return f'<rect x="{x}" y="{y}" width="{w}" height="{h}" fill="{fill}" stroke="{stroke}" stroke-width="{width}"/>'


def banks():
    """A window of 3 x 3 in a map of one word a pixel, with four banks."""
    count, side, width, height, kernel = 4, 44, 6, 5, 3
    pitch = next(p for p in range(width, width + count) if p % count == kernel % count)
    left, top, origin = 60, 92, (2, 1)
    body = [text(20, 26, "A map with one word a pixel", 14, "start", "bold"),
            text(20, 48, f"pitch {pitch}: bank = (x + {pitch} y) mod {count}", 12, "start")]
    start = origin[0] + pitch * origin[1]
    items = {}
    for y in range(height):
        for x in range(width):
            bank = (x + pitch * y) % count
            body.append(box(left + x * side, top + y * side, side, side, COLORS[bank]))
            inside = 0 <= x - origin[0] < kernel and 0 <= y - origin[1] < kernel
            if inside:
                item = (x - origin[0]) + kernel * (y - origin[1])
                items[item] = bank
                body.append(text(left + x * side + side / 2, top + y * side + 19, f"i = {item}", 12, weight="bold"))
            body.append(text(left + x * side + side / 2, top + y * side + 36, f"bank {bank}", 10))
        body.append(text(left - 12, top + y * side + 27, f"y {y}", 11, "end"))
    for x in range(width):
        body.append(text(left + x * side + side / 2, top - 8, f"x {x}", 11))
    body.append(box(left + origin[0] * side, top + origin[1] * side, kernel * side, kernel * side, "none", "#c0392b", 3))
    body.append(text(left, top + height * side + 26, f"Window at L0 = {start}: item i lies in bank (L0 + i) mod {count},", 12, "start"))
    body.append(text(left, top + height * side + 44, f"so any {count} items that follow one another meet {count} banks.", 12, "start"))
    # What the slots of each pass read.
    x0, cell = 400, 76
    body += [text(x0 + 60, 26, "What the slots of the row vector see", 14, "start", "bold"),
             text(x0 + 60, 48, f"slot s of pass p: item {count} p + s, turned by {start % count}", 12, "start")]
    for slot in range(count):
        body.append(text(x0 + 60 + slot * cell + cell / 2, top - 8, f"slot {slot}", 11))
    for number in range(-(-kernel * kernel // count)):
        y = top + number * 56
        body.append(text(x0 + 50, y + 29, f"pass {number}", 12, "end"))
        used = [items[number * count + slot] for slot in range(count) if number * count + slot in items]
        assert len(set(used)) == len(used), "a bank is read twice in one cycle"
        for slot in range(count):
            item = number * count + slot
            x = x0 + 60 + slot * cell
            if item in items:
                assert items[item] == (start % count + slot) % count
                body += [box(x, y, cell, 46, COLORS[items[item]]), text(x + cell / 2, y + 19, f"i = {item}", 12, weight="bold"),
                         text(x + cell / 2, y + 37, f"bank {items[item]}", 10)]
            else:
                body += [box(x, y, cell, 46, "#f2f2f2"), text(x + cell / 2, y + 19, "empty", 11),
                         text(x + cell / 2, y + 36, "data 0, weight 1", 8)]
    return svg(790, 372, body)


def timing(latency=2):
    """Three vectors of a tile and the first one of the next, with an array of latency 2."""
    stages = [("issue: addresses", -2), ("banks read", -1), ("door", 0), ("rows, XNOR, tree", 1)]
    stages += [("tree", 1 + n) for n in range(1, latency)]
    stages += [("count", 1 + latency), ("sum", 2 + latency), ("bit", 3 + latency), ("write", 4 + latency)]
    left, top, w, h = 170, 60, 58, 30
    vectors = [("v0", 0, 0), ("v1", 1, 0), ("v2", 2, 0), ("v3", 4, 1)]
    first, last = -2, 4 + latency + vectors[-1][1]
    body = [text(left, 24, f"Cycles relative to the door of v0; array of latency D = {latency}; weights of tile t+1 take 4 words", 14, "start", "bold")]
    for cycle in range(first, last + 1):
        x = left + (cycle - first) * w
        name = "x" if cycle == 0 else f"x{cycle:+d}"
        body.append(text(x + w / 2, top - 10, name, 11))
        body.append(f'<line x1="{x}" y1="{top}" x2="{x}" y2="{top + (len(stages) + 2) * h}" stroke="#ddd"/>')
    for row, (name, offset) in enumerate(stages):
        y = top + row * h
        body.append(text(left - 10, y + 20, name, 12, "end"))
        for label, door, tile in vectors:
            begin, end = door + offset, door + offset
            # What stands before the door waits there, with all that is behind it.
            if offset <= 0 and label == "v3":
                begin = 3 + offset
            x = left + (begin - first) * w
            body.append(box(x + 2, y + 3, (end - begin + 1) * w - 4, h - 6, COLORS[tile]))
            body.append(text(x + (end - begin + 1) * w / 2, y + 20, label, 12))
    y = top + len(stages) * h
    body.append(text(left - 10, y + 20, "shadow loads", 12, "end"))
    body.append(text(left - 10, y + h + 20, "active weights", 12, "end"))
    swap, after = 4, last + 1
    for word in range(4):
        x = left + (swap - 4 + word - first) * w
        body += [box(x + 2, y + 3, w - 4, h - 6, COLORS[1]), text(x + w / 2, y + 20, f"t+1 w{word}", 10)]
    for begin, end, label, color in [(first, swap, "tile t", 0), (swap, after - 1, "tile t+1", 1)]:
        x = left + (begin - first) * w + (w if begin == swap else 0)
        wide = (end - begin + (1 if begin == first else 0)) * w
        body += [box(x + 2, y + h + 3, wide - 4, h - 6, COLORS[color]), text(x + wide / 2, y + h + 20, label, 12)]
    edge = left + (swap + 1 - first) * w
    body.append(f'<line x1="{edge}" y1="{top}" x2="{edge}" y2="{y + 2 * h}" stroke="#c0392b" stroke-width="2" stroke-dasharray="5 3"/>')
    body.append(text(left, y + 2 * h + 24, "v3 belongs to tile t+1. It waits at the door, with all that stands before it, until the last word of", 12, "start"))
    body.append(text(left, y + 2 * h + 42, "its tile is in the shadow; at the end of its door cycle (dashed) shadow becomes active.", 12, "start"))
    return svg(left + (last - first + 1) * w + 20, y + 2 * h + 60, body)


if __name__ == "__main__":
    OUT.mkdir(exist_ok=True)
    for name, picture in [("banks.svg", banks()), ("timing.svg", timing())]:
        (OUT / name).write_text(picture, encoding="utf-8")
