#include "pictures.h"

#include "covector/core/error.h"
#include "covector/datasets/picture.h"
#include "html.h"
#include "results.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <map>

namespace covector::report {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kSamples = 2;   // view pairs of a run
constexpr std::size_t kExtremes = 3;  // cases at either end

/// The leading number of "3-fixed.png"; other names make one group.
std::string sample_of(const Picture& picture) {
  const auto name = picture.file.filename().string();
  const auto digits = name.find_first_not_of("0123456789");
  return digits != 0 && digits != std::string::npos && name[digits] == '-' ? name.substr(0, digits)
                                                                           : std::string();
}

std::string sample_block(const std::string& heading, const std::vector<const Picture*>& pictures,
                         PictureBudget& budget) {
  std::string figures;
  for (const auto* picture : pictures)
    figures +=
        budget.figure(picture->file, escape(picture->title), heading + ", " + picture->title);
  return figures.empty()
             ? std::string()
             : fmt::format("<h4>{}</h4><div class=\"pictures\">{}</div>", escape(heading), figures);
}

/// A sentence about samples and steps that are not shown.
std::string where_the_rest_is(const Run& run, std::size_t samples, std::size_t shown) {
  std::string rest;
  if (samples > shown) rest = fmt::format("{} more of this step", samples - shown);
  if (run.pictures.size() > 1)
    rest += fmt::format("{}those of {} earlier steps", rest.empty() ? "" : " and ",
                        run.pictures.size() - 1);
  if (rest.empty()) return {};
  return fmt::format("<p class=\"note\">Further samples, {}, are in <code>{}</code>.</p>", rest,
                     escape((run.folder / "images").string()));
}

/// The picture of a case: the one whose name is the case's id, or begins with it.
const Picture* picture_of(const Run& run, const std::string& id) {
  if (run.pictures.empty()) return nullptr;
  const Picture* begins = nullptr;
  for (const auto& picture : run.pictures.back().pictures) {
    const auto stem = picture.file.stem().string();
    if (stem == id) return &picture;
    if (stem.rfind(id + "-", 0) == 0) begins = &picture;
  }
  return begins;
}

struct DrawnCase {
  std::string id;
  double score;
};

/// The run of an arm that its pictures are taken from: the first that has finished and drawn some.
const Run& shown_run(const Arm& arm) {
  for (const auto* placed : arm.runs)
    if (placed->run.state == "finished" && !placed->run.pictures.empty()) return placed->run;
  return arm.runs.front()->run;
}

/// Cases that a run drew and that have a score, worst first.
std::vector<DrawnCase> drawn_cases(const Run& run, const std::map<std::string, double>& scores,
                                   const Metric& metric) {
  std::vector<DrawnCase> drawn;
  for (const auto& [id, score] : scores)
    if (picture_of(run, id)) drawn.push_back({id, score});
  std::stable_sort(drawn.begin(), drawn.end(), [&](const auto& a, const auto& b) {
    return metric.higher_is_better ? a.score < b.score : a.score > b.score;
  });
  return drawn;
}

/// The arms whose pictures stand side by side: all of a few; of many the best few by their means,
/// and the baseline.
std::vector<const Arm*> shown_arms(const Experiment& experiment, const Metric& metric) {
  std::vector<const Arm*> arms;
  for (const auto& arm : experiment.arms) arms.push_back(&arm);
  if (arms.size() <= kFewArms) return arms;
  const auto worth = [&](const Arm* arm) {
    const auto mean = over_seeds(*arm, metric.name);
    if (!mean) return -std::numeric_limits<double>::infinity();
    return metric.higher_is_better ? mean->mean : -mean->mean;
  };
  std::stable_sort(arms.begin(), arms.end(),
                   [&](const Arm* a, const Arm* b) { return worth(a) > worth(b); });
  const auto* baseline = baseline_of(experiment);
  arms.resize(kFewArms);
  if (baseline && std::find(arms.begin(), arms.end(), baseline) == arms.end())
    arms.back() = baseline;
  return arms;
}

/// What cases are ordered by: the first arm's score in its first run where there are few arms; the
/// mean over all arms where there are many, for then no arm is in the middle of things.
std::map<std::string, double> ordering_scores(const Experiment& experiment, const Metric& metric) {
  if (experiment.arms.size() <= kFewArms)
    return case_means(shown_run(experiment.arms.front()), metric.name);
  std::map<std::string, std::vector<double>> by_arm;
  for (const auto& arm : experiment.arms)
    for (const auto& [id, score] : case_scores(arm, metric.name)) by_arm[id].push_back(score);
  std::map<std::string, double> scores;
  for (const auto& [id, values] : by_arm) scores[id] = estimate(values)->mean;
  return scores;
}

std::string legend(const std::vector<std::string>& labels) {
  std::string items;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const auto c = datasets::label_colour(static_cast<std::int64_t>(i) + 1);
    items += fmt::format("<li><i style=\"background:rgb({},{},{})\"></i>{}</li>", c[0], c[1], c[2],
                         escape(labels[i]));
  }
  return fmt::format("<ul class=\"legend\">{}</ul>", items);
}

/// ", pneumonia, called normal", where cases are given a class.
std::string called_text(const Run& run, const std::string& id) {
  const auto found = run.called.find(id);
  return found == run.called.end() ? std::string()
                                   : fmt::format("; {}, called {}", escape(found->second.truth),
                                                 escape(found->second.prediction));
}

