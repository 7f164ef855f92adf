#include "html.h"

#include "covector/core/error.h"

#include <fmt/format.h>

#include <cmath>
#include <fstream>
#include <iterator>

namespace covector::report {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

// Bytes of the well-formed UTF-8 character that begins at `at`; 0 when none does (Unicode 15, table
// 3-7).
std::size_t character_length(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) {
    return at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : 0U;
  };
  const auto lead = byte(0);
  if (lead < 0x80) return 1;
  const std::size_t length = lead < 0xC2   ? 0
                             : lead < 0xE0 ? 2
                             : lead < 0xF0 ? 3
                             : lead < 0xF5 ? 4
                                           : 0;
  for (std::size_t i = 1; i < length; ++i)
    if ((byte(i) & 0xC0) != 0x80) return 0;
  const auto second = byte(1);
  if ((lead == 0xE0 && second < 0xA0) || (lead == 0xED && second > 0x9F) ||
      (lead == 0xF0 && second < 0x90) || (lead == 0xF4 && second > 0x8F))
    return 0;
  return length;
}

}  // namespace

std::string escape(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const auto length = character_length(text, at);
    const auto c = static_cast<unsigned char>(text[at]);
    if (length == 0 || (c < 0x20 && c != '\n' && c != '\t') || c == 0x7F)
      out += kReplacement;
    else if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (c == '"')
      out += "&quot;";
    else if (c == '\'')
      out += "&#39;";
    else
      out += text.substr(at, length);
    at += length == 0 ? 1 : length;
  }
  return out;
}

std::string inside_script(std::string_view json) {
  std::string out;
  for (const auto c : json)
    if (c == '<')
      out += "\\u003c";
    else
      out += c;
  return out;
}

std::string base64(std::string_view bytes) {
  static constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 3; ++k)
      group = group << 8 | (i + k < bytes.size() ? static_cast<unsigned char>(bytes[i + k]) : 0U);
    for (std::size_t k = 0; k < 4; ++k)
      out += i + k <= bytes.size() ? kDigits[group >> (18 - 6 * k) & 63U] : '=';
  }
  return out;
}

std::string png_uri(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(in), {}};
  if (!in.good() && !in.eof()) throw DataError(file.string() + ": cannot be read");
  if (bytes.substr(0, 8) != "\x89PNG\r\n\x1A\n") throw DataError(file.string() + ": is not a PNG");
  return "data:image/png;base64," + base64(bytes);
}

std::string counted(std::size_t n, const std::string& noun) {
  return fmt::format("{} {}{}", n, noun, n == 1 ? "" : "s");
}

std::string framed(const std::string& table, const std::string& label, const std::string& classes) {
  return fmt::format(
      "<div class=\"scroll{}{}\" tabindex=\"0\" role=\"region\" aria-label=\"{}\">{}</div>",
      classes.empty() ? "" : " ", classes, escape(label), table);
}

std::string number(std::optional<double> value, int digits) {
  if (!value || !std::isfinite(*value)) return "–";
  auto text = fmt::format("{:.{}f}", std::abs(*value), digits);
  const auto is_zero = text.find_first_not_of("0.") == std::string::npos;
  return *value < 0 && !is_zero ? "−" + text : text;
}

std::string significant(std::optional<double> value) {
  if (!value || !std::isfinite(*value)) return "–";
  const auto text = fmt::format("{:.4g}", std::abs(*value));
  return *value < 0 ? "−" + text : text;
}

std::string signed_number(double value, int digits) {
  const auto text = number(value, digits);
  const auto is_zero = text.find_first_not_of("0.") == std::string::npos;
  return value > 0 && !is_zero ? "+" + text : text;
}

}  // namespace covector::report
