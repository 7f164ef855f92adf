# How everything in the tree is compiled, and where it is put.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
# Programs too, so that one precompiled header serves libraries, modules and programs.
set(CMAKE_CXX_COMPILE_OPTIONS_PIE "-fPIC")
if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release)
endif()
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib)
set(COVECTOR_PLUGIN_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib/covector/plugins)

# -O2: -O3 gains nothing measurable outside the kernels, which ask for it themselves.
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -DNDEBUG")

# -Wrestrict and -Wstringop-overflow: GCC 12 sees both in std::string's operator+ (GCC bug 105651).
add_library(covector_warnings INTERFACE)
target_compile_options(covector_warnings INTERFACE
  $<$<COMPILE_LANGUAGE:CXX>:-Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor
    -Wno-restrict -Wno-stringop-overflow>)
if(COVECTOR_WERROR)
  target_compile_options(covector_warnings INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-Werror>)
endif()

find_program(COVECTOR_CCACHE ccache)
if(COVECTOR_CCACHE)
  # A precompiled header makes ccache blind unless it is told what to overlook.
  set(CMAKE_CXX_COMPILER_LAUNCHER
      ${CMAKE_COMMAND} -E env
      CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
      CCACHE_BASEDIR=${CMAKE_SOURCE_DIR}
      ${COVECTOR_CCACHE})
  add_compile_options($<$<COMPILE_LANGUAGE:CXX>:-fpch-preprocess>)
endif()
find_program(COVECTOR_MOLD mold)
if(COVECTOR_MOLD)
  add_link_options(-fuse-ld=mold)
endif()
