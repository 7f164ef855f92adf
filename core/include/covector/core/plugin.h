#pragma once

#include "covector/core/backbone.h"
#include "covector/core/command.h"
#include "covector/core/dataset.h"
#include "covector/core/method.h"
#include "covector/core/registry.h"
#include "covector/core/task.h"
#include "covector/core/transform.h"

#include <torch/version.h>

#include <tuple>
#include <utility>

namespace covector {

/// Bumped on any change to a public core header that a compiled plug-in can notice.
inline constexpr std::uint32_t kPluginApiVersion = 1;

/// Everything that can be named in a recipe. Made in main() and in each test, and passed by
/// reference.
struct Registries {
  std::tuple<Registry<Backbone>, Registry<Method>, Registry<Transform>, Registry<Dataset>,
             Registry<Task>, Registry<Command>>
      all;
  template <class Interface>
  Registry<Interface>& of() {
    return std::get<Registry<Interface>>(all);
  }
  template <class Interface>
  const Registry<Interface>& of() const {
    return std::get<Registry<Interface>>(all);
  }
};

/// For parts without options.
struct NoOptions {
  static void describe(Schema<NoOptions>&) {}
};

/// What a plug-in is handed to register with. Entries count only if registration finishes.
class Registrar {
 public:
  Registrar(Registries& staged, Provenance from) : staged_(staged), from_(std::move(from)) {}

  /// Registers Impl, constructible from (const Options&, Interface::CreateArgs...), as `name`.
  template <class Interface, std::derived_from<Interface> Impl, Described Options>
  void add(const std::string& name) {
    staged_.of<Interface>().add(make_entry<Interface, Impl, Options>(name, from_));
  }

 private:
  Registries& staged_;
  Provenance from_;
};

}  // namespace covector

/// The handshake: C layout, read before anything else of an opened plug-in is touched.
extern "C" struct CovectorPluginInfo {
  std::uint32_t struct_size;
  std::uint32_t api_version;
  const char* build_id;
  const char* name;
  const char* version;
  void (*register_all)(covector::Registrar&);
};

#define COVECTOR_STRINGIFY_1(x) #x
#define COVECTOR_STRINGIFY(x) COVECTOR_STRINGIFY_1(x)
#define COVECTOR_BUILD_ID                                     \
  "libtorch " TORCH_VERSION ", cxx11abi " COVECTOR_STRINGIFY( \
      _GLIBCXX_USE_CXX11_ABI) ", gxxabi " COVECTOR_STRINGIFY(__GXX_ABI_VERSION)

/// An ELF note (its first fields are those of Elf64_Nhdr) that says what a plug-in was built for.
/// It is read from the file: asking an opened library would be too late, for its constructors have
/// run.
#define COVECTOR_PLUGIN_NOTE(built_for_api, built_with)                                            \
  __attribute__((used, section(".note.covector"), aligned(4))) static const struct {               \
    std::uint32_t owner_bytes, bytes, type;                                                        \
    char owner[12];                                                                                \
    std::uint32_t api_version;                                                                     \
    char build_id[sizeof(built_with)];                                                             \
  } covector_plugin_note = {                                                                       \
      sizeof "Covector", sizeof(std::uint32_t) + sizeof(built_with), 1, "Covector", built_for_api, \
      built_with};

/// Defines the note and the one exported symbol of a plug-in; the body that follows registers its
/// contents. The plug-in's file must be called plugin_name.covector.so.
#define COVECTOR_PLUGIN(plugin_name, plugin_version, registrar)              \
  COVECTOR_PLUGIN_NOTE(::covector::kPluginApiVersion, COVECTOR_BUILD_ID)     \
  static void covector_register_all(::covector::Registrar& registrar);       \
  extern "C" COVECTOR_API const CovectorPluginInfo* covector_plugin_info() { \
    static const CovectorPluginInfo info = {sizeof(CovectorPluginInfo),      \
                                            ::covector::kPluginApiVersion,   \
                                            COVECTOR_BUILD_ID,               \
                                            plugin_name,                     \
                                            plugin_version,                  \
                                            &covector_register_all};         \
    return &info;                                                            \
  }                                                                          \
  static void covector_register_all(::covector::Registrar& registrar)
