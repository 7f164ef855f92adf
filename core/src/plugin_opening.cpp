#include "plugin_opening.h"

#include "plugin_file.h"

#define BOOST_DLL_USE_STD_FS
#include <c10/util/Exception.h>
#include <dlfcn.h>
#include <boost/core/demangle.hpp>
#include <boost/dll/shared_library.hpp>

#include <cerrno>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <memory>
#include <utility>
#include <vector>

namespace covector {
namespace fs = std::filesystem;
namespace {

constexpr auto kSymbol = "covector_plugin_info";

std::string text_of(const std::exception_ptr& thrown) {
  try {
    std::rethrow_exception(thrown);
  } catch (const c10::Error& error) {
    return error.what_without_backtrace();
  } catch (const std::exception& error) {
    return error.what();
  } catch (...) {
    return "something that is not a std::exception";
  }
}

/// While one of these lives, an exception that ends the process does so with an error that says
/// whose it was.
class ExceptionsAreToldOf {
 public:
  explicit ExceptionsAreToldOf(const fs::path& file) : before_(std::set_terminate(tell)) {
    opening = &file;
    otherwise = before_;
  }
  ~ExceptionsAreToldOf() {
    std::set_terminate(before_);
    opening = nullptr;
  }
  ExceptionsAreToldOf(const ExceptionsAreToldOf&) = delete;
  ExceptionsAreToldOf& operator=(const ExceptionsAreToldOf&) = delete;

 private:
  [[noreturn]] static void tell() {
    const auto thrown = std::current_exception();
    if (!opening || !thrown) {  // another thread's end
      if (otherwise) otherwise();
      std::abort();
    }
    const PluginError error(
        "plug-in '" + opening->string() +
        "' failed while it was opened, in the constructor of a static object: " + text_of(thrown) +
        "; make what may fail in the body of COVECTOR_PLUGIN, and give "
        "operators names of their own");
    std::cerr << program_invocation_short_name << ": error: " << error.what() << std::endl;
    std::_Exit(error.code());
  }

  static inline thread_local const fs::path* opening = nullptr;
  static inline std::terminate_handler otherwise = nullptr;
  std::terminate_handler before_;
};

/// What the dynamic linker said of the file, and the remedy.
std::string why_not_opened() {
  const char* said = dlerror();
  const std::string text = said ? said : "the dynamic linker gives no reason";
  const std::string missing = "undefined symbol: ";
  const auto found = text.find(missing);
  if (found == std::string::npos)
    return text + "; 'ldd' on the file shows which libraries it needs and finds";
  auto symbol = text.substr(found + missing.size());
  symbol = symbol.substr(0, symbol.find_first_of(" ,\t"));
  return "none of the libraries it is linked with has '" + boost::core::demangle(symbol.c_str()) +
         "'; name the one that does after LINK, or rebuild it with this program's headers";
}

std::error_code load(boost::dll::shared_library& library, const fs::path& file) {
  using namespace boost::dll;
  const ExceptionsAreToldOf told(file);
  std::error_code failed;
  // glibc declares dlopen() as not throwing and holds its locks while constructors run: going on
  // after one of them threw would hang the next thread that opens a library.
  [&]() noexcept { library.load(file, failed, load_mode::rtld_now | load_mode::rtld_local); }();
  return failed;
}

boost::dll::shared_library& open(const fs::path& file) {
  static auto* const kept = new std::vector<std::unique_ptr<boost::dll::shared_library>>();
  auto library = std::make_unique<boost::dll::shared_library>();
  if (load(*library, file))
    throw PluginError("cannot open plug-in '" + file.string() + "': " + why_not_opened());
  return *kept->emplace_back(std::move(library));
}

}  // namespace

void refuse_other_build(const fs::path& plugin, std::uint32_t api_version,
                        const std::string& build_id) {
  const auto refused = "plug-in '" + plugin.string() + "' was built ";
  if (api_version != kPluginApiVersion)
    throw PluginError(refused + "for plug-in API " + std::to_string(api_version) +
                      ", this program has " + std::to_string(kPluginApiVersion) +
                      (api_version < kPluginApiVersion
                           ? "; rebuild it with this program's headers"
                           : "; update this program, or rebuild the plug-in with its headers"));
  if (build_id != COVECTOR_BUILD_ID)
    throw PluginError(refused + "with [" + build_id +
                      "], this program with [" COVECTOR_BUILD_ID
                      "]; rebuild it with the same compiler and LibTorch");
}

const CovectorPluginInfo& open_plugin(const fs::path& file) {
  const auto note = read_plugin_note(file);
  refuse_other_build(file, note.api_version, note.build_id);
  auto& library = open(file);
  const auto plugin = "plug-in '" + file.string() + "' ";
  if (!library.has(kSymbol))
    throw PluginError(plugin + "does not export " + kSymbol +
                      "(), which COVECTOR_PLUGIN defines; link it without a list of exported "
                      "symbols, or with this one in it");
  const auto* info = library.get<const CovectorPluginInfo*()>(kSymbol)();
  if (!info) throw PluginError(plugin + "answers the handshake with nothing; rebuild it");
  if (info->struct_size != sizeof *info)
    throw PluginError(plugin + "has a handshake of " + std::to_string(info->struct_size) +
                      " bytes, this program one of " + std::to_string(sizeof *info) +
                      "; rebuild it with this program's headers");
  refuse_other_build(file, info->api_version, info->build_id ? info->build_id : "unknown");
  if (!info->name || !info->version || !info->register_all)
    throw PluginError(plugin + "leaves its name, version or registration empty; rebuild it");
  return *info;
}

}  // namespace covector
