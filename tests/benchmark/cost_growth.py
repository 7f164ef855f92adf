#!/usr/bin/env python3
"""How step time and memory of COVER grow with side, batch, width and radius: Markdown, and charts as SVG. Needs nothing but the standard library.

cost_growth.py build/bin/covector --charts docs/images --json growth.json --markdown growth.md
"""
import json
import math
import pathlib

import covector_bench as bench
import rounds
import svg_chart


def plane(side=192, batch=4, **more):
    """Settings of COVER in 2D; images are made 4/3 of the views, as the recipe has them."""
    return [f"method.crop=[{side},{side}]", f"method.source_size={side * 4 // 3}", f"loop.batch={batch}",
            *(f"method.{name}={value}" for name, value in more.items())]


def width(first):
    channels = [first * factor for factor in (1, 2, 4, 8, 16, 8, 4, 2, 1)]
    return plane() + [f"backbone.channels={channels}"]


# A pyramid of radius 1 reaches 16 + 8 + 4 + 2 + 1 pixels of the finest level.
REACH = 31


def direct(radius):
    """One unit on the finest level that reaches as far as a pyramid of this radius does over its five levels."""
    return plane(batch=1, vectors='"direct"', radius=REACH * radius, groups=[1])


# By name: what is on the axis, its values, and the dimensions and settings of each curve.
SERIES = {
    "side": ("side of 2D views, pixels", [96, 128, 192, 256, 384], {"": (2, plane)}),
    "side-3d": ("side of 3D views, voxels", [32, 48, 64, 80],
                {"": (3, lambda side: [f"method.crop=[{side},{side},{side}]", "loop.batch=1"])}),
    "batch": ("images a batch", [1, 2, 4, 8], {"": (2, lambda batch: plane(batch=batch))}),
    "width": ("channels of the finest level", [8, 16, 32, 48], {"": (2, width)}),
    "radius": ("radius of a unit", [1, 2, 3, 4],
               {"VPA": (2, lambda radius: plane(batch=1, radius=radius)), "direct": (2, direct)}),
}
WHAT = {"radius": "VPA: units on all levels. direct: one on the finest level whose radius is 31 times that, so that it reaches as far; batch 1"}


def unit_flops(side, channels, radius, groups=1, head_dim=8):
    """Operations of a vector embedding unit with its head for one pair of 2D views, side x side positions of so many channels.

    Per position, with K = (2 radius + 1)^2 neighbours and a multiplication and an addition as two:
      head, a 1x1 convolution of both views        2 x 2 channels (groups head_dim)
      logits, dot products with each neighbour     2 K groups head_dim
      softmax: exp, sum, division                  3 K groups
      vector, the mean offset along two axes       2 x 2 K groups
    Norms and biases, which do not grow with the radius, are left out.
    """
    neighbours = (2 * radius + 1) ** 2
    width = groups * head_dim
    return side ** 2 * (4 * channels * width + neighbours * (2 * width + 3 * groups + 4 * groups))


# The default U-Net's levels, coarsest first: channels, stride, and the vectors that COVER takes from each.
LEVELS = [(512, 16, 4), (256, 8, 4), (128, 4, 4), (64, 2, 1), (32, 1, 1)]


