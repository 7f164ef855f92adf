#include "made_up_runs.h"

#include "covector/datasets/image.h"
#include "covector/datasets/picture.h"

#include <fmt/format.h>
#include <torch/types.h>
#include <nlohmann/json.hpp>

#include <array>
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

namespace {

/// All of a pretraining run but its pictures.
void write_pretrain_run(const fs::path& folder, const std::string& method) {
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
                {"lr", 1e-4},
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
}

void draw_views(const fs::path& folder) {
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

}  // namespace

void make_pretrain_run(const fs::path& folder, const std::string& method) {
  write_pretrain_run(folder, method);
  if (method != "scratch") draw_views(folder);
}

namespace {

Json metrics_of(double liver) {
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
  }
  return {{"weights", "best"},
          {"step", 200},
          {"metrics",
           {{{"name", "DSC"}, {"unit", "%"}, {"higher_is_better", true}},
            {{"name", "HD95"}, {"unit", "mm"}, {"higher_is_better", false}}}},
          {"cases", std::move(cases)}};
}

/// All of an adaptation run but its pictures.
void write_adapt_run(const fs::path& folder, const std::string& from, std::int64_t seed,
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

  write_text(folder / "metrics.json", metrics_of(liver).dump(2));
}

/// Image, truth and prediction of each case; worse predictions with a lower `liver`.
void draw_cases(const fs::path& folder, double liver) {
  for (int i = 0; i < 6; ++i) {
    at::Tensor truth;
    const auto base = datasets::grey_picture(phantom(2.0 * i, &truth), 0, 1);
    const auto guess = truth.roll(static_cast<std::int64_t>((90 - liver) / 4), 2);
    const auto picture = folder / fmt::format("images/step-000000200/slice-{}.png", i);
    fs::create_directories(picture.parent_path());
    datasets::write_png(datasets::side_by_side({base, datasets::overlay_labels(base, truth),
                                                datasets::overlay_labels(base, guess)}),
                        picture);
  }
}

}  // namespace

void make_adapt_run(const fs::path& folder, const std::string& from, std::int64_t seed,
                    double liver) {
  write_adapt_run(folder, from, seed, liver);
  draw_cases(folder, liver);
}

namespace {

/// plan.json of some rows, tasks and three seeds.
void write_plan(const fs::path& folder, const std::vector<std::string>& rows,
                const std::vector<std::string>& tasks) {
  auto cells = Json::array();
  for (const auto& row : rows) {
    const auto pretrain = "pretrain/" + row;
    cells.push_back({{"name", pretrain}, {"pretraining", row}, {"seed", 0}});
    for (const auto& task : tasks)
      for (int seed = 0; seed < 3; ++seed)
        cells.push_back({{"name", fmt::format("adapt/{}/{}/seed-{}", row, task, seed)},
                         {"pretraining", row},
                         {"task", task},
                         {"builds_on", pretrain},
                         {"seed", seed}});
  }
  write_text(folder / "plan.json", Json{{"baseline", "scratch"}, {"cells", cells}}.dump());
}

/// An entry of table.json.
Json entry(const std::string& row, const std::string& task, double mean) {
  return {{"pretraining", row},
          {"task", task},
          {"metric", "DSC"},
          {"unit", "%"},
          {"higher_is_better", true},
          {"mean", mean},
          {"spread", 1.5},
          {"seeds", 3},
          {"of_set", false},
          {"undefined", 3},
          {"main", true},
          {"cases", 6},
          {"interval", {mean - 3, mean + 3}}};
}

}  // namespace

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
  write_plan(folder, {"cover", "scratch"}, {"organs"});
  Json table{{"baseline", "scratch"}, {"published", Json::array()}};
  table["rows"] = {{{"pretraining", "scratch"}}, {{"pretraining", "cover"}, {"family", "VR"}}};
  table["columns"] = Json::array({{{"task", "organs"}, {"dimensions", 2}}});
  table["entries"] = {entry("scratch", "organs", 66.6), entry("cover", "organs", 69.2)};
  table["entries"][1]["against_baseline"] = {
      {"difference", 2.6}, {"low", 1.25}, {"high", 4.5}, {"cases", 6}};
  table["averages"] = Json::array();
  table["protocols"] = Json::array();
  write_text(folder / "table.json", table.dump());
}

