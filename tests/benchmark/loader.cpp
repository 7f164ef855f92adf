// Times the loader by itself and prints a line of JSON. See README.md.
#include "batches.h"
#include "covector/core/plugin.h"
#include "covector/core/plugin_loader.h"
#include "covector/core/random.h"
#include "covector/core/view.h"
#include "recipe.h"

#include "timing.h"

#include <sys/resource.h>
#include <filesystem>
#include <sstream>

using namespace covector;
using namespace covector::benchmark;

namespace {

const Settings kDefaults({
    {"dataset", "image_folder"},
    {"root", ""},
    {"dimensions", "2"},
    {"set", ""},
    {"crop", "384"},
    {"batch", "8"},
    {"steps", "40"},
    {"warm-up", "5"},
    {"threads", "2"},
    {"cache", "0"},
    {"malloc", "keep"},
    {"plugins", COVECTOR_PLUGINS},
});
constexpr auto kUsage =
    "loader_benchmark --root FOLDER [--dataset NAME] [--dimensions 2|3] [--set OPTION=VALUE;...] "
    "[--crop N] [--batch N] [--threads N] [--cache MEBIBYTES] [--steps N] [--warm-up N] "
    "[--malloc keep|system] [--plugins FOLDER]";

double processor_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

std::vector<std::string> split_at_semicolons(const std::string& text) {
  std::vector<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, ';');) parts.push_back(part);
  return parts;
}

std::shared_ptr<Dataset> dataset_of(const Settings& settings, Registries& registries) {
  OptionTable options{{"type", settings.text("dataset")}, {"root", settings.text("root")}};
  if (settings.text("dataset") == "image_folder") {
    options.set("dimensions", settings.number("dimensions"));
    options.set("split",
                OptionTable{{"by", "fractions"}, {"fractions", OptionArray{1.0, 0.0, 0.0}}});
  }
  set_options(options, split_at_semicolons(settings.text("set")));
  auto dataset = registries.of<Dataset>().create(options, "dataset");
  dataset->open();
  return dataset;
}

// A crop of each image at a place of its own, as one batch of its own memory, as a view shows it.
at::Tensor cropped(Samples samples, std::int64_t side, RandomStream& random) {
  View view(std::move(samples));
  std::vector<at::Tensor> begin;
  for (std::int64_t n = 0; n < view.batch(); ++n)
    for (const auto length : view.size())
      begin.push_back(torch::scalar_tensor(random.integer(length - side + 1), torch::kFloat64));
  const auto axes = view.dimensions();
  view.resample(SpatialMap::translation(torch::stack(begin).view({view.batch(), axes}),
                                        std::vector<std::int64_t>(axes, side)));
  return view.image();
}

nlohmann::json run(const Settings& settings) {
  Registries registries;
  PluginLoader loader(registries, {});
  loader.load(settings.text("plugins") + "/" + settings.text("dataset") + ".covector.so");
  const auto dataset = dataset_of(settings, registries);
  BatchOptions options;
  options.batch = settings.number("batch");
  options.threads = settings.number("threads");
  options.cache_bytes = settings.number("cache") << 20;
  Batches batches(*dataset, dataset->indices(Split::train), options, 0, at::kCPU);
  RandomStream random(0, "crop");
  Clock::time_point start;
  double processor = 0;
  const auto steps = settings.number("steps");
  for (std::int64_t step = -settings.number("warm-up"); step < steps; ++step) {
    if (step == 0) {
      start = Clock::now();
      processor = processor_seconds();
    }
    cropped(batches.next().front(), settings.number("crop"), random);
  }
  const auto items = static_cast<double>(steps * options.batch);
  const auto seconds = milliseconds(start, Clock::now()) / 1000;
  return {{"settings", settings.all()},
          {"items_per_second", items / seconds},
          {"processor_milliseconds_per_item", 1000 * (processor_seconds() - processor) / items},
          {"mebibytes", peak_mebibytes()}};
}

}  // namespace

int main(int argc, char** argv) {
  return run_benchmark(kDefaults, argc, argv, kUsage, run);
}
