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

if(COVECTOR_SANITIZE)
  # vptr asks for type information that LibTorch and plug-ins opened RTLD_LOCAL keep to themselves. GCC sees
  # uninitialised reads in code that the sanitizers themselves put in.
  add_compile_options(-fsanitize=address,undefined -fno-sanitize=vptr -fno-sanitize-recover=undefined
    -fno-omit-frame-pointer -Wno-maybe-uninitialized)
  add_link_options(-fsanitize=address,undefined)
endif()

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
  # docs/decisions/ccache-and-precompiled-header.md says what each of these is for.
  set(CMAKE_CXX_COMPILER_LAUNCHER
      ${CMAKE_COMMAND} -E env
      CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
      CCACHE_BASEDIR=${CMAKE_SOURCE_DIR}
      CCACHE_NOHASHDIR=1
      ${COVECTOR_CCACHE})
  add_compile_options($<$<COMPILE_LANGUAGE:CXX>:-fpch-preprocess>)
endif()
find_program(COVECTOR_MOLD mold)
if(COVECTOR_MOLD)
  add_link_options(-fuse-ld=mold)
endif()
# A library is needed by exactly those that use it, and a symbol that no library named gives is an error when
# linking rather than when a user opens the plug-in.
add_link_options(-Wl,--as-needed)
if(NOT COVECTOR_SANITIZE)
  add_link_options($<$<NOT:$<STREQUAL:$<TARGET_PROPERTY:TYPE>,EXECUTABLE>>:-Wl,-z,defs>)
endif()

if(COVECTOR_CUDA)
  find_program(CMAKE_CUDA_COMPILER nvcc HINTS ENV CUDACXX PATHS /usr/local/cuda/bin
    DOC "CUDA compiler" REQUIRED)
  if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES)
    set(CMAKE_CUDA_ARCHITECTURES 80 90)
  endif()
  enable_language(CUDA)
  if(CMAKE_VERSION VERSION_LESS 3.26)  # 3.25 does not know how nvcc spells C++20
    set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION "-std=c++20")
    set(CMAKE_CUDA20_EXTENSION_COMPILE_OPTION "-std=c++20")
  endif()
  set(CMAKE_CUDA_STANDARD 20)
  set(CMAKE_CUDA_STANDARD_REQUIRED ON)
  set(CMAKE_CUDA_EXTENSIONS OFF)
  set(CMAKE_CUDA_VISIBILITY_PRESET hidden)
  set(CMAKE_CUDA_RUNTIME_LIBRARY Shared)  # the one LibTorch uses: two would not share streams
endif()
