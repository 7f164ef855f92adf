"""The loader beside MONAI's, the two taking turns, and how long training waits for it. See README.md."""
import argparse
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys

from rounds import run_in_turn

# What each is, axes, crop, images a batch, and our batches from files and from the prepared cache that make about a second.
KINDS = {
    "pictures": ("512 x 512 PNG, crops of 384 x 384, batch 8", 2, 384, 8, 150, 800),
    "volumes": ("160 x 160 x 128 int16 .nii.gz, crops of 128 x 128 x 128, batch 2", 3, 128, 2, 40, 250),
}
# Ours beside theirs: our source, theirs, what the row is called.
ROWS = [("files", "files", "from files"), ("prepared", "prepared", "from the prepared cache, PersistentDataset"),
        ("prepared", "memory", "from the prepared cache, CacheDataset in memory")]


def covector(arguments, *words):
    """Runs the program; its own standard output is of no interest."""
    subprocess.run([arguments.build / "bin/covector", *words], check=True, stdout=subprocess.DEVNULL)


def prepare(arguments):
    """The files, if they are not there, and the cache of ours."""
    if not (arguments.folder / "volumes").exists():
        subprocess.run([*monai(arguments, "make"), "--pictures", str(arguments.pictures), "--volumes", str(arguments.volumes)], check=True)
    for what, (_, dimensions, *_) in KINDS.items():
        covector(arguments, "data", "prepare", "image_folder", arguments.folder / what, arguments.folder / "prepared",
                 "--set", f"dataset.dimensions={dimensions}", "--set", "dataset.split.by=fractions", "--set", "dataset.split.fractions=[1.0, 0.0, 0.0]")


def monai(arguments, action):
    return [sys.executable, str(pathlib.Path(__file__).with_name("monai_loader.py")), action, str(arguments.folder)]


def commands(arguments):
    """By kind of file and side, ("MONAI") or (source, threads)."""
    for what, (_, dimensions, crop, batch, from_files, from_cache) in KINDS.items():
        shared = ["--crop", str(crop), "--batch", str(batch)]
        yield (what, "MONAI"), [*monai(arguments, "run"), what, *shared, "--seconds", str(arguments.seconds), "--keep", str(arguments.folder)]
        for source, steps in (("files", from_files), ("prepared", from_cache)):
            options = ["--set", f"prepared={arguments.folder / 'prepared'}"] if source == "prepared" else []
            for threads in (2, 1):
                yield (what, source, threads), [
                    str(arguments.build / "bin/loader_benchmark"), "--root", str(arguments.folder / what), "--dimensions", str(dimensions),
                    "--threads", str(threads), "--steps", str(max(1, round(steps * arguments.seconds))), *shared, *options]


def variants_of(results, what, row, key):
    """Medians over the rounds of MONAI's variants that have such a figure."""
    rounds = results[what, "MONAI"]
    return {first["variant"]: statistics.median(turn[i][key] for turn in rounds)
            for i, first in enumerate(rounds[0]) if first["row"] == row and key in first}


def figure(value):
    """Three digits, without an exponent."""
    return f"{float(f'{value:.3g}'):g}"


def table(results, title, key, threads, best, ratio):
    print(f"\n| {title} | MONAI | covector | times as fast |\n|---|---|---|---|")
    for what, (name, *_) in KINDS.items():
        for source, row, row_name in ROWS:
            theirs = best(variants_of(results, what, row, key).values())
            ours = statistics.median(turn[key] for turn in results[what, source, threads])
            print(f"| {name}, {row_name} | {figure(theirs)} | {figure(ours)} | {ratio(ours, theirs):.2f} |")


def print_variants(results):
    print("\n| MONAI | items a second |\n|---|---|")
    for what in KINDS:
        for _, row, _ in ROWS:
            for variant, speed in variants_of(results, what, row, "items_per_second").items():
                print(f"| {what}, {variant} | {figure(speed)} |")


def make_slices(folder, count=61):
    """As many slices as train in the demo, of its size, with 16 bits."""
    import numpy
    from PIL import Image

    folder.mkdir(exist_ok=True)
    random = numpy.random.default_rng(0)
    rows, columns = numpy.mgrid[:512, :512]
    for i in range(count):
        body = 900 * ((rows - 256) ** 2 / 200**2 + (columns - 250 - i / 4) ** 2 / 160**2 < 1)
        Image.fromarray((body + random.normal(100, 20, body.shape)).clip(0).astype(numpy.uint16)).save(folder / f"{i:02}.png", compress_level=1)


def wait_share(arguments, steps):
    """The share of its time that the demo's training waits for data, from the cache with one loader thread; what images are kept in
    memory is turned off. The first lap, which fills the queue, is left out."""
    folder, demo = arguments.folder, pathlib.Path(__file__).parents[2] / "recipes/demo/cover.toml"
    make_slices(folder / "slices")
    recipe, output = folder / "waiting.toml", folder / "waiting"
    recipe.write_text(f"""extends = {json.dumps(str(demo.resolve()))}
[dataset]
type = "image_folder"
root = {json.dumps(str((folder / "slices").resolve()))}
prepared = {json.dumps(str((folder / "prepared").resolve()))}
split = {{ by = "fractions", fractions = [1.0, 0.0, 0.0] }}
prepare = {{ size = [128, 128], intensity = "window", window = [0, 1200] }}
[loop]
threads = 1
cache_gib = 0.0
steps = {steps}
log_every = {steps // 4}
checkpoint_every = {steps}
pictures_every = 0
monitor_every = 0
""")
    covector(arguments, "data", "prepare", "--recipe", recipe, folder / "prepared")
    shutil.rmtree(output, ignore_errors=True)  # a finished run would not run again
    covector(arguments, "run", recipe, "--output", output)
    lines = [json.loads(line) for line in (output / "log.jsonl").read_text().splitlines()]
    return statistics.mean(line["data_wait_share"] for line in lines if "data_wait_share" in line and line["step"] > steps // 4)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("build", type=pathlib.Path, help="build folder")
    parser.add_argument("folder", type=pathlib.Path, help="where files and caches are made, about 0.5 GiB")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=0.6, help="that each of MONAI's variants is timed for, and about that each of ours is")
    parser.add_argument("--pictures", type=int, default=64)
    parser.add_argument("--volumes", type=int, default=12)
    parser.add_argument("--steps", type=int, default=40, help="of the training that may wait for data")
    parser.add_argument("--json", type=pathlib.Path)
    arguments = parser.parse_args()
    arguments.folder = arguments.folder.resolve()
    os.environ["OMP_NUM_THREADS"] = "1"  # the loaders' threads and workers are the parallelism
    prepare(arguments)
    results = run_in_turn(dict(commands(arguments)), arguments.rounds)
    os.environ.pop("OMP_NUM_THREADS")
    waited = wait_share(arguments, arguments.steps)
    print_variants(results)
    table(results, "items a second", "items_per_second", 2, max, lambda ours, theirs: ours / theirs)
    table(results, "processor time of one thread, ms an item", "processor_milliseconds_per_item", 1, min, lambda ours, theirs: theirs / ours)
    print(f"\nThe demo's training waits for data {100 * waited:.2f} % of the time, from the cache with one loader thread; to be: less than 5.")
    if arguments.json:
        listed = [{"run": list(name), "rounds": rounds} for name, rounds in results.items()]
        arguments.json.write_text(json.dumps({"loaders": listed, "data_wait_share": waited}, indent=1))
    sys.exit(waited >= 0.05)


main()
