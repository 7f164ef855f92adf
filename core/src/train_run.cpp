#include "train_run.h"

#include "covector/core/random.h"
#include "device.h"
#include "measure.h"
#include "precision.h"
#include "probe.h"
#include "progress.h"
#include "run_folder.h"
#include "run_log.h"
#include "transfer.h"

#include <c10/util/Exception.h>
#include <torch/utils.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <map>

namespace covector {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t kPictureCases = 6;

/// One run from where its folder stands to its end.
class TrainRun {
 public:
  TrainRun(const TrainPlan& plan, Assembly& built, const RunFolder& folder, c10::Device device,
           std::string provenance, Progress& progress)
      : plan_(plan),
        built_(built),
        folder_(folder),
        device_(device),
        provenance_(std::move(provenance)),
        progress_(progress),
        checkpoints_(folder.path() / "checkpoints", plan.loop.keep_checkpoints),
        // A learner that never has a phase trains nothing: its first weights are its last.
        total_(built.learner->trains() ? plan.loop.steps : 0) {}

  bool finished() const {
    const auto status = read_status(folder_.path());
    return status.state == "finished" && status.step >= total_;
  }
  int run();
  std::int64_t step() const { return trainer_ ? trainer_->steps_done() : 0; }
  std::int64_t total() const { return total_; }

 private:
  void start();
  std::optional<CheckpointFolder::Latest> latest_checkpoint() const;
  void start_fresh();
  void train();
  void finish_step();
  void log();
  void monitor();
  void validate();
  void draw();
  void draw_cases(const std::vector<std::int64_t>& indices);
  void write_checkpoint();
  void test();
  State state() const;
  void write_status(const std::string& state) const {
    folder_.write_status({state, step(), total_, {}});
  }
  bool every(std::int64_t interval, std::int64_t at) const {
    return (interval > 0 && at % interval == 0) || at == total_;
  }
  bool every(std::int64_t interval) const { return every(interval, step()); }

  const TrainPlan& plan_;
  Assembly& built_;
  const RunFolder& folder_;
  c10::Device device_;
  std::string provenance_;
  Progress& progress_;
  CheckpointFolder checkpoints_;
  std::int64_t total_;
  Signals signals_;
  std::unique_ptr<Trainer> trainer_;
  std::unique_ptr<Batches> batches_;
  std::unique_ptr<RunLog> log_;
  std::unique_ptr<Probe> probe_;
  std::optional<double> best_;
  std::int64_t best_step_ = 0;
  std::int64_t written_ = -1;  // step of the last checkpoint

