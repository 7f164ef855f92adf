#include "weights_file.h"

#include "covector/core/error.h"
#include "run_folder.h"
#include "weights_formats.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <stdexcept>

namespace covector {
namespace fs = std::filesystem;
namespace {

std::string first_bytes(const fs::path& file, std::size_t count) {
  std::ifstream in(file, std::ios::binary);
  std::string bytes(count, '\0');
  if (!in || fs::is_directory(file))
    throw DataError("cannot read '" + file.string() +
                    "': " + (fs::is_directory(file) ? "it is a folder" : std::strerror(errno)));
  in.read(bytes.data(), static_cast<std::streamsize>(count));
  bytes.resize(static_cast<std::size_t>(in.gcount()));
  return bytes;
}

bool is_npz(const Archive& archive) {
  const auto names = archive.names();
  return std::any_of(names.begin(), names.end(),
                     [](const std::string& name) { return name.ends_with(".npy"); });
}

std::string all_bytes(const fs::path& file) {
  return first_bytes(file, fs::file_size(file));
}

WeightsFile read_content(const fs::path& file) {
  const auto begin = first_bytes(file, 9);
  if (begin.starts_with("PK")) {
    const Archive archive(file);
    return is_npz(archive) ? read_npz(archive) : read_torch(archive);
  }
  // A header's JSON, behind its length.
  if (begin.size() == 9 && begin[8] == '{') return read_safetensors(all_bytes(file));
  if (begin.starts_with("\x80"))
    throw std::invalid_argument(
        "torch.save() wrote it before PyTorch 1.6; save it again in Python: "
        "torch.save(torch.load(FILE, map_location='cpu'), FILE)");
  throw std::invalid_argument("it is neither of torch.save() nor safetensors nor .npz");
}

enum class Format { torch, safetensors };

Format format_of(const fs::path& file) {
  const auto suffix = file.extension().string();
  if (suffix == ".pt" || suffix == ".pth") return Format::torch;
  if (suffix == ".safetensors") return Format::safetensors;
  throw RecipeError("cannot write '" + file.string() + "': the suffix says the format, '" + suffix +
                    "' says none; take .pt, .pth or .safetensors");
}

}  // namespace

WeightsFile read_weights(const fs::path& file) {
  try {
    return read_content(file);
  } catch (const std::invalid_argument& error) {
    throw DataError("cannot read '" + file.string() + "': " + error.what());
  }
}

void check_writable(const fs::path& file) {
  static_cast<void>(format_of(file));
  if (fs::exists(file))
    throw RecipeError("'" + file.string() + "' exists already; choose another file or remove it");
}

void write_weights(const fs::path& file, const StateDict& tensors) {
  check_writable(file);
  write_text(file,
             format_of(file) == Format::torch ? torch_bytes(tensors) : safetensors_bytes(tensors));
}

}  // namespace covector
