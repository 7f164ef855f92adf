#include "support/catch.h"
#include "support/numeric.h"

#include "files.h"
#include "fuzz/pack.h"

#include "covector/core/error.h"
#include "covector/datasets/image.h"

#include <sys/resource.h>
#include <torch/types.h>

#include <csignal>

using namespace covector;
using namespace covector::datasets;
using namespace covector::testing;
using Catch::Matchers::Contains;

namespace {

std::vector<std::int64_t> values(const at::Tensor& tensor) {
  const auto flat = tensor.to(torch::kInt64).contiguous().flatten();
  return {flat.data_ptr<std::int64_t>(), flat.data_ptr<std::int64_t>() + flat.numel()};
}

using List = std::vector<std::int64_t>;

Image read_bytes(const TemporaryFolder& folder, const std::string& name, const std::string& bytes) {
  write_file(folder / name, bytes);
  return read_image(folder / name);
}

/// While it lives, a file cannot grow beyond so many bytes: writes then fail as on a full disk.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) : before_(std::signal(SIGXFSZ, SIG_IGN)) {
    getrlimit(RLIMIT_FSIZE, &limit_);
    const rlimit small{bytes, limit_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &small);
  }
  ~FileSizeLimit() {
    setrlimit(RLIMIT_FSIZE, &limit_);
    std::signal(SIGXFSZ, before_);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;

 private:
  void (*before_)(int);
  rlimit limit_{};
};

// Written by Pillow 11: 3 columns, 2 rows.
const std::string kGray8 = bytes_of_hex(
    "89504e470d0a1a0a0000000d4948445200000003000000020800000000b81f39c60000001049444154789c63646064"
    "644839f11f0003d6022f0ae6267b0000000049454e44ae426082");
const std::string kGray16 = bytes_of_hex(
    "89504e470d0a1a0a0000000d4948445200000003000000021000000000e88fe5850000001649444154789c63606060"
    "64"
    "faff9f9181918191811100112c02068ebcf2b60000000049454e44ae426082");
const std::string kRgb = bytes_of_hex(
    "89504e470d0a1a0a0000000d49484452000000030000000208020000001216f14d0000001849444154789c63f8cfc0"
    "c8"
    "f09f8981e13f2397881c040000316003f24bf736980000000049454e44ae426082");
const std::string kRgba = bytes_of_hex(
    "89504e470d0a1a0a0000000d49484452000000030000000208060000009d74661a0000002149444154789c05c1b10d"
    "00"
    "200cc0b0646566cead7d1c15dbc571051f9edb54547c51ba04f28ee574970000000049454e44ae426082");
const std::string kPalette = bytes_of_hex(
    "89504e470d0a1a0a0000000d4948445200000003000000020203000000e01a8e8900000009504c5445000000ff0000"
    "00"
    "80402af89bd70000000c49444154789c63906098000000dc00a96ce7c0230000000049454e44ae426082");
const std::string kBit = bytes_of_hex(
    "89504e470d0a1a0a0000000d4948445200000003000000020100000000b50f5bb70000000c49444154789c63706058"
    "00"
    "00016400e1913adf2c0000000049454e44ae426082");
const std::string kTiff16 = bytes_of_hex(
    "49492a0008000000090000010400010000000300000001010400010000000200000002010300010000001000000003"
    "01"
    "0300010000000100000006010300010000000100000011010400010000007a00000016010400010000000200000017"
    "01"
    "0400010000000c0000001c01030001000000010000000000000000000201ffff010002000300");
// 8 x 8, all 100.
const std::string kJpeg = bytes_of_hex(
    "ffd8ffe000104a46494600010100000100010000ffdb0043000302020302020303030304030304050805050404050a"
    "07"
    "0706080c0a0c0c0b0a0b0b0d0e12100d0e110e0b0b1016101113141515150c0f171816141812141514ffc0000b0800"
    "08"
    "000801011100ffc4001f0000010501010101010100000000000000000102030405060708090a0bffc400b510000201"
    "03"
    "03020403050504040000017d01020300041105122131410613516107227114328191a1082342b1c11552d1f0243362"
    "72"
    "82090a161718191a25262728292a3435363738393a434445464748494a535455565758595a636465666768696a7374"
    "75"
    "767778797a838485868788898a92939495969798999aa2a3a4a5a6a7a8a9aab2b3b4b5b6b7b8b9bac2c3c4c5c6c7c8"
    "c9"
    "cad2d3d4d5d6d7d8d9dae1e2e3e4e5e6e7e8e9eaf1f2f3f4f5f6f7f8f9faffda0008010100003f00f34affd9");

}  // namespace

