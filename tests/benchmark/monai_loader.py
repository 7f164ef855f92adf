"""MONAI's loaders on the files that loader_benchmark reads, and the files themselves. See README.md.

    monai_loader.py make FOLDER             pictures/*.png (512 x 512, 8 bits) and volumes/*.nii.gz (160 x 160 x 128, int16)
    monai_loader.py run FOLDER pictures|volumes --crop N --batch N --seconds N --keep FOLDER
"""
import argparse
import importlib.util
import itertools
import json
import pathlib
import resource
import time

import numpy

WARM_UP = 5  # batches


def make(folder, pictures, volumes):
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
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def readers_of(what):
    """Those that are installed and read such files."""
    possible = {"pictures": {"PILReader": "PIL", "ITKReader": "itk"}, "volumes": {"NibabelReader": "nibabel", "ITKReader": "itk"}}
    return [reader for reader, module in possible[what].items() if importlib.util.find_spec(module)]


def datasets_of(settings):
    """Each as (row, name, dataset), those that keep images filled; without metadata, which costs MONAI time."""
    import monai.data
    from monai.transforms import Compose, EnsureChannelFirst, LoadImage, RandSpatialCrop

    monai.data.set_track_meta(False)
    files = sorted(str(path) for path in (settings.folder / settings.what).iterdir())
    side = [settings.crop] * (2 if settings.what == "pictures" else 3)
    for reader in readers_of(settings.what):
        steps = Compose([LoadImage(reader=reader, image_only=True, dtype=numpy.float32), EnsureChannelFirst(channel_dim="no_channel"),
                         RandSpatialCrop(side, random_size=False)])
        yield "files", f"Dataset, {reader}", monai.data.Dataset(files, steps)
    kept = monai.data.PersistentDataset(files, steps, cache_dir=settings.keep / f"monai-{settings.what}")
    for i in range(len(kept)):
        kept[i]
    yield "prepared", "PersistentDataset", kept
    yield "memory", "CacheDataset", monai.data.CacheDataset(files, steps, num_workers=2, progress=False)


def loaders_of(dataset, batch):
    """Each as (name, loader); their stream of images drawn at random does not end while it is timed."""
    from monai.data import DataLoader, ThreadDataLoader
    from torch.utils.data import RandomSampler

    def options():
        return {"batch_size": batch, "sampler": RandomSampler(dataset, replacement=True, num_samples=10**9)}

    for workers in (0, 1, 2):
        yield f"DataLoader, {workers} workers", DataLoader(dataset, num_workers=workers, **options())
    yield "ThreadDataLoader", ThreadDataLoader(dataset, num_workers=0, buffer_size=2, **options())
    yield "ThreadDataLoader, 2 threads", ThreadDataLoader(dataset, num_workers=2, use_thread_workers=True, **options())


def timed(loader, batch, seconds):
    batches = iter(loader)
    shapes = {tuple(next(batches).shape) for _ in range(WARM_UP)}
    start, before = time.perf_counter(), processor_seconds()
    for count in itertools.count(1):
        shapes.add(tuple(next(batches).shape))
        if time.perf_counter() - start > seconds:
            break
    assert len(shapes) == 1, shapes
    items = count * batch
    return {"items_per_second": items / (time.perf_counter() - start),
            "processor_milliseconds_per_item": 1000 * (processor_seconds() - before) / items}


def run(settings):
    """Processor time is told without workers alone: that of others is known only when they have ended."""
    import torch

    torch.set_num_threads(1)
    results = []
    for row, name, dataset in datasets_of(settings):
        for loader_name, loader in loaders_of(dataset, settings.batch):
            result = timed(loader, settings.batch, settings.seconds)
            if loader.num_workers > 0:
                del result["processor_milliseconds_per_item"]
            results.append({"row": row, "variant": f"{name}, {loader_name}", **result})
    print(json.dumps(results))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", choices=["make", "run"])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("what", nargs="?", choices=["pictures", "volumes"])
    for name, value in (("crop", 384), ("batch", 8), ("pictures", 64), ("volumes", 12)):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--seconds", type=float, default=1)
    parser.add_argument("--keep", type=pathlib.Path, help="where PersistentDataset keeps its files")
    settings = parser.parse_args()
    make(settings.folder, settings.pictures, settings.volumes) if settings.action == "make" else run(settings)


main()
