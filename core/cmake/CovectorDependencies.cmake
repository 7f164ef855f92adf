# Every library the project stands on, in one place. docs/decisions says why each was taken.
include(LibTorch)
find_package(Boost 1.74 REQUIRED COMPONENTS program_options)
find_package(tomlplusplus REQUIRED)
find_package(fmt REQUIRED)
find_package(nlohmann_json REQUIRED)
# The library alone: Debian's HDF5_LIBRARIES also names what it was itself linked with (curl, crypto).
find_package(HDF5 REQUIRED COMPONENTS C)
find_library(COVECTOR_HDF5_LIBRARY NAMES hdf5_serial hdf5 REQUIRED)
add_library(covector_hdf5 INTERFACE)
target_include_directories(covector_hdf5 SYSTEM INTERFACE ${HDF5_C_INCLUDE_DIRS})
target_link_libraries(covector_hdf5 INTERFACE ${COVECTOR_HDF5_LIBRARY})
find_library(COVECTOR_XXHASH_LIBRARY xxhash REQUIRED)
add_library(covector_xxhash INTERFACE)
target_link_libraries(covector_xxhash INTERFACE ${COVECTOR_XXHASH_LIBRARY})
# By its files: Debian's libzip configuration also asks for programs of a package of its own.
find_path(COVECTOR_ZIP_INCLUDE zip.h REQUIRED)
find_library(COVECTOR_ZIP_LIBRARY zip REQUIRED)
add_library(covector_zip INTERFACE)
target_include_directories(covector_zip SYSTEM INTERFACE ${COVECTOR_ZIP_INCLUDE})
target_link_libraries(covector_zip INTERFACE ${COVECTOR_ZIP_LIBRARY})
find_package(Protobuf REQUIRED)
find_package(Threads REQUIRED)
find_package(ZLIB REQUIRED)
# Only what is used; the whole of ITK would register every file format it knows at start-up. Its
# configuration looks for parts of VTK that nothing here needs, and says so at length.
set(_log_level ${CMAKE_MESSAGE_LOG_LEVEL})
set(CMAKE_MESSAGE_LOG_LEVEL ERROR)
find_package(ITK 5.2 REQUIRED COMPONENTS
  ITKCommon ITKIOImageBase ITKIONIFTI ITKIOMeta ITKIONRRD ITKIOPNG ITKIOTIFF
  ITKImageGrid ITKImageFunction ITKTransform ITKDistanceMap)
find_package(DCMTK REQUIRED)
find_package(GIF 5 REQUIRED)
find_package(PNG REQUIRED)
find_package(JPEG REQUIRED)
find_library(COVECTOR_DEFLATE_LIBRARY deflate REQUIRED)
add_library(covector_deflate INTERFACE)
target_link_libraries(covector_deflate INTERFACE ${COVECTOR_DEFLATE_LIBRARY})
# By its files: its own configuration names programs of another package.
find_path(COVECTOR_OPENJPEG_INCLUDE openjpeg.h PATH_SUFFIXES openjpeg-2.5 openjpeg-2.4 REQUIRED)
find_library(COVECTOR_OPENJPEG_LIBRARY openjp2 REQUIRED)
add_library(covector_jpeg2000 INTERFACE)
target_include_directories(covector_jpeg2000 INTERFACE ${COVECTOR_OPENJPEG_INCLUDE})
target_link_libraries(covector_jpeg2000 INTERFACE ${COVECTOR_OPENJPEG_LIBRARY})
set(CMAKE_MESSAGE_LOG_LEVEL ${_log_level})

# Installed programs and libraries find each other wherever the tree is moved, and LibTorch where it is now.
set(CMAKE_INSTALL_RPATH "$ORIGIN/../lib;${COVECTOR_TORCH_LIB}")

# toml++, Boost.DLL, HDF5 and the like are used in sources only; no public header shows them.
add_library(covector_pch STATIC ${CMAKE_SOURCE_DIR}/core/cmake/pch.cpp)
target_link_libraries(covector_pch PRIVATE torch::cpu covector_warnings)
target_precompile_headers(covector_pch PRIVATE ${CMAKE_SOURCE_DIR}/core/cmake/pch.h)
