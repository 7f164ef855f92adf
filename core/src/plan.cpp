#include "plan.h"

#include "optimiser.h"
#include "schedule.h"

namespace covector {

void LoopOptions::describe(Schema<LoopOptions>& schema) {
  schema.summary("How a run goes over its data, and what it leaves on the way.");
  schema.field("steps", &LoopOptions::steps)
      .doc("batches to train on; a finished run goes on when this is raised")
      .unit("step")
      .at_least(1);
  schema.field("batch", &LoopOptions::batch).doc("samples a step").at_least(1);
  schema.field("accumulate", &LoopOptions::accumulate)
      .doc(
          "equal parts a batch is computed in, one after the other, to need less memory; negatives "
          "and statistics over a batch see one part at a time")
      .at_least(1);
  schema.field("precision", &LoopOptions::precision)
      .doc(
          "bfloat16: autocast, losses and weights stay float32. auto: bfloat16 on a GPU and on a "
          "CPU with AVX-512 bf16, else float32")
      .one_of({"float32", "bfloat16", "auto"});
  schema.field("layout", &LoopOptions::layout)
      .doc(
          "how images and convolution weights lie in memory. channels_last: the channels of a "
          "voxel side by side. auto: what is faster on the device, see docs/guide/recipes.md")
      .one_of({"auto", "contiguous", "channels_last"});
  schema.field("threads", &LoopOptions::threads).doc("threads that decode images").at_least(1);
  schema.field("cache_gib", &LoopOptions::cache_gib)
      .doc("decoded images kept in memory")
      .unit("GiB")
      .at_least(0.0);
  schema.field("prefetch", &LoopOptions::prefetch).doc("batches decoded ahead").at_least(1);
  schema.field("log_every", &LoopOptions::log_every).doc("steps between log lines").at_least(1);
  schema.field("monitor_every", &LoopOptions::monitor_every)
      .doc(
          "steps between looks of the collapse monitors at a fixed set of crops, in methods that "
          "offer features to look at; 0: never")
      .at_least(0);
  schema.field("probe_every", &LoopOptions::probe_every)
      .doc(
          "steps between looks of two probes, a linear one and nearest neighbours, at frozen pixel "
          "features of labelled validation images; 0: never. For kind pretrain, and a dataset with "
          "labels")
      .at_least(0);
  schema.field("checkpoint_every", &LoopOptions::checkpoint_every)
      .doc("steps between checkpoints; the last step always writes one")
      .at_least(1);
  schema.field("keep_checkpoints", &LoopOptions::keep_checkpoints)
      .doc("how many of the last checkpoints stay")
      .at_least(1);
  schema.field("pictures_every", &LoopOptions::pictures_every)
      .doc("steps between pictures; 0: only at the end")
      .at_least(0);
  schema.field("validate_every", &LoopOptions::validate_every)
      .doc(
          "steps between evaluations on the validation images, of which the best one's weights are "
          "tested; 0: the last weights are tested. Of use in kind adapt only")
      .at_least(0);
  schema.rule([](const LoopOptions& o) {
    return o.batch % o.accumulate == 0
               ? std::string()
               : "'batch' = " + std::to_string(o.batch) +
                     " cannot be split into 'accumulate' = " + std::to_string(o.accumulate) +
                     " equal parts";
  });
}

void PretrainedOptions::describe(Schema<PretrainedOptions>& schema) {
  schema.summary("Where the backbone's first weights come from.");
  schema.field("run", &PretrainedOptions::run)
      .doc(
          "folder of a pretrain run, one of its checkpoint files, or what 'covector import' wrote; "
          "relative to the working directory");
  schema.rule([](const PretrainedOptions& o) {
    return o.run.empty() ? "needs 'run', the folder of a pretrain run" : std::string();
  });
}

void LabelledOptions::describe(Schema<LabelledOptions>& schema) {
  schema.summary(
      "How many training images keep their labels, drawn by the seed; all of them by default. A "
      "smaller draw is part of every larger one of the same seed.");
  schema.field("share", &LabelledOptions::share)
      .doc("share of the training images, rounded, at least one")
      .require(
          [](const std::optional<double>& share) { return !share || (*share > 0 && *share <= 1); },
          "more than 0 and at most 1");
  schema.field("count", &LabelledOptions::count).doc("number of training images").at_least(1);
  schema.rule([](const LabelledOptions& o) {
    return o.share && o.count ? "takes 'share' or 'count', not both" : std::string();
  });
}

namespace {

/// The sections of a recipe as they stand in it.
struct Sections {
  std::string kind;
  std::int64_t seed = 0;
  std::string name;
  std::optional<Part> dataset, backbone, learner, optimiser, schedule, loop, views, pretrained,
      labelled;

