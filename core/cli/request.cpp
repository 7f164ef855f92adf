#include "request.h"

#include "covector/core/error.h"

namespace covector::cli {

void add_set(Syntax& syntax) {
  syntax.options.add_options()("set,s", po::value<Strings>()->composing()->value_name("KEY=VALUE"),
                               "set an option of the recipe, as in -s method.radius=3; may be "
                               "given again");
}

void add_machine(Syntax& syntax) {
  syntax.options.add_options()("device",
                               po::value<std::string>()->default_value("auto")->value_name("NAME"),
                               "cpu, cuda or cuda:N; auto takes a GPU where there is one")(
      "threads", po::value<int>()->default_value(0)->value_name("N"),
      "threads that compute; 0: one a processor");
}

void add_json(Syntax& syntax) {
  syntax.options.add_options()("json", "print JSON");
}

void add_output(Syntax& syntax) {
  syntax.options.add_options()("output,o", po::value<std::string>()->value_name("DIR"),
                               "run folder; runs/<name of the recipe> unless given");
}

std::string text_of(const po::variables_map& values, const char* name) {
  return values.count(name) ? values[name].as<std::string>() : std::string();
}

Strings list_of(const po::variables_map& values, const char* name) {
  return values.count(name) ? values[name].as<Strings>() : Strings();
}

Recipe recipe_of(const po::variables_map& values) {
  return load_recipe(text_of(values, "RECIPE"), list_of(values, "set"));
}

RunRequest request_of(const po::variables_map& values) {
  RunRequest request;
  request.recipe = recipe_of(values);
  request.output = text_of(values, "output");
  request.device = text_of(values, "device");
  request.threads = values["threads"].as<int>();
  request.quiet = values.count("quiet") > 0;
  if (request.threads < 0) throw RecipeError("--threads must be at least 0");
  return request;
}

}  // namespace covector::cli
