#include "transunet.h"

#include "covector/networks/published.h"

#include <torch/types.h>

#include <array>
#include <regex>
#include <stdexcept>
#include <utility>

namespace covector::transunet {
namespace {

using networks::TableResize;

const std::string kPositions = "transformer.embeddings.position_embeddings";

/// Modules of the weights learned on ImageNet-21k (R50+ViT-B_16.npz) and what they are here.
std::string own_module(const std::string& module) {
  const std::string resnet = "transformer.embeddings.hybrid_model.";
  const std::string layer = "transformer.encoder.layer.$1.";
  static const std::array<std::pair<std::regex, std::string>, 12> rules{{
      {std::regex("conv_root"), resnet + "root.conv"},
      {std::regex("gn_root"), resnet + "root.gn"},
      {std::regex("(block\\d+)/(unit\\d+)/conv_proj"), resnet + "body.$1.$2.downsample"},
      {std::regex("(block\\d+)/(unit\\d+)/(conv\\d|gn\\d|gn_proj)"), resnet + "body.$1.$2.$3"},
      {std::regex("embedding"), "transformer.embeddings.patch_embeddings"},
      {std::regex("Transformer/encoder_norm"), "transformer.encoder.encoder_norm"},
      {std::regex("Transformer/encoderblock_(\\d+)/LayerNorm_0"), layer + "attention_norm"},
      {std::regex("Transformer/encoderblock_(\\d+)/LayerNorm_2"), layer + "ffn_norm"},
      {std::regex("Transformer/encoderblock_(\\d+)/MlpBlock_3/Dense_0"), layer + "ffn.fc1"},
      {std::regex("Transformer/encoderblock_(\\d+)/MlpBlock_3/Dense_1"), layer + "ffn.fc2"},
      {std::regex("Transformer/encoderblock_(\\d+)/MultiHeadDotProductAttention_1/"
                  "(query|key|value|out)"),
       layer + "attn.$2"},
      {std::regex("Transformer/posembed_input"), "transformer.embeddings"},
  }};
  for (const auto& [pattern, name] : rules)
    if (std::regex_match(module, pattern)) return std::regex_replace(module, pattern, name);
  return {};
}

std::string own_leaf(const std::string& leaf) {
  if (leaf == "kernel" || leaf == "scale") return "weight";
  if (leaf == "pos_embedding") return "position_embeddings";
  return leaf;
}

/// JAX puts outputs last: convolutions [height, width, in, out], linear layers [in, out]. Those of
/// the attention have the heads as an axis, of the outputs or, in `out`, of the inputs.
at::Tensor own_layout(const std::string& name, const at::Tensor& tensor) {
  if (name.ends_with("/pos_embedding")) return tensor;
  if (!name.ends_with("/kernel")) return tensor.flatten();
  if (tensor.dim() == 4) return tensor.permute({3, 2, 0, 1}).contiguous();
  if (tensor.dim() == 3)
    return (name.ends_with("/out/kernel") ? tensor.flatten(0, 1) : tensor.flatten(1))
        .t()
        .contiguous();
  if (tensor.dim() == 2) return tensor.t().contiguous();
  throw std::invalid_argument("'" + name + "' has " + std::to_string(tensor.dim()) +
                              " axes, a kernel has 2 to 4");
}

void rename(Translation& translation) {
  StateDict renamed;
  for (const auto& [name, tensor] : translation.tensors) {
    const auto slash = name.rfind('/');
    const auto module = slash == std::string::npos ? "" : own_module(name.substr(0, slash));
    if (module.empty()) {
      renamed[name] = tensor;
      continue;
    }
    const auto own = module + "." + own_leaf(name.substr(slash + 1));
    renamed[own] = own_layout(name, tensor);
    translation.changed.push_back(
        networks::describe_change(name, tensor, renamed[own], "now " + own));
  }
  translation.tensors = std::move(renamed);
}

/// The table of positions for another grid. A class token, the first row of one more than a square,
/// is left out. As the authors' load_from() does with scipy.ndimage.zoom(order=1).
void fit_positions(Translation& translation, const at::Tensor& own) {
  const auto found = translation.tensors.find(kPositions);
  if (found == translation.tensors.end() || found->second.sizes() == own.sizes()) return;
  auto& table = found->second;
  const auto wrong = [&] {
    throw std::invalid_argument("'" + kPositions + "' of " + c10::str(table.sizes()) +
                                " is no table of positions for " + c10::str(own.sizes()) +
                                ": a square number of rows, or one more, and the same channels");
  };
  if (table.dim() != 3 || table.size(0) != 1 || table.size(2) != own.size(2)) wrong();
  auto rows = table[0];
  std::string how = "bilinear";
  if (networks::square_side(rows.size(0)) == 0) {
    rows = rows.slice(0, 1);
    how = "without the class token";
    if (networks::square_side(rows.size(0)) == 0) wrong();
    if (rows.size(0) != own.size(1)) how += ", bilinear";
  }
  if (rows.size(0) != own.size(1))
    rows = networks::resize_table(rows, own.size(1), TableResize::linear_corners);
  const auto fitted = rows.unsqueeze(0).contiguous();
  translation.changed.push_back(networks::describe_change(kPositions, table, fitted, how));
  table = fitted;
}

}  // namespace

Translation Transunet::from_published(StateDict published) const {
  Translation translation{std::move(published), {}, {}};
  rename(translation);
  networks::leave_out(
      translation, [](const std::string& name) { return name.starts_with("segmentation_head."); },
      "the authors' head");
  networks::leave_out(
      translation,
      [](const std::string& name) {
        return name.starts_with("head/") || name.starts_with("pre_logits/") || name == "cls";
      },
      "of the classification of ImageNet-21k");
  fit_positions(translation, named_parameters()[kPositions]);
  return translation;
}

}  // namespace covector::transunet