  std::chrono::steady_clock::time_point lap_;  // since the last log line
  std::int64_t lap_step_ = 0;
  double lap_waited_ = 0;
};

int TrainRun::run() {
  start();
  write_status("running");
  train();
  if (signals_.stop_code() == 0 && plan_.adapt) test();
  const auto stop = signals_.stop_code();
  write_status(stop ? "stopped" : "finished");
  if (stop)
    progress_.say("stopped by a signal at step " + std::to_string(step()) +
                  "; the same command goes on from there");
  return stop;
}

void TrainRun::start() {
  trainer_ = trainer_of(plan_, built_, device_);
  const auto latest = latest_checkpoint();
  if (latest) {
    trainer_->restore(latest->state);
    const auto counters = nlohmann::json::parse(latest->state.texts.at("counters"));
    if (counters.at("best").is_number()) best_ = counters.at("best").get<double>();
    best_step_ = counters.at("best_step");
    written_ = step();
    progress_.note("resuming from step " + std::to_string(step()));
  }
  if (total_ > 0) batches_ = batches_of(plan_, built_, step(), device_);
  if (!latest) start_fresh();
  log_ = std::make_unique<RunLog>(folder_.path(), step());
  if (plan_.loop.probe_every > 0 && total_ > 0)
    probe_ = std::make_unique<Probe>(*built_.dataset, *built_.backbone, device_);
}

/// The newest that is whole and whose best weights are too: where those are lost, the run goes back
/// to before they were found, if need be to its beginning.
std::optional<CheckpointFolder::Latest> TrainRun::latest_checkpoint() const {
  const auto warn = [&](const std::string& text) { progress_.say("warning: " + text); };
  std::optional<bool> best_is_whole;
  return checkpoints_.latest(warn, [&](const State& state) {
    if (!nlohmann::json::parse(state.texts.at("counters")).at("best").is_number()) return true;
    if (!best_is_whole) try {
        read_state(checkpoints_.best_file());
        best_is_whole = true;
      } catch (const Error& error) {
        warn(std::string(error.what()) + "; going back to before it was written");
        best_is_whole = false;
      }
    return *best_is_whole;
  });
}

void TrainRun::start_fresh() {
  if (plan_.pretrained) {
    const auto report =
        load_pretrained(*built_.backbone, plan_.pretrained->run,
                        [&](const std::string& text) { progress_.say("warning: " + text); });
    progress_.note(to_text(report));
    write_text(folder_.path() / "load_report.json", to_json(report));
  }
  if (batches_) begin_task(plan_, built_, *batches_);
  if (total_ == 0) write_checkpoint();
}

void TrainRun::train() {
  lap_ = std::chrono::steady_clock::now();
  lap_step_ = step();
  while (step() < total_ && signals_.stop_code() == 0) {
    const bool logged = every(plan_.loop.log_every, step() + 1);
    trainer_->step(*batches_, logged);
    finish_step();
  }
  if (signals_.stop_code() != 0 && written_ != step()) write_checkpoint();
}

void TrainRun::finish_step() {
  folder_.check_held();
  if (every(plan_.loop.log_every)) log();
  if (built_.method && plan_.loop.monitor_every > 0 && every(plan_.loop.monitor_every)) monitor();
  if (probe_ && every(plan_.loop.probe_every))
    log_->write(step(), probe_->measure(*built_.backbone));
  if (plan_.loop.validate_every > 0 && plan_.adapt && every(plan_.loop.validate_every)) validate();
  if (every(plan_.loop.pictures_every)) draw();
  if (signals_.take_checkpoint_request() || every(plan_.loop.checkpoint_every)) write_checkpoint();
}

void TrainRun::log() {
  const auto values = trainer_->read_logs();
  const auto now = std::chrono::steady_clock::now();
  const auto seconds = std::chrono::duration<double>(now - lap_).count();
  const auto waited = batches_->waited_seconds();
  auto all = values;
  all["steps_per_second"] = static_cast<double>(step() - lap_step_) / seconds;
  all["data_wait_share"] = (waited - lap_waited_) / seconds;
  all["memory_mib"] = peak_memory_mib();
  log_->write(step(), all);

  double loss = 0;
  for (const auto& [name, value] : values)
    if (name.rfind("loss", 0) == 0) loss += value;
  progress_.show({step(), total_, loss, all.at("steps_per_second"), all.at("data_wait_share")});
  lap_ = now;
  lap_step_ = step();
  lap_waited_ = waited;
}

void TrainRun::monitor() {
  std::map<std::string, double> values;
  for (const auto& [name, value] : trainer_->monitor(*batches_)) values["monitor/" + name] = value;
  if (!values.empty()) log_->write(step(), values);
}

void TrainRun::validate() {
  const auto indices = built_.dataset->indices(Split::validation);
  const auto measured = measure(*built_.task, *built_.dataset, indices, device_);
  std::map<std::string, double> values;
  for (const auto& metric : measured.metrics)
    if (const auto mean = mean_of(measured, metric.name); mean.value)
      values["validation/" + metric.name] = *mean.value;
  log_->write(step(), values);

  const auto main = built_.task->main_metric();
  const auto value = mean_of(measured, main).value;
  if (!value) {
    progress_.say("warning: step " + std::to_string(step()) + ": " + main +
                  " is not defined on the validation images, so these weights cannot be the best");
    return;
  }
  const auto is_main = [&](const Metric& metric) { return metric.name == main; };
  const auto& metric = *std::find_if(measured.metrics.begin(), measured.metrics.end(), is_main);
  if (best_ && !(metric.higher_is_better ? *value > *best_ : *value < *best_)) return;
  best_ = value;
  best_step_ = step();
  checkpoints_.write_best(state());
}

void TrainRun::draw() {
  const torch::NoGradGuard no_grad;
  auto& module = built_.learner->module();
  const auto folder = folder_.pictures(step());
  module.eval();  // so that no running statistic moves
  built_.learner->draw(trainer_->last_views(), folder);
  if (built_.task && step() != total_) {  // test() draws at the end, with the weights it measures
    const auto cases = built_.dataset->indices(Split::validation);
    draw_cases(cases.empty() ? built_.dataset->indices(Split::test) : cases);
  }
  module.train();
}

/// A few of the cases.
void TrainRun::draw_cases(const std::vector<std::int64_t>& indices) {
  const torch::NoGradGuard no_grad;
  const auto folder = folder_.pictures(step());
  built_.task->eval();
  for (const auto index : evenly_spread(indices, kPictureCases))
    built_.task->draw(stack({{built_.dataset->get(index)}, device_}), folder);
  built_.task->train();
}

State TrainRun::state() const {
  State state;
  trainer_->save(state);
  state.texts["kind"] = plan_.adapt ? "adapt" : "pretrain";
  state.texts["recipe"] = to_toml_document(built_.resolved);
  state.texts["plugins"] = provenance_;
  if (built_.method) state.texts["transfer"] = to_string(built_.method->transfers());
  state.texts["counters"] = nlohmann::json{
      {"best", best_ ? nlohmann::json(*best_) : nlohmann::json()},
      {"best_step", best_step_}}.dump();
  return state;
}

void TrainRun::write_checkpoint() {
  trainer_->read_logs();  // throws when a loss was not finite: such weights must not be kept
  checkpoints_.write(step(), state());
  written_ = step();
  write_status("running");
}

void TrainRun::test() {
  const bool best = best_.has_value();
  if (best) restore_weights(built_.learner->module(), read_state(checkpoints_.best_file()));
  const auto cases = built_.dataset->indices(Split::test);
  if (cases.empty()) throw DataError("the dataset has no test images to measure the task on");
  const auto measured = measure(*built_.task, *built_.dataset, cases, device_,
                                [&] { return signals_.stop_code() == 0; });
  if (signals_.stop_code() != 0) return;
  write_text(folder_.path() / "metrics.json",
             to_json(measured, best ? "best" : "last", best ? best_step_ : step()));
  draw_cases(cases);
  progress_.say(std::to_string(cases.size()) + " test cases, " + (best ? "best" : "last") +
                " weights (step " + std::to_string(best ? best_step_ : step()) + "):");
  progress_.say(to_text(measured));
}

void check_splits(const TrainPlan& plan, const Dataset& dataset) {
  if (!plan.adapt) return;
  if (dataset.indices(Split::test).empty())
    throw DataError("the dataset has no test images to measure the task on");
  if (plan.loop.validate_every > 0 && dataset.indices(Split::validation).empty())
    throw DataError("loop.validate_every = " + std::to_string(plan.loop.validate_every) +
                    ", but the dataset has no validation images; set it to 0 to measure the last "
                    "weights");
}

/// Runs, and records a failure in the folder before it goes on its way.
int run_recorded(TrainRun& run, const RunFolder& folder) {
  const auto failed = [&](const std::string& what) {
    try {
      folder.write_status({"failed", run.step(), run.total(), what});
    } catch (const Error&) {  // a full disk is often what it is about; `what` itself is still told
    }
  };
  const auto at_step = [&] { return "step " + std::to_string(run.step() + 1) + ": "; };
  try {
    return run.run();
  } catch (const Error& error) {
    failed(error.what());
    throw;
  } catch (const c10::Error& error) {
    failed(error.what_without_backtrace());
    throw Error(at_step() + error.what_without_backtrace());
  } catch (const std::exception& error) {
    failed(error.what());
    throw Error(at_step() + error.what());
  }
}

}  // namespace

