#include "covector/core/plugin.h"

namespace covector {
namespace {

std::vector<at::Tensor> with_gradient(const torch::nn::Module& module) {
  std::vector<at::Tensor> trained;
  for (const auto& parameter : module.parameters())
    if (parameter.requires_grad()) trained.push_back(parameter);
  return trained;
}

}  // namespace

// One vtable and one type_info each, in this library.
Backbone::~Backbone() = default;
Method::~Method() = default;
Transform::~Transform() = default;
Dataset::~Dataset() = default;
Task::~Task() = default;
Command::~Command() = default;

Translation Backbone::from_published(StateDict published) const {
  return {std::move(published), {}, {}};
}

std::vector<std::string> Method::phases(std::int64_t, std::int64_t) const {
  return {"train"};
}
std::vector<at::Tensor> Method::parameters_of(const std::string&) const {
  return with_gradient(*this);
}
void Method::after_step(std::int64_t, std::int64_t) {}
void Method::begin_epoch(const EpochContext&) {}
std::vector<std::int64_t> Method::order(std::int64_t, std::int64_t, std::uint64_t) const {
  return {};
}
std::map<std::string, Embedding> Method::embed(Views&) {
  return {};
}
void Method::draw(Views&, const std::filesystem::path&) {}

void Task::begin(const TrainingImages&) {}
std::vector<at::Tensor> Task::trained() const {
  return with_gradient(*this);
}
std::vector<SetValue> Task::evaluate_set(const std::vector<CaseResult>&) const {
  return {};
}
void Task::draw(const Batch&, const std::filesystem::path&) {}

std::string_view to_string(Split split) {
  switch (split) {
    case Split::train:
      return "train";
    case Split::validation:
      return "validation";
    case Split::test:
      return "test";
  }
  return "?";
}

}  // namespace covector
