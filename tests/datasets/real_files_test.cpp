#include "support/catch.h"

#include "files.h"
#include "weights/python.h"

#include "covector/core/error.h"
#include "covector/datasets/image.h"

#include <torch/types.h>
#include <zlib.h>

#include <cmath>
#include <fstream>
#include <map>
#include <sstream>
#include <thread>
#include <tuple>

using namespace covector::datasets;
using namespace covector::testing;
using Catch::Matchers::Contains;

namespace {

std::vector<std::string> csv_cells(const std::string& line) {
  std::vector<std::string> cells(1);
  bool quoted = false;
  for (const char c : line) {
    if (c == '"')
      quoted = !quoted;
    else if (c == ',' && !quoted)
      cells.emplace_back();
    else if (c != '\r')
      cells.back() += c;
  }
  return cells;
}

struct Expected {
  const char* file;
  std::vector<std::int64_t> shape;
  at::ScalarType type;
  std::vector<std::int64_t> voxel;
  double value, minimum, maximum, sum;
  const char* orientation;
};

}  // namespace

// index.csv was made with pydicom 3.0.2 and pylibjpeg: shape, type and range before rescaling.
TEST_CASE("every DICOM sample decodes as pydicom decodes it", "[datasets][io][real]") {
  const auto data = shared_images();
  if (!data) {
    WARN("skipped: set COVECTOR_SHARED to the folder with the real images");
    return;
  }
  std::ifstream index(*data / "dicom-samples/index.csv");
  std::string line;
  std::getline(index, line);
  const auto names = csv_cells(line);
  int decoded = 0;
  while (std::getline(index, line)) {
    const auto cells = csv_cells(line);
    std::map<std::string, std::string> row;
    for (std::size_t i = 0; i < names.size(); ++i) row[names[i]] = cells[i];
    INFO(row["file"]);
    const auto path = *data / "dicom-samples" / row["file"];
    if (row["stored_shape"] == "not decodable") {
      CHECK_THROWS_WITH(read_image(path), Contains("premature end of stream"));
      continue;
    }
    const auto image = read_image(path);
    std::string shape;
    const bool colour = image.pixels.size(0) == 3;
    for (std::int64_t axis = 1; axis < image.pixels.dim(); ++axis)
      shape += (axis > 1 ? "x" : "") + std::to_string(image.pixels.size(axis));
    CHECK(shape + (colour ? "x3" : "") == row["stored_shape"]);
    if (row["bits_allocated"] != "1") CHECK(image.info.stored_type == row["stored_dtype"]);
    const auto number = [&](const std::string& name, double otherwise) {
      return row[name].empty() ? otherwise : std::stod(row[name]);
    };
    const auto rescale = [&](double stored) {
      return number("rescale_slope", 1) * stored + number("rescale_intercept", 0);
    };
    auto low = number("stored_min", 0);
    auto high = number("stored_max", 0);
    if (row["photometric"] == "MONOCHROME1") {
      const auto top = std::exp2(number("bits_stored", 0)) - 1;
      std::tie(low, high) = std::pair(top - high, top - low);
    }
    CHECK(image.pixels.to(torch::kFloat64).min().item<double>() == rescale(low));
    CHECK(image.pixels.to(torch::kFloat64).max().item<double>() == rescale(high));
    ++decoded;
  }
  CHECK(decoded == 20);
}

// The same MR slice in five encodings.
TEST_CASE("one image, five transfer syntaxes, one set of values", "[datasets][io][real]") {
  const auto data = shared_images();
  if (!data) {
    WARN("skipped: set COVECTOR_SHARED to the folder with the real images");
    return;
  }
  const auto folder = *data / "dicom-samples";
  const auto first = read_image(folder / "MR_small.dcm");
  CHECK(first.geometry.spacing_mm == std::vector<double>{0.3125, 0.3125});
  CHECK(first.info.orientation == "LP");
  for (const auto* name : {"MR_small_implicit.dcm", "MR_small_bigendian.dcm", "MR_small_RLE.dcm",
                           "MR_small_jp2klossless.dcm"}) {
    INFO(name);
    CHECK(torch::equal(read_image(folder / name).pixels, first.pixels));
  }
  CHECK(torch::equal(read_image(folder / "emri_small.dcm").pixels,
                     read_image(folder / "emri_small_jpeg_2k_lossless.dcm").pixels));
}

