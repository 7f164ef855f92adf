#include "learner.h"

namespace covector {

Learner::~Learner() = default;

namespace {

class MethodLearner final : public Learner {
 public:
  explicit MethodLearner(std::shared_ptr<Method> method) : method_(std::move(method)) {}
  torch::nn::Module& module() override { return *method_; }
  std::vector<ViewSpec> views() const override { return method_->views(); }
  std::int64_t images_per_sample() const override { return method_->images_per_sample(); }
  std::vector<std::string> phases(std::int64_t step, std::int64_t total) const override {
    return method_->phases(step, total);
  }
  std::vector<at::Tensor> parameters_of(const std::string& phase) const override {
    return method_->parameters_of(phase);
  }
  std::vector<at::Tensor> trained() const override {
    std::vector<at::Tensor> all;
    for (const auto& parameter : method_->parameters())
      if (parameter.requires_grad()) all.push_back(parameter);
    return all;
  }
  StepResult step(Views& views, const StepInfo& info) override {
    return method_->step(views, info);
  }
  void after_step(std::int64_t step, std::int64_t total) override {
    method_->after_step(step, total);
  }
  void begin_epoch(const EpochContext& context) override { method_->begin_epoch(context); }
  bool chooses_images() const override { return method_->chooses_images(); }
  std::vector<std::int64_t> order(std::int64_t epoch, std::int64_t size,
                                  std::uint64_t seed) const override {
    return method_->order(epoch, size, seed);
  }
  std::map<std::string, Embedding> embed(Views& views) override { return method_->embed(views); }
  void draw(Views& views, const std::filesystem::path& folder) override {
    method_->draw(views, folder);
  }

 private:
  std::shared_ptr<Method> method_;
};

class TaskLearner final : public Learner {
 public:
  explicit TaskLearner(std::shared_ptr<Task> task) : task_(std::move(task)) {}
  torch::nn::Module& module() override { return *task_; }
  std::vector<ViewSpec> views() const override { return {task_->view()}; }
  std::vector<std::string> phases(std::int64_t, std::int64_t) const override { return {"train"}; }
  std::vector<at::Tensor> parameters_of(const std::string&) const override { return trained(); }
  std::vector<at::Tensor> trained() const override { return task_->trained(); }
  StepResult step(Views& views, const StepInfo&) override {
    return task_->step(views.begin()->second);
  }

 private:
  std::shared_ptr<Task> task_;
};

}  // namespace

std::unique_ptr<Learner> learner_of(std::shared_ptr<Method> method) {
  return std::make_unique<MethodLearner>(std::move(method));
}
std::unique_ptr<Learner> learner_of(std::shared_ptr<Task> task) {
  return std::make_unique<TaskLearner>(std::move(task));
}

}  // namespace covector