std::string case_figure(const Arm& arm, const Metric& metric, const std::string& id,
                        PictureBudget& budget) {
  const auto& run = shown_run(arm);
  const auto* picture = picture_of(run, id);
  if (!picture) return {};
  const auto scores = case_means(run, metric.name);
  const auto score = scores.find(id);
  const auto value = score == scores.end() ? std::nullopt : std::optional(score->second);
  const auto caption =
      fmt::format("<strong>{}</strong>, seed {}: {} {} {}{}", escape(arm.name), run.seed,
                  escape(metric.name), number(value), escape(metric.unit), called_text(run, id));
  return budget.figure(picture->file, caption, id + ": image, truth and prediction of " + arm.name);
}

std::string case_block(const std::vector<const Arm*>& arms, const Metric& metric,
                       const DrawnCase& drawn, const char* word, PictureBudget& budget) {
  std::string figures;
  for (const auto* arm : arms) figures += case_figure(*arm, metric, drawn.id, budget);
  return figures.empty() ? std::string()
                         : fmt::format(
                               "<h4>{} <small>({})</small></h4><div class=\"pictures "
                               "wide\">{}</div>",
                               escape(drawn.id), word, figures);
}

/// Best and worst of the drawn cases, at most so many of each; the two ends do not overlap.
std::string extremes(const std::vector<const Arm*>& arms, const Metric& metric,
                     const std::vector<DrawnCase>& drawn, std::size_t most, PictureBudget& budget) {
  std::string html;
  const auto worst = std::min(most, (drawn.size() + 1) / 2);
  const auto best = std::min(most, drawn.size() - worst);
  for (std::size_t i = 0; i < best; ++i)
    html += case_block(arms, metric, drawn[drawn.size() - 1 - i], "among the best", budget);
  for (std::size_t i = 0; i < worst; ++i)
    html += case_block(arms, metric, drawn[i], "among the worst", budget);
  return html;
}

}  // namespace

std::string PictureBudget::figure(const fs::path& file, const std::string& title,
                                  const std::string& alternative) {
  try {
    if (fs::file_size(file) > left_) {
      ++refused_;
      return {};
    }
    const auto uri = png_uri(file);
    left_ -= fs::file_size(file);
    return fmt::format(
        "<figure class=\"picture\"><button type=\"button\" aria-label=\"Enlarge: {0}\"><img "
        "src=\"{1}\" alt=\"{0}\"></button><figcaption>{2}</figcaption></figure>",
        escape(alternative), uri, title);
  } catch (const DataError& error) {
    unreadable_.emplace_back(error.what());
    return {};
  }
}

std::string PictureBudget::left_out() {
  std::string html;
  if (refused_ > 0)
    html += fmt::format(
        "<p class=\"note\">{} more {} in the run’s images folder, left out to keep this page "
        "small.</p>",
        refused_, refused_ == 1 ? "picture is" : "pictures are");
  for (const auto& problem : unreadable_)
    html += fmt::format("<p class=\"warning\">{}</p>", escape(problem));
  refused_ = 0;
  unreadable_.clear();
  return html;
}

std::string run_pictures(const Run& run, std::size_t most, PictureBudget& budget) {
  if (run.pictures.empty()) return {};
  std::map<std::string, std::vector<const Picture*>> samples;
  for (const auto& picture : run.pictures.back().pictures)
    samples[sample_of(picture)].push_back(&picture);
  std::string html;
  std::size_t shown = 0;
  for (const auto& [sample, pictures] : samples) {
    if (shown++ == most) break;
    html += sample_block(sample.empty() ? "Pictures" : "Sample " + std::to_string(shown), pictures,
                         budget);
  }
  return html + where_the_rest_is(run, samples.size(), most);
}

std::string view_pictures(const Collection& all, PictureBudget& budget) {
  std::string html;
  for (const auto& placed : all.pretrain)
    if (!placed.run.pictures.empty())
      html += fmt::format("<h3>{}, step {}</h3>", escape(placed.name),
                          placed.run.pictures.back().step) +
              run_pictures(placed.run, kSamples, budget);
  return html + budget.left_out();
}

std::string overlay_pictures(const std::vector<Experiment>& all, PictureBudget& budget) {
  std::string html;
  for (const auto& experiment : all) {
    const auto metric = metric_of_cases(experiment);
    if (!metric) continue;
    const auto arms = shown_arms(experiment, *metric);
    const auto drawn =
        drawn_cases(shown_run(*arms.front()), ordering_scores(experiment, *metric), *metric);
    if (drawn.empty()) continue;
    const auto few = experiment.arms.size() <= kFewArms;
    html += fmt::format("<h3>{}</h3>{}", escape(experiment.name), legend(labels_of(experiment)));
    html += extremes(arms, *metric, drawn, few ? kExtremes : kExtremes - 1, budget);
  }
  return html + budget.left_out();
}

std::string arm_pictures(const Experiment& experiment, const Arm& arm, PictureBudget& budget) {
  const auto metric = metric_of_cases(experiment);
  if (!metric) return {};
  const auto& run = shown_run(arm);
  return extremes({&arm}, *metric, drawn_cases(run, case_means(run, metric->name), *metric), 1,
                  budget);
}

}  // namespace covector::report