TEST_CASE("PNG files of every kind that masks and images come in", "[datasets][io]") {
  const TemporaryFolder folder;
  const auto gray = read_bytes(folder, "gray.png", kGray8);
  CHECK(gray.pixels.sizes() == List{1, 2, 3});
  CHECK(gray.pixels.scalar_type() == torch::kUInt8);
  CHECK(values(gray.pixels) == List{0, 1, 2, 100, 200, 255});
  CHECK(gray.geometry.spacing_mm.empty());
  CHECK(gray.info.format == "PNG");

  const auto deep = read_bytes(folder, "deep.png", kGray16);
  CHECK(deep.pixels.scalar_type() == torch::kUInt16);
  CHECK(deep.info.stored_type == "uint16");
  CHECK(values(deep.pixels) == List{0, 258, 65535, 1, 2, 3});

  const auto rgb = read_bytes(folder, "rgb.PNG", kRgb);
  CHECK(values(rgb.pixels) ==
        List{255, 0, 0, 10, 40, 70, 0, 255, 0, 20, 50, 80, 1, 2, 255, 30, 60, 90});

  const auto rgba = read_bytes(folder, "rgba.png", kRgba);
  CHECK(rgba.pixels.size(0) == 4);
  CHECK(values(rgba.pixels[3]) == List(6, 128));

  const auto colours = read_bytes(folder, "palette.png", kPalette);
  CHECK(values(colours.pixels) ==
        List{0, 255, 0, 0, 255, 0, 0, 0, 128, 128, 0, 0, 0, 0, 64, 64, 0, 0});
  const auto indices = read_image(folder / "palette.png", Palette::indices);
  CHECK(values(indices.pixels) == List{0, 1, 2, 2, 1, 0});

  const auto bit = read_bytes(folder, "bit.png", kBit);
  CHECK(values(bit.pixels) == List{0, 255, 0, 255, 0, 255});
}

TEST_CASE("TIFF and JPEG", "[datasets][io]") {
  const TemporaryFolder folder;
  CHECK(values(read_bytes(folder, "a.tiff", kTiff16).pixels) == List{0, 258, 65535, 1, 2, 3});
  const auto jpeg = read_bytes(folder, "a.jpg", kJpeg);
  CHECK(jpeg.pixels.sizes() == List{1, 8, 8});
  CHECK((jpeg.pixels == 100).all().item<bool>());
}

TEST_CASE("a NIfTI volume: axes, placement, rescale, channels", "[datasets][io]") {
  const TemporaryFolder folder;
  NiftiBytes nifti;
  nifti.size = {2, 3, 2};
  nifti.voxels = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, -11};
  const auto volume = read_bytes(folder, "a.nii", nifti.file());
  CHECK(volume.pixels.sizes() == List{1, 2, 3, 2});  // z, y, x
  CHECK(volume.pixels.scalar_type() == torch::kInt16);
  CHECK(volume.pixels.index({0, 1, 2, 1}).item<std::int64_t>() == -11);
  CHECK(volume.geometry.spacing_mm == std::vector<double>{4, 3, 2});
  // NIfTI counts towards R and A, ITK and this project towards L and P.
  CHECK(volume.geometry.origin_mm == std::vector<double>{-10, -20, 30});
  CHECK(volume.geometry.direction == std::vector<double>{-1, 0, 0, 0, -1, 0, 0, 0, 1});
  CHECK(volume.info.orientation == "RAS");

  nifti.slope = 0.5;
  nifti.intercept = -3;
  const auto rescaled = read_bytes(folder, "b.nii", nifti.file());
  CHECK(rescaled.pixels.scalar_type() == torch::kFloat);
  CHECK(rescaled.info.stored_type == "int16");
  CHECK(rescaled.pixels.index({0, 1, 2, 1}).item<double>() == -8.5);

  nifti.slope = nifti.intercept = 0;
  nifti.size = {2, 3, 1, 2};
  const auto modalities = read_bytes(folder, "c.nii", nifti.file());
  CHECK(modalities.pixels.sizes() == List{2, 1, 3, 2});
  CHECK(modalities.pixels.index({1, 0, 0, 0}).item<std::int64_t>() == 6);

  nifti.size = {2, 6, 1};
  const auto slice = read_bytes(folder, "d.nii", nifti.file());
  CHECK(slice.pixels.sizes() == List{1, 1, 6, 2});
  const auto flat = as_dimensions(slice, 2, "d.nii");
  CHECK(flat.pixels.sizes() == List{1, 6, 2});
  CHECK(flat.geometry.spacing_mm == std::vector<double>{3, 2});
  CHECK_THROWS_WITH(as_dimensions(volume, 2, "a.nii"),
                    "a.nii: is 3D (2 slices), but dimensions = 2; set dimensions, or use "
                    "volume_slices for slices of volumes");

  const auto header = read_header(folder / "b.nii");
  CHECK(header.pixels.sizes() == List{1, 2, 3, 2});
  CHECK(header.geometry.origin_mm == volume.geometry.origin_mm);
}