def pyramid_flops(side, radius):
    """Of VPA: a unit on each level, and the bilinear warps between them, 8 operations a number read: of a level's features, and of the
    vectors found so far, which are first brought to the finer grid by as many."""
    units = sum(unit_flops(side // stride, channels, radius, groups) for channels, stride, groups in LEVELS)
    warps = sum(8 * (side // stride) ** 2 * (channels + 2 * 3) for channels, stride, _ in LEVELS[1:])
    return units + warps


def direct_flops(side, radius):
    """Of one unit on the finest level that reaches as far as a pyramid of this radius."""
    channels, stride, groups = LEVELS[-1]
    return unit_flops(side // stride, channels, REACH * radius, groups)


def analysis(runs, side=192):
    """VPA against one unit of the same reach, as a document for analysis/cost.json (core/src/analysis/result.h): counted and measured."""
    counted = {"VPA": pyramid_flops, "direct": direct_flops}
    radii = SERIES["radius"][1]
    panels = [("counted, heads and units, forward", "GFLOP", {kind: [(r, flops(side, r) / 1e9) for r in radii] for kind, flops in counted.items()}),
              ("measured, a step", "ms", curves("radius", runs, bench.milliseconds)),
              ("measured, most memory", "MiB", curves("radius", runs, bench.memory))]
    document = {"title": "VPA against one unit of the same reach", "kind": "curves",
                "about": f"COVER on one image of {side} x {side} pixels. A pyramid of radius r reaches {REACH} r pixels; direct is one unit on "
                         "the finest level that reaches as far. Operations are counted by formula, of heads, units and warps alone; time and "
                         "memory are measured, of a whole step with the backbone.",
                "panels": []}
    for title, unit, lines in panels:
        document["panels"].append({"title": title, "x": "reach [pixels]", "y": unit, "x_log": False, "y_log": True, "lines": [
            {"name": kind, "points": [[REACH * radius, value] for radius, value in points]} for kind, points in lines.items()]})
    return document


def exponent(points):
    """k of the power law c x^k that is closest to the points, by least squares of the logarithms; none for one point."""
    logs = [(math.log(x), math.log(y)) for x, y in points]
    mean_x, mean_y = (sum(values) / len(logs) for values in zip(*logs))
    spread = sum((x - mean_x) ** 2 for x, _ in logs)
    return sum((x - mean_x) * (y - mean_y) for x, y in logs) / spread if spread else math.nan


def curves(series, runs, measure):
    """Points (x, measure) of every curve."""
    _, values, kinds = SERIES[series]
    return {kind: [(x, measure(runs[f"{series} {x} {kind}".strip()])) for x in values] for kind in kinds}


def section(series, runs, options):
    label, values, kinds = SERIES[series]
    lines = [f"**{label[0].upper() + label[1:]}.** {WHAT.get(series, '')}".rstrip(), "",
             f"| {label} | step | views | backbone | method | backward | memory |", "|---|---|---|---|---|---|---|"]
    for kind in kinds:
        for x in values:
            own = runs[f"{series} {x} {kind}".strip()]
            parts = " | ".join(f"{bench.milliseconds(own, part):.0f}" for part in ["views", "backbone", "method", "backward"])
            lines.append(f"| {x} {kind}".rstrip() + f" | {bench.step_cell(own)} | {parts} | {bench.memory(own):.0f} |")
    times, sizes = curves(series, runs, bench.milliseconds), curves(series, runs, bench.memory)
    for kind in kinds:
        of = f" of {kind}" if kind else ""
        lines += ["", f"Closest power law{of}: time to the {exponent(times[kind]):.2f}, memory to the {exponent(sizes[kind]):.2f}."]
    if options.charts:
        panels = [svg_chart.Panel("step, ms", label, times), svg_chart.Panel("most memory, MiB", label, sizes)]
        (options.charts / f"cost-{series}.svg").write_text(svg_chart.chart(panels))
    return "\n".join(lines) + "\n"


def main():
    parser = bench.arguments(__doc__.splitlines()[0])
    parser.add_argument("--series", nargs="+", choices=SERIES, default=list(SERIES), metavar="SERIES",
                        help="of " + ", ".join(SERIES))
    parser.add_argument("--charts", type=pathlib.Path, metavar="FOLDER", help="where cost-SERIES.svg go")
    parser.add_argument("--analysis", type=pathlib.Path, metavar="FOLDER",
                        help="of a benchmark, for its report: analysis/cost.json, from the series radius")
    options = parser.parse_args()
    if options.analysis and "radius" not in options.series:
        parser.error("--analysis needs the series radius")
    commands = {}
    with bench.datasets(pictures=32, volumes=8) as datasets:
        for series in options.series:
            _, values, kinds = SERIES[series]
            for kind, (dimensions, settings) in kinds.items():
                for x in values:
                    commands[f"{series} {x} {kind}".strip()] = bench.command(
                        options, f"pretrain/cover-{dimensions}d", [*datasets[dimensions], *settings(x)])
        runs = rounds.run_in_turn(commands, options.rounds, read=json.loads)
    if options.analysis:
        file = options.analysis / "analysis" / "cost.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(analysis(runs), indent=1) + "\n")
    one = next(iter(runs.values()))[0]
    head = (f"COVER, default U-Net; 2D: views of 192 x 192, batch 4, radius 2 where nothing else is said, 3D: batch 1; "
            f"{options.threads} threads, {one['device']}, {one['precision']}; milliseconds, median (least to most) of "
            f"{options.rounds} processes of {options.steps} steps; memory in MiB\n\n")
    bench.write(options, head + "\n".join(section(series, runs, options) for series in options.series), runs)


if __name__ == "__main__":
    main()
