#pragma once

#include <string_view>

namespace covector::report {

// Made from page/ and the Chart.js of the system when the plug-in is built.
extern const std::string_view kStyle;
extern const std::string_view kScript;
extern const std::string_view kChartJs;

}  // namespace covector::report