TEST_CASE("DICOM values: bits, sign, rescale, MONOCHROME1, colours", "[datasets][io]") {
  const TemporaryFolder folder;
  DicomBytes dicom;
  dicom.spacing = "0.5\\0.25";
  // 12 of 16 bits: 0xF001 carries an overlay in the upper four.
  dicom.pixels = raw(std::vector<std::uint16_t>{0, 1, 4095, 0xF001, 2048, 7});
  const auto plain = read_bytes(folder, "a.dcm", dicom.file());
  CHECK(plain.pixels.scalar_type() == torch::kUInt16);
  CHECK(values(plain.pixels) == List{0, 1, 4095, 1, 2048, 7});
  CHECK(plain.geometry.spacing_mm == std::vector<double>{0.5, 0.25});
  CHECK(plain.info.bits_stored == 12);

  dicom.is_signed = 1;
  const auto is_signed = read_bytes(folder, "b.dcm", dicom.file());
  CHECK(values(is_signed.pixels) == List{0, 1, -1, 1, -2048, 7});

  dicom.slope = "2";
  dicom.intercept = "-1000.5";
  const auto rescaled = read_bytes(folder, "c.dcm", dicom.file());
  CHECK(rescaled.pixels.scalar_type() == torch::kFloat);
  CHECK(rescaled.pixels.index({0, 1, 1}).item<double>() == -2048 * 2 - 1000.5);
  CHECK(rescaled.info.stored_type == "int16");

  dicom.slope = dicom.intercept = "";
  dicom.is_signed = 0;
  dicom.photometric = "MONOCHROME1";
  CHECK(values(read_bytes(folder, "d.dcm", dicom.file()).pixels) ==
        List{4095, 4094, 0, 4094, 2047, 4088});

  DicomBytes colour;
  colour.rows = 1;
  colour.columns = 2;
  colour.samples = 3;
  colour.allocated = colour.stored = 8;
  colour.photometric = "RGB";
  colour.planar = 1;
  colour.pixels = bytes_of_hex("010203040506");  // R R G G B B
  CHECK(values(read_bytes(folder, "e.dcm", colour.file()).pixels) == List{1, 2, 3, 4, 5, 6});
  colour.planar = 0;
  CHECK(values(read_bytes(folder, "f.dcm", colour.file()).pixels) == List{1, 4, 2, 5, 3, 6});
  // Y 100, Cb 128, Cr 228: R = 100 + 1.402 * 100, G = 100 - 71.4, B = 100.
  colour.photometric = "YBR_FULL";
  colour.pixels = bytes_of_hex(
      "648080"
      "6480e4");
  CHECK(values(read_bytes(folder, "g.dcm", colour.file()).pixels) ==
        List{100, 240, 100, 29, 100, 100});
  colour.photometric = "PALETTE COLOR";
  CHECK_THROWS_WITH(read_bytes(folder, "h.dcm", colour.file()),
                    Contains("h.dcm: cannot be read as DICOM (colours stored as PALETTE COLOR are "
                             "not supported; convert it to RGB"));
}

// Compressed by CharLS (pyjpegls 1.5): 12 bits.
TEST_CASE("a JPEG-LS frame in DICOM", "[datasets][io]") {
  const TemporaryFolder folder;
  DicomBytes dicom;
  dicom.rows = 3;
  dicom.columns = 4;
  dicom.syntax = "1.2.840.10008.1.2.4.80";
  dicom.pixels = bytes_of_hex(
      "ffd8fff7000b0c0003000401011100ffda0008010100000000a0c49e2409000b200144fa23b14470ffd9");
  CHECK(values(read_bytes(folder, "a.dcm", dicom.file()).pixels) ==
        List{0, 1, 4095, 7, 100, 200, 300, 400, 5, 5, 5, 5});
  dicom.syntax = "1.2.840.10008.1.2.4.92";  // JPEG 2000, part 2
  CHECK_THROWS_WITH(read_bytes(folder, "b.dcm", dicom.file()),
                    Contains("b.dcm: cannot be read as DICOM (its pixel data (JPEG 2000 Part 2") &&
                        Contains("cannot be decoded: "));
}

namespace {

DicomBytes slice_at(double z) {
  DicomBytes dicom;
  dicom.position = "1\\2\\" + std::to_string(z);
  dicom.orientation = "1\\0\\0\\0\\1\\0";
  dicom.spacing = "0.5\\0.25";
  dicom.pixels = raw(std::vector<std::uint16_t>(6, static_cast<std::uint16_t>(z)));
  return dicom;
}

}  // namespace

