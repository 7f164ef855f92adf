#pragma once

#include "covector/core/export.h"

#include <torch/nn/module.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace covector::networks {

using Maps = std::vector<at::Tensor>;
using Modules = std::vector<std::shared_ptr<torch::nn::Module>>;
/// Computes maps from maps; holds the modules it needs, and no tensors. Runs twice where it is
/// checkpointed.
using Piece = std::function<Maps(const Maps&)>;

/// piece(inputs) without keeping what lies between inputs and outputs: the backward pass runs the
/// piece again to have it, which saves memory and costs a second forward pass of the piece.
///
/// The second run equals the first: it draws the same random numbers (those of the default
/// generators, which go on afterwards as if nothing had happened), in the same autocast, and
/// changes no buffer, so that running averages count a batch once. Without a gradient to compute,
/// or under torch::NoGradGuard, this is piece(inputs).
///
/// @param modules  what the piece uses: their parameters get gradients, their buffers are kept.
///                 Training or evaluation must not change before the backward pass, which throws
///                 std::logic_error then; nor may parameters
/// @param inputs   at least one, all defined
/// A second derivative is refused with std::logic_error.
/// Source: T. Chen et al., Training Deep Nets with Sublinear Memory Cost, arXiv 1604.06174.
COVECTOR_API Maps checkpoint(const Piece& piece, const Modules& modules, const Maps& inputs);

/// The stages of a backbone that are checkpointed, by name.
class COVECTOR_API Checkpointing {
 public:
  /// @param stages  names, or "all"
  explicit Checkpointing(std::vector<std::string> stages) : stages_(std::move(stages)) {}

  /// A piece of a stage with one output, checkpointed if the stage is. Outputs and gradients are
  /// the same to the bit either way.
  at::Tensor run(const std::string& stage, const Modules& modules, const Maps& inputs,
                 const std::function<at::Tensor(const Maps&)>& piece) const;

 private:
  std::vector<std::string> stages_;
};

/// "encoder1" ... for `encoder` stages, then "decoder1" ... for `decoder` stages.
COVECTOR_API std::vector<std::string> stage_names(std::size_t encoder, std::size_t decoder);

namespace detail {
COVECTOR_API bool all_known(const std::vector<std::string>& chosen,
                            const std::vector<std::string>& stages);
COVECTOR_API std::string choice_of(const std::vector<std::string>& stages);
}  // namespace detail

/// Describes the option "checkpoint" of a backbone with these stages.
/// @param field  that of a Schema, of type std::vector<std::string>
/// @param note   what else is to be said of the stages
template <class Field>
void describe_checkpoint(Field field, const std::vector<std::string>& stages,
                         const std::string& note = "") {
  field
      .doc(
          "stages whose inner maps are not kept for the backward pass but computed again there: "
          "less memory, more time, the same numbers. The encoder's stages are counted from the "
          "finest, the decoder's from the coarsest" +
          note)
      .require([stages](const auto& chosen) { return detail::all_known(chosen, stages); },
               detail::choice_of(stages));
}

}  // namespace covector::networks
