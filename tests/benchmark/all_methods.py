#!/usr/bin/env python3
"""Step time and memory of every method on the default U-Net, 2D and 3D, as Markdown. Needs nothing but the standard library.

all_methods.py build/bin/covector --json methods.json --markdown methods.md
"""
import json
import sys

import covector_bench as bench
import rounds

LIMIT = 2  # of COVER's, above which a method needs a reason
VIEWS = {2: "[192,192]", 3: "[64,64,64]"}
# Batches in the proportion of the recipes', COVER's first: 24, 2.
BATCH = {2: 4, 3: 2}
METHODS = {  # settings beside the recipe's own, by dimensions where they differ
    "cover": {2: ["method.source_size=256"]},  # 512 in the recipe, for views of 384
    "byol": {}, "chaitanya": {},
    "deepcluster": {2: ["method.k=20", "method.pca=64"], 3: ["method.pca=16"]},  # of as few images
    "denoising": {}, "densecl": {},
    "dsc_pm": {}, "gemini": {}, "gvsl": {}, "inpainting": {}, "moco_v2": {}, "models_genesis": {}, "pixpro": {},
    "rotation": {2: ["loop.batch=1"]},  # four turns of an image; the recipe has 6 images for 24
    "setsim": {}, "simclr": {}, "simsiam": {}, "vader": {},
}
REASONS = {  # why a method may cost more than LIMIT times what COVER does, by method or (method, dimensions)
    "gemini": "three passes through the network in two updates where COVER has two in one, which is 1.5 times; and "
              "displacements both ways, whose head and local correlations work on full resolution",
}


def row(method, dimensions, runs, cover):
    """The cells of a method, and whether it is one too many without a reason."""
    time = bench.milliseconds(runs) / bench.milliseconds(cover)
    memory = bench.memory(runs) / bench.memory(cover)
    reason = REASONS.get((method, dimensions), REASONS.get(method, ""))
    over = max(time, memory) > LIMIT
    parts = " | ".join(f"{bench.milliseconds(runs, part):.0f}"
                       for part in ["views", "backbone", "method", "backward", "optimiser"])
    cells = (f"| {method} | {bench.step_cell(runs)} | {time:.2f} | {parts} | {bench.memory(runs):.0f} | {memory:.2f} "
             f"| {(reason or '**no reason yet**') if over else ''} |")
    return cells, over and not reason


def table(dimensions, results, options):
    """One dimension's table, and the methods that cost too much without a reason."""
    cover = results[f"cover, {dimensions}D"]
    lines = [f"{dimensions}D: views of {VIEWS[dimensions]}, batch {BATCH[dimensions]}, {options.threads} threads, "
             f"{cover[0]['device']}, {cover[0]['precision']}; milliseconds, median (least to most) of {options.rounds} "
             f"processes of {options.steps} steps; memory in MiB", "",
             "| method | step | of COVER's | views | backbone | method | backward | optimiser | memory | of COVER's | why more than twice |",
             "|---|---|---|---|---|---|---|---|---|---|---|"]
    missing = []
    for method in options.methods:
        cells, unexplained = row(method, dimensions, results[f"{method}, {dimensions}D"], cover)
        lines.append(cells)
        missing += [f"{method}, {dimensions}D"] if unexplained else []
    lines.append("| scratch | 0 | 0 | | | | | | | | trains nothing: its network is the one that the others begin with |")
    return "\n".join(lines) + "\n", missing


def main():
    parser = bench.arguments(__doc__.splitlines()[0])
    parser.add_argument("--dimensions", type=int, nargs="+", choices=[2, 3], default=[2, 3])
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS), metavar="METHOD",
                        help="besides cover, which the others are compared with")
    options = parser.parse_args()
    options.methods = ["cover"] + [method for method in options.methods if method != "cover"]
    commands = {}
    with bench.datasets(pictures=128, volumes=32) as datasets:
        for dimensions in options.dimensions:
            for method in options.methods:
                settings = [*datasets[dimensions], f"method.crop={VIEWS[dimensions]}", f"loop.batch={BATCH[dimensions]}",
                            *METHODS[method].get(dimensions, [])]
                commands[f"{method}, {dimensions}D"] = bench.command(options, f"pretrain/{method}-{dimensions}d", settings)
        results = rounds.run_in_turn(commands, options.rounds, read=json.loads)
    tables = [table(dimensions, results, options) for dimensions in options.dimensions]
    bench.write(options, "\n".join(text for text, _ in tables), results)
    missing = [name for _, names in tables for name in names]
    if missing:
        sys.exit(f"more than {LIMIT} times COVER's without a reason in REASONS: {'; '.join(missing)}")


if __name__ == "__main__":
    main()