TEST_CASE("a DICOM series is sorted by position", "[datasets][io]") {
  const TemporaryFolder folder;
  write_file(folder / "s/a", slice_at(12.5).file());
  write_file(folder / "s/b", slice_at(10).file());
  write_file(folder / "s/c", slice_at(15).file());
  write_file(folder / "s/notes.txt", "not a slice");
  const auto volume = read_image(folder / "s");
  CHECK(volume.pixels.sizes() == List{1, 3, 2, 3});
  CHECK(values(volume.pixels.index({0, torch::indexing::Slice(), 0, 0})) == List{10, 12, 15});
  CHECK(volume.geometry.spacing_mm == std::vector<double>{2.5, 0.5, 0.25});
  CHECK(volume.geometry.origin_mm == std::vector<double>{1, 2, 10});
  CHECK(volume.geometry.direction == std::vector<double>{1, 0, 0, 0, 1, 0, 0, 0, 1});
  CHECK(volume.info.orientation == "LPS");
  CHECK(volume.info.frames == 3);
}

TEST_CASE("what is no regular series is refused by name", "[datasets][io][errors]") {
  const TemporaryFolder folder;
  for (const auto z : {0, 1, 2, 4, 5})
    write_file(folder / ("s/" + std::to_string(z)), slice_at(z).file());
  CHECK_THROWS_WITH(read_image(folder / "s"),
                    Contains("/s: a slice is missing: neighbours lie 2 mm apart, the others 1 mm "
                             "(2 and 4); complete the series"));
  write_file(folder / "s/3", slice_at(3).file());
  CHECK(read_image(folder / "s").pixels.size(1) == 6);
  write_file(folder / "s/6", slice_at(3).file());
  CHECK_THROWS_WITH(read_image(folder / "s"),
                    Contains("two slices have the same position (3 and 6)"));
  write_file(folder / "s/6", slice_at(6.2).file());
  CHECK_THROWS_WITH(read_image(folder / "s"),
                    Contains("slices are not evenly spaced: 1.2 mm against 1 mm (5 and 6)"));
  auto other = slice_at(6);
  other.series = "1.2.4";
  write_file(folder / "s/6", other.file());
  CHECK_THROWS_WITH(
      read_image(folder / "s"),
      Contains("holds more than one series (0 and 6); put each series into a folder"));
  other = slice_at(6);
  other.position = "";
  write_file(folder / "s/6", other.file());
  CHECK_THROWS_WITH(read_image(folder / "s"), Contains("a slice names no position"));
  other = slice_at(6);
  other.position = "1\\5\\6";
  write_file(folder / "s/6", other.file());
  CHECK_THROWS_WITH(read_image(folder / "s"), Contains("sheared by 3 mm (gantry tilt)"));
  other = slice_at(6);
  other.orientation = "0\\1\\0\\0\\0\\1";
  write_file(folder / "s/6", other.file());
  CHECK_THROWS_WITH(read_image(folder / "s"), Contains("the slices are not parallel (0 and 6)"));
  std::filesystem::create_directory(folder / "empty");
  CHECK_THROWS_WITH(read_image(folder / "empty"), Contains("empty: holds no DICOM files"));
}

TEST_CASE("damaged and unknown files are refused with path, cause and advice",
          "[datasets][io][errors]") {
  const TemporaryFolder folder;
  const auto refused = [&](const std::string& name, const std::string& bytes,
                           const std::string& words) {
    write_file(folder / name, bytes);
    INFO(name);
    CHECK_THROWS_AS(read_image(folder / name), DataError);
    CHECK_THROWS_WITH(read_image(folder / name),
                      Contains((folder / name).string() + ": ") && Contains(words));
  };
  NiftiBytes nifti;
  nifti.size = {2, 3, 2};
  nifti.voxels.assign(12, 5);
  const auto whole = nifti.file();
  refused("cut.nii", whole.substr(0, whole.size() - 4), "(it is cut short: 372 of 376 bytes)");
  refused("head.nii", whole.substr(0, 200), "cannot be read as NIfTI");
  {
    const Image image{torch::randint(0, 999, {1, 9, 9, 9}, torch::kInt16), {}, {}};
    write_image(image, folder / "whole.nii.gz");
    const auto packed = read_file(folder / "whole.nii.gz");
    refused("cut.nii.gz", packed.substr(0, packed.size() / 2), "(it is cut short: ");
    write_image(image, folder / "whole.mha");
    const auto meta = read_file(folder / "whole.mha");
    refused("packed.mha", meta.substr(0, meta.size() - 9), "(it is cut short: ");
    CHECK_NOTHROW(read_image(folder / "whole.mha"));
    refused("lone.mhd",
            "NDims = 2\nDimSize = 4 4\nElementType = MET_UCHAR\n"
            "ElementDataFile = lone.raw\n",
            "lone.raw does not exist");
  }
  refused("noise.nii.gz", std::string(500, 'x'), "cannot be read as NIfTI");
  for (std::size_t length = 8; length < kRgb.size(); length += 3)
    refused("cut.png", kRgb.substr(0, length),
            "cannot be read as PNG (it is cut short); the file is");
  refused("empty.png", "", "cannot be read as PNG (it does not start with a PNG signature)");
  auto flipped = kGray16;
  flipped[45] = static_cast<char>(flipped[45] ^ 0x40);
  refused("flipped.png", flipped, "cannot be read as PNG (its IDAT chunk has a wrong checksum)");
  refused("cut.jpg", kJpeg.substr(0, kJpeg.size() - 2),
          "cannot be read as JPEG (Premature end of JPEG file); the file is damaged or truncated, "
          "fetch it again");
  refused("cut.tif", kTiff16.substr(0, 60), "cannot be read as TIFF");
  refused("cut.mha",
          "ObjectType = Image\nNDims = 2\nDimSize = 4 4\nElementType = MET_UCHAR\n"
          "ElementDataFile = LOCAL\nabc",
          "cannot be read as MetaImage");
  refused("cut.nrrd", "NRRD0004\ntype: uint8\ndimension: 2\nsizes: 4 4\nencoding: raw\n\nabc",
          "cannot be read as NRRD");
  refused("notes.txt", "text", "not an image format that is known (.nii .nii.gz");

  DicomBytes dicom;
  dicom.pixels = raw(std::vector<std::uint16_t>(6, 1));
  const auto file = dicom.file();
  refused("cut.dcm", file.substr(0, file.size() - 3), "cannot be read as DICOM (");
  refused("cut_header.dcm", file.substr(0, 220), "cannot be read as DICOM (");
  dicom.pixels = raw(std::vector<std::uint16_t>(5, 1));
  refused("short.dcm", dicom.file(), "its pixel data is cut short: 10 of 12 bytes");
  dicom.with_pixels = false;
  refused("none.dcm", dicom.file(), "(it has no pixel data); fetch it again or leave it out");
  dicom.rows = 0;
  refused("zero.dcm", dicom.file(), "it holds no image");

  CHECK_THROWS_WITH(read_image(folder / "nowhere.png"),
                    (folder / "nowhere.png").string() + ": does not exist; check the path");
  CHECK_THROWS_WITH(
      read_image("nowhere.png"),
      Contains("nowhere.png: does not exist (looked for in ") && Contains("); check the path"));
}

