#include "support/catch.h"

#include "html.h"

namespace covector::report {
namespace {

TEST_CASE("text is safe between tags and in attributes", "[report]") {
  CHECK(escape("<img src=x onerror=\"alert('1')\"> & more") ==
        "&lt;img src=x onerror=&quot;alert(&#39;1&#39;)&quot;&gt; &amp; more");
  CHECK(escape("Leber (größer) 肝") == "Leber (größer) 肝");
}

TEST_CASE("bytes that are no UTF-8 become U+FFFD", "[report]") {
  const std::string replaced = "\xEF\xBF\xBD";
  CHECK(escape("a\xFFz") == "a" + replaced + "z");
  CHECK(escape("cut \xE2\x82") == "cut " + replaced + replaced);    // a euro sign without its end
  CHECK(escape("\xC0\xBC") == replaced + replaced);                 // '<' in a form too long
  CHECK(escape("\xED\xA0\x80") == replaced + replaced + replaced);  // half of a surrogate pair
  CHECK(escape(std::string("\0\x1B", 2)) == replaced + replaced);   // controls
  CHECK(escape("a\nb\tc") == "a\nb\tc");
}

TEST_CASE("JSON cannot end the script element it stands in", "[report]") {
  CHECK(inside_script(R"({"a": "</script><!--"})") == R"({"a": "\u003c/script>\u003c!--"})");
}

TEST_CASE("base64 as in RFC 4648, section 10", "[report]") {
  CHECK(base64("") == "");
  CHECK(base64("f") == "Zg==");
  CHECK(base64("fo") == "Zm8=");
  CHECK(base64("foo") == "Zm9v");
  CHECK(base64("foob") == "Zm9vYg==");
  CHECK(base64("fooba") == "Zm9vYmE=");
  CHECK(base64("foobar") == "Zm9vYmFy");
  CHECK(base64("\xFF\xFE\xFD") == "//79");
}

TEST_CASE("numbers as a table shows them", "[report]") {
  CHECK(number(81.256) == "81.26");
  CHECK(number(-0.5) == "−0.50");
  CHECK(number(-0.001) == "0.00");
  CHECK(number(3.0, 0) == "3");
  CHECK(number(std::nullopt) == "–");
  CHECK(signed_number(1.5) == "+1.50");
  CHECK(signed_number(-1.5) == "−1.50");
  CHECK(signed_number(0.001) == "0.00");
}

}  // namespace
}  // namespace covector::report