namespace {

struct Row {
  const char *name, *family;
};
constexpr std::array<Row, 19> kRows = {{{"scratch", ""},
                                        {"denoising", "GL"},
                                        {"inpainting", "GL"},
                                        {"models_genesis", "GL"},
                                        {"rotation", "GL"},
                                        {"simsiam", "BCL"},
                                        {"byol", "BCL"},
                                        {"simclr", "BCL"},
                                        {"moco_v2", "BCL"},
                                        {"deepcluster", "BCL"},
                                        {"vader", "DBCL"},
                                        {"densecl", "DBCL"},
                                        {"setsim", "DBCL"},
                                        {"dsc_pm", "DBCL"},
                                        {"pixpro", "DBCL"},
                                        {"chaitanya", "DBCL"},
                                        {"gvsl", "DBCL"},
                                        {"gemini", "DBCL"},
                                        {"cover", "VR"}}};

void add_large_entry(Json& table, std::size_t r, const std::string& task) {
  auto one = entry(kRows[r].name, task, 60.0 + static_cast<double>(r));
  const auto gain = 0.5 * static_cast<double>(r) - 1;
  if (r > 0)
    one["against_baseline"] = {
        {"difference", gain}, {"low", gain - 2}, {"high", gain + 2}, {"cases", 6}};
  if (r > 0) one["p_value"] = r > 10 ? 0.0004 : 0.25;
  if (r % 6 == 0) one["published"] = 80.0 + static_cast<double>(r);
  if (r == 3) one["protocol"] = "a";
  if (std::string(kRows[r].name) == "pixpro" && task == "vessels") {
    one = entry(kRows[r].name, task, 0);
    one["mean"] = nullptr;
    one.erase("interval");
    one["state"] = "not run";
  }
  table["entries"].push_back(one);
}

Json large_table() {
  Json table{{"baseline", "scratch"}, {"published", Json::array({"the paper, Table 1"})}};
  table["columns"] = {{{"task", "organs"}, {"dimensions", 2}},
                      {{"task", "vessels"}, {"dimensions", 2}}};
  for (const auto* key : {"rows", "entries", "averages"}) table[key] = Json::array();
  for (std::size_t r = 0; r < kRows.size(); ++r) {
    table["rows"].push_back({{"pretraining", kRows[r].name}, {"family", kRows[r].family}});
    for (const auto* task : {"organs", "vessels"}) add_large_entry(table, r, task);
    const auto lacks = std::string(kRows[r].name) == "pixpro";
    table["averages"].push_back({{"pretraining", kRows[r].name},
                                 {"over", "2D"},
                                 {"mean", lacks ? Json() : Json(60.0 + static_cast<double>(r))},
                                 {"difference", lacks ? Json() : Json(static_cast<double>(r))},
                                 {"published", nullptr},
                                 {"unit", "%"},
                                 {"higher_is_better", true},
                                 {"missing", lacks ? Json::array({"vessels"}) : Json::array()},
                                 {"protocol", r == 3 ? Json::array({"a"}) : Json::array()}});
  }
  table["protocols"] = Json::array(
      {{{"mark", "a"}, {"differences", Json::array({"pretraining loop.steps: 100, others 400"})}}});
  return table;
}

/// What a monitored method logs beside its loss.
void add_monitors(const fs::path& run) {
  std::string log;
  for (int step = 50; step <= 400; step += 50)
    log += Json{{"step", step},
                {"monitor/h/level", 0.4 - step / 2000.0},
                {"monitor/z/level", 0.6 - step / 1000.0},
                {"monitor/h/effective_rank", 2 + step / 100.0}}
               .dump() +
           "\n";
  std::ofstream(run / "log.jsonl", std::ios::app) << log;
}

/// The same pictures in every run, for drawing takes most of the time.
void link_pictures(const fs::path& from, const fs::path& run) {
  fs::copy(from / "images", run / "images",
           fs::copy_options::recursive | fs::copy_options::create_hard_links);
}

}  // namespace

void make_large_benchmark(const fs::path& folder) {
  const auto drawn = folder / "drawn";
  draw_cases(drawn, 70);
  for (std::size_t r = 0; r < kRows.size(); ++r) {
    const std::string name = kRows[r].name;
    const auto pretrain = folder / "pretrain" / name;
    r < 2 ? make_pretrain_run(pretrain, name) : write_pretrain_run(pretrain, name);
    if (r > 1) link_pictures(folder / "pretrain/denoising", pretrain);
    if (r > 4) add_monitors(pretrain);
    for (const std::string task : {"organs", "vessels"})
      for (std::int64_t seed = 0; seed < 3; ++seed) {
        if (name == "pixpro" && task == "vessels") continue;
        const auto run = folder / "adapt" / name / task / fmt::format("seed-{}", seed);
        write_adapt_run(run, pretrain.string(), seed, 60 + static_cast<double>(r + seed));
        link_pictures(drawn, run);
      }
  }
  fs::remove_all(drawn);
  const auto failed = folder / "adapt/gemini/vessels/seed-2";
  fs::remove(failed / "metrics.json");
  write_text(failed / "status.json", Json{{"state", "failed"},
                                          {"step", 60},
                                          {"steps", 200},
                                          {"error", "the loss is not finite at step 60"}}
                                         .dump());
  std::vector<std::string> rows;
  for (const auto& row : kRows) rows.emplace_back(row.name);
  write_plan(folder, rows, {"organs", "vessels"});
  write_text(folder / "table.json", large_table().dump());
}

}  // namespace covector::testing
