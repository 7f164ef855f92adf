#pragma once

#include "covector/core/backbone.h"
#include "stopwatch.h"

namespace covector {

/// The same network, its weights shared, whose calls are timed: when levels(), pyramid() or
/// encode() is called, the time since the last lap goes to the part "method", and what the call
/// takes to "backbone". Momentum copies that are made of it are timed too. What a checkpointed
/// stage computes again in the backward pass is no call and stays part of that.
/// @param stopwatch  outlives the network and its copies
COVECTOR_API std::shared_ptr<Backbone> timed(std::shared_ptr<Backbone> backbone,
                                             Stopwatch& stopwatch);

}  // namespace covector
