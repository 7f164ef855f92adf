#include "moco_v2.h"

#include "support/catch.h"
#include "support/numeric.h"

#include "covector/losses/contrast.h"
#include "plugins/two_views.h"

namespace covector::moco_v2 {
namespace {

using testing::gradient_gap;
using testing::max_gap;

Options small() {
  Options options;
  options.crop = {8, 12};
  options.hidden = 7;
  options.embedding = 5;
  options.queue = 8;  // three keys a step: wraps around within a batch
  return options;
}

at::Tensor keys_of(const MocoV2& method) {
  return method.named_buffers()["queue.keys"];
}

at::Tensor unit(const at::Tensor& rows) {
  return rows / rows.norm(2, {1}, true);
}

// InfoNCE row by row.
double slow_loss(const at::Tensor& q, const at::Tensor& k, const at::Tensor& queue,
                 double temperature) {
  const auto likeness = [&](const at::Tensor& a, const at::Tensor& b) {
    return std::exp((a * b).sum().item<double>() / temperature);
  };
  double sum = 0;
  for (std::int64_t i = 0; i < q.size(0); ++i) {
    const auto positive = likeness(q[i], k[i]);
    auto all = positive;
    for (std::int64_t n = 0; n < queue.size(0); ++n) all += likeness(q[i], queue[n]);
    sum -= std::log(positive / all);
  }
  return sum / static_cast<double>(q.size(0));
}

TEST_CASE("MoCo contrasts queries with the other view's keys and the queue", "[moco_v2]") {
  const bool symmetric = GENERATE(false, true);
  auto options = small();
  options.symmetric = symmetric;
  const auto method = testing::make_method<MocoV2>(options);
  auto views = testing::random_views(3, 2);
  // The momentum copy still is the network.
  const auto z = method->embed(views).at("z");
  const auto first = unit(z.first.detach());
  const auto second = unit(z.second.detach());
  const auto queue = keys_of(*method).clone();
  auto wanted = slow_loss(first, second, queue, 0.2);
  if (symmetric) wanted += slow_loss(second, first, queue, 0.2);
  const auto result = method->step(views, {"train"});
  CHECK(result.loss.item<double>() == Approx(wanted).epsilon(1e-12));
  CHECK(result.logs.at("moco_v2/positive_cosine").item<double>() ==
        Approx((first * second).sum(1).mean().item<double>()).epsilon(1e-12));

  // A step meets no key of its own; they are stored after it.
  CHECK(torch::equal(keys_of(*method), queue));
  method->after_step(0, 10);
  CHECK(max_gap(keys_of(*method).narrow(0, 0, 3), second) < 1e-12);
  CHECK(max_gap(keys_of(*method).narrow(0, 3, 3), symmetric ? first : queue.narrow(0, 3, 3)) <
        1e-12);
  CHECK(method->named_buffers()["queue.pointer"].item<std::int64_t>() == (symmetric ? 6 : 3));
}

TEST_CASE("MoCo's loss without preference is ln(1 + K)", "[moco_v2]") {
  for (const auto& [capacity, wanted] : std::vector<std::pair<std::int64_t, double>>{
           {512, 6.240276}, {4096, 8.318010}, {6144, 8.723394}, {24576, 10.109566}}) {
    auto options = small();
    options.queue = capacity;
    const auto method = testing::make_method<MocoV2>(options);
    {
      const torch::NoGradGuard no_grad;
      for (auto& item : method->named_parameters())
        if (item.key().find("projector.linear1.weight") != std::string::npos) item.value().zero_();
      keys_of(*method).copy_(unit(method->named_parameters()["projector.linear1.bias"].view({1, 5}))
                                 .expand({capacity, 5}));
    }
    auto views = testing::random_views(3, 2);
    CHECK(method->step(views, {"train"}).loss.item<double>() == Approx(wanted).margin(5e-7));
  }
}

TEST_CASE("MoCo's gradient is that of its formula, and keys have none", "[moco_v2][gradient]") {
  const auto method = testing::make_method<MocoV2>(small());
  auto views = testing::random_views(3, 2);
  const auto first = views.at("first").image();
  const auto second = views.at("second").image();
  CHECK(gradient_gap(
            [&](const at::Tensor& image) {
              auto moved = testing::two_views(image, second);
              return method->step(moved, {"train"}).loss;
            },
            first) < 1e-6);
  auto image = second.clone().requires_grad_();
  auto moved = testing::two_views(first, image);
  method->step(moved, {"train"}).loss.backward();
  CHECK_FALSE(image.grad().defined());
}

TEST_CASE("MoCo's momentum copy follows the network", "[moco_v2]") {
  const auto method = testing::make_method<MocoV2>(small());
  {
    const torch::NoGradGuard no_grad;
    for (auto& item : method->named_parameters())
      if (item.value().requires_grad()) item.value().add_(1);
  }
  method->after_step(0, 10);
  method->after_step(1, 10);  // the momentum does not change over a run
  std::int64_t followed = 0;
  for (const auto& item : method->named_parameters()) {
    if (item.key().rfind("key_", 0) != 0) continue;
    ++followed;
    INFO(item.key());
    const auto online = method->named_parameters()[item.key().substr(4)];
    CHECK(max_gap(online - item.value(), torch::full_like(online, 0.999 * 0.999)) < 1e-12);
  }
  CHECK(followed == 6 + 4);  // SmallBackbone, projector
}

TEST_CASE("MoCo's queue spans 256 batches unless told otherwise", "[moco_v2]") {
  const auto capacity = [](std::int64_t batch, std::int64_t crops) {
    auto options = small();
    options.queue.reset();
    options.crops = crops;
    return keys_of(*testing::make_method<MocoV2>(options, batch)).size(0);
  };
  CHECK(capacity(24, 1) == 6144);
  CHECK(capacity(2, 1) == 512);
  CHECK(capacity(2, 8) == 4096);
}

TEST_CASE("MoCo tells the age of its queue", "[moco_v2]") {
  auto options = small();
  options.queue = 12;
  const auto age = [&](std::int64_t step) {
    const auto method = testing::make_method<MocoV2>(options);
    auto views = testing::random_views(3, 2);
    return method->step(views, {"train", step, 100}).logs.at("moco_v2/queue_age").item<double>();
  };
  CHECK(age(0) == 0);
  CHECK(age(3) == 3);
  CHECK(age(50) == 4);
  options.symmetric = true;
  CHECK(age(50) == 2);
}

TEST_CASE("the head of MoCo has 328 320 weights on 512 channels", "[moco_v2]") {
  const InputSpec input{1, 2};
  const MocoV2 method(
      Options{},
      std::make_shared<testing::SmallBackbone>(input, std::vector<std::int64_t>{512, 5, 4}),
      {input, 24});
  CHECK(testing::size_of(*method.named_children()["projector"]) == 328320);
}

TEST_CASE("a step of MoCo", "[moco_v2]") {
  testing::check_whole_step<MocoV2>(small(), "key_");
  testing::check_whole_step<MocoV2>(small(), "key_", 1);
  auto options = small();
  options.symmetric = true;
  options.crops = 2;
  testing::check_whole_step<MocoV2>(options, "key_");
}

TEST_CASE("what MoCo shows of itself", "[moco_v2]") {
  testing::check_embed<MocoV2>(small(), 5);
  testing::check_draw<MocoV2>(small());
  testing::check_bfloat16<MocoV2>(small());
  testing::check_resumes<MocoV2>(small());
  testing::check_crop_errors<MocoV2>(small());
}

TEST_CASE("MoCo learns without collapse on its default views", "[moco_v2][views]") {
  Options options;
  options.embedding = 32;
  options.queue = 16;
  options.momentum = 0.99;
  testing::check_learns<MocoV2>(options, 2.6);  // chance: ln 17 = 2.83
}

}  // namespace
}  // namespace covector::moco_v2
