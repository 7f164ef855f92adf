"""Line charts on logarithmic axes as SVG, with the standard library alone: a power of x is a straight line, its exponent the slope."""
import html
import math

WIDTH, HEIGHT = 420, 300
LEFT, RIGHT, TOP, BOTTOM = 64, 16, 40, 46
COLOURS = ["#1f5fa8", "#c4572c", "#3c8d40", "#7a4fa0"]


def ticks(low, high):
    """1, 2 and 5 of each power of ten within a range; all that lie in it, at least two."""
    steps = [factor * 10.0 ** power for power in range(math.floor(math.log10(low)) - 1, math.ceil(math.log10(high)) + 1)
             for factor in (1, 2, 5)]
    first = max(i for i, step in enumerate(steps) if step <= low)
    last = min(i for i, step in enumerate(steps) if step >= high)
    return steps[first:max(last, first + 1) + 1]


def text(x, y, words, anchor="middle", more=""):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{more}>{html.escape(words)}</text>'


class Panel:
    """One chart; `lines` are points (x, y), both above 0, by name. All values of x are ticks."""

    def __init__(self, title, x_label, lines):
        self.title, self.x_label, self.lines = title, x_label, lines
        self.xs = sorted({x for points in lines.values() for x, _ in points})
        ys = [y for points in lines.values() for _, y in points]
        self.ticks = ticks(min(ys), max(ys))

    def x(self, value):
        low, high = math.log(self.xs[0]), math.log(self.xs[-1])
        share = (math.log(value) - low) / (high - low) if high > low else 0.5
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    def y(self, value):
        low, high = math.log(self.ticks[0]), math.log(self.ticks[-1])
        return HEIGHT - BOTTOM - (math.log(value) - low) / (high - low) * (HEIGHT - TOP - BOTTOM)

    def axes(self):
        parts = [text(LEFT, 18, self.title, "start", ' font-weight="bold"'),
                 text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 8, self.x_label)]
        for tick in self.ticks:
            parts.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{self.y(tick):.1f}" y2="{self.y(tick):.1f}" stroke="#ddd"/>')
            parts.append(text(LEFT - 6, self.y(tick) + 4, f"{tick:g}", "end"))
        parts += [text(self.x(x), HEIGHT - BOTTOM + 18, f"{x:g}") for x in self.xs]
        return parts

    def svg(self):
        parts = self.axes()
        for number, (name, points) in enumerate(self.lines.items()):
            colour = COLOURS[number % len(COLOURS)]
            places = [(self.x(x), self.y(y)) for x, y in points]
            path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
            parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
            parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in places]
            if len(self.lines) > 1:
                parts.append(text(LEFT + 8 + 90 * number, TOP - 8, name, "start", f' fill="{colour}"'))
        return parts


def chart(panels):
    """The panels side by side, as one picture."""
    total = WIDTH * len(panels)
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{total}" height="{HEIGHT}" viewBox="0 0 {total} {HEIGHT}" '
             'font-family="sans-serif" font-size="12" fill="#222">', f'<rect width="{total}" height="{HEIGHT}" fill="white"/>']
    for number, panel in enumerate(panels):
        parts += [f'<g transform="translate({WIDTH * number} 0)">', *panel.svg(), "</g>"]
    return "\n".join([*parts, "</svg>"]) + "\n"
