#include "swinunet.h"

#include "covector/networks/published.h"
#include "window_attention.h"

#include <torch/types.h>

#include <algorithm>

namespace covector::swinunet {
namespace {

using networks::TableResize;

const std::string kTable = ".attn.relative_position_bias_table";
const std::string kIndex = ".attn.relative_position_index";
const std::string kMask = ".attn_mask";

/// A block by the names of its tensors, "layers.0.blocks.1".
struct BlockName {
  std::size_t stage;  // of the encoder, or the one that the decoder's mirrors
  std::int64_t block;
};

BlockName parse(const std::string& name) {
  const bool up = name.starts_with("layers_up.");
  const auto layer = static_cast<std::size_t>(name[name.find('.') + 1] - '0');
  const std::string blocks = ".blocks.";
  return {up ? 3 - layer : layer, std::stoll(name.substr(name.find(blocks) + blocks.size()))};
}

}  // namespace

// Tables of another window are resized as the Swin authors' code does (microsoft/Swin-Transformer
// at 055c506, utils.py, load_pretrained); that of SwinUNet starts such tables anew.
Translation Swinunet::from_published(StateDict published) const {
  Translation translation{std::move(published), {}, {}};
  networks::leave_out(
      translation,
      [](const std::string& name) { return name.ends_with(kMask) || name.ends_with(kIndex); },
      "computed from the sizes");
  networks::leave_out(
      translation, [](const std::string& name) { return name == "output.weight"; },
      "the authors' head");
  for (const auto& item : named_parameters()) {
    const auto& name = item.key();
    const auto found = translation.tensors.find(name);
    if (!name.ends_with(kTable) || found == translation.tensors.end()) continue;
    auto& table = found->second;
    const bool same_heads = table.dim() == 2 && table.size(1) == item.value().size(1);
    if (!same_heads || table.sizes() == item.value().sizes()) continue;
    const auto resized = networks::resize_table(table, item.value().size(0), TableResize::bicubic);
    translation.changed.push_back(networks::describe_change(name, table, resized, "bicubic"));
    table = resized;
  }
  return translation;
}

/// With the buffers that the authors' blocks store: which row of the table a pair of tokens has,
/// and, in blocks that shift their windows, which pairs do not see each other.
StateDict Swinunet::to_published(StateDict own) const {
  const auto windows = stage_windows(options_);
  const auto& size = options_.image_size;
  auto published = own;
  for (const auto& [name, tensor] : own) {
    if (!name.ends_with(kTable)) continue;
    const auto block = name.substr(0, name.size() - kTable.size());
    const auto [stage, number] = parse(block);
    const auto window = windows.at(stage);
    published[block + kIndex] = relative_positions(window);
    const auto scale = PatchEmbed::kPatch << stage;
    const auto rows = size.front() / scale;
    const auto columns = size.back() / scale;
    // The authors' code does not run where windows do not fill the grid, and has no mask for it.
    const bool filled = rows % window == 0 && columns % window == 0;
    if (number % 2 == 1 && std::min(rows, columns) > window && filled)
      published[block + kMask] = shift_mask(rows, columns, window, window / 2, at::kFloat);
  }
  return published;
}

}  // namespace covector::swinunet
