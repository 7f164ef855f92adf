#pragma once

#include <cstdint>

/// The handshake as a plug-in carries it that was built from other headers than this tree's. Laid
/// out by hand on purpose: it must not follow the tree.
struct ForeignHandshake {
  std::uint32_t struct_size;
  std::uint32_t api_version;
  const char* build_id;
  const char* name;
  const char* version;
  void (*register_all)(void*);
};

/// Called by nobody if the loader keeps its word: nothing is run before the handshake agrees.
inline void must_not_run(void*) {
  __builtin_trap();
}

#define COVECTOR_FOREIGN_PLUGIN(...)                                        \
  extern "C" __attribute__((visibility("default"))) const ForeignHandshake* \
  covector_plugin_info() {                                                  \
    static const ForeignHandshake info = {__VA_ARGS__};                     \
    return &info;                                                           \
  }
