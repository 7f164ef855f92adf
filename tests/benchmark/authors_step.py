"""Times training steps of the authors' COVER and prints a line of JSON. See README.md.

The step is that of their train_COVER_2d.py after augmentation: both views through the network, mask, both losses,
backward, clipping, Adam.
"""
import argparse
import json
import sys
import time

arguments = argparse.ArgumentParser(description=__doc__)
arguments.add_argument("checkout", help="a checkout of YutingHe-list/COVER")
arguments.add_argument("--precision", choices=["float32", "bfloat16"], default="float32")
for name, value in {"size": 192, "batch": 4, "steps": 5, "warm-up": 2, "threads": 2}.items():
    arguments.add_argument(f"--{name}", type=int, default=value)
options = arguments.parse_args()

import torch  # noqa: E402  after the arguments, so that --help needs none of it

torch.set_num_threads(options.threads)
torch.manual_seed(0)
sys.path.insert(0, options.checkout)
from models.cover import COVER  # noqa: E402
from utils.STN import SpatialTransformer  # noqa: E402
from utils.losses import partical_COS, partical_MAE  # noqa: E402

model = COVER(n_channels=1, dimensions="2D").train()
optimiser = torch.optim.Adam(model.parameters(), 1e-4)
warp = SpatialTransformer()
side = options.size


def displacement():
    """The same affine field for every sample, as in cover_step.cpp."""
    y, x = torch.meshgrid(torch.arange(side) + side // 4, torch.arange(side) + side // 4, indexing="ij")
    field = torch.stack([0.1 * y + 0.2 * x - 20.0, -0.3 * y - 0.1 * x + 30.0])
    return field.expand(options.batch, 2, side, side).float().contiguous()


def inside(field):
    y, x = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    place = (torch.stack([y, x]) + field) / (side - 1)
    return ((place > 0) & (place <= 1)).all(1, keepdim=True).float()


def step():
    moving, fixed, target = torch.rand(options.batch, 1, side, side), torch.rand(options.batch, 1, side, side), displacement()
    start = time.perf_counter()
    with torch.autocast("cpu", torch.bfloat16, enabled=options.precision == "bfloat16"):
        flow, finest_moving, finest_fixed = model(M=moving, F=fixed)
        mask = inside(target)
        loss = partical_MAE(flow, target, mask) + partical_COS(finest_fixed, warp(finest_moving, target), mask)
    loss.item()  # as their progress line reads it every step
    forward = time.perf_counter()
    optimiser.zero_grad()
    loss.backward()
    backward = time.perf_counter()
    torch.nn.utils.clip_grad_norm_(model.parameters(), max_norm=1.0)
    optimiser.step()
    end = time.perf_counter()
    return {"forward": forward - start, "backward": backward - forward, "optimiser": end - backward, "step": end - start}


times = {}
for i in range(options.warm_up + options.steps):
    for name, seconds in step().items():
        if i >= options.warm_up:
            times.setdefault(name, []).append(1e3 * seconds)
print(json.dumps({"milliseconds": times}))
