#include "raw_image.h"

#include <itkImage.h>
#include <itkSignedMaurerDistanceMapImageFilter.h>

#include <algorithm>
#include <cmath>

namespace covector::datasets::io {
namespace {

template <unsigned Dimensions>
std::vector<double> distances(const std::vector<std::uint8_t>& mask,
                              const std::vector<std::int64_t>& size,
                              const std::vector<double>& spacing) {
  using Mask = itk::Image<std::uint8_t, Dimensions>;
  using Distance = itk::Image<double, Dimensions>;
  // A border of background: the filter measures from voxels that touch background, and a mask may
  // fill its image.
  typename Mask::SizeType padded;
  typename Mask::SpacingType step;
  for (unsigned axis = 0; axis < Dimensions; ++axis) {
    padded[axis] = static_cast<itk::SizeValueType>(size[Dimensions - 1 - axis] + 2);
    step[axis] = spacing[Dimensions - 1 - axis];
  }
  const auto image = Mask::New();
  image->SetRegions(padded);
  image->SetSpacing(step);
  image->Allocate(true);
  // Voxel i of the mask, counted x first, is at `index` of the padded image.
  typename Mask::IndexType index;
  index.Fill(1);
  const auto advance = [&] {
    for (unsigned axis = 0; axis < Dimensions; ++axis) {
      if (++index[axis] <= size[Dimensions - 1 - axis]) return;
      index[axis] = 1;
    }
  };
  for (const auto voxel : mask) {
    image->SetPixel(index, voxel);
    advance();
  }
  const auto filter = itk::SignedMaurerDistanceMapImageFilter<Mask, Distance>::New();
  filter->SetInput(image);
  filter->SetUseImageSpacing(true);
  filter->SetSquaredDistance(true);
  filter->SetNumberOfWorkUnits(1);
  filter->Update();
  std::vector<double> out(mask.size());
  index.Fill(1);
  for (auto& distance : out) {
    // Negative inside thick parts of the mask, where the nearest voxel is the voxel itself.
    distance = std::sqrt(std::max(0.0, filter->GetOutput()->GetPixel(index)));
    advance();
  }
  return out;
}

}  // namespace

std::vector<double> distance_to(const std::vector<std::uint8_t>& mask,
                                const std::vector<std::int64_t>& size,
                                const std::vector<double>& spacing) {
  return size.size() == 2 ? distances<2>(mask, size, spacing) : distances<3>(mask, size, spacing);
}

}  // namespace covector::datasets::io
