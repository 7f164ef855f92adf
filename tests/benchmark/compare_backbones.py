"""Runs Covector's and the authors' backbones in turn and compares a training step of each. See README.md."""
import argparse
import json
import pathlib
import statistics
import sys

import rounds

BACKBONES = {
    "unet": "YutingHe-list/COVER",
    "transunet": "Beckschen/TransUNet",
    "swinunet": "HuCaoFighting/Swin-Unet",
    "ukan": "CUHK-AIM-Group/U-KAN",
}

arguments = argparse.ArgumentParser(description=__doc__)
arguments.add_argument("program", help="backbone_step_benchmark of the build folder")
for name, repository in BACKBONES.items():
    arguments.add_argument(f"--{name}", metavar="CHECKOUT", help=f"a checkout of {repository}; without it {name} is left out")
arguments.add_argument("--python", default=sys.executable, help="a Python with torch 2.11 and what the authors' code imports")
arguments.add_argument("--rounds", type=int, default=5, help="times that each program is run, in turn")
arguments.add_argument("--steps", type=int, default=5, help="timed steps of one run, after two to warm up")
arguments.add_argument("--size", type=int, default=384)
arguments.add_argument("--batch", type=int, default=1)
arguments.add_argument("--threads", type=int, default=2)
arguments.add_argument("--window", type=int, default=12, help="of SwinUNet; the authors' code needs one that fits the size")
arguments.add_argument("--json", type=pathlib.Path, help="also write every result to this file")
options = arguments.parse_args()

common = [word for name in ["steps", "size", "batch", "threads", "window"] for word in (f"--{name}", str(getattr(options, name)))]
script = str(pathlib.Path(__file__).with_name("authors_backbone.py"))
chosen = [name for name in BACKBONES if getattr(options, name)]
if not chosen:
    sys.exit("give the checkout of at least one backbone: " + ", ".join(f"--{name}" for name in BACKBONES))
variants = {}
for name in chosen:
    which = ["--backbone", name, *common]
    variants[f"{name}, authors"] = [options.python, "-W", "ignore", script, getattr(options, name), *which]
    variants[f"{name}, covector"] = [options.program, *which]
    variants[f"{name}, covector, system malloc"] = [options.program, *which, "--malloc", "system"]

results = rounds.run_in_turn(variants, options.rounds)


def memory(runs):
    """The most held, and how much of it came after the program was loaded: MiB, medians."""
    return (statistics.median(run["mebibytes"] for run in runs),
            statistics.median(run["mebibytes"] - run["mebibytes_program"] for run in runs))


print(f"\nOne step, {options.batch} x {options.size}^2, {options.threads} threads, float32; milliseconds, "
      f"median (quartiles) of {options.rounds * options.steps}; memory in MiB\n")
print("| backbone | step | of authors' | forward | backward | optimiser | most memory | without the program | of authors' |")
print("|---|---|---|---|---|---|---|---|---|")
for name, runs in results.items():
    theirs = results[name.split(",")[0] + ", authors"]
    if runs[0]["parameters"] != theirs[0]["parameters"]:
        sys.exit(f"{name}: {runs[0]['parameters']} parameters, the authors' has {theirs[0]['parameters']}")
    rest = " | ".join(f"{rounds.median_of(runs, phase):.0f}" for phase in ["forward", "backward", "optimiser"])
    most, network = memory(runs)
    print(f"| {name} | {rounds.cell(runs, 'step')} | {rounds.median_of(runs, 'step') / rounds.median_of(theirs, 'step'):.2f} "
          f"| {rest} | {most:.0f} | {network:.0f} | {network / memory(theirs)[1]:.2f} |")
if options.json:
    options.json.write_text(json.dumps({"options": vars(options) | {"json": str(options.json)}, "results": results}, indent=1))
