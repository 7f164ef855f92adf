#include "formats.h"

#include "pack.h"

#include "covector/core/error.h"
#include "covector/datasets/csv.h"
#include "covector/datasets/image.h"
#include "covector/datasets/splits.h"
#include "datasets/files.h"

#include <torch/types.h>

#include <algorithm>
#include <functional>

namespace covector::fuzz {
namespace {

using namespace covector::testing;

// Each made by Pillow 13, 24 x 16 pixels with a ramp.
const std::string kJpegColour = bytes_of_hex(
    "ffd8ffe000104a46494600010100000100010000ffdb004300100b0c0e0c0a100e0d0e1211101318281a181616"
    "183123251d283a333d3c3933383740485c4e404457453738506d51575f626768673e4d71797064785c656763ff"
    "db0043011112121815182f1a1a2f63423842636363636363636363636363636363636363636363636363636363"
    "6363636363636363636363636363636363636363636363ffc00011080010001803012200021101031101ffc400"
    "1500010100000000000000000000000000000003ffc4001510010100000000000000000000000000000200ffc4"
    "00160101010100000000000000000000000000050406ffc4001911000300030000000000000000000000000003"
    "04022122ffda000c03010002110311003f00b2545289524a254a22924094a29490c55a344a9393ffd9");
const std::string kJpegProgressive = bytes_of_hex(
    "ffd8ffe000104a46494600010100000100010000ffdb004300100b0c0e0c0a100e0d0e1211101318281a181616"
    "183123251d283a333d3c3933383740485c4e404457453738506d51575f626768673e4d71797064785c656763ff"
    "db0043011112121815182f1a1a2f63423842636363636363636363636363636363636363636363636363636363"
    "6363636363636363636363636363636363636363636363ffc20011080010001803012200021101031101ffc400"
    "1500010100000000000000000000000000000002ffc400160101010100000000000000000000000000040305ff"
    "da000c03010002100310000001b84120411a3fffc40014100100000000000000000000000000000020ffda0008"
    "0101000105025fffc40017110003010000000000000000000000000000020321ffda0008010301013f01948596"
    "1fffc400161101010100000000000000000000000000020001ffda0008010201013f0126c37fffc40014100100"
    "000000000000000000000000000020ffda0008010100063f025fffc40015100101000000000000000000000000"
    "00000100ffda0008010100013f21596596596fffda000c0301000200030000001017dfffc40014110100000000"
    "000000000000000000000010ffda0008010301013f103dffc40015110101000000000000000000000000000000"
    "21ffda0008010201013f10717fffc40014100100000000000000000000000000000020ffda0008010100013f10"
    "4001ffd9");
// 4 x 3 pixels of 12 bits, by CharLS.
const std::string kJpegLs = bytes_of_hex(
    "ffd8fff7000b0c0003000401011100ffda0008010100000000a0c49e2409000b200144fa23b14470ffd9");

// Every other byte of a ramp: it neither shrinks to nothing nor is it noise.
std::string ramp(std::size_t length) {
  std::string out(length, '\0');
  for (std::size_t i = 0; i < length; ++i) out[i] = static_cast<char>(i * 7);
  return out;
}

std::vector<std::string> nifti_seeds() {
  std::vector<std::string> seeds;
  for (const std::vector<std::int16_t>& size :
       {std::vector<std::int16_t>{5, 4}, {5, 4, 3}, {4, 3, 2, 2}}) {
    NiftiBytes nifti;
    nifti.size = size;
    std::int64_t count = 1;
    for (const auto side : size) count *= side;
    for (std::int64_t i = 0; i < count; ++i)
      nifti.voxels.push_back(static_cast<std::int16_t>(i * 300));
    nifti.slope = size.size() == 3 ? 0.5F : 0;
    seeds.push_back(nifti.file());
  }
  // An extension of 16 bytes between header and voxels.
  auto extended = seeds[1];
  extended.replace(108, 4, raw(368.0F));
  extended.replace(348, 1, 1, '\1');
  extended.insert(352, raw(std::int32_t{16}) + raw(std::int32_t{6}) + std::string("comment\0", 8));
  seeds.push_back(extended);
  return seeds;
}

std::vector<std::string> meta_seeds() {
  const std::string head =
      "ObjectType = Image\nNDims = 3\nBinaryData = True\nBinaryDataByteOrderMSB = False\n";
  const std::string place =
      "TransformMatrix = 1 0 0 0 1 0 0 0 1\nOffset = -10 20.5 5\nElementSpacing = 0.5 0.5 2\n";
  const auto packed = zlib_packed(ramp(120));
  return {head + "CompressedData = False\n" + place +
              "DimSize = 5 4 3\nElementType = MET_SHORT\nElementDataFile = LOCAL\n" + ramp(120),
          head + "CompressedData = True\nCompressedDataSize = " + std::to_string(packed.size()) +
              "\n" + place + "PatientAge = 045Y\nDimSize = 5 4 3\nElementType = MET_USHORT\n" +
              "ElementDataFile = LOCAL\n" + packed,
          "NDims = 2\nDimSize = 6 4\nElementNumberOfChannels = 3\nElementType = MET_UCHAR\n"
          "ElementDataFile = LOCAL\n" +
              ramp(72),
          "NDims = 2\nBinaryData = False\nDimSize = 3 2\nElementType = MET_FLOAT\n"
          "ElementDataFile = LOCAL\n1.5 2 3 -4 5 6e3\n"};
}

std::vector<std::string> nrrd_seeds() {
  const std::string place =
      "space: left-posterior-superior\nspace directions: (0.5,0,0) (0,0.5,0) (0,0,2)\n"
      "space origin: (-10,20.5,5)\nkinds: domain domain domain\n";
  const std::string volume = "type: short\ndimension: 3\nsizes: 5 4 3\nendian: little\n";
  return {"NRRD0004\n" + volume + place + "encoding: raw\n\n" + ramp(120),
          "NRRD0004\n" + volume + "encoding: gzip\n\n" + gzip_packed(ramp(120)),
          "NRRD0001\n# a comment\ntype: float\ndimension: 2\nsizes: 3 2\nspacings: 1 2\n"
          "encoding: ascii\n\n1.5 2 3 -4 5 6e3\n"};
}

// Interlaced with four colours, and two colours; by Pillow 13.
std::vector<std::string> gif_seeds() {
  return {
      bytes_of_hex("47494638376105000900810000000000ff000000ff000a141e2c000000000500090000081600"
                   "01041030402041830507263ca810a1c386100f0604003b"),
      bytes_of_hex("47494638376106000400810000ffffff0000000000000000002c000000000600040000080f00"
                   "03081c281080c1810601101c1810003b")};
}

std::vector<std::string> png_seeds() {
  // Colour type and depths, PNG specification, table 11.1.
  const std::vector<std::pair<int, std::vector<int>>> kinds{
      {0, {1, 2, 4, 8, 16}}, {2, {8, 16}}, {3, {1, 4, 8}}, {4, {8, 16}}, {6, {8, 16}}};
  std::vector<std::string> seeds;
  for (const auto& [colour, depths] : kinds)
    for (const int depth : depths)
      for (const bool interlaced : {false, true})
        seeds.push_back(png_packed({9, 7, depth, colour, interlaced}));
  return seeds;
}

std::vector<std::string> dicom_seeds() {
  std::vector<std::string> seeds;
  const auto add = [&](const std::function<void(DicomBytes&)>& set) {
    DicomBytes dicom;
    set(dicom);
    if (dicom.pixels.empty())
      dicom.pixels = ramp(std::size_t{dicom.rows} * dicom.columns * dicom.samples *
                          (dicom.frames.empty() ? 1 : 3) * dicom.allocated / 8);
    seeds.push_back(dicom.file());
  };
  add([](DicomBytes& d) {
    d.position = "1\\2\\3";
    d.orientation = "1\\0\\0\\0\\1\\0";
    d.spacing = "0.5\\0.25";
  });
  add([](DicomBytes& d) {
    d.is_signed = 1;
    d.slope = "2";
    d.intercept = "-1024";
    d.frames = "3 ";
  });
  add([](DicomBytes& d) {
    d.samples = 3;
    d.planar = 1;
    d.allocated = d.stored = 8;
    d.photometric = "RGB";
    d.rows = d.columns = 4;
  });
  add([](DicomBytes& d) {
    d.allocated = d.stored = 8;
    d.photometric = "MONOCHROME1";
    d.rows = 4;
    d.columns = 6;
  });
  add([](DicomBytes& d) {
    d.syntax = "1.2.840.10008.1.2.4.50";  // JPEG baseline
    d.allocated = d.stored = 8;
    d.samples = 3;
    d.photometric = "YBR_FULL_422";
    d.rows = 16;
    d.columns = 24;
    d.pixels = kJpegColour;
  });
  add([](DicomBytes& d) {
    d.syntax = "1.2.840.10008.1.2.4.80";  // JPEG-LS
    d.rows = 3;
    d.columns = 4;
    d.pixels = kJpegLs;
  });
  add([](DicomBytes& d) {
    d.syntax = "1.2.840.10008.1.2.4.90";  // JPEG 2000
    d.allocated = d.stored = 8;
    d.rows = d.columns = 8;
    d.pixels = jpeg2000_picture();
  });
  add([](DicomBytes& d) {
    d.syntax = "1.2.840.10008.1.2.5";  // RLE: 64 bytes of header, eight times the byte 9
    d.allocated = d.stored = 8;
    d.rows = 2;
    d.columns = 4;
    d.pixels = raw(std::uint32_t{1}) + raw(std::uint32_t{64}) + std::string(56, '\0') + "\xF9\x09";
  });
  return seeds;
}

// Whether it is refused or not, each way of reading is tried.
template <class... Ways>
void try_each(const Ways&... ways) {
  const auto attempt = [](const auto& way) {
    try {
      way();
    } catch (const DataError&) {
      // a refusal is an answer
    }
  };
  (attempt(ways), ...);
}

void read_image_file(const std::filesystem::path& path) {
  using namespace covector::datasets;
  try_each([&] { read_header(path); }, [&] { read_image(path); },
           [&] { read_image(path, Palette::indices); });
}

void read_table(const std::filesystem::path& path) {
  using namespace covector::datasets;
  try_each([&] { CsvTable{path}.column("split"); }, [&] { read_split_file(path, 0); },
           [&] { read_split_list(path, Split::train); });
}

std::string gzip_anew(const std::string& bytes, Random& random) {
  auto packed = gzip_packed(bytes);
  // One in four is damaged outside as well.
  return random.below(4) ? packed : mutate(packed, packed, random);
}

std::string png_anew(const std::string& bytes, Random& random) {
  return random.below(4) ? with_png_checksums(bytes) : bytes;
}

}  // namespace

std::string Format::file(std::uint64_t number) const {
  Random random(number);
  const auto& seed = seeds[random.below(seeds.size())];
  const auto& other = seeds[random.below(seeds.size())];
  const auto changed = mutate(seed, other, random);
  return finish ? finish(changed, random) : changed;
}

std::vector<Format> formats() {
  const auto dicom = dicom_seeds();
  return {
      {"nifti", ".nii", nifti_seeds(), nullptr, read_image_file, 1},
      {"nifti-gz", ".nii.gz", nifti_seeds(), gzip_anew, read_image_file, kDeflateRatio},
      {"mha", ".mha", meta_seeds(), nullptr, read_image_file, kDeflateRatio},
      // A bit may become a byte, or an index a colour of four channels.
      {"png", ".png", png_seeds(), png_anew, read_image_file, 8 * kDeflateRatio},
      // At least one bit for 8 x 8 pixels, of up to four channels.
      {"jpeg", ".jpg", {kJpegColour, kJpegProgressive}, nullptr, read_image_file, 2048},
      // LZW: a code of 12 bits stands for at most 4096 pixels, which may become colours.
      {"gif", ".gif", gif_seeds(), nullptr, read_image_file, 4 * 2731},
      {"nrrd", ".nrrd", nrrd_seeds(), nullptr, read_image_file, kDeflateRatio},
      {"dicom", ".dcm", dicom, nullptr, read_image_file, 2048},
      {"csv",
       ".csv",
       {"id,split,note\ncase_1,train,\"a, b\"\ncase_2,test,\r\ncase_3,val,x\n",
        "\xEF\xBB\xBFpatient,class\n1,2\n2,3\n"},
       nullptr,
       read_table,
       64},
      {"json",
       ".json",
       {R"([{"train": ["a", "b"], "val": ["c"]}, {"train": ["c"], "val": ["a", "b"]}])",
        R"({"name": "x", "labels": {"0": "b"}, "training": [{"image": ["./i/a.nii.gz", "./i/b.nii.gz"],
        "label": "l"}], "test": ["./i/c.nii.gz"]})"},
       nullptr,
       read_table,
       64}};
}

}  // namespace covector::fuzz
