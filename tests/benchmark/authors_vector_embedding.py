"""Times one vector embedding unit of the authors, forward and backward, in processor time, and prints a line of JSON. See README.md."""
import argparse
import json
import sys
import time

import torch

arguments = argparse.ArgumentParser(description=__doc__)
arguments.add_argument("authors", help="a checkout of YutingHe-list/COVER")
arguments.add_argument("--dimensions", type=int, choices=[2, 3], default=2)
arguments.add_argument("--rounds", type=int, default=11)
arguments.add_argument("--threads", type=int, default=1)
options = arguments.parse_args()
torch.set_num_threads(options.threads)
sys.path.insert(0, options.authors)
from models.cover import MoV2D, MoV3D  # noqa: E402

unit, shape = (MoV2D(2), (4, 8, 192, 192)) if options.dimensions == 2 else (MoV3D(2), (1, 8, 64, 64, 64))
query, key = (torch.randn(shape, requires_grad=True) for _ in range(2))
grad = torch.randn(shape[0], options.dimensions, *shape[2:])
times = []
for turn in range(1 + options.rounds):
    query.grad = key.grad = None
    start = time.process_time()
    unit(query, key, 1).backward(grad)
    times.append(1e3 * (time.process_time() - start))
print(json.dumps({"milliseconds": {"unit": times[1:]}}))