// Each ended the process, went on for minutes or took gigabytes before it was refused.
TEST_CASE("headers that no file can live up to are refused", "[datasets][io][errors]") {
  const TemporaryFolder folder;
  const auto refused = [&](const std::string& name, const std::string& bytes,
                           const std::string& words) {
    INFO(name);
    CHECK_THROWS_AS(read_bytes(folder, name, bytes), DataError);
    CHECK_THROWS_WITH(read_image(folder / name),
                      Contains((folder / name).string() + ": ") && Contains(words));
  };
  NiftiBytes nifti;
  nifti.size = {2, 3, 2};
  nifti.voxels.assign(12, 5);
  const auto with = [&](std::size_t at, const std::string& bytes) {
    return nifti.file().replace(at, bytes.size(), bytes);
  };
  refused("matrix.nii", with(280, raw(-1e38F)), "its affine matrix holds a number that is no");
  refused("size.nii", with(80, raw(std::nanf(""))), "its voxel size holds a number that is no");
  refused("type.nii", with(70, raw(std::int16_t{5})), "voxels of type 5 are not known");
  refused("start.nii", with(108, raw(1e30F)), "its header names no start of the voxels");
  // 7 sides of 32767 have more voxels than 64 bits count.
  refused(
      "sides.nii",
      with(40, raw(std::vector<std::int16_t>{7, 32767, 32767, 32767, 32767, 32767, 32767, 32767})),
      "it is cut short: ");
  // 1032 is the most that deflate can shrink by.
  refused("packed.nii.gz",
          fuzz::gzip_packed(with(40, raw(std::vector<std::int16_t>{3, 32767, 32767, 32767}))),
          "it is cut short: ");
  const auto meta = [](const std::string& lines) {
    return "ObjectType = Image\n" + lines + "ElementDataFile = LOCAL\nabcd";
  };
  refused("packed.mha",
          meta("NDims = 3\nDimSize = 99999 99999 99999\nElementType = MET_SHORT\n"
               "CompressedData = True\nCompressedDataSize = 4\n"),
          "it is cut short: ");
  refused("text.mha",
          meta("NDims = 2\nDimSize = 99999 99999\nElementType = MET_UCHAR\nBinaryData = False\n"),
          "it is cut short: 4 of 19999600002 bytes");
  refused("sides.mha", meta("NDims = 2\nDimSize = 4\nElementType = MET_UCHAR\n"),
          "its DimSize has 1 numbers for 2 dimensions");
  refused("side.mha", meta("NDims = 2\nDimSize = 4 -1\nElementType = MET_UCHAR\n"),
          "its DimSize is '-1', no whole number");
  refused("none.mha", meta("NDims = 2\nDimSize = 4 0\nElementType = MET_UCHAR\n"),
          "it has no pixels");
  refused("axes.mha", meta("NDims = 99\nDimSize = 4\nElementType = MET_UCHAR\n"),
          "its NDims is '99'");
  refused("type.mha", meta("NDims = 2\nDimSize = 2 2\nElementType = MET_STRING\n"),
          "pixels of type 'MET_STRING' are not supported");
  refused("place.mha",
          meta("NDims = 2\nDimSize = 2 2\nElementType = MET_UCHAR\nElementSpacing = 1 nan\n"),
          "its ElementSpacing holds 'nan'");
  refused("places.mha", meta("NDims = 2\nDimSize = 2 2\nElementType = MET_UCHAR\nOffset = 1 2 3\n"),
          "its Offset has 3 numbers, not 2");
  refused("twice.mha", meta("NDims = 2\nNDims = 2\nDimSize = 2 2\nElementType = MET_UCHAR\n"),
          "its header names NDims twice");
  refused("skip.mha", meta("NDims = 2\nDimSize = 2 2\nElementType = MET_UCHAR\nHeaderSize = 7\n"),
          "its HeaderSize is '7'; only 0 and -1 are supported");
  refused("list.mhd", "NDims = 2\nDimSize = 2 2\nElementType = MET_UCHAR\nElementDataFile = LIST\n",
          "one file a slice is not supported; convert it to one .mha");
  refused("large.nrrd",
          "NRRD0004\ntype: uint8\ndimension: 2\nsizes: 99999 99999\nencoding: gzip\n\nabcd",
          "its header names more pixels than it can hold");
  auto large = kGray8;
  large.replace(16, 8, bytes_of_hex("00ffffff00ffffff"));
  refused("large.png", fuzz::with_png_checksums(large),
          "its header names more pixels than it can hold");
  auto kind = kGray8;
  kind[24] = '\3';
  refused("kind.png", fuzz::with_png_checksums(kind),
          "its colour type 0 with 3 bits does not exist");
  auto wide = kJpeg;
  wide.replace(kJpeg.find("\xFF\xC0") + 5, 4, bytes_of_hex("fde8fde8"));
  refused("wide.jpg", wide, "its header names more pixels than it can hold");
  auto damaged = kJpeg;
  damaged[damaged.size() - 4] = '\xFF';
  damaged[damaged.size() - 3] = '\xD5';
  refused("damaged.jpg", damaged, "Corrupt JPEG data");
}

