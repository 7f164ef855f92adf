#include "picture_files.h"
#include "unpack.h"

#include <cstdio>  // jpeglib.h needs it

#include <jpeglib.h>

#include <jerror.h>

#include <algorithm>
#include <array>
#include <csetjmp>
#include <stdexcept>

namespace covector::datasets::io {
namespace {

// Each 8 x 8 pixels take at least one bit, which codes how the block's mean differs.
constexpr std::uint64_t kPixelsAByte = 512;
// A file with more would only be made to keep a reader busy.
constexpr int kMostScans = 200;

struct Decoder {
  jpeg_decompress_struct state{};
  jpeg_error_mgr errors{};
  std::jmp_buf back;
  std::array<char, JMSG_LENGTH_MAX> error{};

  Decoder() = default;
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;
  ~Decoder() { jpeg_destroy_decompress(&state); }
};

void give_up(j_common_ptr state) {
  auto& decoder = *static_cast<Decoder*>(state->client_data);
  state->err->format_message(state, decoder.error.data());
  std::longjmp(decoder.back, 1);
}

// A warning of libjpeg means that it fills what is missing or damaged with gray, but for these.
void heed(j_common_ptr state, int level) {
  constexpr std::array kHarmless{JWRN_EXTRANEOUS_DATA, JWRN_ADOBE_XFORM, JWRN_JFIF_MAJOR,
                                 JWRN_TOO_MUCH_DATA};
  const auto code = state->err->msg_code;
  if (level < 0 && std::find(kHarmless.begin(), kHarmless.end(), code) == kHarmless.end())
    give_up(state);
}

// libjpeg reports an error by a jump to here: no object with a destructor lives in these two.

bool start(Decoder& decoder, const unsigned char* bytes, std::size_t count) {
  auto& state = decoder.state;
  state.err = jpeg_std_error(&decoder.errors);
  state.client_data = &decoder;
  decoder.errors.error_exit = give_up;
  decoder.errors.emit_message = heed;
  if (setjmp(decoder.back)) return false;
  jpeg_create_decompress(&state);
  jpeg_mem_src(&state, bytes, static_cast<unsigned long>(count));
  jpeg_read_header(&state, TRUE);
  state.out_color_space = state.num_components == 1 ? JCS_GRAYSCALE : JCS_RGB;
  return true;
}

// Scan by scan, so that their number can be limited.
bool take_rows(Decoder& decoder, unsigned char* out, std::size_t row_bytes, bool& endless) {
  auto& state = decoder.state;
  if (setjmp(decoder.back)) return false;
  state.buffered_image = jpeg_has_multiple_scans(&state);
  jpeg_start_decompress(&state);
  if (state.buffered_image) {
    while (!jpeg_input_complete(&state)) {
      jpeg_consume_input(&state);
      if (state.input_scan_number > kMostScans) {
        endless = true;
        return false;
      }
    }
    jpeg_start_output(&state, state.input_scan_number);
  }
  while (state.output_scanline < state.output_height) {
    auto* row = out + row_bytes * state.output_scanline;
    jpeg_read_scanlines(&state, &row, 1);
  }
  if (state.buffered_image) jpeg_finish_output(&state);
  jpeg_finish_decompress(&state);
  return true;
}

}  // namespace

RawImage read_jpeg(const std::filesystem::path& path, Pixels pixels) {
  const auto bytes = file_bytes(path);
  Decoder decoder;
  const auto* data = reinterpret_cast<const unsigned char*>(bytes.data());
  if (!start(decoder, data, bytes.size())) throw std::runtime_error(decoder.error.data());
  const auto& state = decoder.state;
  if (state.num_components != 1 && state.num_components != 3)
    throw std::runtime_error("it has " + std::to_string(state.num_components) +
                             " channels; gray and RGB are supported");
  if (product(state.image_width, state.image_height) > product(bytes.size(), kPixelsAByte))
    throw std::runtime_error("its header names more pixels than it can hold");
  RawImage image;
  image.format = "JPEG";
  image.type = PixelType::uint8;
  image.stored_type = "uint8";
  image.components = state.num_components;
  image.size = {state.image_height, state.image_width};
  if (pixels == Pixels::skip) return image;
  const auto row_bytes =
      static_cast<std::size_t>(state.image_width) * static_cast<std::size_t>(state.num_components);
  image.pixels.resize(state.image_height * row_bytes);
  bool endless = false;
  if (!take_rows(decoder, reinterpret_cast<unsigned char*>(image.pixels.data()), row_bytes,
                 endless))
    throw std::runtime_error(endless ? "it has more than " + std::to_string(kMostScans) + " scans"
                                     : decoder.error.data());
  return image;
}

}  // namespace covector::datasets::io
