#include "timed_backbone.h"

namespace covector {
namespace {

constexpr std::string_view kInside = "timed";

class TimedBackbone final : public Backbone {
 public:
  TimedBackbone(std::shared_ptr<Backbone> backbone, Stopwatch& stopwatch)
      : backbone_(register_module(std::string(kInside), std::move(backbone))),
        stopwatch_(stopwatch) {}

  std::vector<at::Tensor> levels(const at::Tensor& x, std::size_t count) override {
    return time([&] { return backbone_->levels(x, count); });
  }
  at::Tensor encode(const at::Tensor& x) override {
    return time([&] { return backbone_->encode(x); });
  }
  std::int64_t encoder_channels() const override { return backbone_->encoder_channels(); }
  std::vector<std::int64_t> channels() const override { return backbone_->channels(); }
  std::vector<std::int64_t> strides() const override { return backbone_->strides(); }
  std::int64_t size_divisor() const override { return backbone_->size_divisor(); }
  void check_batch(const std::vector<std::int64_t>& size, std::int64_t batch) const override {
    backbone_->check_batch(size, batch);
  }
  std::int64_t dimensions() const override { return backbone_->dimensions(); }
  std::size_t level_of(std::string_view name) const override {
    return backbone_->level_of(own(name));
  }
  bool in_encoder(std::string_view name) const override { return backbone_->in_encoder(own(name)); }
  std::shared_ptr<Backbone> fresh() const override { return timed(backbone_->fresh(), stopwatch_); }

 private:
  template <class Call>
  auto time(Call call) -> decltype(call()) {
    stopwatch_.lap("method");
    auto result = call();
    stopwatch_.lap("backbone");
    return result;
  }
  /// The name that the network itself has for one of its tensors.
  static std::string_view own(std::string_view name) { return name.substr(kInside.size() + 1); }

  std::shared_ptr<Backbone> backbone_;
  Stopwatch& stopwatch_;
};

}  // namespace

std::shared_ptr<Backbone> timed(std::shared_ptr<Backbone> backbone, Stopwatch& stopwatch) {
  return std::make_shared<TimedBackbone>(std::move(backbone), stopwatch);
}

}  // namespace covector
