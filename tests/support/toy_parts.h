#pragma once

#include "covector/core/plugin.h"

#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/conv.h>
#include <torch/types.h>

#include <fstream>
#include <functional>
#include <limits>

/// The smallest parts that a run can be made of, registered directly: "toy" of every kind, and the
/// method "scratch".
namespace covector::testing {

/// What a test does in the middle of a run: called with the number of each step before it is
/// computed, and with -1 before each case is measured.
inline std::function<void(std::int64_t)>& before_toy_step() {
  static std::function<void(std::int64_t)> hook;
  return hook;
}

struct ToyDatasetOptions {
  std::int64_t train = 10;
  std::int64_t validation = 2;
  std::int64_t test = 3;
  std::int64_t size = 8;

  static void describe(Schema<ToyDatasetOptions>& schema) {
    schema.summary("Images of noise; what is bright has label 1.");
    schema.field("train", &ToyDatasetOptions::train).doc("images").at_least(0);
    schema.field("validation", &ToyDatasetOptions::validation).doc("images").at_least(0);
    schema.field("test", &ToyDatasetOptions::test).doc("images").at_least(0);
    schema.field("size", &ToyDatasetOptions::size).doc("side").unit("pixel").at_least(1);
  }
};

class ToyDataset final : public Dataset {
 public:
  explicit ToyDataset(const ToyDatasetOptions& options) : options_(options) {}
  InputSpec input() const override { return {1, 2}; }
  void open() override {}
  std::int64_t size() const override {
    return options_.train + options_.validation + options_.test;
  }
  Sample get(std::int64_t index) const override {
    auto image = torch::empty({1, options_.size, options_.size});
    RandomStream random(7, "toy image", {static_cast<std::uint64_t>(index)});
    for (std::int64_t i = 0; i < image.numel(); ++i)
      image.data_ptr<float>()[i] = static_cast<float>(random.uniform());
    return {image, (image > 0.5).to(torch::kInt64), {}, id(index), ""};
  }
  std::string id(std::int64_t index) const override { return "image-" + std::to_string(index); }
  std::string patient(std::int64_t) const override { return ""; }
  std::vector<std::int64_t> indices(Split split) const override {
    const std::int64_t ends[] = {options_.train, options_.train + options_.validation, size()};
    const auto part = static_cast<int>(split);
    std::vector<std::int64_t> out;
    for (auto i = part == 0 ? 0 : ends[part - 1]; i < ends[part]; ++i) out.push_back(i);
    return out;
  }
  std::vector<std::string> classes() const override { return {"dark", "bright"}; }
  Sample read(const std::filesystem::path&) const override { return get(0); }
  std::string fingerprint() const override { return "toy"; }

 private:
  ToyDatasetOptions options_;
};

struct ToyBackboneOptions {
  std::int64_t channels = 3;
  bool norm = true;

  static void describe(Schema<ToyBackboneOptions>& schema) {
    schema.summary("Two convolutions; the first is the encoder.");
    schema.field("channels", &ToyBackboneOptions::channels).doc("width").at_least(1);
    schema.field("norm", &ToyBackboneOptions::norm).doc("with a BatchNorm");
  }
};

class ToyBackbone final : public Backbone {
 public:
  ToyBackbone(const ToyBackboneOptions& options, const InputSpec& input)
      : options_(options), input_(input) {
    const auto conv = [](std::int64_t from, std::int64_t to) {
      return torch::nn::Conv2d(torch::nn::Conv2dOptions(from, to, 3).padding(1));
    };
    encoder_ = register_module("encoder", conv(input.channels, options.channels));
    decoder_ = register_module("decoder", conv(options.channels, options.channels));
    if (options.norm) norm_ = register_module("norm", torch::nn::BatchNorm2d(options.channels));
  }
  std::vector<at::Tensor> levels(const at::Tensor& x, std::size_t count) override {
    std::vector<at::Tensor> maps{encoder_->forward(x).relu()};
    if (count == 1) return maps;
    const auto map = decoder_->forward(maps.front());
    maps.push_back(norm_ ? norm_->forward(map) : map);
    return maps;
  }
  std::vector<std::int64_t> channels() const override {
    return {options_.channels, options_.channels};
  }
  std::vector<std::int64_t> strides() const override { return {1, 1}; }
  std::int64_t size_divisor() const override { return 1; }
  std::int64_t dimensions() const override { return 2; }
  std::size_t level_of(std::string_view name) const override {
    return name.starts_with("encoder") ? 0 : 1;
  }
  std::shared_ptr<Backbone> fresh() const override {
    return std::make_shared<ToyBackbone>(options_, input_);
  }

