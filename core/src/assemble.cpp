#include "assemble.h"

#include "covector/core/random.h"
#include "timed_backbone.h"

#include <c10/util/Exception.h>
#include <torch/utils.h>

namespace covector {
namespace {

/// Runs `make`; what a part says of the shapes it is given becomes a problem of its section.
template <class Make>
auto made(const std::string& section, const OptionTable& table, Make make) {
  const auto refuse = [&](const std::string& why) {
    Problems problems;
    problems.add(section, table.where, why);
    problems.raise();
  };
  try {
    return make();
  } catch (const Error&) {
    throw;
  } catch (const c10::Error& error) {
    refuse(error.what_without_backtrace());
  } catch (const std::invalid_argument& error) {
    refuse(error.what());
  }
  throw;  // not reached: raise() throws
}

void seed_torch(std::uint64_t seed, const std::string& purpose) {
  torch::manual_seed(RandomStream(seed, purpose).bits64());
}

void build_learner(Assembly& built, const TrainPlan& plan, Registries& registries,
                   const std::vector<std::string>& classes, Stopwatch* stopwatch) {
  const auto input = built.dataset->input();
  seed_torch(plan.seed, "backbone");
  built.backbone = made("backbone", plan.backbone, [&] {
    return registries.of<Backbone>().create(plan.backbone, "backbone", input);
  });
  if (stopwatch) built.backbone = timed(built.backbone, *stopwatch);
  seed_torch(plan.seed, "head");
  const auto batch = plan.loop.batch / plan.loop.accumulate;
  if (plan.adapt) {
    const TaskInput task_input{input, classes, batch, built.dataset->image_classes()};
    built.task = made("task", plan.learner, [&] {
      return registries.of<Task>().create(plan.learner, "task", built.backbone, task_input);
    });
    built.learner = learner_of(built.task);
  } else {
    const MethodInput method_input{input, batch};
    built.method = made("method", plan.learner, [&] {
      return registries.of<Method>().create(plan.learner, "method", built.backbone, method_input);
    });
    built.learner = learner_of(built.method);
  }
}

/// The views of the learner, those that the recipe replaces with its chains.
std::vector<ViewSpec> views_of(const TrainPlan& plan, const Learner& learner, Problems& problems) {
  auto specs = learner.views();
  std::vector<std::string> names;
  for (const auto& spec : specs) names.push_back(spec.name);
  for (const auto& replacement : plan.views) {
    const auto spec = std::find_if(specs.begin(), specs.end(),
                                   [&](const ViewSpec& s) { return s.name == replacement.name; });
    if (spec != specs.end())
      spec->chain = replacement.chain;
    else
      problems.add("views", plan.given_views.find(replacement.name)->where,
                   std::string(plan.adapt ? "the task" : "the method") + " has no view '" +
                       replacement.name + "'" + did_you_mean(replacement.name, names));
  }
  return specs;
}

}  // namespace

Assembly assemble(const TrainPlan& plan, Registries& registries, PluginLoader& loader,
                  bool open_data, Stopwatch* stopwatch) {
  Assembly built;
  built.dataset = made("dataset", plan.dataset,
                       [&] { return registries.of<Dataset>().create(plan.dataset, "dataset"); });
  // Some sets know their classes only once they have seen their files. Where none is touched, two
  // stand for them, so that the rest can be checked.
  auto classes = built.dataset->classes();
  const bool unknown = plan.adapt && !built.dataset->knows_classes();
  const bool open_first = open_data && unknown;
  if (open_first) built.dataset->open();
  if (unknown)
    classes =
        open_data ? built.dataset->classes() : std::vector<std::string>{"background", "foreground"};
  build_learner(built, plan, registries, classes, stopwatch);

  Problems problems;
  const auto specs = views_of(plan, *built.learner, problems);
  built.chains = std::make_unique<ViewChains>(specs, registries, loader, problems);
  problems.raise();
  built.resolved = plan.resolved;
  built.resolved.set("views", keep_origins(built.chains->resolved(), plan.given_views));
  if (open_data && !open_first) built.dataset->open();
  return built;
}

}  // namespace covector
