# Writes OUTPUT, a C++ source with the page's style, script and Chart.js as text.
#   cmake -DOUTPUT=assets.cpp -DSTYLE=report.css -DSCRIPT=report.js -DCHART_JS=chart.min.js -P embed.cmake
set(source "#include \"assets.h\"\n
#ifdef __clang__
#pragma clang diagnostic ignored \"-Woverlength-strings\"
#endif\n
namespace covector::report {\n")
foreach(name STYLE SCRIPT CHART_JS)
  file(READ ${${name}} text)
  string(FIND "${text}" ")embedded\"" clash)
  string(FIND "${text}" "</script" ends)
  if(NOT clash EQUAL -1 OR NOT ends EQUAL -1)
    message(FATAL_ERROR "${${name}} holds text that would end the literal or the script element")
  endif()
  set(${name}_TEXT "R\"embedded(${text})embedded\"")
endforeach()
file(WRITE ${OUTPUT} "${source}
const std::string_view kStyle = ${STYLE_TEXT};

const std::string_view kScript = ${SCRIPT_TEXT};

const std::string_view kChartJs = ${CHART_JS_TEXT};

}  // namespace covector::report
")
