#include "dicom.h"
#include "jpeg2000.h"

#include "covector/core/error.h"

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dcdatset.h>
#include <dcmtk/dcmdata/dcdeftag.h>
#include <dcmtk/dcmdata/dcfilefo.h>
#include <dcmtk/dcmdata/dcpixel.h>
#include <dcmtk/dcmdata/dcpixseq.h>
#include <dcmtk/dcmdata/dcpxitem.h>
#include <dcmtk/dcmdata/dcrledrg.h>
#include <dcmtk/dcmdata/dcsequen.h>
#include <dcmtk/dcmdata/dcxfer.h>
#include <dcmtk/dcmjpeg/djdecode.h>
#include <dcmtk/dcmjpls/djdecode.h>
#include <dcmtk/oflog/oflog.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <mutex>

namespace covector::datasets::io {
namespace {

// What cannot be read; load_dicom() adds the path.
struct Refusal {
  std::string what;
};

void prepare_library() {
  static std::once_flag once;
  std::call_once(once, [] {
    OFLog::configure(OFLogger::OFF_LOG_LEVEL);
    DJDecoderRegistration::registerCodecs();
    DJLSDecoderRegistration::registerCodecs();
    DcmRLEDecoderRegistration::registerCodecs();
  });
}

struct Rescale {
  double slope = 1;
  double intercept = 0;
  bool identity() const { return slope == 1 && intercept == 0; }
};

/// How the numbers in the pixel data are to be understood.
struct Layout {
  std::int64_t rows = 0, columns = 0, frames = 1, samples = 1;
  int allocated = 16, stored = 16, high = 15;
  bool is_signed = false;
  bool planar = false;
  std::int64_t values() const { return rows * columns * frames * samples; }
  PixelType type() const {
    if (allocated <= 8) return is_signed ? PixelType::int8 : PixelType::uint8;
    if (allocated == 16) return is_signed ? PixelType::int16 : PixelType::uint16;
    return is_signed ? PixelType::int32 : PixelType::uint32;
  }
};

std::int64_t integer(DcmItem& item, const DcmTagKey& tag, std::int64_t otherwise) {
  Uint16 value = 0;
  return item.findAndGetUint16(tag, value).good() ? value : otherwise;
}

std::string text(DcmItem& item, const DcmTagKey& tag) {
  OFString value;
  item.findAndGetOFString(tag, value);
  return {value.c_str(), value.size()};
}

std::vector<double> numbers(DcmItem& item, const DcmTagKey& tag, unsigned long count) {
  std::vector<double> out(count);
  for (unsigned long i = 0; i < count; ++i)
    if (item.findAndGetFloat64(tag, out[i], i).bad()) return {};
  return out;
}

Layout layout_of(DcmItem& data) {
  Layout layout;
  layout.rows = integer(data, DCM_Rows, 0);
  layout.columns = integer(data, DCM_Columns, 0);
  layout.samples = integer(data, DCM_SamplesPerPixel, 1);
  layout.allocated = static_cast<int>(integer(data, DCM_BitsAllocated, 16));
  layout.stored = static_cast<int>(integer(data, DCM_BitsStored, layout.allocated));
  layout.high = static_cast<int>(integer(data, DCM_HighBit, layout.stored - 1));
  layout.is_signed = integer(data, DCM_PixelRepresentation, 0) == 1;
  layout.planar = layout.samples > 1 && integer(data, DCM_PlanarConfiguration, 0) == 1;
  Sint32 frames = 1;
  if (data.findAndGetSint32(DCM_NumberOfFrames, frames).good()) layout.frames = frames;
  if (layout.rows < 1 || layout.columns < 1 || layout.frames < 1)
    throw Refusal{"it holds no image"};
  if (layout.stored < 1 || layout.stored > layout.allocated || layout.high >= layout.allocated ||
      layout.high + 1 < layout.stored)
    throw Refusal{"its bit layout is impossible (" + std::to_string(layout.stored) + " of " +
                  std::to_string(layout.allocated) + " bits stored, high bit " +
                  std::to_string(layout.high) + ")"};
  return layout;
}

// The bytes of the decoded pixel data, little-endian.
std::vector<std::byte> decoded_bytes(DcmDataset& data) {
  DcmElement* element = nullptr;
  if (data.findAndGetElement(DCM_PixelData, element).bad()) throw Refusal{"it has no pixel data"};
  const auto syntax = DcmXfer(data.getOriginalXfer());
  if (const auto status = data.chooseRepresentation(EXS_LittleEndianExplicit, nullptr);
      status.bad())
    throw Refusal{"its pixel data (" + std::string(syntax.getXferName()) +
                  ") cannot be decoded: " + status.text()};
  data.findAndGetElement(DCM_PixelData, element);
  const void* source = nullptr;
  Uint16* words = nullptr;
  Uint8* bytes = nullptr;
  if (element->getUint16Array(words).good() && words)
    source = words;
  else if (element->getUint8Array(bytes).good() && bytes)
    source = bytes;
  if (!source) throw Refusal{"its pixel data is cut short"};
  std::vector<std::byte> out(element->getLength(EXS_LittleEndianExplicit));
  std::memcpy(out.data(), source, out.size());
  return out;
}

template <class Stored>
std::int64_t value_at(const std::byte* bytes, std::int64_t index) {
  Stored value;
  std::memcpy(&value, bytes + static_cast<std::size_t>(index) * sizeof(Stored), sizeof(Stored));
  return static_cast<std::int64_t>(value);
}

// Bits outside [high + 1 - stored, high] may hold overlays and are dropped; the sign is extended.
std::int64_t stored_value(std::int64_t raw, const Layout& layout) {
  auto value =
      (raw >> (layout.high + 1 - layout.stored)) & ((std::int64_t{1} << layout.stored) - 1);
  if (layout.is_signed && ((value >> (layout.stored - 1)) & 1))
    value -= std::int64_t{1} << layout.stored;
  return value;
}

std::vector<std::int64_t> native_values(const std::vector<std::byte>& bytes, const Layout& layout) {
  const auto count = layout.values();
  const auto needed = (count * layout.allocated + 7) / 8;
  if (static_cast<std::int64_t>(bytes.size()) < needed)
    throw Refusal{"its pixel data is cut short: " + std::to_string(bytes.size()) + " of " +
                  std::to_string(needed) + " bytes"};
  std::vector<std::int64_t> out(static_cast<std::size_t>(count));
  for (std::int64_t i = 0; i < count; ++i) {
    std::int64_t raw = 0;
    switch (layout.allocated) {
      case 1:
        raw = (std::to_integer<int>(bytes[static_cast<std::size_t>(i / 8)]) >> (i % 8)) & 1;
        break;
      case 8:
        raw = value_at<std::uint8_t>(bytes.data(), i);
        break;
      case 16:
        raw = value_at<std::uint16_t>(bytes.data(), i);
        break;
      case 32:
        raw = value_at<std::uint32_t>(bytes.data(), i);
        break;
      default:
        throw Refusal{std::to_string(layout.allocated) + " bits a value are not supported"};
    }
    out[static_cast<std::size_t>(i)] = stored_value(raw, layout);
  }
  return out;
}

// The fragments of the pixel data, those of a frame put together: a frame starts where a picture
// does.
std::vector<Bytes> jpeg2000_frames(DcmDataset& data) {
  DcmElement* element = nullptr;
  DcmPixelSequence* sequence = nullptr;
  if (data.findAndGetElement(DCM_PixelData, element).bad()) throw Refusal{"it has no pixel data"};
  auto* pixels = dynamic_cast<DcmPixelData*>(element);
  if (!pixels ||
      pixels->getEncapsulatedRepresentation(data.getOriginalXfer(), nullptr, sequence).bad())
    throw Refusal{"its pixel data is not compressed as it says"};
  std::vector<Bytes> frames;
  for (unsigned long i = 1; i < sequence->card(); ++i) {  // 0: the table of offsets
    DcmPixelItem* item = nullptr;
    Uint8* bytes = nullptr;
    if (sequence->getItem(item, i).bad() || item->getUint8Array(bytes).bad() || !bytes)
      throw Refusal{"its pixel data is cut short"};
    const ByteSpan fragment(reinterpret_cast<const std::byte*>(bytes), item->getLength());
    if (frames.empty() || starts_jpeg2000(fragment)) frames.emplace_back();
    frames.back().insert(frames.back().end(), fragment.begin(), fragment.end());
  }
  return frames;
}

std::vector<std::int64_t> jpeg2000_values(DcmDataset& data, Layout& layout) {
  const auto frames = jpeg2000_frames(data);
  if (static_cast<std::int64_t>(frames.size()) != layout.frames)
    throw Refusal{"it holds " + std::to_string(frames.size()) + " of " +
                  std::to_string(layout.frames) + " frames"};
  std::vector<std::int64_t> values;
  values.reserve(static_cast<std::size_t>(layout.values()));
  try {
    for (const auto& frame : frames)
      decode_jpeg2000(frame, {layout.rows, layout.columns, layout.samples}, values);
  } catch (const std::runtime_error& error) {
    throw Refusal{error.what()};
  }
  layout.planar = false;
  // As stored bits, whether the picture's own header says that they are signed or not.
  for (auto& value : values)
    value = stored_value(value << (layout.high + 1 - layout.stored), layout);
  return values;
}

// One colour takes almost no bytes: a picture of 2048 x 2048 is taken at its word, beyond that each
// byte may stand for so many values. JPEG takes at least a bit for 64 of them.
void check_possible(const Layout& layout, const std::filesystem::path& path) {
  constexpr std::uint64_t kAtItsWord = 2048 * 2048;
  constexpr std::uint64_t kValuesAByte = 512;
  auto count = product(static_cast<std::uint64_t>(layout.rows * layout.columns),
                       static_cast<std::uint64_t>(layout.samples));
  count = product(count, static_cast<std::uint64_t>(layout.frames));
  if (count > kAtItsWord + product(std::filesystem::file_size(path), kValuesAByte))
    throw Refusal{"its header names more pixels than it can hold"};
}

template <class Value, class Convert>
std::vector<std::byte> packed(std::int64_t count, const Convert& convert) {
  std::vector<std::byte> out(static_cast<std::size_t>(count) * sizeof(Value));
  for (std::int64_t i = 0; i < count; ++i) {
    const auto value = static_cast<Value>(convert(static_cast<std::size_t>(i)));
    std::memcpy(out.data() + static_cast<std::size_t>(i) * sizeof(Value), &value, sizeof(Value));
  }
  return out;
}

void store(const std::vector<std::int64_t>& values, const std::vector<Rescale>& rescale,
           const Layout& layout, RawImage& image) {
  const auto count = layout.values();
  const bool identity =
      std::all_of(rescale.begin(), rescale.end(), [](const Rescale& r) { return r.identity(); });
  if (!identity) {
    const auto frame = static_cast<std::size_t>(count / layout.frames);
    image.type = PixelType::float32;
    image.pixels = packed<float>(count, [&](std::size_t i) {
      const auto& r = rescale[rescale.size() == 1 ? 0 : i / frame];
      return r.slope * static_cast<double>(values[i]) + r.intercept;
    });
    return;
  }
  const auto as_is = [&](std::size_t i) { return values[i]; };
  image.type = layout.type();
  switch (bytes_of(image.type)) {
    case 1:
      image.pixels = packed<std::uint8_t>(count, as_is);
      break;
    case 2:
      image.pixels = packed<std::uint16_t>(count, as_is);
      break;
    default:
      image.pixels = packed<std::uint32_t>(count, as_is);
  }
}

// Colour planes one after the other within each frame become RGB triples.
void interleave(std::vector<std::int64_t>& values, Layout& layout) {
  const auto plane = static_cast<std::size_t>(layout.rows * layout.columns);
  const auto samples = static_cast<std::size_t>(layout.samples);
  const auto source = values;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto frame = i / (plane * samples);
    const auto inside = i % (plane * samples);
    values[(frame * plane + inside % plane) * samples + inside / plane] = source[i];
  }
  layout.planar = false;
}

// YCbCr of 8 bits to RGB: ITU-T T.871, as DICOM PS3.3 C.7.6.3.1.2 defines YBR_FULL.
void ybr_to_rgb(std::vector<std::int64_t>& values) {
  const auto byte = [](double v) { return std::clamp<std::int64_t>(std::llround(v), 0, 255); };
  for (std::size_t i = 0; i + 2 < values.size(); i += 3) {
    const auto y = static_cast<double>(values[i]);
    const auto blue = static_cast<double>(values[i + 1] - 128);
    const auto red = static_cast<double>(values[i + 2] - 128);
    values[i] = byte(y + 1.402 * red);
    values[i + 1] = byte(y - 0.344136 * blue - 0.714136 * red);
    values[i + 2] = byte(y + 1.772 * blue);
  }
}

void interpret_colours(const std::string& photometric, const Layout& layout,
                       std::vector<std::int64_t>& values) {
  if (photometric == "MONOCHROME1") {
    // Bright means dark: mirrored over the range that the bits can hold.
    const auto span = (std::int64_t{1} << layout.stored) - 1;
    const auto mirror = layout.is_signed ? std::int64_t{-1} : span;
    for (auto& value : values) value = mirror - value;
  } else if (photometric == "YBR_FULL" && layout.allocated == 8) {
    ybr_to_rgb(values);
  } else if (photometric == "PALETTE COLOR" || photometric == "YBR_FULL" ||
             photometric == "YBR_FULL_422") {
    throw Refusal{"colours stored as " + photometric +
                  " are not supported; convert it to RGB (dcmconv, dcmdjpeg)"};
  }
}

DcmItem* sub_item(DcmItem* group, const DcmTagKey& sequence) {
  DcmItem* item = nullptr;
  if (group) group->findAndGetSequenceItem(sequence, item);
  return item;
}

// What the functional groups of a multi-frame file say of one frame: its own group, else the
// shared.
struct FrameGroups {
  DcmItem* own;
  DcmItem* shared;
  DcmItem* find(const DcmTagKey& sequence) const {
    auto* item = sub_item(own, sequence);
    return item ? item : sub_item(shared, sequence);
  }
};

FrameGroups groups_of(DcmItem& data, std::int64_t frame) {
  FrameGroups groups{nullptr, nullptr};
  data.findAndGetSequenceItem(DCM_SharedFunctionalGroupsSequence, groups.shared);
  data.findAndGetSequenceItem(DCM_PerFrameFunctionalGroupsSequence, groups.own,
                              static_cast<signed long>(frame));
  return groups;
}

Rescale rescale_in(DcmItem& item) {
  Rescale rescale;
  if (item.findAndGetFloat64(DCM_RescaleSlope, rescale.slope).bad()) rescale.slope = 1;
  if (item.findAndGetFloat64(DCM_RescaleIntercept, rescale.intercept).bad()) rescale.intercept = 0;
  if (rescale.slope == 0) throw Refusal{"its rescale slope is 0"};
  return rescale;
}

std::vector<Rescale> rescale_of(DcmItem& data, const Layout& layout) {
  if (sub_item(&data, DCM_ModalityLUTSequence))
    throw Refusal{"its modality lookup table is not supported; only slope and intercept are"};
  std::vector<Rescale> out;
  for (std::int64_t frame = 0; frame < layout.frames; ++frame) {
    auto* item = groups_of(data, frame).find(DCM_PixelValueTransformationSequence);
    if (!item) return {rescale_in(data)};
    out.push_back(rescale_in(*item));
  }
  return out;
}

std::optional<Plane> plane_from(DcmItem* orientation, DcmItem* position) {
  if (!orientation || !position) return std::nullopt;
  const auto cosines = numbers(*orientation, DCM_ImageOrientationPatient, 6);
  const auto place = numbers(*position, DCM_ImagePositionPatient, 3);
  if (cosines.empty() || place.empty()) return std::nullopt;
  return Plane{{place[0], place[1], place[2]},
               {cosines[0], cosines[1], cosines[2]},
               {cosines[3], cosines[4], cosines[5]}};
}

std::vector<double> pixel_spacing(DcmItem& data) {
  auto* measures = groups_of(data, 0).find(DCM_PixelMeasuresSequence);
  auto spacing = numbers(measures ? *measures : data, DCM_PixelSpacing, 2);
  // Projection images name the spacing at the detector.
  if (spacing.empty()) spacing = numbers(data, DCM_ImagerPixelSpacing, 2);
  const bool positive =
      std::all_of(spacing.begin(), spacing.end(), [](double mm) { return mm > 0; });
  return positive ? spacing : std::vector<double>{};
}

std::string letters(const Plane& plane) {
  std::string out;
  for (const auto& axis : {plane.along_x, plane.along_y}) {
    std::size_t main = 0;
    for (std::size_t i = 1; i < 3; ++i)
      if (std::abs(axis[i]) > std::abs(axis[main])) main = i;
    out += axis[main] > 0 ? "LPS"[main] : "RAI"[main];
  }
  return out;
}

// Reorders the frames of a regular stack by position. Frames that make no stack (a film, several
// echoes of one slice) stay in file order, without geometry.
void place_frames(DcmItem& data, RawImage& image) {
  std::vector<Plane> planes;
  for (std::int64_t frame = 0; frame < image.frames; ++frame) {
    const auto groups = groups_of(data, frame);
    const auto plane = plane_from(groups.find(DCM_PlaneOrientationSequence),
                                  groups.find(DCM_PlanePositionSequence));
    if (!plane) break;
    planes.push_back(*plane);
  }
  const bool placed = static_cast<std::int64_t>(planes.size()) == image.frames;
  const auto stack = placed ? stack_of(planes) : Stack{};
  if (!placed || !stack.problem.empty() || image.spacing_mm.empty()) {
    image.spacing_mm.clear();
    return;
  }
  place_stack(planes, stack, image);
  const auto bytes = image.pixels.size() / planes.size();
  const auto source = image.pixels;
  for (std::size_t i = 0; i < planes.size(); ++i)
    std::memcpy(image.pixels.data() + i * bytes, source.data() + stack.order[i] * bytes, bytes);
}

void place_single(DicomFile& file, DcmItem& data) {
  auto& image = file.image;
  file.plane = plane_from(&data, &data);
  if (file.plane) image.orientation = letters(*file.plane);
  if (image.spacing_mm.empty()) return;
  image.origin_mm = {0, 0};
  image.direction = {1, 0, 0, 1};
}

DicomFile load(const std::filesystem::path& path) {
  prepare_library();
  DcmFileFormat format;
  if (const auto status = format.loadFile(path.c_str()); status.bad()) throw Refusal{status.text()};
  auto& data = *format.getDataset();
  auto layout = layout_of(data);
  const auto rescale = layout.samples == 1 ? rescale_of(data, layout) : std::vector{Rescale{}};
  const auto syntax = data.getOriginalXfer();
  const bool jpeg2000 = syntax == EXS_JPEG2000 || syntax == EXS_JPEG2000LosslessOnly;
  if (DcmXfer(syntax).isEncapsulated()) check_possible(layout, path);
  std::vector<std::int64_t> values;
  if (jpeg2000) {
    values = jpeg2000_values(data, layout);
  } else {
    const auto bytes = decoded_bytes(data);
    layout = layout_of(data);  // a decoder may have changed it
    values = native_values(bytes, layout);
  }
  if (layout.planar) interleave(values, layout);
  const auto photometric = text(data, DCM_PhotometricInterpretation);
  interpret_colours(photometric, layout, values);

  DicomFile file;
  auto& image = file.image;
  image.format = "DICOM";
  image.photometric = photometric;
  image.bits_stored = layout.stored;
  image.frames = layout.frames;
  image.components = layout.samples;
  image.size = {layout.rows, layout.columns};
  if (layout.frames > 1) image.size.insert(image.size.begin(), layout.frames);
  image.stored_type = layout.allocated == 1 ? "1 bit" : name_of(layout.type());
  store(values, rescale, layout, image);
  image.spacing_mm = pixel_spacing(data);
  if (layout.frames > 1)
    place_frames(data, image);
  else
    place_single(file, data);
  file.series = text(data, DCM_SeriesInstanceUID);
  return file;
}

}  // namespace

DicomFile load_dicom(const std::filesystem::path& path) {
  try {
    return load(path);
  } catch (const Refusal& refusal) {
    throw DataError(path.string() + ": cannot be read as DICOM (" + refusal.what +
                    "); fetch it again or leave it out");
  }
}

RawImage read_dicom_file(const std::filesystem::path& path) {
  return load_dicom(path).image;
}

}  // namespace covector::datasets::io
