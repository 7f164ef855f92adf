# Imported targets for LibTorch, from the wheel that set-up unpacked or from a LibTorch of the user's own.
#   torch::headers  include paths
#   torch::cpu      + libtorch_cpu, libc10
#   torch::cuda     + libtorch_cuda, libc10_cuda, forced in: their kernels register from static initialisers
#
# find_package(Torch) is not used: it pulls in the CUDA toolkit and fails on CMake 3.25 with C++20.
# Headers go in with -idirafter, not -isystem: torch/include also ships fmt, protobuf and pybind11, which would
# shadow the system's.
set(COVECTOR_TORCH_VERSION 2.11.0)
if(DEFINED ENV{XDG_CACHE_HOME})
  set(_cache $ENV{XDG_CACHE_HOME})
else()
  set(_cache $ENV{HOME}/.cache)
endif()
find_path(COVECTOR_TORCH_INCLUDE torch/csrc/api/include/torch/torch.h
  PATH_SUFFIXES include
  HINTS ${TORCH_ROOT} ${_cache}/covector/torch-${COVECTOR_TORCH_VERSION}/torch
  DOC "include folder of LibTorch")
if(NOT COVECTOR_TORCH_INCLUDE)
  message(FATAL_ERROR "LibTorch ${COVECTOR_TORCH_VERSION} was not found. Run 'make setup', or point "
                      "CMAKE_PREFIX_PATH at the folder of yours that holds include/ and lib/.")
endif()
get_filename_component(COVECTOR_TORCH_ROOT ${COVECTOR_TORCH_INCLUDE} DIRECTORY)
set(COVECTOR_TORCH_LIB ${COVECTOR_TORCH_ROOT}/lib)

add_library(torch::headers INTERFACE IMPORTED)
set(_after "-idirafter ${COVECTOR_TORCH_INCLUDE} -idirafter ${COVECTOR_TORCH_INCLUDE}/torch/csrc/api/include")
target_compile_options(torch::headers INTERFACE "$<$<COMPILE_LANGUAGE:CXX>:SHELL:${_after}>")
foreach(_library c10 torch_cpu)
  add_library(torch::_${_library} SHARED IMPORTED)
  set_target_properties(torch::_${_library} PROPERTIES
    IMPORTED_LOCATION ${COVECTOR_TORCH_LIB}/lib${_library}.so IMPORTED_SONAME lib${_library}.so)
endforeach()
add_library(torch::cpu INTERFACE IMPORTED)
target_link_libraries(torch::cpu INTERFACE torch::headers torch::_torch_cpu torch::_c10)
# libtorch_cpu asks for two NVIDIA libraries that lie beside it; the linker need not chase them.
target_link_options(torch::cpu INTERFACE -Wl,--allow-shlib-undefined -Wl,-rpath-link,${COVECTOR_TORCH_LIB})