TEST_CASE("NRRD whose pixels lie in a file beside it", "[datasets][io]") {
  const TemporaryFolder folder;
  write_file(folder / "a.raw", std::string(400 * 400, '\7'));
  const auto image = read_bytes(folder, "a.nhdr",
                                "NRRD0004\ntype: uint8\ndimension: 2\nsizes: 400 400\n"
                                "encoding: raw\ndata file: a.raw\n\n");
  CHECK(image.pixels.sizes() == at::IntArrayRef({1, 400, 400}));
  CHECK(image.pixels.eq(7).all().item<bool>());
}

TEST_CASE("packed DICOM that names more pixels than its bytes can stand for",
          "[datasets][io][errors]") {
  const TemporaryFolder folder;
  DicomBytes dicom;
  dicom.syntax = "1.2.840.10008.1.2.4.90";
  dicom.allocated = dicom.stored = 8;
  dicom.pixels = fuzz::jpeg2000_picture();
  const auto refused = [&](const std::string& name) {
    CHECK_THROWS_AS(read_bytes(folder, name, dicom.file()), DataError);
    CHECK_THROWS_WITH(read_image(folder / name),
                      Contains((folder / name).string() + ": cannot be read as DICOM (its header "
                                                          "names more pixels than it can hold)"));
  };
  // 2048 x 2048 may be in a file of any length, and 512 for each byte; 65535 x 65535 are far more.
  dicom.rows = dicom.columns = 65535;
  refused("sides.dcm");
  dicom.rows = dicom.columns = 8;
  dicom.frames = "2000000000";
  refused("frames.dcm");
}

TEST_CASE("JPEG 2000 in DICOM that is not what the header says", "[datasets][io][errors]") {
  const TemporaryFolder folder;
  DicomBytes dicom;
  dicom.syntax = "1.2.840.10008.1.2.4.90";
  dicom.allocated = dicom.stored = 8;
  dicom.rows = dicom.columns = 8;
  dicom.pixels = fuzz::jpeg2000_picture();
  CHECK(read_bytes(folder, "whole.dcm", dicom.file()).pixels.sizes() == at::IntArrayRef({1, 8, 8}));
  const auto refused = [&](const std::string& name, const DicomBytes& bytes,
                           const std::string& words) {
    INFO(name);
    CHECK_THROWS_AS(read_bytes(folder, name, bytes.file()), DataError);
    CHECK_THROWS_WITH(read_image(folder / name),
                      Contains((folder / name).string() + ": cannot be read as DICOM (" + words));
  };
  auto frames = dicom;
  frames.frames = "2 ";
  refused("frames.dcm", frames, "it holds 1 of 2 frames");
  auto size = dicom;
  size.rows = 9;
  refused("size.dcm", size, "its JPEG 2000 pixel data has another size");
  // In its main header, and between the header of its only tile and the tile's bytes.
  for (const std::size_t length : {40, 134}) {
    auto cut = dicom;
    cut.pixels.resize(length);
    refused("cut.dcm", cut, "its JPEG 2000 pixel data cannot be decoded: it is damaged");
  }
}

