// Files that Python writes are read here, and the other way round.
#include "support/catch.h"

#include "covector/core/error.h"
#include "support/numeric.h"
#include "support/toy_runs.h"
#include "weights/python.h"
#include "weights_exchange.h"
#include "weights_file.h"

#include <torch/types.h>

using namespace covector;
using namespace covector::testing;
using Catch::Contains;
namespace fs = std::filesystem;

namespace {

const std::string kMake = R"(
import os, sys
from collections import OrderedDict
import torch
from torch import nn
from safetensors.torch import save_file

class Toy(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Conv2d(1, 3, 3, padding=1)
        self.decoder = nn.Conv2d(3, 3, 3, padding=1)
        self.norm = nn.BatchNorm2d(3)
    def forward(self, x):
        return self.norm(self.decoder(torch.relu(self.encoder(x))))

torch.manual_seed(5)
os.chdir(sys.argv[1])
net = Toy()
optimiser = torch.optim.Adam(net.parameters())
for _ in range(3):  # moves the running averages and fills the optimiser
    net(torch.randn(4, 1, 6, 6)).square().mean().backward()
    optimiser.step()
net.eval()
image = torch.randn(2, 1, 6, 6)
torch.save({"image": image, "out": net(image).detach()}, "io.pth")
state = net.state_dict()
plain = dict(state)
torch.save(plain, "plain.pth")
torch.save(state, "ordered.pth")
torch.save(state, "protocol5.pth", pickle_protocol=5)
torch.save({"epoch": 3, "arch": "toy", "best": 0.5, "done": False, "args": {"lr": 1e-3, "sizes": [1, 2]},
            "state_dict": nn.DataParallel(net).state_dict(), "optimizer": optimiser.state_dict()}, "nested.pth")
torch.save({"model": {"toy." + k: v for k, v in state.items()}}, "model.pth")
torch.save({**plain, **dict(net.named_parameters())}, "parameters.pth")
one = torch.cat([v.flatten() for v in net.parameters()])  # all parameters are windows on one storage
at, views = 0, dict(plain)
for k, v in net.named_parameters():
    views[k] = one[at:at + v.numel()].view_as(v)
    at += v.numel()
torch.save(views, "views.pth")
torch.save(net.to(memory_format=torch.channels_last).state_dict(), "channels_last.pth")
save_file({k: v.contiguous() for k, v in plain.items()}, "plain.safetensors")

class Evil:
    def __reduce__(self):
        return os.system, ("touch owned",)
torch.save({**plain, "encoder.bias": Evil()}, "evil.pth")
torch.save(net, "module.pth")
torch.save(state, "old.pth", _use_new_zipfile_serialization=False)
torch.jit.script(net).save("script.pt")
)";

const std::string kCheck = R"(
import os, sys
exec(open(sys.argv[2]).read().split("torch.manual_seed")[0])
from safetensors.torch import load_file
os.chdir(sys.argv[1])
saved = torch.load("io.pth", weights_only=True)
for file in ["w.pt", "w.safetensors"]:
    weights = load_file(file) if file.endswith("safetensors") else torch.load(file, weights_only=True)
    net = Toy().eval()
    net.load_state_dict(weights, strict=True)
    assert torch.equal(net(saved["image"]), saved["out"]), file
    original = torch.load("ordered.pth", weights_only=True)
    for key, tensor in original.items():
        assert weights[key].dtype == tensor.dtype and torch.equal(weights[key], tensor), key
)";

}  // namespace

TEST_CASE("state dicts that Python saves come in, in all forms, and give the same outputs",
          "[weights][python]") {
  const auto python = python_with("torch, safetensors");
  if (!python) return;
  const ScratchFolder folder;
  const auto make = folder.write("make.py", kMake).string();
  run_python(*python + " " + make + " " + folder.path().string(), folder);
  const auto saved = read_weights(folder / "io.pth").groups.at(0).tensors;

  ToyProgram program;
  const auto import = [&](const std::string& name) {
    fs::remove(folder / "w.h5");
    return import_weights(
        {ToyProgram::pretrain("steps = 1"), folder / name, folder / "w.h5", false, false, {}},
        program.registries, program.loader);
  };
  for (const auto* name :
       {"plain.pth", "ordered.pth", "protocol5.pth", "nested.pth", "model.pth", "parameters.pth",
        "views.pth", "channels_last.pth", "plain.safetensors"}) {
    INFO(name);
    CHECK(import(name).matched.size() == 9);
    ToyBackbone backbone({}, {1, 2});
    load_pretrained(backbone, folder / "w.h5", [](const std::string& text) { FAIL(text); });
    backbone.eval();
    const torch::NoGradGuard no_grad;
    CHECK(max_gap(backbone.pyramid(saved.at("image")).back(), saved.at("out")) < 1e-6);
  }
  const auto nested = import("nested.pth");
  CHECK(nested.changed ==
        std::vector<std::string>{"'state_dict.module.' before the names is taken off"});
  CHECK(nested.ignored.size() == 7);  // four numbers and texts, args, optimizer twice

  const auto refuses = [&](const std::string& name, const std::string& why) {
    INFO(name);
    CHECK_THROWS_WITH(import(name), Contains(why));
    CHECK_FALSE(fs::exists(folder / "w.h5"));
  };
  refuses("evil.pth", "it wants Python to use 'posix.system'");
  CHECK_FALSE(fs::exists(folder / "owned"));
  refuses("module.pth", "it wants Python to use '__main__.Toy'");
  refuses("script.pt", "it wants Python to use '__torch__.");
  refuses("old.pth", "torch.save() wrote it before PyTorch 1.6");

  import("ordered.pth");
  for (const auto* name : {"w.pt", "w.safetensors"})
    export_weights(folder / "w.h5", folder / name, program.registries, program.loader,
                   [](const std::string& text) { FAIL(text); });
  const auto check = folder.write("check.py", kCheck).string();
  run_python(*python + " " + check + " " + folder.path().string() + " " + make, folder);
}
