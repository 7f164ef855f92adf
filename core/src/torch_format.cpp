#include "weights_formats.h"

#include "pickle.h"

#include <ATen/core/Dict.h>
#include <ATen/core/ivalue.h>
#include <caffe2/serialize/inline_container.h>
#include <torch/csrc/jit/serialization/pickler.h>
#include <torch/types.h>

#include <map>
#include <stdexcept>

namespace covector {
namespace {

/// The folder that all members lie in, "archive/".
std::string root_of(const Archive& archive) {
  constexpr std::string_view kPickle = "data.pkl";
  for (const auto& name : archive.names())
    if (name.ends_with(kPickle) && name.find('/') + 1 == name.size() - kPickle.size())
      return name.substr(0, name.size() - kPickle.size());
  throw std::invalid_argument("it is a ZIP archive, but neither of torch.save() nor an .npz");
}

class Storages {
 public:
  Storages(const Archive& archive, std::string root) : archive_(archive), root_(std::move(root)) {}

  /// A tensor of its own memory.
  at::Tensor tensor(const PickledTensor& place) {
    return storage(place)
        .as_strided(place.sizes, place.strides, place.offset)
        .clone(at::MemoryFormat::Contiguous);
  }

 private:
  /// All of a storage in a row; each is read once.
  const at::Tensor& storage(const PickledTensor& place) {
    const auto [known, is_new] = read_.try_emplace(place.storage);
    auto& all = known->second;
    if (!is_new) {
      if (all.scalar_type() != place.type || all.numel() != place.stored)
        throw std::invalid_argument("storage " + place.storage + " is described in two ways");
      return all;
    }
    const auto member = root_ + "data/" + place.storage;
    const auto bytes = static_cast<std::int64_t>(archive_.size(member));
    const auto width = static_cast<std::int64_t>(c10::elementSize(place.type));
    if (bytes % width != 0 || bytes / width != place.stored)
      throw std::invalid_argument("storage " + place.storage + " holds " + std::to_string(bytes) +
                                  " bytes, not " + std::to_string(place.stored) + " numbers of " +
                                  std::to_string(width));
    all = torch::empty({place.stored}, place.type);
    if (bytes > 0) archive_.read(member, all.data_ptr());
    return all;
  }

  const Archive& archive_;
  std::string root_;
  std::map<std::string, at::Tensor> read_;
};

}  // namespace

WeightsFile read_torch(const Archive& archive) {
  const auto root = root_of(archive);
  const auto order = root + "byteorder";
  if (archive.holds(order) && archive.read(order) != "little")
    throw std::invalid_argument("its numbers are not little-endian; save it on another machine");
  const auto pickled = read_pickle(archive.read(root + "data.pkl"));
  Storages storages(archive, root);
  std::map<std::string, StateDict> groups;
  for (const auto& entry : pickled.tensors)
    if (!groups[entry.path].emplace(entry.name, storages.tensor(entry.tensor)).second)
      throw std::invalid_argument("'" + entry.path + entry.name + "' stands there twice");
  WeightsFile file;
  for (auto& [path, tensors] : groups) file.groups.push_back({path, std::move(tensors)});
  file.others = pickled.others;
  return file;
}

// Not torch::save() or torch::pickle_save(): what those write is of TorchScript, which
// torch.load(weights_only=True) refuses.
std::string torch_bytes(const StateDict& tensors) {
  c10::Dict<std::string, at::Tensor> dict;
  for (const auto& [name, tensor] : tensors)
    dict.insert(name, tensor.detach().cpu().clone(at::MemoryFormat::Contiguous));
  std::string pickle;
  torch::jit::Pickler pickler(
      [&](const char* bytes, std::size_t count) { pickle.append(bytes, count); }, nullptr, nullptr,
      nullptr, nullptr, /*tag_aggregates=*/false);
  pickler.protocol();
  pickler.pushIValue(dict);
  pickler.stop();

  std::string file;
  caffe2::serialize::PyTorchStreamWriter archive([&](const void* bytes, std::size_t count) {
    file.append(static_cast<const char*>(bytes), count);
    return count;
  });
  archive.writeRecord("data.pkl", pickle.data(), pickle.size());
  const std::string order = "little";
  archive.writeRecord("byteorder", order.data(), order.size());
  std::size_t index = 0;
  for (const auto& tensor : pickler.tensorData())
    archive.writeRecord("data/" + std::to_string(index++), tensor.data_ptr(), tensor.nbytes());
  archive.writeEndOfFile();
  return file;
}

}  // namespace covector
