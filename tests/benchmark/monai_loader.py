"""MONAI's loader on the files that loader_benchmark reads, and the files themselves. See README.md.

    monai_loader.py make FOLDER             pictures/*.png (512 x 512, 8 bits) and volumes/*.nii.gz (160 x 160 x 128, int16)
    monai_loader.py run FOLDER pictures|volumes --crop N --batch N --workers N --steps N
"""
import argparse
import json
import pathlib
import resource
import time

import numpy


def make(folder, pictures=64, volumes=12):
    """Smooth shapes with noise in the lower bits, which packs about as well as a radiograph or a CT does."""
    import nibabel
    from PIL import Image
    from scipy.ndimage import gaussian_filter

    random = numpy.random.default_rng(0)
    for name in ("pictures", "volumes"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for i in range(pictures):
        shape = gaussian_filter(random.normal(size=(512, 512)), 24)
        noisy = 128 + 90 * shape / abs(shape).max() + random.normal(scale=3, size=shape.shape)
        Image.fromarray(noisy.clip(0, 255).astype(numpy.uint8)).save(folder / "pictures" / f"{i:03}.png")
    for i in range(volumes):
        shape = gaussian_filter(random.normal(size=(160, 160, 128)), 10)
        noisy = 1000 * shape / abs(shape).max() + random.normal(scale=12, size=shape.shape)
        noisy[shape < 0] = -1024  # air
        image = nibabel.Nifti1Image(noisy.astype(numpy.int16), numpy.eye(4))
        nibabel.save(image, folder / "volumes" / f"{i:03}.nii.gz")


def processor_seconds():
    usage = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in usage)


def loader_of(what, settings, passes):
    import torch
    from monai.data import DataLoader, Dataset
    from monai.transforms import Compose, EnsureChannelFirst, EnsureType, LoadImage, RandSpatialCrop

    torch.set_num_threads(1)
    files = sorted(str(path) for path in what.iterdir())
    axes = 2 if what.name == "pictures" else 3
    reader = "PILReader" if axes == 2 else "NibabelReader"
    steps = [LoadImage(reader=reader, image_only=True, dtype=numpy.float32), EnsureChannelFirst(),
             RandSpatialCrop([settings.crop] * axes, random_size=False), EnsureType(track_meta=False)]
    return DataLoader(Dataset(files * passes, Compose(steps)), batch_size=settings.batch, shuffle=True,
                      num_workers=settings.workers, drop_last=True)


def run(settings):
    """Processor time with --workers 0 alone: that of workers is known only when they have ended."""
    what = settings.folder / settings.what
    count = sum(1 for _ in what.iterdir())
    needed = (settings.steps + 5) * settings.batch
    batches = iter(loader_of(what, settings, needed // count + 1))
    for _ in range(5):
        next(batches)
    start, before = time.perf_counter(), processor_seconds()
    for _ in range(settings.steps):
        next(batches)
    items = settings.steps * settings.batch
    result = {"items_per_second": items / (time.perf_counter() - start)}
    if settings.workers == 0:
        result["processor_milliseconds_per_item"] = 1000 * (processor_seconds() - before) / items
    print(json.dumps(result))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", choices=["make", "run"])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("what", nargs="?", choices=["pictures", "volumes"])
    for name, value in (("crop", 384), ("batch", 8), ("workers", 2), ("steps", 40)):
        parser.add_argument(f"--{name}", type=int, default=value)
    settings = parser.parse_args()
    make(settings.folder) if settings.action == "make" else run(settings)


main()
