#include "plugin_file.h"

#include "covector/core/error.h"

#include <elf.h>
#include <link.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <limits>
#include <optional>
#include <system_error>
#include <vector>

namespace covector {
namespace fs = std::filesystem;
namespace {

using Header = ElfW(Ehdr);
using Segment = ElfW(Phdr);
using NoteHeader = ElfW(Nhdr);

constexpr std::string_view kOwner{"Covector\0", 9};
constexpr std::uint32_t kNoteType = 1;

/// Reads places of a file; one that is not there means that the file is cut short.
class Bytes {
 public:
  explicit Bytes(const fs::path& file) : file_(file), in_(file, std::ios::binary) {
    if (!in_)
      throw PluginError("cannot read plug-in '" + file.string() +
                        "': " + std::system_category().message(errno));
    size_ = fs::file_size(file);
  }

  std::string at(std::uint64_t begin, std::uint64_t count) {
    require(begin, count);
    std::string bytes(count, '\0');
    in_.seekg(static_cast<std::streamoff>(begin));
    if (!in_.read(bytes.data(), static_cast<std::streamsize>(count)))
      throw PluginError("cannot read plug-in '" + file_.string() + "' from byte " +
                        std::to_string(begin));
    return bytes;
  }

  template <class T>
  T value_at(std::uint64_t begin) {
    T value;
    std::memcpy(&value, at(begin, sizeof value).data(), sizeof value);
    return value;
  }

  void require(std::uint64_t begin, std::uint64_t count) const {
    const auto most = std::numeric_limits<std::uint64_t>::max();
    const auto end = begin > most - count ? most : begin + count;
    if (end > size_)
      throw PluginError("plug-in '" + file_.string() + "' is cut short: it should have " +
                        std::to_string(end) + " bytes at least, and has " + std::to_string(size_) +
                        "; copy or build it again");
  }

 private:
  fs::path file_;
  std::ifstream in_;
  std::uint64_t size_ = 0;
};

std::string machine_name(std::uint16_t machine) {
  switch (machine) {
    case EM_386:
      return "x86";
    case EM_X86_64:
      return "x86-64";
    case EM_ARM:
      return "ARM";
    case EM_AARCH64:
      return "AArch64";
    case EM_PPC64:
      return "PowerPC";
    case EM_RISCV:
      return "RISC-V";
    default:
      return "machine number " + std::to_string(machine);
  }
}

/// As a reader knows it: "64-bit x86-64". The fields it looks at lie in the same place for both
/// sizes of words.
std::string kind_of_machine(const Header& header) {
  const bool big = header.e_ident[EI_DATA] == ELFDATA2MSB;
  const bool swapped = header.e_ident[EI_DATA] !=
                       (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? ELFDATA2MSB : ELFDATA2LSB);
  const auto machine = swapped ? __builtin_bswap16(header.e_machine) : header.e_machine;
  return std::string(header.e_ident[EI_CLASS] == ELFCLASS32 ? "32-bit" : "64-bit") +
         (big ? " big-endian " : " ") + machine_name(machine);
}

Header header_of(Bytes& bytes, const fs::path& file) {
  if (fs::file_size(file) < SELFMAG || bytes.at(0, SELFMAG) != ELFMAG)
    throw PluginError("'" + file.string() +
                      "' is no plug-in: shared libraries begin with other bytes; build it again or "
                      "remove it");
  const auto header = bytes.value_at<Header>(0);
  // What the system runs this program on is what this program was built for.
  const auto ours = Bytes("/proc/self/exe").value_at<Header>(0);
  if (kind_of_machine(header) != kind_of_machine(ours))
    throw PluginError("plug-in '" + file.string() + "' was built for " + kind_of_machine(header) +
                      ", this program for " + kind_of_machine(ours) +
                      "; build it on this kind of machine");
  if (header.e_type != ET_DYN || header.e_phentsize != sizeof(Segment))
    throw PluginError("'" + file.string() +
                      "' is no shared library, as plug-ins are; covector_add_plugin() makes one");
  return header;
}

/// The program headers, when all that they and the section headers speak of is there.
std::vector<Segment> segments_of(Bytes& bytes, const Header& header) {
  bytes.require(header.e_shoff, std::uint64_t{header.e_shnum} * header.e_shentsize);
  std::vector<Segment> segments;
  for (std::uint64_t i = 0; i < header.e_phnum; ++i) {
    segments.push_back(bytes.value_at<Segment>(header.e_phoff + i * sizeof(Segment)));
    bytes.require(segments.back().p_offset, segments.back().p_filesz);
  }
  return segments;
}

/// Our note among those of a segment.
std::optional<PluginNote> note_in(std::string_view notes, std::uint64_t alignment) {
  const auto padded = [&](std::uint64_t size) { return (size + alignment - 1) & ~(alignment - 1); };
  while (notes.size() >= sizeof(NoteHeader)) {
    NoteHeader header;
    std::memcpy(&header, notes.data(), sizeof header);
    notes.remove_prefix(sizeof header);
    const auto owner = notes.substr(0, header.n_namesz);
    notes.remove_prefix(std::min<std::uint64_t>(padded(header.n_namesz), notes.size()));
    const auto text = notes.substr(0, header.n_descsz);
    notes.remove_prefix(std::min<std::uint64_t>(padded(header.n_descsz), notes.size()));
    PluginNote note;
    if (owner != kOwner || header.n_type != kNoteType || text.size() < sizeof note.api_version)
      continue;
    std::memcpy(&note.api_version, text.data(), sizeof note.api_version);
    const auto build = text.substr(sizeof note.api_version);
    note.build_id = build.substr(0, build.find('\0'));
    return note;
  }
  return std::nullopt;
}

}  // namespace

PluginNote read_plugin_note(const fs::path& file) {
  if (!fs::is_regular_file(file)) throw PluginError("'" + file.string() + "' is no file");
  Bytes bytes(file);
  for (const auto& segment : segments_of(bytes, header_of(bytes, file)))
    if (segment.p_type == PT_NOTE)
      if (auto note =
              note_in(bytes.at(segment.p_offset, segment.p_filesz), segment.p_align == 8 ? 8 : 4))
        return *note;
  throw PluginError("'" + file.string() +
                    "' is no Covector plug-in: it has no note of what it was built for, which "
                    "COVECTOR_PLUGIN leaves; register its parts with that, or remove it");
}

}  // namespace covector