  static void describe_common(Schema<Sections>& schema) {
    schema.field("kind", &Sections::kind);
    schema.field("seed", &Sections::seed).at_least(0);
    schema.field("name", &Sections::name);
    schema.field("dataset", &Sections::dataset);
    schema.field("backbone", &Sections::backbone);
    schema.field("optimiser", &Sections::optimiser);
    schema.field("schedule", &Sections::schedule);
    schema.field("loop", &Sections::loop);
    schema.field("views", &Sections::views);
  }
  static void describe_pretrain(Schema<Sections>& schema) {
    describe_common(schema);
    schema.field("method", &Sections::learner);
  }
  static void describe_adapt(Schema<Sections>& schema) {
    describe_common(schema);
    schema.field("task", &Sections::learner);
    schema.field("pretrained", &Sections::pretrained);
    schema.field("labelled", &Sections::labelled);
  }
};

/// Reads the sections of one recipe into the resolved one.
class Reader {
 public:
  Reader(const Recipe& recipe, Registries& registries, PluginLoader& loader, Problems& problems)
      : recipe_(recipe), registries_(registries), loader_(loader), problems_(problems) {}

  /// A section that is a part of a plug-in: [dataset], [backbone], [method], [task].
  template <class Interface>
  OptionTable plugin_part(const std::optional<Part>& part) {
    const std::string section(Interface::kind);
    if (!part) {
      problems_.add("", recipe_.table.where, "needs a [" + section + "] table with a 'type'");
      return {};
    }
    if (const auto* type = part->find("type"); type && type->as_string())
      loader_.provide(section, *type->as_string());
    return resolve(registries_.of<Interface>(), *part, section, loader_.known(section));
  }
  /// A section that is a part of core: [optimiser], [schedule].
  template <class Interface>
  OptionTable core_part(const Registry<Interface>& registry, const std::optional<Part>& part,
                        const std::string& default_type) {
    auto table = part.value_or(OptionTable{});
    if (!table.find("type")) table.set("type", default_type);
    return resolve(registry, table, std::string(Interface::kind), {});
  }
  template <Described Options>
  Options options(const std::optional<Part>& part, const std::string& section) {
    const auto table = part.value_or(OptionTable{});
    no_type(table, section);
    return schema_of<Options>().parse(table, section, problems_);
  }
  /// A schema passes over 'type', which belongs to parts; here it means nothing.
  void no_type(const OptionTable& table, const std::string& section) {
    if (const auto* type = table.find("type"))
      problems_.add(section, type->where, "'type' has no meaning here");
  }

 private:
  template <class Interface>
  OptionTable resolve(const Registry<Interface>& registry, const OptionTable& table,
                      const std::string& section, const std::vector<std::string>& known) {
    const auto* type = table.find("type");
    if (type && type->as_string() && !registry.contains(*type->as_string()) && !known.empty()) {
      problems_.add(section, type->where,
                    "unknown " + section + " '" + *type->as_string() + "'" +
                        did_you_mean(*type->as_string(), known));
      return table;
    }
    const auto* entry = registry.entry_of(table, section, problems_);
    if (!entry) return table;
    Problems own;
    entry->validate(table, section, own);
    if (own.empty()) return keep_origins(entry->resolve(table, section), table);
    entry->validate(table, section, problems_);
    return table;
  }

