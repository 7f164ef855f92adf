#include "jpeg2000.h"

#include <openjpeg.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <stdexcept>

namespace covector::datasets::io {
namespace {

// The first box of a JP2 file, ISO/IEC 15444-1, annex I.5.1.
constexpr std::array<unsigned char, 8> kJp2{0, 0, 0, 12, 'j', 'P', ' ', ' '};
// Start of codestream and its size, annex A.4.
constexpr std::array<unsigned char, 4> kCodestream{0xFF, 0x4F, 0xFF, 0x51};

template <std::size_t count>
bool starts_with(ByteSpan bytes, const std::array<unsigned char, count>& mark) {
  return bytes.size() >= count && std::memcmp(bytes.data(), mark.data(), count) == 0;
}

struct Source {
  ByteSpan bytes;
  std::size_t at = 0;
};

// OpenJPEG's three callbacks; the end is told as -1.
OPJ_SIZE_T give(void* out, OPJ_SIZE_T count, void* user) {
  auto& source = *static_cast<Source*>(user);
  const auto given = std::min<std::size_t>(count, source.bytes.size() - source.at);
  if (given == 0) return static_cast<OPJ_SIZE_T>(-1);
  std::memcpy(out, source.bytes.data() + source.at, given);
  source.at += given;
  return given;
}
OPJ_OFF_T skip(OPJ_OFF_T count, void* user) {
  auto& source = *static_cast<Source*>(user);
  const auto left = source.bytes.size() - source.at;
  if (count < 0 || left == 0) return -1;
  const auto skipped = std::min<std::size_t>(static_cast<std::size_t>(count), left);
  source.at += skipped;
  return static_cast<OPJ_OFF_T>(skipped);
}
OPJ_BOOL seek(OPJ_OFF_T place, void* user) {
  auto& source = *static_cast<Source*>(user);
  if (place < 0 || static_cast<std::size_t>(place) > source.bytes.size()) return OPJ_FALSE;
  source.at = static_cast<std::size_t>(place);
  return OPJ_TRUE;
}

using Stream = std::unique_ptr<opj_stream_t, decltype(&opj_stream_destroy)>;
using Codec = std::unique_ptr<opj_codec_t, decltype(&opj_destroy_codec)>;
using Picture = std::unique_ptr<opj_image_t, decltype(&opj_image_destroy)>;

Stream stream_of(Source& source) {
  Stream stream(opj_stream_default_create(OPJ_TRUE), opj_stream_destroy);
  if (!stream) throw std::bad_alloc();
  opj_stream_set_user_data(stream.get(), &source, nullptr);
  opj_stream_set_user_data_length(stream.get(), source.bytes.size());
  opj_stream_set_read_function(stream.get(), give);
  opj_stream_set_skip_function(stream.get(), skip);
  opj_stream_set_seek_function(stream.get(), seek);
  return stream;
}

void check_size(const opj_image_t& picture, const PictureSize& size) {
  const auto fits = [&](const opj_image_comp_t& component) {
    return component.dx == 1 && component.dy == 1 && component.w == size.columns &&
           component.h == size.rows && component.prec <= 31;
  };
  if (picture.numcomps != size.channels ||
      !std::all_of(picture.comps, picture.comps + picture.numcomps, fits))
    throw std::runtime_error("its JPEG 2000 pixel data has another size");
}

}  // namespace

bool starts_jpeg2000(ByteSpan bytes) {
  return starts_with(bytes, kJp2) || starts_with(bytes, kCodestream);
}

void decode_jpeg2000(ByteSpan packed, const PictureSize& size, std::vector<std::int64_t>& values) {
  const std::runtime_error damaged("its JPEG 2000 pixel data cannot be decoded: it is damaged");
  Source source{packed};
  const auto stream = stream_of(source);
  const Codec codec(
      opj_create_decompress(starts_with(packed, kJp2) ? OPJ_CODEC_JP2 : OPJ_CODEC_J2K),
      opj_destroy_codec);
  opj_dparameters_t parameters;
  opj_set_default_decoder_parameters(&parameters);
  if (!codec || !opj_setup_decoder(codec.get(), &parameters)) throw std::bad_alloc();
  opj_image_t* header = nullptr;
  const bool known = opj_read_header(stream.get(), codec.get(), &header);
  const Picture picture(header, opj_image_destroy);
  if (!known || !picture) throw damaged;
  check_size(*picture, size);
  if (!opj_decode(codec.get(), stream.get(), picture.get()) ||
      !opj_end_decompress(codec.get(), stream.get()))
    throw damaged;
  check_size(*picture, size);
  const auto pixels = static_cast<std::size_t>(size.rows * size.columns);
  for (OPJ_UINT32 channel = 0; channel < picture->numcomps; ++channel)
    if (!picture->comps[channel].data) throw damaged;
  for (std::size_t i = 0; i < pixels; ++i)
    for (OPJ_UINT32 channel = 0; channel < picture->numcomps; ++channel)
      values.push_back(picture->comps[channel].data[i]);
}

}  // namespace covector::datasets::io
