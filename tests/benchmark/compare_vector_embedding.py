"""Runs Covector's and the authors' vector embedding unit in turn and compares their processor times. See README.md."""
import argparse
import pathlib
import sys

import rounds

arguments = argparse.ArgumentParser(description=__doc__)
arguments.add_argument("program", help="vector_embedding_benchmark of the build folder")
arguments.add_argument("authors", help="a checkout of YutingHe-list/COVER")
arguments.add_argument("--python", default=sys.executable, help="a Python with torch 2.11")
arguments.add_argument("--turns", type=int, default=3, help="times that each is run, in turn")
arguments.add_argument("--rounds", type=int, default=7, help="timed runs of a turn, after one to warm up")
arguments.add_argument("--threads", type=int, default=1)
options = arguments.parse_args()

script = str(pathlib.Path(__file__).with_name("authors_vector_embedding.py"))
common = ["--rounds", str(options.rounds), "--threads", str(options.threads)]
print("| unit | authors, ms | covector, ms | ratio |\n|---|---|---|---|")
for dimensions, name in [("2", "4 x 8 x 192 x 192"), ("3", "1 x 8 x 64 x 64 x 64")]:
    results = rounds.run_in_turn({
        "authors": [options.python, "-W", "ignore", script, options.authors, "--dimensions", dimensions, *common],
        "covector": [options.program, "--alone", dimensions, *common],
    }, options.turns)
    ratio = rounds.median_of(results["authors"], "unit") / rounds.median_of(results["covector"], "unit")
    print(f"| {name} | {rounds.cell(results['authors'], 'unit')} | {rounds.cell(results['covector'], 'unit')} | {ratio:.1f} |")
