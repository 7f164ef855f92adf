#include "support/catch.h"

#include "covector/core/registry.h"

using namespace covector;

namespace {

struct Inner {
  double low = 0.5;
  static void describe(Schema<Inner>& schema) {
    schema.field("low", &Inner::low).doc("a bound").between(0.0, 1.0);
  }
};

struct Options {
  std::int64_t radius = 2;
  std::vector<std::int64_t> groups = {4, 1};
  std::string form = "paper";
  std::optional<double> clip;
  Inner inner;
  Parts chain;
  static void describe(Schema<Options>& schema) {
    schema.summary("A part for this test.");
    schema.field("radius", &Options::radius).doc("reach").unit("voxel").between(1, 4);
    schema.field("groups", &Options::groups).doc("groups").at_least(1);
    schema.field("form", &Options::form).doc("which form").one_of({"paper", "released"});
    schema.field("clip", &Options::clip).doc("norm").more_than(0.0);
    schema.field("inner", &Options::inner).doc("a table in a table");
    schema.field("chain", &Options::chain).doc("parts");
    schema.rule([](const Options& o) {
      return o.radius == 4 && o.form == "released" ? "'released' has no radius 4" : std::string();
    });
  }
};

// Gives the sub-table another default than it has by itself.
struct Bounds {
  double low = 0.5;
  double high = 1;
  static void describe(Schema<Bounds>& schema) {
    schema.field("low", &Bounds::low).doc("lower bound");
    schema.field("high", &Bounds::high).doc("upper bound");
    schema.rule([](const Bounds& b) { return b.low < b.high ? "" : "'low' must be below 'high'"; });
  }
};

struct Tuned {
  Bounds bounds{0.5, 0.75};
  static void describe(Schema<Tuned>& schema) {
    schema.field("bounds", &Tuned::bounds).doc("bounds");
  }
};

SourceLocation line(std::uint32_t number) {
  return {"r.toml", number, 5};
}

OptionValue value(OptionValue v, std::uint32_t number) {
  v.where = line(number);
  return v;
}

}  // namespace

TEST_CASE("an empty table gives the defaults", "[schema]") {
  const auto options = schema_of<Options>().parse({}, "method");
  CHECK(options.radius == 2);
  CHECK_FALSE(options.clip.has_value());
}

TEST_CASE("every problem of a table is reported at once, with its place", "[schema][errors]") {
  OptionTable inner{{"low", value(2.0, 7)}};
  OptionTable table{{"type", "x"},
                    {"radus", value(3, 2)},
                    {"radius", value(9, 3)},
                    {"groups", value(OptionArray{4, 0}, 4)},
                    {"form", value("papr", 5)},
                    {"clip", value("much", 6)},
                    {"inner", inner}};
  CHECK_THROWS_WITH(schema_of<Options>().parse(table, "method"),
                    "[method] is not valid:\n"
                    "  r.toml:2:5: unknown option 'radus'; did you mean 'radius'?\n"
                    "  r.toml:3:5: 'radius' must be between 1 and 4\n"
                    "  r.toml:4:5: 'groups' must be at least 1\n"
                    "  r.toml:5:5: 'form' must be one of \"paper\", \"released\"\n"
                    "  r.toml:6:5: 'clip' must be number, got \"much\"\n"
                    "[method.inner] is not valid:\n"
                    "  r.toml:7:5: 'low' must be between 0.0 and 1.0");
}

TEST_CASE("a problem is reported once", "[schema][errors]") {
  Problems problems;
  for (const auto* section : {"loop", "loop", "task"}) problems.add(section, line(4), "too much");
  CHECK(problems.text() ==
        "[loop] is not valid:\n  r.toml:4:5: too much\n"
        "[task] is not valid:\n  r.toml:4:5: too much");
}

TEST_CASE("a rule over several fields is checked when each field is sound", "[schema][errors]") {
  OptionTable table{{"radius", 4}, {"form", "released"}};
  table.where = line(1);
  CHECK_THROWS_WITH(schema_of<Options>().parse(table, "method"),
                    "[method] is not valid:\n  r.toml:1:5: 'released' has no radius 4");
}

TEST_CASE("dump and parse are each other's inverse, and an integer serves as a number",
          "[schema]") {
  OptionTable table{
      {"radius", 3}, {"clip", 1}, {"chain", OptionArray{OptionTable{{"type", "noise"}}}}};
  const auto schema = schema_of<Options>();
  const auto dumped = schema.dump(schema.parse(table, "method"));
  CHECK(to_toml(dumped) ==
        "{ radius = 3, groups = [4, 1], form = \"paper\", clip = 1.0, inner = { low = 0.5 }, chain "
        "= [{ "
        "type = \"noise\" }] }");
  CHECK(to_toml(schema.dump(schema.parse(dumped, "method"))) == to_toml(dumped));
}

TEST_CASE("the reference row of a field", "[schema]") {
  const auto doc = schema_of<Options>().doc();
  CHECK(doc.summary == "A part for this test.");
  CHECK(doc.options[0].name == "radius");
  CHECK(doc.options[0].type == "integer");
  CHECK(doc.options[0].default_value == "2");
  CHECK(doc.options[0].unit == "voxel");
  CHECK(doc.options[0].constraint == "between 1 and 4");
  CHECK(doc.options[3].default_value.empty());
  // A sub-table is followed by its fields.
  CHECK(doc.options[4].name == "inner");
  CHECK(doc.options[4].default_value.empty());
  CHECK(doc.options[5].name == "inner.low");
  CHECK(doc.options[5].default_value == "0.5");
  CHECK(doc.options[6].name == "chain");
}

TEST_CASE("a sub-table that gives some values keeps the part's own others", "[schema]") {
  const auto schema = schema_of<Tuned>();
  const auto with_low = [](double low) {
    return OptionTable{{"bounds", OptionTable{{"low", low}}}};
  };
  const auto options = schema.parse(with_low(0.25), "part");
  CHECK(options.bounds.low == 0.25);
  CHECK(options.bounds.high == 0.75);
  CHECK_THROWS_WITH(schema.parse(with_low(0.8), "part"), Catch::Contains("must be below 'high'"));
  const auto rows = schema.doc().options;
  REQUIRE(rows.size() == 3);
  CHECK(rows[1].name == "bounds.low");
  CHECK(rows[1].default_value == "0.5");
  CHECK(rows[2].name == "bounds.high");
  CHECK(rows[2].default_value == "0.75");
}
