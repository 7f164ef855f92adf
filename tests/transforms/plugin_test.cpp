#include "support/catch.h"

#include "covector/core/plugin.h"
#include "sources.h"

#include <torch/types.h>

using namespace covector;

extern "C" const CovectorPluginInfo* covector_plugin_info();

namespace {

Registries registered() {
  Registries registries;
  Registrar registrar(registries, {"transforms", "0.1.0", "in the test"});
  covector_plugin_info()->register_all(registrar);
  return registries;
}

}  // namespace

TEST_CASE("the plug-in provides every transform of the library", "[transforms]") {
  const auto registries = registered();
  const std::vector<std::string> all = {"affine",        "blur",          "brightness",
                                        "clip",          "contrast",      "crop",
                                        "elastic",       "flip",          "gamma",
                                        "inpaint",       "intensity_map", "jitter",
                                        "local_shuffle", "masking_noise", "noise",
                                        "outpaint",      "paint",         "random_resized_crop",
                                        "resize",        "rotate90",      "salt_and_pepper",
                                        "solarise"};
  CHECK(registries.of<Transform>().names() == all);
  for (const auto& [name, entry] : registries.of<Transform>()) {
    INFO(name);
    CHECK_FALSE(entry.doc.summary.empty());
    for (const auto& option : entry.doc.options) {
      INFO(option.name);
      CHECK_FALSE(option.doc.empty());
    }
  }
}

TEST_CASE("every transform runs on one sample of odd size, in 2D and 3D", "[transforms]") {
  const auto registries = registered();
  for (auto size : {std::vector<std::int64_t>{23, 28}, {17, 18, 23}})
    for (const auto& name : registries.of<Transform>().names()) {
      INFO(name);
      if (name == "rotate90") size.back() = size[size.size() - 2];
      OptionTable table{{"type", name}};
      const bool sized = name == "crop" || name == "resize" || name == "random_resized_crop";
      if (sized) table.set("size", OptionArray{8});
      const auto transform = registries.of<Transform>().create(table, "views.v");
      auto view = testing::made(*transform, testing::speckle(1, 1, size));
      CHECK(view.size() == (sized ? std::vector<std::int64_t>(size.size(), 8) : size));
      CHECK(view.image().isfinite().all().item<bool>());
    }
}
