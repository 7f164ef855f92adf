"""Times training steps of the authors' COVER and prints a line of JSON. See README.md.

The step is that of their train_COVER_2d.py after augmentation: both views through the network, mask, both losses,
backward, clipping, Adam.
"""
import sys

import torch

import authors

options = authors.options_of(__doc__, size=192, batch=4, steps=5, warm_up=2, threads=2)
sys.path.insert(0, options.checkout)
from models.cover import COVER  # noqa: E402
from utils.STN import SpatialTransformer  # noqa: E402
from utils.losses import partical_COS, partical_MAE  # noqa: E402

model = COVER(n_channels=1, dimensions="2D").train()
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


def views():
    return torch.rand(options.batch, 1, side, side), torch.rand(options.batch, 1, side, side), displacement()


def loss(moving, fixed, target):
    flow, finest_moving, finest_fixed = model(M=moving, F=fixed)
    mask = inside(target)
    return partical_MAE(flow, target, mask) + partical_COS(finest_fixed, warp(finest_moving, target), mask)


authors.time_steps(options, views, loss, torch.optim.Adam(model.parameters(), 1e-4), clip_norm=1.0)
