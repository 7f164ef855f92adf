#include "made_up_runs.h"

#include "covector/datasets/image.h"
#include "covector/datasets/picture.h"

#include <fmt/format.h>
#include <torch/types.h>
#include <nlohmann/json.hpp>

#include <cmath>
#include <fstream>
#include <vector>

namespace covector::testing {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

/// Ellipses in the manner of a slice through a trunk, moved to the right by `shift` pixels.
at::Tensor phantom(double shift, at::Tensor* label = nullptr) {
  const auto row = torch::arange(128, torch::kFloat32).view({128, 1});
  const auto column = torch::arange(128, torch::kFloat32).view({1, 128}) - shift;
  const auto ellipse = [&](double y, double x, double h, double w) {
    return ((row - y) / h).square() + ((column - x) / w).square() < 1;
  };
  const auto trunk = ellipse(64, 64, 42, 56), liver = ellipse(58, 44, 22, 26);
  const auto aorta = ellipse(76, 68, 6, 6);
  auto image = 0.1 * torch::ones({128, 128}) + 0.35 * trunk + 0.25 * liver + 0.3 * aorta;
  image = image + 0.03 * torch::sin(row * 0.9) * torch::cos(column * 0.7);
  if (label) *label = (liver.to(torch::kInt64) + 2 * aorta.to(torch::kInt64)).unsqueeze(0);
  return image.unsqueeze(0);
}

void write_common(const fs::path& folder, const std::string& recipe, std::int64_t steps) {
  write_text(folder / "recipe.toml", recipe);
  write_text(folder / "status.json",
             Json{{"state", "finished"}, {"step", steps}, {"steps", steps}}.dump());
  write_text(folder / "environment.json", Json{{"time", "2026-11-24T08:00:00Z"},
                                               {"command", {"covector", "run", "demo.toml"}},
                                               {"cpu", "a processor"},
                                               {"device", "cpu"}}
                                              .dump());
  write_text(folder / "plugins.json",
             Json::array({{{"name", "unet"}, {"version", "0.1.0"}}}).dump());
}

}  // namespace

void write_text(const fs::path& file, const std::string& text) {
  fs::create_directories(file.parent_path());
  std::ofstream(file, std::ios::binary) << text;
}

void make_pretrain_run(const fs::path& folder, const std::string& method) {
  const auto trains = method != "scratch";
  write_common(folder,
               fmt::format("kind = \"pretrain\"\nseed = 0\n[dataset]\ntype = \"volume_slices\"\n"
                           "[backbone]\ntype = \"unet\"\n[method]\ntype = \"{}\"\n",
                           method),
               trains ? 400 : 0);
  std::string log;
  for (int step = 10; trains && step <= 400; step += 10) {
    const auto x = std::exp(-step / 120.0), wave = 0.05 * std::sin(step * 1.7);
    log += Json{{"step", step},
                {"time", 1.7e9 + step},
                {"loss", 2.1 * x + 0.6 + wave},
                {"cover/vector_loss", 1.6 * x + 0.4 + wave},
                {"cover/consistency_loss", 0.5 * x + 0.2},
                {"cover/end_point_error_voxels", 9 * x + 2.5 + 4 * wave},
                {"cover/neighbour_distance_mean", 0.02 + 0.05 * (1 - x)},
                {"cover/neighbour_distance_p99", 0.1 + 0.3 * (1 - x)},
                {"cover/largest_vector_weight", 0.3 + 0.3 * (1 - x)},
                {"cover/effective_rank", 4 + 9 * (1 - x)},
                {"data_wait_share", 0.04},
                {"steps_per_second", 3.1},
                {"memory_mib", 1400}}
               .dump() +
           "\n";
  }
  write_text(folder / "log.jsonl", log);
  if (!trains) return;
  const auto pictures = folder / "images/step-000000400";
  auto list = Json::array();
  const auto add = [&](const std::string& name, const at::Tensor& picture, const char* title) {
    fs::create_directories(pictures);
    datasets::write_png(datasets::enlarge(picture, 2), pictures / (name + ".png"));
    list.push_back({{"file", name + ".png"}, {"title", title}});
  };
  const auto field = torch::zeros({2, 128, 128});
  field[1].fill_(9);
  field[0].copy_(torch::linspace(-6, 6, 128).view({1, 128}).expand({128, 128}));
  for (int sample = 0; sample < 3; ++sample) {
    const auto prefix = std::to_string(sample) + "-";
    const auto fixed = datasets::grey_picture(phantom(3 * sample), 0, 1);
    add(prefix + "fixed", fixed, "fixed view");
    add(prefix + "moving", datasets::grey_picture(phantom(9 + 3 * sample), 0, 1), "moving view");
    add(prefix + "dvf-true", datasets::overlay_arrows(fixed, field, 8, datasets::label_colour(1)),
        "true displacement, on the fixed view");
    add(prefix + "warped-level0", datasets::grey_picture(phantom(5), 0, 1),
        "moving view, warped by the displacement after level 0");
    add(prefix + "warped-level4", fixed, "moving view, warped by the displacement after level 4");
  }
  write_text(pictures / "pictures.json", list.dump());
}

