"""Programs that print JSON with their times, run in turn so that a slow minute hits all of them."""
import json
import statistics
import subprocess
import sys


def last_line(text):
    """JSON after lines of another kind: the authors' classes print some of their own."""
    return json.loads(text.splitlines()[-1])


def run_in_turn(variants, rounds, read=last_line):
    """The results of each of `variants`, commands by name, a fresh process each round; `read` makes them of what it prints."""
    results = {name: [] for name in variants}
    for turn in range(rounds):
        for name, command in variants.items():
            print(f"round {turn + 1} of {rounds}: {name}", file=sys.stderr, flush=True)
            run = subprocess.run(command, stdout=subprocess.PIPE, text=True)
            if run.returncode != 0:
                sys.exit(f"{' '.join(command)} ended with {run.returncode}")
            results[name].append(read(run.stdout))
    return results


def times_of(results, phase):
    return [time for result in results for time in result["milliseconds"][phase]]


def median_of(results, phase):
    return statistics.median(times_of(results, phase))


def cell(results, phase):
    """"median (lower to upper quartile)" of a phase, in milliseconds."""
    low, middle, high = statistics.quantiles(times_of(results, phase), n=4)
    return f"{middle:.0f} ({low:.0f} to {high:.0f})"