TEST_CASE("every DICOM sample decodes the same in four threads at once", "[datasets][io][real]") {
  const auto data = shared_images();
  if (!data) {
    WARN("skipped: set COVECTOR_SHARED to the folder with the real images");
    return;
  }
  std::vector<std::filesystem::path> files;
  std::vector<at::Tensor> alone;
  for (const auto& entry : std::filesystem::directory_iterator(*data / "dicom-samples"))
    if (entry.path().extension() == ".dcm" && entry.path().filename() != "MR_truncated.dcm") {
      files.push_back(entry.path());
      alone.push_back(read_image(files.back()).pixels);
    }
  std::vector<std::size_t> same(4);
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < same.size(); ++t)
    threads.emplace_back([&, t] {
      for (std::size_t i = 0; i < files.size(); ++i) {
        const auto file = (i + 5 * t) % files.size();  // not all the same one
        same[t] += torch::equal(read_image(files[file]).pixels, alone[file]);
      }
    });
  for (auto& thread : threads) thread.join();
  CHECK(same == std::vector<std::size_t>(4, files.size()));
}

// Numbers from nibabel 5.3 and Pillow 11; voxels given as (x, y, z) there, turned to tensor order
// here.
TEST_CASE("NIfTI, PNG and JPEG agree with nibabel and Pillow", "[datasets][io][real]") {
  const auto data = shared_images();
  if (!data) {
    WARN("skipped: set COVECTOR_SHARED to the folder with the real images");
    return;
  }
  const std::vector<Expected> expected{{"brain-mr/itk_t1_2x2x3mm.nii.gz",
                                        {1, 62, 128, 128},
                                        torch::kInt16,
                                        {0, 30, 70, 60},
                                        104,
                                        0,
                                        255,
                                        19533798.0,
                                        "LSA"},
                                       {"brain-mr/ixi012_t1_2mm.nii.gz",
                                        {1, 90, 120, 120},
                                        torch::kFloat,
                                        {0, 40, 70, 60},
                                        1820.2742938995361,
                                        0,
                                        3543.2820224761963,
                                        509647372.20824814,
                                        "PSR"},
                                       {"brain-mr/pycortex_S1_t1_1mm.nii.gz",
                                        {1, 256, 256, 256},
                                        torch::kUInt8,
                                        {0, 130, 120, 100},
                                        104,
                                        0,
                                        248,
                                        305946066.0,
                                        "LIA"},
                                       {"ct-organs-3d/ctB.nii.gz",
                                        {1, 112, 101, 122},
                                        torch::kInt16,
                                        {0, 30, 40, 50},
                                        -6,
                                        -1207,
                                        3382,
                                        -496851173.0,
                                        "RAS"},
                                       {"cxr-pretrain/images/00000001_000.png",
                                        {1, 320, 320},
                                        torch::kUInt8,
                                        {0, 100, 200},
                                        51,
                                        0,
                                        255,
                                        13121705.0,
                                        ""},
                                       {"fundus-vessels/retina.jpg",
                                        {3, 1411, 1411},
                                        torch::kUInt8,
                                        {0, 100, 200},
                                        2,
                                        0,
                                        255,
                                        535744832.0,
                                        ""}};
  for (const auto& want : expected) {
    INFO(want.file);
    const auto image = read_image(*data / want.file);
    CHECK(image.pixels.sizes() == want.shape);
    CHECK(image.pixels.scalar_type() == want.type);
    CHECK(image.info.orientation == want.orientation);
    auto voxel = image.pixels;
    for (const auto i : want.voxel) voxel = voxel[i];
    // float32 after a rescale: seven digits.
    const double digits = want.type == torch::kFloat ? 1e-6 : 1e-15;
    CHECK(voxel.item<double>() == Approx(want.value).epsilon(digits));
    const auto exact = image.pixels.to(torch::kFloat64);
    CHECK(exact.min().item<double>() == want.minimum);
    CHECK(exact.max().item<double>() == Approx(want.maximum).epsilon(digits));
    // Two JPEG decoders may differ by a level here and there.
    const double share = image.info.format == "JPEG" ? 1e-4 : digits;
    CHECK(exact.sum().item<double>() == Approx(want.sum).epsilon(share));
  }
}

