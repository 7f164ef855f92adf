#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace covector::report {

/// Text safe between tags and inside quoted attributes. Bytes that are not UTF-8 and control
/// characters become U+FFFD.
std::string escape(std::string_view text);

/// JSON text safe inside a <script> element: no '<' is left that could end it.
std::string inside_script(std::string_view json);

/// Base64 as RFC 4648 has it.
std::string base64(std::string_view bytes);

/// A PNG file as a data URI; throws DataError when it cannot be read or is no PNG.
std::string png_uri(const std::filesystem::path& file);

/// "1 run", "2 runs".
std::string counted(std::size_t n, const std::string& noun);

/// A table in a frame of its own, in which it scrolls, by keyboard too, where the page is too
/// narrow for it; its first column stays in view.
/// @param label    what the frame is called
/// @param classes  further ones of the frame: "tall" scrolls down as well, "broad" prints on its
/// side
std::string framed(const std::string& table, const std::string& label,
                   const std::string& classes = {});

/// A number for a table: `digits` after the point, a true minus sign, "–" for none.
std::string number(std::optional<double> value, int digits = 2);
/// A number of no known size: to four digits.
std::string significant(std::optional<double> value);
/// A difference: as number(), with a plus sign where it is positive.
std::string signed_number(double value, int digits = 2);

}  // namespace covector::report
