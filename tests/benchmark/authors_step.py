"""Times training steps of the authors' COVER and prints a line of JSON. See README.md.

The step is that of their train_COVER_2d.py after augmentation, in 3D with their classes for it: both views through the network, mask, both losses,
backward, clipping, Adam.
"""
import sys

import torch

import authors

options = authors.options_of(__doc__, dimensions=2, size=192, batch=4, steps=5, warm_up=2, threads=2)
sys.path.insert(0, options.checkout)
from models.cover import COVER  # noqa: E402
from utils.STN import SpatialTransformer  # noqa: E402
from utils.losses import partical_COS, partical_MAE  # noqa: E402

model = COVER(n_channels=1, dimensions=f"{options.dimensions}D").train()
warp = SpatialTransformer()
side = options.size
shape = [side] * options.dimensions
# One row an axis: displacement = row * (position in the source, 1); the same as in cover_step.cpp.
FIELDS = {
    2: [[0.1, 0.2, -20.0], [-0.3, -0.1, 30.0]],
    3: [[0.1, 0.0, 0.0, -4.0], [0.0, 0.1, 0.2, -8.0], [0.0, -0.3, -0.1, 14.0]],
}


def grid(start=0):
    return torch.stack(torch.meshgrid(*[torch.arange(side) + start] * options.dimensions, indexing="ij")).float()


def displacement():
    """The same affine field for every sample."""
    place = grid(side // 4)
    rows = [sum(c * x for c, x in zip(row, place)) + row[-1] for row in FIELDS[options.dimensions]]
    return torch.stack(rows).expand(options.batch, options.dimensions, *shape).contiguous()


def inside(field):
    place = (grid() + field) / (side - 1)
    return ((place > 0) & (place <= 1)).all(1, keepdim=True).float()


def views():
    return torch.rand(options.batch, 1, *shape), torch.rand(options.batch, 1, *shape), displacement()


def loss(moving, fixed, target):
    flow, finest_moving, finest_fixed = model(M=moving, F=fixed)
    mask = inside(target)
    return partical_MAE(flow, target, mask) + partical_COS(finest_fixed, warp(finest_moving, target), mask)


authors.time_steps(options, views, loss, torch.optim.Adam(model.parameters(), 1e-4), clip_norm=1.0)