fs::path output_of(const RunRequest& request) {
  return request.output.empty() ? fs::path("runs") / request.recipe.file.stem() : request.output;
}

namespace {

/// How many of each class make up `count`: in the shares the classes have among all, by largest
/// remainder.
std::map<std::int64_t, std::int64_t> shares_of(const std::map<std::int64_t, std::int64_t>& sizes,
                                               std::int64_t size, std::int64_t count) {
  std::map<std::int64_t, std::int64_t> shares;
  std::vector<std::pair<std::int64_t, std::int64_t>> remainders;  // negative, to sort downwards
  auto left = count;
  for (const auto& [number, of_class] : sizes) {
    shares[number] = count * of_class / size;
    left -= shares[number];
    remainders.emplace_back(-(count * of_class % size), number);
  }
  std::sort(remainders.begin(), remainders.end());
  for (std::int64_t i = 0; i < left; ++i) ++shares[remainders[i].second];
  return shares;
}

/// The images of `all` that keep their labels, drawn from the seed; of images with classes the same
/// share of each.
std::vector<std::int64_t> draw_labelled(const std::vector<std::int64_t>& all, std::int64_t count,
                                        const Dataset& dataset, std::uint64_t seed) {
  constexpr std::int64_t kNone = -1;
  const auto class_at = [&](std::int64_t position) {
    return dataset.image_class(all[position]).value_or(kNone);
  };
  const auto size = static_cast<std::int64_t>(all.size());
  std::map<std::int64_t, std::int64_t> sizes;
  for (std::int64_t i = 0; i < size; ++i) ++sizes[class_at(i)];
  auto left = shares_of(sizes, size, count);
  for (const auto& [number, images] : left)
    if (images == 0)
      throw RecipeError("[labelled] leaves " + std::to_string(count) + " of " +
                        std::to_string(size) + " training images, none of them of class '" +
                        dataset.image_classes().at(number) + "'; take more");
  std::vector<std::int64_t> chosen;
  for (const auto position : RandomStream(seed, "labelled").permutation(size))
    if (left[class_at(position)]-- > 0) chosen.push_back(all[position]);
  std::sort(chosen.begin(), chosen.end());
  return chosen;
}

}  // namespace

