"""Runs Covector's and the authors' COVER step in turn and compares them. See README.md."""
import argparse
import json
import pathlib
import sys

import rounds

arguments = argparse.ArgumentParser(description=__doc__)
arguments.add_argument("program", help="cover_step_benchmark of the build folder")
arguments.add_argument("authors", help="a checkout of YutingHe-list/COVER")
arguments.add_argument("--python", default=sys.executable, help="a Python with torch 2.11")
arguments.add_argument("--rounds", type=int, default=5, help="times that each variant is run, in turn")
arguments.add_argument("--steps", type=int, default=5, help="timed steps of one run, after two to warm up")
arguments.add_argument("--dimensions", type=int, choices=[2, 3], default=2)
arguments.add_argument("--size", type=int, help="side of the views; 192 in 2D, 64 in 3D")
arguments.add_argument("--batch", type=int, help="4 in 2D, 1 in 3D")
arguments.add_argument("--threads", type=int, default=2)
arguments.add_argument("--json", type=pathlib.Path, help="also write every time to this file")
options = arguments.parse_args()
options.size = options.size or {2: 192, 3: 64}[options.dimensions]
options.batch = options.batch or {2: 4, 3: 1}[options.dimensions]

common = [word for name in ["steps", "dimensions", "size", "batch", "threads"] for word in (f"--{name}", str(getattr(options, name)))]
script = str(pathlib.Path(__file__).with_name("authors_step.py"))
theirs = [options.python, "-W", "ignore", script, options.authors, *common]
ours = [options.program, *common]
bfloat16 = ["--precision", "bfloat16"]
variants = {
    "authors, float32": theirs,
    "authors, bfloat16": [*theirs, *bfloat16],
    "covector, float32": ours,
    "covector, float32, channels last": [*ours, "--layout", "channels_last"],
    "covector, bfloat16": [*ours, *bfloat16],
    "covector, bfloat16, channels last": [*ours, *bfloat16, "--layout", "channels_last"],
    "covector, float32, system malloc": [*ours, "--malloc", "system"],
}

results = rounds.run_in_turn(variants, options.rounds)
base = rounds.median_of(results["authors, float32"], "step")
print(f"\nOne step, {options.batch} x {options.size}^{options.dimensions}, {options.threads} threads; milliseconds, "
      f"median (quartiles) of {options.rounds * options.steps}\n")
print("| variant | step | of authors' float32 | forward | backward | optimiser | most memory, MiB |")
print("|---|---|---|---|---|---|---|")
for name, runs in results.items():
    rest = " | ".join(f"{rounds.median_of(runs, phase):.0f}" for phase in ["forward", "backward", "optimiser"])
    print(f"| {name} | {rounds.cell(runs, 'step')} | {rounds.median_of(runs, 'step') / base:.2f} | {rest} "
          f"| {max(run['mebibytes'] for run in runs):.0f} |")
if options.json:
    options.json.write_text(json.dumps({"options": vars(options) | {"json": str(options.json)}, "results": results}, indent=1))