 private:
  ToyBackboneOptions options_;
  InputSpec input_;
  torch::nn::Conv2d encoder_ = nullptr;
  torch::nn::Conv2d decoder_ = nullptr;
  torch::nn::BatchNorm2d norm_ = nullptr;
};

struct ToyMethodOptions {
  std::int64_t phases = 1;
  bool dropout = false;
  bool encoder_only = false;
  std::int64_t diverge_at = -1;

  static void describe(Schema<ToyMethodOptions>& schema) {
    schema.summary("Learns to remove noise, with a queue and an epoch counter to carry along.");
    schema.field("phases", &ToyMethodOptions::phases).doc("phases").between(1, 2);
    schema.field("dropout", &ToyMethodOptions::dropout).doc("uses LibTorch's own generator");
    schema.field("encoder_only", &ToyMethodOptions::encoder_only).doc("what goes downstream");
    schema.field("diverge_at", &ToyMethodOptions::diverge_at).doc("step with a NaN loss");
  }
};

class ToyMethod final : public Method {
 public:
  ToyMethod(const ToyMethodOptions& options, std::shared_ptr<Backbone> backbone, const MethodInput&)
      : options_(options), backbone_(register_module("backbone", std::move(backbone))) {
    head_ = register_module(
        "head", torch::nn::Conv2d(torch::nn::Conv2dOptions(backbone_->channels().back(), 1, 1)));
    queue_ = register_buffer("queue", torch::zeros({4}));
    steps_ = register_buffer("steps", torch::zeros({}, torch::kInt64));
    epochs_ = register_buffer("epochs", torch::zeros({}));
  }
  std::vector<ViewSpec> views() const override {
    return {{"noisy", {{{"type", "toy"}, {"std", 0.3}}}}, {"clean", {}}};
  }
  std::vector<std::string> phases(std::int64_t, std::int64_t) const override {
    return options_.phases == 1 ? std::vector<std::string>{"train"}
                                : std::vector<std::string>{"first", "second"};
  }
  StepResult step(Views& views, const StepInfo& info) override {
    const auto step = steps_.item<std::int64_t>();
    if (before_toy_step() && info.phase != "second") before_toy_step()(step);
    auto map = backbone_->pyramid(views.at("noisy").image()).back();
    if (options_.dropout) map = at::dropout(map, 0.5, is_training());
    auto loss = (head_->forward(map) - views.at("clean").image()).pow(2).mean();
    if (info.phase == "second") loss = loss * 0.5;
    if (step == options_.diverge_at) loss = loss * std::numeric_limits<double>::quiet_NaN();
    last_ = loss.detach();
    return {loss, {{"toy/mean", map.detach().mean()}}};
  }
  void after_step(std::int64_t step, std::int64_t) override {
    const torch::NoGradGuard no_grad;
    queue_[step % 4] = last_;
    steps_ += 1;
  }
  void begin_epoch(const EpochContext& context) override {
    const torch::NoGradGuard no_grad;
    epochs_ += context.images({0, context.size - 1}).image.mean();
  }
  Transfer transfers() const override {
    return options_.encoder_only ? Transfer::encoder : Transfer::network;
  }
  void draw(Views& views, const std::filesystem::path& folder) override {
    backbone_->pyramid(views.at("noisy").image());  // would move BatchNorm if it were training
    std::ofstream(folder / "method.txt") << views.at("noisy").ids().front();
  }