namespace {

std::string jpeg_segment(int marker, const std::string& content) {
  const auto length = content.size() + 2;
  return std::string{'\xFF', static_cast<char>(marker), static_cast<char>(length >> 8),
                     static_cast<char>(length)} +
         content;
}

/// Header of a scan of all channels, and one bit 0 a block, filled up with 1: each table has this
/// one code, for a difference of 0 or a block without further coefficients (ITU-T T.81, F and G).
std::string jpeg_scan(int channels, int first, int last, int high, int low) {
  std::string head(1, static_cast<char>(channels));
  for (int i = 1; i <= channels; ++i) head += std::string{static_cast<char>(i), '\0'};
  head += {static_cast<char>(first), static_cast<char>(last), static_cast<char>(high << 4 | low)};
  return jpeg_segment(0xDA, head) + "\x7F";
}

/// 8 x 8 pixels of the mean, 128; a frame of `marker`, with the scans to follow.
std::string jpeg_start(int marker, int channels) {
  std::string frame{'\x08', '\0', '\x08', '\0', '\x08', static_cast<char>(channels)};
  for (int i = 1; i <= channels; ++i) frame += std::string{static_cast<char>(i), '\x11', '\0'};
  std::string start = "\xFF\xD8" +
                      jpeg_segment(0xDB, std::string(1, '\0') + std::string(64, '\1')) +
                      jpeg_segment(marker, frame);
  for (const char table : {'\x00', '\x10'})  // for the mean, for the other coefficients
    start += jpeg_segment(0xC4, std::string{table, '\1'} + std::string(15 + 1, '\0'));
  return start;
}

/// The mean first, then each coefficient in four scans, from its fourth bit down to its first.
std::string jpeg_of_scans(int count) {
  auto file = jpeg_start(0xC2, 1) + jpeg_scan(1, 0, 0, 0, 0);
  for (int i = 0; i < count - 1; ++i) {
    const int coefficient = 1 + i / 4, bit = 3 - i % 4;
    file += jpeg_scan(1, coefficient, coefficient, bit == 3 ? 0 : bit + 1, bit);
  }
  return file + "\xFF\xD9";
}

}  // namespace

TEST_CASE("JPEG of four channels or of endless scans is refused", "[datasets][io][errors]") {
  const TemporaryFolder folder;
  CHECK_THROWS_WITH(
      read_bytes(folder, "cmyk.jpg", jpeg_start(0xC0, 4) + jpeg_scan(4, 0, 63, 0, 0) + "\xFF\xD9"),
      Contains("cmyk.jpg: cannot be read as JPEG (it has 4 channels; gray and RGB are supported)"));
  CHECK(values(read_bytes(folder, "most.jpg", jpeg_of_scans(200)).pixels) == List(64, 128));
  CHECK_THROWS_WITH(read_bytes(folder, "more.jpg", jpeg_of_scans(201)),
                    Contains("more.jpg: cannot be read as JPEG (it has more than 200 scans)"));
  CHECK_THROWS_AS(read_image(folder / "more.jpg"), DataError);
}

// Interlaced, with a palette or of fewer bits they go through libpng; these do not.
TEST_CASE("a PNG of every filter has the values that went in", "[datasets][io]") {
  const TemporaryFolder folder;
  for (const int filter : {0, 1, 2, 3, 4})
    for (const auto& [colour, depth] :
         {std::pair{0, 8}, {0, 16}, {2, 8}, {2, 16}, {4, 8}, {6, 16}}) {
      INFO(filter << " " << colour << " " << depth);
      const auto plain = read_bytes(folder, "a.png", fuzz::png_image(9, 7, depth, colour, filter));
      // Every channel of a pixel holds the same ramp, in the upper byte of 16 bits too.
      for (const std::int64_t y : {0, 3, 6})
        for (const std::int64_t x : {0, 5, 8}) {
          const auto want = 20 * y + 3 * x;
          CHECK(plain.pixels[0][y][x].item<std::int64_t>() == (depth == 16 ? 257 * want : want));
        }
    }
}