std::vector<std::int64_t> training_indices(const TrainPlan& plan, const Dataset& dataset) {
  const auto all = dataset.indices(Split::train);
  const auto size = static_cast<std::int64_t>(all.size());
  auto count = size;
  if (plan.labelled.share)
    count =
        std::max<std::int64_t>(1, std::llround(*plan.labelled.share * static_cast<double>(size)));
  if (plan.labelled.count) count = *plan.labelled.count;
  if (count > size)
    throw RecipeError("[labelled] count = " + std::to_string(count) + ", but there are only " +
                      std::to_string(size) + " training images");
  if (count == size) return all;
  return draw_labelled(all, count, dataset, plan.seed);
}

std::unique_ptr<Batches> batches_of(const TrainPlan& plan, const Assembly& built,
                                    std::int64_t first_step, c10::Device device) {
  BatchOptions options;
  options.batch = plan.loop.batch;
  options.images_per_sample = built.learner->images_per_sample();
  options.seed = plan.seed;
  options.threads = plan.loop.threads;
  options.cache_bytes = static_cast<std::int64_t>(plan.loop.cache_gib * (1LL << 30));
  options.prefetch = plan.loop.prefetch;
  options.chosen = built.learner->chooses_images();
  return std::make_unique<Batches>(*built.dataset, training_indices(plan, *built.dataset), options,
                                   first_step, device);
}

std::unique_ptr<Trainer> trainer_of(const TrainPlan& plan, const Assembly& built,
                                    c10::Device device) {
  const auto images = training_indices(plan, *built.dataset).size();
  return std::make_unique<Trainer>(plan, *built.learner, *built.chains,
                                   static_cast<std::int64_t>(images), device);
}

void begin_task(const TrainPlan& plan, const Assembly& built, Batches& batches) {
  if (!built.task) return;
  torch::manual_seed(RandomStream(plan.seed, "begin").bits64());
  built.task->begin({static_cast<std::int64_t>(training_indices(plan, *built.dataset).size()),
                     [&](std::int64_t position) { return stack(batches.images({position})); }});
}

Prepared prepare(const RunRequest& request, Registries& registries, PluginLoader& loader,
                 bool timed) {
  Problems problems;
  auto plan = read_plan(request.recipe, registries, loader, problems);
  problems.raise();
  const auto device = choose_device(request.device);
  configure_computing(device, request.threads);
  auto stopwatch = timed ? std::make_unique<Stopwatch>(device) : nullptr;
  auto built = assemble(plan, registries, loader, /*open_data=*/true, stopwatch.get());
  built.learner->module().to(device);
  const auto computing = settled({plan.loop.precision, plan.loop.layout}, Hardware::of(device),
                                 built.backbone->dimensions());
  plan.loop.precision = computing.precision;
  plan.loop.layout = computing.layout;
  return {std::move(plan), device, std::move(stopwatch), std::move(built)};
}

int run_training(const RunRequest& request, Registries& registries, PluginLoader& loader,
                 std::ostream& out) {
  auto [plan, device, stopwatch, built] = prepare(request, registries, loader);
  check_splits(plan, *built.dataset);
  if (plan.loop.probe_every > 0) Probe::check(*built.dataset);

  const RunFolder folder(output_of(request), built.resolved);
  Progress progress(out, progress_style(out, request.quiet));
  if (const auto& gone = folder.owner_before())
    progress.note(folder.path().string() + " was left by " + to_string(*gone) + "; taking it over");
  TrainRun run(plan, built, folder, device, plugins_json(loader), progress);
  if (run.finished()) {
    progress.say(folder.path().string() +
                 " is finished: " + std::to_string(read_status(folder.path()).step) + " steps");
    return 0;
  }
  folder.check_dataset(built.dataset->fingerprint());
  const auto computing = folder.computing({plan.loop.precision, plan.loop.layout});
  plan.loop.precision = computing.precision;
  plan.loop.layout = computing.layout;
  folder.write_provenance(loader, describe(device), computing, *built.dataset);
  for (const auto& skipped : built.dataset->skipped()) progress.say("skipped: " + skipped);
  return run_recorded(run, folder);
}

}  // namespace covector
