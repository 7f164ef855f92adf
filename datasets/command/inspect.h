#pragma once

#include <iosfwd>
#include <string>
#include <vector>

namespace covector::data_command {

/// Says what each file holds, as text or as one JSON array. Throws DataError.
void inspect(const std::vector<std::string>& files, bool as_json, std::ostream& out);

}  // namespace covector::data_command
