# Every library the project stands on, in one place. docs/decisions says why each was taken.
include(LibTorch)
find_package(Boost 1.74 REQUIRED COMPONENTS program_options filesystem)
find_package(tomlplusplus REQUIRED)
find_package(spdlog REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(HDF5 REQUIRED COMPONENTS C)
find_package(Protobuf REQUIRED)
find_package(Threads REQUIRED)
# Only what is used; the whole of ITK would register every file format it knows at start-up.
find_package(ITK 5.2 REQUIRED COMPONENTS
  ITKCommon ITKIOImageBase ITKIONIFTI ITKIOMeta ITKIONRRD ITKIOPNG ITKIOJPEG ITKIOTIFF ITKIOGDCM
  ITKImageGrid ITKImageFunction ITKTransform ITKDistanceMap)
find_package(DCMTK REQUIRED)

# toml++, Boost.DLL, HDF5 and the like are used in sources only; no public header shows them.
add_library(covector_pch STATIC ${CMAKE_SOURCE_DIR}/core/cmake/pch.cpp)
target_link_libraries(covector_pch PRIVATE torch::cpu covector_warnings)
target_precompile_headers(covector_pch PRIVATE ${CMAKE_SOURCE_DIR}/core/cmake/pch.h)
