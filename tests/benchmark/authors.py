"""What the programs that time an authors' code share: options, and a line of JSON with their times."""
import argparse
import json
import resource
import time

import torch


def options_of(doc, **defaults):
    """The options of every such program; the defaults of those that are numbers are given."""
    arguments = argparse.ArgumentParser(description=doc)
    arguments.add_argument("checkout", help="a checkout of the authors' code")
    arguments.add_argument("--precision", choices=["float32", "bfloat16"], default="float32")
    for name, value in defaults.items():
        arguments.add_argument("--" + name.replace("_", "-"), type=type(value), default=value)
    options = arguments.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    return options


def peak_mebibytes():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def time_steps(options, prepare, forward, optimiser, clip_norm=None, **more):
    """Times loss = forward(*prepare()), backward and the optimiser; prepare() is not in it. Prints the phases of every
    step after those to warm up, in milliseconds, and the most memory held."""
    times = {}
    for i in range(options.warm_up + options.steps):
        data = prepare()
        start = time.perf_counter()
        with torch.autocast("cpu", torch.bfloat16, enabled=options.precision == "bfloat16"):
            loss = forward(*data)
        loss.item()  # as their progress lines read it every step
        middle = time.perf_counter()
        optimiser.zero_grad()
        loss.backward()
        backward = time.perf_counter()
        if clip_norm:
            torch.nn.utils.clip_grad_norm_(optimiser.param_groups[0]["params"], max_norm=clip_norm)
        optimiser.step()
        end = time.perf_counter()
        if i < options.warm_up:
            continue
        phases = {"forward": middle - start, "backward": backward - middle, "optimiser": end - backward, "step": end - start}
        for name, seconds in phases.items():
            times.setdefault(name, []).append(1e3 * seconds)
    print(json.dumps({"milliseconds": times, "mebibytes": peak_mebibytes(), **more}))