namespace {

struct Reading {
  std::string file, shape, check;
  std::vector<double> matrix;  // index (x, y, z, 1) to millimetres, LPS, row by row
};

std::vector<Reading> readings_of(const std::filesystem::path& table) {
  std::vector<Reading> out;
  std::ifstream lines(table);
  std::string line;
  while (std::getline(lines, line)) {
    std::istringstream cells(line);
    Reading reading;
    std::getline(cells, reading.file, '\t');
    cells >> reading.shape >> reading.check;
    for (double number = 0; cells >> number;) reading.matrix.push_back(number);
    out.push_back(reading);
  }
  return out;
}

std::string shape_of(const at::Tensor& pixels) {
  std::string out;
  for (const auto side : pixels.sizes()) out += (out.empty() ? "" : "x") + std::to_string(side);
  return out;
}

std::uint32_t sum_of(const at::Tensor& pixels) {
  const auto values = pixels.to(torch::kFloat).contiguous();
  return static_cast<std::uint32_t>(crc32(0, static_cast<const Bytef*>(values.const_data_ptr()),
                                          static_cast<uInt>(values.nbytes())));
}

/// The largest difference between where the two put the corners of the image, in millimetres.
double furthest_apart(const Reading& reading, const Image& image) {
  const auto& geometry = image.geometry;
  const auto size = image.size();
  double furthest = 0;
  for (int corner = 0; corner < 8; ++corner)
    for (std::size_t row = 0; row < 3; ++row) {
      double theirs = reading.matrix.at(4 * row + 3);
      double ours = geometry.origin_mm.at(row);
      for (std::size_t axis = 0; axis < 3; ++axis) {
        const auto index = corner >> axis & 1 ? static_cast<double>(size.at(2 - axis) - 1) : 0.0;
        theirs += reading.matrix.at(4 * row + axis) * index;
        ours += geometry.direction.at(3 * row + axis) * geometry.spacing_mm.at(2 - axis) * index;
      }
      furthest = std::max(furthest, std::abs(ours - theirs));
    }
  return furthest;
}

}  // namespace

TEST_CASE("every NIfTI, PNG and JPEG has the pixels and the place that nibabel and Pillow give it",
          "[datasets][io][real][slow]") {
  const auto data = shared_images();
  if (!data) {
    WARN("skipped: set COVECTOR_SHARED to the folder with the real images");
    return;
  }
  const auto python = python_with("nibabel, PIL.Image");
  if (!python) return;
  const ScratchFolder folder;
  const auto table = folder / "readings.tsv";
  run_python(*python + " " COVECTOR_SOURCE_DIR "/tests/datasets/independent_reader.py " +
                 data->string() + " " + table.string(),
             folder);
  const auto readings = readings_of(table);
  REQUIRE(readings.size() > 1000);
  for (const auto& reading : readings) {
    INFO(reading.file);
    const auto image = read_image(*data / reading.file);
    CHECK(shape_of(image.pixels) == reading.shape);
    if (image.info.format == "JPEG")
      CHECK(image.pixels.to(torch::kFloat64).mean().item<double>() ==
            Approx(std::stod(reading.check)).epsilon(1e-4));
    else
      CHECK(std::to_string(sum_of(image.pixels)) == reading.check);
    // Half the digits of float32, in which NIfTI keeps its matrix, over 200 mm.
    if (!reading.matrix.empty()) CHECK(furthest_apart(reading, image) < 0.01);
  }
}
