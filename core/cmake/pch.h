#pragma once
// What nearly every file that computes needs. More would cost more than it saves: the whole of
// <torch/torch.h> takes 5 s a file to load even precompiled, this 2 to 3 s.
#include <torch/nn/module.h>
#include <torch/types.h>
