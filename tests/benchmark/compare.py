"""Runs Covector's and the authors' COVER step in turn and compares them. See README.md."""
import argparse
import json
import pathlib
import statistics
import subprocess
import sys

arguments = argparse.ArgumentParser(description=__doc__)
arguments.add_argument("program", help="cover_step_benchmark of the build folder")
arguments.add_argument("authors", help="a checkout of YutingHe-list/COVER")
arguments.add_argument("--python", default=sys.executable, help="a Python with torch 2.11")
arguments.add_argument("--rounds", type=int, default=5, help="times that each variant is run, in turn")
arguments.add_argument("--steps", type=int, default=5, help="timed steps of one run, after two to warm up")
arguments.add_argument("--size", type=int, default=192)
arguments.add_argument("--batch", type=int, default=4)
arguments.add_argument("--threads", type=int, default=2)
arguments.add_argument("--json", type=pathlib.Path, help="also write every time to this file")
options = arguments.parse_args()

common = [word for name in ["steps", "size", "batch", "threads"] for word in (f"--{name}", str(getattr(options, name)))]
script = str(pathlib.Path(__file__).with_name("authors_step.py"))
theirs = [options.python, "-W", "ignore", script, options.authors, *common]
ours = [options.program, *common]
bfloat16 = ["--precision", "bfloat16"]
variants = {
    "authors, float32": theirs,
    "authors, bfloat16": [*theirs, *bfloat16],
    "covector, float32": ours,
    "covector, bfloat16": [*ours, *bfloat16],
    "covector, bfloat16, channels last": [*ours, *bfloat16, "--layout", "channels_last"],
    "covector, float32, system malloc": [*ours, "--malloc", "system"],
    "covector, bfloat16, system malloc": [*ours, *bfloat16, "--malloc", "system"],
}

times = {name: {} for name in variants}
for turn in range(options.rounds):
    for name, command in variants.items():
        print(f"round {turn + 1} of {options.rounds}: {name}", file=sys.stderr, flush=True)
        result = subprocess.run(command, stdout=subprocess.PIPE, text=True)
        if result.returncode != 0:
            sys.exit(f"{' '.join(command)} ended with {result.returncode}")
        for phase, values in json.loads(result.stdout)["milliseconds"].items():
            times[name].setdefault(phase, []).extend(values)

base = statistics.median(times["authors, float32"]["step"])
print(f"\nOne step, {options.batch} x {options.size}^2, {options.threads} threads; milliseconds, "
      f"median (quartiles) of {options.rounds * options.steps}\n")
print("| variant | step | of authors' float32 | forward | backward | optimiser |")
print("|---|---|---|---|---|---|")
for name, phases in times.items():
    low, middle, high = statistics.quantiles(phases["step"], n=4)
    rest = " | ".join(f"{statistics.median(phases[phase]):.0f}" for phase in ["forward", "backward", "optimiser"])
    print(f"| {name} | {middle:.0f} ({low:.0f} to {high:.0f}) | {middle / base:.2f} | {rest} |")
if options.json:
    options.json.write_text(json.dumps({"options": vars(options) | {"json": str(options.json)}, "milliseconds": times}, indent=1))