void make_adapt_run(const fs::path& folder, const std::string& from, std::int64_t seed,
                    double liver) {
  write_common(folder,
               fmt::format("kind = \"adapt\"\nseed = {}\n[dataset]\ntype = \"volume_slices\"\n"
                           "[backbone]\ntype = \"unet\"\n[task]\ntype = \"segmentation\"\n{}",
                           seed, from.empty() ? "" : "[pretrained]\nrun = \"" + from + "\"\n"),
               200);
  std::string log;
  for (int step = 10; step <= 200; step += 10) {
    const auto x = std::exp(-step / 60.0);
    Json line{{"step", step},
              {"loss", 1.9 * x + 0.3 + 0.02 * static_cast<double>(seed)},
              {"data_wait_share", 0.02},
              {"steps_per_second", 5.5},
              {"memory_mib", 900}};
    if (step % 50 == 0) line["validation/DSC"] = (liver / 2 + 30) * (1 - x);
    log += line.dump() + "\n";
  }
  write_text(folder / "log.jsonl", log);

  auto cases = Json::array();
  for (int i = 0; i < 6; ++i) {
    auto values = Json::array();
    values.push_back({{"metric", "DSC"}, {"label", "liver"}, {"value", liver + i}});
    if (i < 5)
      values.push_back({{"metric", "DSC"}, {"label", "aorta"}, {"value", 60 + i}});
    else
      values.push_back({{"metric", "DSC"},
                        {"label", "aorta"},
                        {"value", nullptr},
                        {"note", "absent from both prediction and truth"}});
    values.push_back({{"metric", "HD95"}, {"label", "liver"}, {"value", 12.5 - i}});
    cases.push_back({{"id", fmt::format("slice-{}", i)}, {"values", std::move(values)}});

    at::Tensor truth;
    const auto base = datasets::grey_picture(phantom(2.0 * i, &truth), 0, 1);
    const auto guess = truth.roll(static_cast<std::int64_t>((90 - liver) / 4), 2);
    const auto picture = folder / fmt::format("images/step-000000200/slice-{}.png", i);
    fs::create_directories(picture.parent_path());
    datasets::write_png(datasets::side_by_side({base, datasets::overlay_labels(base, truth),
                                                datasets::overlay_labels(base, guess)}),
                        picture);
  }
  const Json metrics{{"weights", "best"},
                     {"step", 200},
                     {"metrics",
                      {{{"name", "DSC"}, {"unit", "%"}, {"higher_is_better", true}},
                       {{"name", "HD95"}, {"unit", "mm"}, {"higher_is_better", false}}}},
                     {"cases", std::move(cases)}};
  write_text(folder / "metrics.json", metrics.dump(2));
}

void make_benchmark(const fs::path& folder) {
  make_pretrain_run(folder / "pretrain/cover", "cover");
  make_pretrain_run(folder / "pretrain/scratch", "scratch");
  const std::vector<double> cover{76, 78, 80}, scratch{72, 71, 76};
  for (std::int64_t seed = 0; seed < 3; ++seed) {
    const auto name = fmt::format("organs/seed-{}", seed);
    make_adapt_run(folder / "adapt/cover" / name, (folder / "pretrain/cover").string(), seed,
                   cover[seed]);
    make_adapt_run(folder / "adapt/scratch" / name, (folder / "pretrain/scratch").string(), seed,
                   scratch[seed]);
  }
  write_text(folder / "table.json",
             Json{{"baseline", "scratch"},
                  {"entries",
                   {{{"pretraining", "cover"},
                     {"task", "organs"},
                     {"metric", "DSC"},
                     {"unit", "%"},
                     {"against_baseline",
                      {{"difference", 2.6}, {"low", 1.25}, {"high", 4.5}, {"cases", 6}}}}}}}
                 .dump());
}

}  // namespace covector::testing
