"""The loader beside MONAI's, the two taking turns. See README.md."""
import argparse
import json
import os
import pathlib
import statistics
import sys

from rounds import run_in_turn

# Name, what MONAI reads, what ours is told, crop, images a batch.
ROWS = [
    ("512 x 512 PNG, crops of 384 x 384", "pictures", ["--dimensions", "2"], 384, 8),
    ("160 x 160 x 128 .nii.gz, crops of 128 x 128 x 128", "volumes", ["--dimensions", "3"], 128, 2),
]


def commands(arguments, threads):
    """By row and side; MONAI's without workers does its work in the process itself."""
    monai = [sys.executable, str(pathlib.Path(__file__).with_name("monai_loader.py")), "run", str(arguments.folder)]
    for name, what, options, crop, batch in ROWS:
        shared = ["--crop", str(crop), "--batch", str(batch), "--steps", str(max(8, 240 // batch // (crop // 64)))]
        yield (name, "covector"), [arguments.program, "--root", str(arguments.folder / what), "--threads", str(threads), *options, *shared]
        yield (name, "MONAI"), [*monai, what, "--workers", str(threads if threads > 1 else 0), *shared]


def table(results, key, better):
    print(f"\n| {key.replace('_', ' ')} | MONAI | covector | times as fast |\n|---|---|---|---|")
    for name, *_ in ROWS:
        theirs, ours = (statistics.median(r[key] for r in results[name, side]) for side in ("MONAI", "covector"))
        print(f"| {name} | {theirs:.3g} | {ours:.3g} | {better(ours, theirs):.2f} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("program")
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=pathlib.Path)
    arguments = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"  # the loaders' threads and workers are the parallelism
    two = run_in_turn(dict(commands(arguments, 2)), arguments.rounds)
    one = run_in_turn(dict(commands(arguments, 1)), arguments.rounds)
    table(two, "items_per_second", lambda ours, theirs: ours / theirs)
    table(one, "processor_milliseconds_per_item", lambda ours, theirs: theirs / ours)
    if arguments.json:
        listed = [{"threads": n, "row": row, "side": side, "results": r} for n, all_of in ((2, two), (1, one)) for (row, side), r in all_of.items()]
        arguments.json.write_text(json.dumps(listed, indent=1))


main()