  const Recipe& recipe_;
  Registries& registries_;
  PluginLoader& loader_;
  Problems& problems_;
};

struct ViewOptions {
  Parts chain;
  static void describe(Schema<ViewOptions>& schema) {
    schema.field("chain", &ViewOptions::chain).doc("transforms, in the order they are applied");
  }
};

std::vector<ViewSpec> read_views(const std::optional<Part>& views, Problems& problems) {
  std::vector<ViewSpec> specs;
  if (!views) return specs;
  for (const auto& [name, value] : views->entries) {
    if (const auto* table = value.as_table())
      specs.push_back(
          {name, schema_of<ViewOptions>().parse(*table, "views." + name, problems).chain});
    else
      problems.add("views", value.where, "'" + name + "' must be a table with a 'chain'");
  }
  return specs;
}

OptionTable resolved_recipe(const TrainPlan& plan, const OptionTable& given) {
  OptionTable all{{"kind", plan.adapt ? "adapt" : "pretrain"},
                  {"seed", static_cast<std::int64_t>(plan.seed)}};
  if (!plan.name.empty()) all.set("name", plan.name);
  all.set("dataset", plan.dataset);
  all.set("backbone", plan.backbone);
  all.set(plan.adapt ? "task" : "method", plan.learner);
  if (plan.pretrained) all.set("pretrained", schema_of<PretrainedOptions>().dump(*plan.pretrained));
  if (plan.labelled.share || plan.labelled.count)
    all.set("labelled", schema_of<LabelledOptions>().dump(plan.labelled));
  all.set("optimiser", plan.optimiser);
  all.set("schedule", plan.schedule);
  all.set("loop", schema_of<LoopOptions>().dump(plan.loop));
  return keep_origins(std::move(all), given);
}

}  // namespace

OptionTable keep_origins(OptionTable resolved, const OptionTable& given) {
  resolved.where = given.where;
  for (auto& [key, value] : resolved.entries) {
    const auto* origin = given.find(key);
    if (!origin) continue;
    value.where = origin->where;
    if (const auto* table = origin->as_table(); table && value.as_table())
      value.data = keep_origins(std::get<OptionTable>(std::move(value.data)), *table);
  }
  return resolved;
}

std::string kind_of(const Recipe& recipe) {
  static const std::vector<std::string> kinds = {"pretrain", "adapt", "benchmark"};
  Problems problems;
  const auto* kind = recipe.table.find("kind");
  const auto* word = kind ? kind->as_string() : nullptr;
  if (!word)
    problems.add("", kind ? kind->where : recipe.table.where,
                 "needs kind = \"pretrain\", \"adapt\" or \"benchmark\"");
  else if (std::find(kinds.begin(), kinds.end(), *word) == kinds.end())
    problems.add("", kind->where, "unknown kind '" + *word + "'" + did_you_mean(*word, kinds));
  problems.raise();
  return *word;
}

TrainPlan read_plan(const Recipe& recipe, Registries& registries, PluginLoader& loader,
                    Problems& problems) {
  TrainPlan plan;
  plan.adapt = kind_of(recipe) == "adapt";
  Schema<Sections> schema;
  plan.adapt ? Sections::describe_adapt(schema) : Sections::describe_pretrain(schema);
  const auto sections = schema.parse(recipe.table, "", problems);

  Reader reader(recipe, registries, loader, problems);
  reader.no_type(recipe.table, "");
  plan.seed = static_cast<std::uint64_t>(sections.seed);
  plan.name = sections.name;
  plan.dataset = reader.plugin_part<Dataset>(sections.dataset);
  plan.backbone = reader.plugin_part<Backbone>(sections.backbone);
  plan.learner = plan.adapt ? reader.plugin_part<Task>(sections.learner)
                            : reader.plugin_part<Method>(sections.learner);
  if (sections.pretrained)
    plan.pretrained = reader.options<PretrainedOptions>(sections.pretrained, "pretrained");
  plan.labelled = reader.options<LabelledOptions>(sections.labelled, "labelled");
  plan.optimiser = reader.core_part(optimisers(), sections.optimiser, "adam");
  plan.schedule = reader.core_part(schedules(), sections.schedule, "constant");
  plan.loop = reader.options<LoopOptions>(sections.loop, "loop");
  if (plan.adapt && plan.loop.probe_every > 0)
    problems.add("loop", sections.loop->find("probe_every")->where,
                 "'probe_every' watches a pretraining; a task has 'validate_every'");
  plan.views = read_views(sections.views, problems);
  plan.given_views = sections.views.value_or(OptionTable{});
  // Only to find what is wrong with them; the run's own chains are made once its views are known.
  ViewChains(plan.views, registries, loader, problems);
  plan.resolved = resolved_recipe(plan, recipe.table);
  return plan;
}

}  // namespace covector