TEST_CASE("a wrong bit in a packed NIfTI is noticed", "[datasets][io][errors]") {
  const TemporaryFolder folder;
  NiftiBytes nifti;
  nifti.size = {32, 32, 32};  // so large that a reader of the header does not see the end
  for (std::int64_t i = 0; i < 32 * 32 * 32; ++i)
    nifti.voxels.push_back(static_cast<std::int16_t>(i * 7919 % 32768));
  const auto last = nifti.voxels.back();
  auto packed = fuzz::gzip_packed(nifti.file());
  CHECK(values(read_bytes(folder, "a.nii.gz", packed).pixels).back() == last);
  packed[packed.size() - 8] = static_cast<char>(packed[packed.size() - 8] ^ 1);  // of the checksum
  CHECK_THROWS_WITH(read_bytes(folder, "b.nii.gz", packed),
                    Contains("(its compressed voxels are damaged)"));
  // gzip files may be put one behind the other.
  const auto whole = nifti.file();
  const auto parts =
      fuzz::gzip_packed(whole.substr(0, 9000)) + fuzz::gzip_packed(whole.substr(9000));
  CHECK(values(read_bytes(folder, "c.nii.gz", parts).pixels).back() == last);
}

TEST_CASE("what is written is read back with its geometry", "[datasets][io]") {
  const TemporaryFolder folder;
  Image image;
  image.pixels = torch::arange(24, torch::kInt16).view({1, 2, 3, 4}) - 7;
  // A rotation by 30 degrees about z.
  const double c = std::sqrt(0.75);
  image.geometry = {{3, 2, 1.5}, {-10, 20, 5}, {c, -0.5, 0, 0.5, c, 0, 0, 0, 1}};
  for (const auto* name : {"a.nii", "a.nii.gz", "a.mha", "a.mhd", "a.nrrd"}) {
    INFO(name);
    write_image(image, folder / name);
    const auto back = read_image(folder / name);
    CHECK(back.pixels.scalar_type() == torch::kInt16);
    CHECK(torch::equal(back.pixels, image.pixels));
    for (std::size_t i = 0; i < 3; ++i) {  // NIfTI keeps float32
      CHECK(back.geometry.spacing_mm[i] == Approx(image.geometry.spacing_mm[i]).epsilon(1e-6));
      CHECK(back.geometry.origin_mm[i] == Approx(image.geometry.origin_mm[i]).epsilon(1e-6));
    }
    for (std::size_t i = 0; i < 9; ++i)
      CHECK(back.geometry.direction[i] == Approx(image.geometry.direction[i]).margin(1e-6));
  }
  const auto picture = torch::arange(24, torch::kUInt8).view({3, 2, 4});
  write_png(picture, folder / "p.png");
  CHECK(torch::equal(read_image(folder / "p.png").pixels, picture));
  const auto deep = torch::tensor({{{0, 300}, {65535, 9}}}, torch::kInt32).to(torch::kUInt16);
  write_image({deep, {}, {}}, folder / "deep.png");
  CHECK(values(read_image(folder / "deep.png").pixels) == List{0, 300, 65535, 9});
}

TEST_CASE("what cannot be written is refused", "[datasets][io][errors]") {
  const TemporaryFolder folder;
  const Image volume{torch::zeros({1, 2, 2, 2}), {}, {}};
  CHECK_THROWS_WITH(write_image(volume, folder / "a.png"),
                    Contains("a.png: a PNG holds a 2D image"));
  CHECK_THROWS_WITH(write_image(volume, folder / "a.jpg"),
                    Contains("a.jpg: images are written as"));
  for (const auto* name : {"missing/a.nii.gz", "missing/a.mha", "missing/a.nrrd"})
    CHECK_THROWS_WITH(write_image(volume, folder / name),
                      Contains(std::string(name) + ": cannot be written"));
  CHECK_THROWS_WITH(write_png(torch::zeros({1, 2, 2}, torch::kUInt8), folder / "missing/a.png"),
                    Contains("cannot be written"));
  CHECK_THROWS_WITH(write_png(torch::zeros({1, 2, 2}), folder / "a.png"),
                    "picture: expected uint8 [1, H, W] or [3, H, W]");
}

TEST_CASE("a disk without room for the file is said", "[datasets][io][errors]") {
  const TemporaryFolder folder;
  torch::manual_seed(1);
  const auto noise = torch::randint(0, 256, {1, 64, 64}, torch::kUInt8);  // cannot be compressed
  const auto refusal = [&](const std::string& name) -> std::string {
    try {
      write_image({noise, {}, {}}, folder / name);
    } catch (const DataError& error) {
      return error.what();
    }
    return "";
  };
  const auto advice = Contains("; check that the disk has room");
  for (const std::string name : {"a.nii", "a.nii.gz", "a.mha", "a.nrrd"}) {
    std::string said;
    {
      const FileSizeLimit limit(1000);
      said = refusal(name);
    }
    CHECK_THAT(said, Contains(name + ": cannot be written (") && advice);
  }
  // /dev/full answers every write as a full disk does.
  std::filesystem::create_symlink("/dev/full", folder / "a.png");
  CHECK_THAT(refusal("a.png"),
             Contains("a.png: cannot be written (No space left on device)") && advice);
}
