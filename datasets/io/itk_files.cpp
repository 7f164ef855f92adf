#include "formats.h"
#include "meta_header.h"
#include "nifti_file.h"
#include "picture_files.h"
#include "raw_image.h"
#include "unpack.h"

#include "covector/core/error.h"

#include <itkMetaDataObject.h>
#include <itkMetaImageIO.h>
#include <itkNiftiImageIO.h>
#include <itkNrrdImageIO.h>
#include <itkPNGImageIO.h>
#include <itkTIFFImageIO.h>
#include <nifti1_io.h>

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <fstream>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <system_error>

// The ImageIO classes are used by themselves, without ITK's readers and factories: no pixel type is
// a template argument, nothing is registered, and nothing starts threads.

namespace covector::datasets::io {
namespace {

void silence() {
  static std::once_flag once;
  std::call_once(once, [] {
    itk::Object::SetGlobalWarningDisplay(false);
    nifti_set_debug_level(0);
  });
}

itk::ImageIOBase::Pointer io_of(Format format) {
  switch (format) {
    case Format::nifti:
      return itk::NiftiImageIO::New().GetPointer();
    case Format::meta:
      return itk::MetaImageIO::New().GetPointer();
    case Format::nrrd:
      return itk::NrrdImageIO::New().GetPointer();
    case Format::png:
      return itk::PNGImageIO::New().GetPointer();
    case Format::tiff:
      return itk::TIFFImageIO::New().GetPointer();
    case Format::jpeg:
    case Format::gif:
    case Format::dicom:
      break;  // read by other libraries
  }
  return nullptr;
}

using Component = itk::IOComponentEnum;

PixelType pixel_type(const itk::ImageIOBase& io) {
  // LONG and LONGLONG are both 64 bits wide here.
  switch (io.GetComponentType()) {
    case Component::UCHAR:
      return PixelType::uint8;
    case Component::CHAR:
      return PixelType::int8;
    case Component::USHORT:
      return PixelType::uint16;
    case Component::SHORT:
      return PixelType::int16;
    case Component::UINT:
      return PixelType::uint32;
    case Component::INT:
      return PixelType::int32;
    case Component::ULONG:
    case Component::ULONGLONG:
      return PixelType::uint64;
    case Component::LONG:
    case Component::LONGLONG:
      return PixelType::int64;
    case Component::FLOAT:
      return PixelType::float32;
    case Component::DOUBLE:
      return PixelType::float64;
    default:
      throw std::runtime_error("pixel type " +
                               itk::ImageIOBase::GetComponentTypeAsString(io.GetComponentType()) +
                               " is not supported");
  }
}

Component component_of(PixelType type) {
  constexpr std::array kComponents{
      Component::UCHAR, Component::CHAR,  Component::USHORT, Component::SHORT, Component::UINT,
      Component::INT,   Component::ULONG, Component::LONG,   Component::FLOAT, Component::DOUBLE};
  return kComponents[static_cast<std::size_t>(type)];
}

// NIfTI with a slope is rescaled by ITK, which then reports the type of the result.
std::string stored_type(const itk::ImageIOBase& io, Format format, PixelType type) {
  static const std::map<std::string, std::string> kNifti{
      {"2", "uint8"},    {"4", "int16"},    {"8", "int32"},    {"16", "float32"},
      {"64", "float64"}, {"128", "uint8"},  {"256", "int8"},   {"512", "uint16"},
      {"768", "uint32"}, {"1024", "int64"}, {"1280", "uint64"}};
  std::string code;
  if (format == Format::nifti &&
      itk::ExposeMetaData<std::string>(io.GetMetaDataDictionary(), "datatype", code))
    if (const auto hit = kNifti.find(code); hit != kNifti.end()) return hit->second;
  return std::string(name_of(type));
}

void take_geometry(const itk::ImageIOBase& io, std::size_t dimensions, RawImage& image) {
  for (std::size_t axis = dimensions; axis-- > 0;)
    image.spacing_mm.push_back(io.GetSpacing(static_cast<unsigned>(axis)));
  for (std::size_t row = 0; row < dimensions; ++row) {
    image.origin_mm.push_back(io.GetOrigin(static_cast<unsigned>(row)));
    for (std::size_t column = 0; column < dimensions; ++column)
      image.direction.push_back(io.GetDirection(static_cast<unsigned>(column))[row]);
  }
}

void read_pixels(itk::ImageIOBase& io, RawImage& image) {
  itk::ImageIORegion region(io.GetNumberOfDimensions());
  for (unsigned axis = 0; axis < io.GetNumberOfDimensions(); ++axis) {
    region.SetIndex(axis, 0);
    region.SetSize(axis, io.GetDimensions(axis));
  }
  io.SetIORegion(region);
  image.pixels.resize(static_cast<std::size_t>(io.GetImageSizeInBytes()));
  io.Read(image.pixels.data());
}

// ITK places the image; the voxels do not pass through it where they are plain numbers.
void read_voxels(const NiftiFile& file, itk::ImageIOBase& io, RawImage& image) {
  if (file.header().plain_type()) return file.read_voxels(image);
  file.check_whole();
  read_pixels(io, image);
}

bool holds_its_pixels(const std::filesystem::path& nrrd) {
  std::ifstream file(nrrd, std::ios::binary);
  for (std::string line; std::getline(file, line) && !line.empty() && line != "\r";)
    if (line.rfind("data file:", 0) == 0 || line.rfind("datafile:", 0) == 0) return false;
  return true;
}

// gzip is the most that ITK's NRRD can be packed by.
void check_possible_nrrd(const itk::ImageIOBase& io, const std::filesystem::path& path) {
  if (!holds_its_pixels(path)) return;
  auto bytes = product(io.GetNumberOfComponents(), io.GetComponentSize());
  for (unsigned axis = 0; axis < io.GetNumberOfDimensions(); ++axis)
    bytes = product(bytes, io.GetDimensions(axis));
  if (bytes > product(std::filesystem::file_size(path), kDeflateRatio))
    throw std::runtime_error("its header names more pixels than it can hold");
}

// One at a time: ITK's readers of headers fill static strings (InsightSoftwareConsortium/ITK#2003),
// and two threads there free one string twice. Pixels are read in parallel.
void read_header(itk::ImageIOBase& io) {
  static std::mutex mutex;
  const std::lock_guard lock(mutex);
  io.ReadImageInformation();
}

RawImage read(const std::filesystem::path& path, Format format, Pixels pixels, Palette palette) {
  if (format == Format::png) return read_png(path, pixels, palette);
  if (format == Format::jpeg) return read_jpeg(path, pixels);
  silence();
  std::optional<NiftiFile> nifti;
  if (format == Format::nifti) nifti.emplace(path);
  if (format == Format::meta) check_whole_meta(path);
  const auto io = io_of(format);
  io->SetFileName(path.string());
  read_header(*io);
  if (format == Format::nrrd) check_possible_nrrd(*io, path);
  if (io->GetPixelType() == itk::IOPixelEnum::COMPLEX)
    throw std::runtime_error("complex pixels are not supported");

  RawImage image;
  image.format = name_of(format);
  image.type = pixel_type(*io);
  image.stored_type = stored_type(*io, format, image.type);
  image.components = io->GetNumberOfComponents();
  auto dimensions = static_cast<std::size_t>(io->GetNumberOfDimensions());
  while (dimensions > 3 && io->GetDimensions(static_cast<unsigned>(dimensions - 1)) == 1)
    --dimensions;
  // The fourth axis of a NIfTI holds the modalities of a case (as the Medical Decathlon stores
  // them).
  if (dimensions == 4 && image.components == 1) {
    image.components = static_cast<std::int64_t>(io->GetDimensions(3));
    image.planar = true;
    dimensions = 3;
  }
  if (dimensions != 2 && dimensions != 3)
    throw std::runtime_error("it has " + std::to_string(dimensions) +
                             " dimensions; 2 and 3 are supported");
  for (std::size_t axis = dimensions; axis-- > 0;)
    image.size.push_back(static_cast<std::int64_t>(io->GetDimensions(static_cast<unsigned>(axis))));
  if (image.voxels() <= 0) throw std::runtime_error("it has no pixels");
  if (format == Format::nifti || format == Format::meta || format == Format::nrrd)
    take_geometry(*io, dimensions, image);
  if (pixels == Pixels::read) {
    if (nifti)
      read_voxels(*nifti, *io, image);
    else
      read_pixels(*io, image);
  }
  return image;
}

std::string reason(const std::exception& error) {
  if (const auto* itk_error = dynamic_cast<const itk::ExceptionObject*>(&error)) {
    // ITK puts "ITK ERROR: Class(0x...): " and, for some formats, a line break before the cause.
    std::string text = itk_error->GetDescription();
    if (const auto start = text.find("): "); start != std::string::npos) text.erase(0, start + 3);
    std::replace(text.begin(), text.end(), '\n', ' ');
    return text;
  }
  if (dynamic_cast<const std::bad_alloc*>(&error)) return "its header asks for too much memory";
  return error.what();
}

/// ITK closes a PNG twice when the disk is full, which ends the process: it writes to memory, and
/// the file is written from there.
void write_by_memory(itk::ImageIOBase& io, const void* pixels, const std::filesystem::path& path) {
  const int memory = ::memfd_create("image", MFD_CLOEXEC);
  if (memory < 0) throw std::system_error(errno, std::generic_category());
  const auto name = "/proc/self/fd/" + std::to_string(memory);
  const auto close = [](const int* descriptor) { ::close(*descriptor); };
  const std::unique_ptr<const int, decltype(close)> closed(&memory, close);
  io.SetFileName(name);
  io.Write(pixels);
  errno = 0;
  std::ofstream out(path, std::ios::binary);
  out << std::ifstream(name, std::ios::binary).rdbuf();
  out.close();
  if (!out) throw std::system_error(errno ? errno : EIO, std::generic_category());
}

}  // namespace

RawImage read_with_itk(const std::filesystem::path& path, Pixels pixels, Palette palette) {
  const auto format = format_of(path);
  try {
    return read(path, format, pixels, palette);
  } catch (const std::exception& error) {
    throw DataError(path.string() + ": cannot be read as " + std::string(name_of(format)) + " (" +
                    reason(error) + "); the file is damaged or truncated, fetch it again");
  }
}

void write_with_itk(const RawImage& image, const std::filesystem::path& path) {
  silence();
  // ITK's writers report a file that cannot be opened on the console, some of them only there.
  if (!std::ofstream(path, std::ios::binary))
    throw DataError(path.string() +
                    ": cannot be written; check that the folder exists and is writable");
  const auto format = format_of(path);
  const auto dimensions = static_cast<unsigned>(image.size.size());
  try {
    const auto io = io_of(format);
    io->SetNumberOfDimensions(dimensions);
    itk::ImageIORegion region(dimensions);
    for (unsigned axis = 0; axis < dimensions; ++axis) {
      const auto side = image.size[dimensions - 1 - axis];
      io->SetDimensions(axis, static_cast<itk::SizeValueType>(side));
      region.SetSize(axis, static_cast<itk::SizeValueType>(side));
      region.SetIndex(axis, 0);
      if (image.spacing_mm.empty()) continue;
      io->SetSpacing(axis, image.spacing_mm[dimensions - 1 - axis]);
      io->SetOrigin(axis, image.origin_mm[axis]);
      std::vector<double> column;
      for (unsigned row = 0; row < dimensions; ++row)
        column.push_back(image.direction[row * dimensions + axis]);
      io->SetDirection(axis, column);
    }
    io->SetIORegion(region);
    io->SetComponentType(component_of(image.type));
    io->SetNumberOfComponents(static_cast<unsigned>(image.components));
    io->SetPixelType(image.components == 1   ? itk::IOPixelEnum::SCALAR
                     : image.components == 3 ? itk::IOPixelEnum::RGB
                                             : itk::IOPixelEnum::VECTOR);
    io->SetUseCompression(true);
    if (format == Format::png) {
      write_by_memory(*io, image.pixels.data(), path);
    } else {
      io->SetFileName(path.string());
      io->Write(image.pixels.data());
    }
    // Their writers do not say when the disk is full.
    if (format == Format::nifti) NiftiFile(path).check_whole();
    if (format == Format::meta) check_whole_meta(path);
  } catch (const std::exception& error) {
    throw DataError(path.string() + ": cannot be written (" + reason(error) +
                    "); check that the disk has room");
  }
}

}  // namespace covector::datasets::io