 private:
  ToyMethodOptions options_;
  std::shared_ptr<Backbone> backbone_;
  torch::nn::Conv2d head_ = nullptr;
  at::Tensor queue_, steps_, epochs_, last_;
};

class ToyScratch final : public Method {
 public:
  ToyScratch(const NoOptions&, std::shared_ptr<Backbone> backbone, const MethodInput&) {
    register_module("backbone", std::move(backbone));
  }
  std::vector<ViewSpec> views() const override { return {}; }
  std::vector<std::string> phases(std::int64_t, std::int64_t) const override { return {}; }
  StepResult step(Views&, const StepInfo&) override { throw std::logic_error("no phases"); }
};

class ToyTask final : public Task {
 public:
  ToyTask(const NoOptions&, std::shared_ptr<Backbone> backbone, const TaskInput& input)
      : backbone_(register_module("backbone", std::move(backbone))) {
    head_ = register_module(
        "head", torch::nn::Conv2d(torch::nn::Conv2dOptions(
                    backbone_->channels().back(), static_cast<int>(input.classes.size()), 1)));
    mean_ = register_buffer("mean", torch::zeros({}));
  }
  std::vector<Metric> metrics() const override {
    return {{"accuracy", "%", true}, {"loss", "", false}};
  }
  std::string main_metric() const override { return "accuracy"; }
  ViewSpec view() const override { return {"train", {{{"type", "toy"}}}}; }
  void begin(const TrainingImages& images) override {
    for (std::int64_t i = 0; i < images.size; ++i) mean_ += images.get(i).image.mean();
    mean_ /= images.size;
  }
  StepResult step(View& view) override {
    if (before_toy_step()) before_toy_step()(steps_++);
    return {loss(view.image(), *view.label()), {}};
  }
  CaseResult evaluate(const Batch& batch, const Geometry&) override {
    if (before_toy_step()) before_toy_step()(-1);
    const auto right = (scores(batch.image).argmax(1, true) == *batch.label).to(torch::kFloat32);
    return {batch.ids.front(),
            {{"accuracy", "bright", 100 * right.mean().item<double>(), ""},
             {"accuracy", "unseen", std::nullopt, "not in the image"},
             {"loss", "", loss(batch.image, *batch.label).item<double>(), ""}}};
  }
  void draw(const Batch& batch, const std::filesystem::path& folder) override {
    std::ofstream(folder / (batch.ids.front() + ".txt")) << "drawn";
  }
  std::vector<std::filesystem::path> predict(const std::vector<std::filesystem::path>& inputs,
                                             const std::filesystem::path& output,
                                             const Dataset& dataset,
                                             const at::Device& device) override {
    std::vector<std::filesystem::path> written;
    for (const auto& input : inputs) {
      written.push_back(output / input.filename());
      std::ofstream(written.back())
          << scores(dataset.read(input).image.unsqueeze(0).to(device)).mean().item<double>();
    }
    return written;
  }

 private:
  at::Tensor scores(const at::Tensor& image) {
    return head_->forward(backbone_->pyramid(image - mean_).back());
  }
  at::Tensor loss(const at::Tensor& image, const at::Tensor& label) {
    return -scores(image).log_softmax(1).gather(1, label).mean();
  }
  std::shared_ptr<Backbone> backbone_;
  torch::nn::Conv2d head_ = nullptr;
  at::Tensor mean_;
  std::int64_t steps_ = 0;
};

struct ToyTransformOptions {
  double std = 0.1;
  static void describe(Schema<ToyTransformOptions>& schema) {
    schema.summary("Adds noise.");
    schema.field("std", &ToyTransformOptions::std).doc("strength").at_least(0.0);
  }
};

class ToyTransform final : public Transform {
 public:
  explicit ToyTransform(const ToyTransformOptions& options) : options_(options) {}
  void apply(View& view, Draws& draws) const override {
    const auto image = view.image();
    view.set_image(image +
                   options_.std * draws.normal_field(image.sizes().slice(1), image.options()));
  }

 private:
  ToyTransformOptions options_;
};

inline void add_toy_parts(Registries& registries) {
  Registrar registrar(registries, {"toy", "0", "toy_parts.h"});
  registrar.add<Dataset, ToyDataset, ToyDatasetOptions>("toy");
  registrar.add<Backbone, ToyBackbone, ToyBackboneOptions>("toy");
  registrar.add<Method, ToyMethod, ToyMethodOptions>("toy");
  registrar.add<Method, ToyScratch, NoOptions>("scratch");
  registrar.add<Task, ToyTask, NoOptions>("toy");
  registrar.add<Transform, ToyTransform, ToyTransformOptions>("toy");
}

}  // namespace covector::testing
