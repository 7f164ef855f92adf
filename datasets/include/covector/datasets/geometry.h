#pragma once

#include "covector/datasets/image.h"

namespace covector::datasets {

/// Spacing 1, origin 0, no rotation: pixels stand for millimetres.
COVECTOR_API Geometry unit_geometry(std::int64_t dimensions);
/// Physical position in (x, y, z) order, mm, of a voxel index in tensor order. A geometry without
/// spacing places voxels by origin and direction alone (see Preparation), or at their own index.
COVECTOR_API std::vector<double> position_of(const Geometry& geometry,
                                             const std::vector<double>& index);
/// Patient axes towards which x, y (, z) grow, e.g. "LPS"; empty without geometry.
COVECTOR_API std::string orientation_code(const Geometry& geometry);

/// The geometry of the grid whose voxel p lies where voxel scale * p + offset (tensor order) of the
/// given one does. Spacing grows with `scale`; a geometry without spacing gets it in its direction.
COVECTOR_API Geometry regridded(const Geometry& geometry, const std::vector<double>& scale,
                                const std::vector<double>& offset);

/// Where the voxels of one grid lie in another: the map from the voxels of `to`, of the given size,
/// to voxel positions of `from`, both placed in the same physical space.
COVECTOR_API SpatialMap map_between(const Geometry& to, const std::vector<std::int64_t>& size,
                                    const Geometry& from);

/// The image on another grid, read at the physical position of each of its voxels; zero outside.
/// Linear gives float32, nearest keeps the type.
COVECTOR_API Image resample(const Image& image, const Geometry& geometry,
                            const std::vector<std::int64_t>& size, Interpolation interpolation);

/// The volume with its axes permuted and flipped (never interpolated) so that slices, rows and
/// columns grow towards S, P and L: "LPS". Axial slices are then as radiologists see them, the
/// patient's right on the picture's left. Throws DataError naming `path` when there is no geometry
/// or it is 2D.
COVECTOR_API Image to_patient_axes(const Image& image, const std::filesystem::path& path);

/// Brings a label map from the grid that a dataset prepared back to the grid of the file it was
/// prepared from, nearest voxel, 0 outside, and writes it with that file's geometry as uint8, or
/// uint16 where a label exceeds 255.
/// @param original  the image file that was prepared
/// @param label     [1, H, W] or [1, D, H, W] integer, on the prepared grid
/// @param prepared  the geometry that came with the prepared sample
COVECTOR_API void write_label_like(const std::filesystem::path& original, const at::Tensor& label,
                                   const Geometry& prepared, const std::filesystem::path& path);

}  // namespace covector::datasets
