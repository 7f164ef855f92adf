#include "schedule.h"

#include <cmath>
#include <numbers>

namespace covector {

Schedule::~Schedule() = default;

double Schedule::rate(double base, std::int64_t step, std::int64_t total) const {
  if (step >= warmup_steps_) return after_warmup(base, step - warmup_steps_, total - warmup_steps_);
  return after_warmup(base, 0, total - warmup_steps_) * static_cast<double>(step + 1) /
         static_cast<double>(warmup_steps_);
}

namespace {

template <class Options>
void describe_warmup(Schema<Options>& schema) {
  schema.field("warmup_steps", &Options::warmup_steps)
      .doc("steps of a linear rise at the beginning")
      .at_least(0);
}

struct ConstantOptions {
  std::int64_t warmup_steps = 0;
  static void describe(Schema<ConstantOptions>& schema) {
    schema.summary("The same learning rate throughout.");
    describe_warmup(schema);
  }
};

class Constant final : public Schedule {
 public:
  explicit Constant(const ConstantOptions& options) : Schedule(options.warmup_steps) {}

 private:
  double after_warmup(double base, std::int64_t, std::int64_t) const override { return base; }
};

struct CosineOptions {
  std::int64_t warmup_steps = 0;
  double min_lr = 0;
  static void describe(Schema<CosineOptions>& schema) {
    schema.summary("Half a cosine from lr down to min_lr at the end of the run.")
        .source("I. Loshchilov, F. Hutter, SGDR, ICLR 2017, eq. 5, one period");
    describe_warmup(schema);
    schema.field("min_lr", &CosineOptions::min_lr).doc("where it ends").at_least(0.0);
  }
};

class Cosine final : public Schedule {
 public:
  explicit Cosine(const CosineOptions& options)
      : Schedule(options.warmup_steps), min_lr_(options.min_lr) {}

 private:
  double after_warmup(double base, std::int64_t step, std::int64_t total) const override {
    const auto share =
        static_cast<double>(step) / static_cast<double>(std::max<std::int64_t>(total, 1));
    return min_lr_ + (base - min_lr_) * 0.5 * (1 + std::cos(std::numbers::pi * share));
  }
  double min_lr_;
};

struct StepOptions {
  std::int64_t warmup_steps = 0;
  std::vector<std::int64_t> milestones;
  double factor = 0.1;
  static void describe(Schema<StepOptions>& schema) {
    schema.summary("The learning rate is multiplied by a factor at each milestone.");
    describe_warmup(schema);
    schema.field("milestones", &StepOptions::milestones)
        .doc("steps of the run, warm-up included, from which on the next factor holds")
        .unit("step")
        .at_least(1);
    schema.field("factor", &StepOptions::factor).doc("what each milestone does").between(0.0, 1.0);
    schema.rule([](const StepOptions& o) {
      return std::is_sorted(o.milestones.begin(), o.milestones.end())
                 ? std::string()
                 : "'milestones' must be in ascending order";
    });
  }
};

class Steps final : public Schedule {
 public:
  explicit Steps(const StepOptions& options) : Schedule(options.warmup_steps), options_(options) {}

 private:
  double after_warmup(double base, std::int64_t step, std::int64_t) const override {
    const auto passed = std::upper_bound(options_.milestones.begin(), options_.milestones.end(),
                                         step + warmup_steps_) -
                        options_.milestones.begin();
    return base * std::pow(options_.factor, static_cast<double>(passed));
  }
  StepOptions options_;
};

}  // namespace

Registry<Schedule> schedules() {
  Registry<Schedule> registry;
  registry.add(make_entry<Schedule, Constant, ConstantOptions>("constant", {"core", "", ""}));
  registry.add(make_entry<Schedule, Cosine, CosineOptions>("cosine", {"core", "", ""}));
  registry.add(make_entry<Schedule, Steps, StepOptions>("step", {"core", "", ""}));
  return registry;
}

}  // namespace covector
