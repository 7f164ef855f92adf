#pragma once

#include <cstdint>

/// The note and the handshake as a plug-in carries them that was built from other headers than this
/// tree's. Laid out by hand on purpose: they must not follow the tree.
struct ForeignHandshake {
  std::uint32_t struct_size;
  std::uint32_t api_version;
  const char* build_id;
  const char* name;
  const char* version;
  void (*register_all)(void*);
};

/// Called by nobody if the loader keeps its word: nothing of a plug-in is run that was built for
/// something else.
inline void must_not_run(void*) {
  __builtin_trap();
}
__attribute__((constructor)) static void must_not_run_either() {
  must_not_run(nullptr);
}

#define COVECTOR_FOREIGN_PLUGIN(name, api, build)                                             \
  __attribute__((used, section(".note.covector"), aligned(4))) static const struct {          \
    std::uint32_t owner_bytes, bytes, type;                                                   \
    char owner[12];                                                                           \
    std::uint32_t api_version;                                                                \
    char build_id[sizeof(build)];                                                             \
  } note = {9, 4 + sizeof(build), 1, "Covector", api, build};                                 \
  extern "C" __attribute__((visibility("default"))) const ForeignHandshake*                   \
  covector_plugin_info() {                                                                    \
    static const ForeignHandshake info = {sizeof(info), api, build, name, "1", must_not_run}; \
    return &info;                                                                             \
  }
