"""What the benchmarks of `covector bench` share: its options, its command, its runs in turn and what they come to."""
import argparse
import contextlib
import json
import os
import pathlib
import statistics
import sys
import tempfile

import made_up

RECIPES = pathlib.Path(__file__).resolve().parents[2] / "recipes"


def arguments(description, **defaults):
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("program", help="the program covector")
    parser.add_argument("--rounds", type=int, default=defaults.get("rounds", 3), help="fresh processes of each, in turn")
    parser.add_argument("--steps", type=int, default=defaults.get("steps", 5), help="steps of each process")
    parser.add_argument("--threads", type=int, default=2, help="threads that compute")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE",
                        help="for every run, as in loop.precision=bfloat16; may be given again")
    parser.add_argument("--json", type=pathlib.Path, help="where every single number goes")
    parser.add_argument("--markdown", type=pathlib.Path, help="where the table goes besides the screen")
    return parser


@contextlib.contextmanager
def datasets(pictures, volumes):
    """Settings of a dataset by dimensions, for as long as its images are there: so many of 256^2 and of 80^3, made up."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        made_up.make_pictures(folder / "2", pictures, 256)
        made_up.make_volumes(folder / "3", volumes, 80)
        os.environ["COVECTOR_DATA"] = name  # which recipes ask for
        yield {dimensions: ['dataset.type="image_folder"', f'dataset.root="{folder}"', f'dataset.images="{dimensions}"',
                            f"dataset.dimensions={dimensions}", "dataset.channels=1"] for dimensions in (2, 3)}


def command(options, recipe, settings):
    """`covector bench` of a recipe under recipes/, without its .toml; later settings have the last word."""
    words = [options.program, "bench", str(RECIPES / f"{recipe}.toml"), "--json", "--device", "cpu",
             "--steps", str(options.steps), "--threads", str(options.threads)]
    return words + [word for setting in [*settings, *options.set] for word in ("--set", setting)]


def milliseconds(runs, part=None):
    """Of a step, or of a part of it; median over the runs."""
    if part:
        return 1000 * statistics.median(run["seconds_per_step"][part] for run in runs)
    return 1000 * statistics.median(1 / run["steps_per_second"] for run in runs)


def memory(runs):
    """The most main memory held, in MiB; median over the runs."""
    return statistics.median(run["peak_memory_mib"] for run in runs)


def step_cell(runs):
    """"median (least to most)" of a step, in milliseconds."""
    times = sorted(1000 / run["steps_per_second"] for run in runs)
    return f"{statistics.median(times):.0f} ({times[0]:.0f} to {times[-1]:.0f})"


def write(options, text, results):
    """The table, and every number that it comes from."""
    print(text)
    if options.markdown:
        options.markdown.write_text(text + "\n")
    if options.json:
        options.json.write_text(json.dumps({"command": sys.argv[1:], "results": results}, indent=1))
