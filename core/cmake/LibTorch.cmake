# Imported targets for LibTorch, from the wheel that set-up unpacked or from a LibTorch of the user's own.
#   torch::headers  include paths
#   torch::cpu      + libtorch_cpu, libc10
#   torch::cuda     + libc10_cuda and the CUDA runtime, for our own kernels; only with COVECTOR_CUDA
# The backend itself, libtorch_cuda, is linked by nothing: core opens it when a CUDA device is asked for, see
# docs/decisions/cuda-backend.md.
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
unset(COVECTOR_TORCH_INCLUDE CACHE)  # a TORCH_ROOT given later must count
find_path(COVECTOR_TORCH_INCLUDE torch/csrc/api/include/torch/torch.h
  PATH_SUFFIXES include
  HINTS ${TORCH_ROOT} ${COVECTOR_TORCH_HINT} ${_cache}/covector/torch-${COVECTOR_TORCH_VERSION}/torch
  DOC "include folder of LibTorch")
if(NOT COVECTOR_TORCH_INCLUDE)
  message(FATAL_ERROR "LibTorch ${COVECTOR_TORCH_VERSION} was not found. Run 'make setup', or point "
                      "CMAKE_PREFIX_PATH at the folder of yours that holds include/ and lib/.")
endif()
get_filename_component(COVECTOR_TORCH_ROOT ${COVECTOR_TORCH_INCLUDE} DIRECTORY)
set(COVECTOR_TORCH_LIB ${COVECTOR_TORCH_ROOT}/lib)
# Older ones keep their version elsewhere, which is answer enough.
set(_version 0)
set(_version_header ${COVECTOR_TORCH_INCLUDE}/torch/headeronly/version.h)
if(EXISTS ${_version_header})
  file(STRINGS ${_version_header} _lines REGEX "define TORCH_VERSION_(MAJOR|MINOR) ")
  string(REGEX REPLACE "[^0-9]*([0-9]+)[^0-9]*([0-9]+).*" "\\1.\\2" _version "${_lines}")
endif()
if(_version VERSION_LESS 2.11)
  message(FATAL_ERROR "LibTorch in ${COVECTOR_TORCH_ROOT} is older than 2.11. Run 'make setup', or point "
                      "CMAKE_PREFIX_PATH at a newer one.")
endif()

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
# at::parallel_for is a template over OpenMP: without the flag it would run on one core. GCC only: Clang's runtime is
# another than LibTorch's, and two of them fight for the cores. The flag rather than OpenMP::OpenMP_CXX, which names
# the system's libgomp beside LibTorch's.
target_compile_options(torch::headers INTERFACE $<$<COMPILE_LANG_AND_ID:CXX,GNU>:-fopenmp>)
target_link_options(torch::cpu INTERFACE $<$<LINK_LANG_AND_ID:CXX,GNU>:-fopenmp>)
# libtorch_cpu asks for two NVIDIA libraries that lie beside it; the linker need not chase them.
target_link_options(torch::cpu INTERFACE -Wl,--allow-shlib-undefined -Wl,-rpath-link,${COVECTOR_TORCH_LIB})

if(COVECTOR_CUDA)
  find_package(CUDAToolkit 13 REQUIRED)
  if(NOT EXISTS ${COVECTOR_TORCH_LIB}/libc10_cuda.so)
    message(FATAL_ERROR "LibTorch in ${COVECTOR_TORCH_ROOT} has no CUDA backend (lib/libc10_cuda.so). Run "
                        "'make setup COVECTOR_CUDA=ON', or point TORCH_ROOT at one that has it.")
  endif()
  add_library(torch::_c10_cuda SHARED IMPORTED)
  set_target_properties(torch::_c10_cuda PROPERTIES
    IMPORTED_LOCATION ${COVECTOR_TORCH_LIB}/libc10_cuda.so IMPORTED_SONAME libc10_cuda.so)
  add_library(torch::cuda INTERFACE IMPORTED)
  target_link_libraries(torch::cuda INTERFACE torch::cpu torch::_c10_cuda CUDA::cudart)
endif()
