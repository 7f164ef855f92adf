#include "pictures.h"

#include "covector/core/error.h"
#include "covector/datasets/picture.h"
#include "html.h"
#include "results.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

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
std::string where_the_rest_is(const Run& run, std::size_t samples) {
  std::string rest;
  if (samples > kSamples) rest = fmt::format("{} more of this step", samples - kSamples);
  if (run.pictures.size() > 1)
    rest += fmt::format("{}those of {} earlier steps", rest.empty() ? "" : " and ",
                        run.pictures.size() - 1);
  if (rest.empty()) return {};
  return fmt::format("<p class=\"note\">Further samples, {}, are in <code>{}</code>.</p>", rest,
                     escape((run.folder / "images").string()));
}

/// The score of a drawn case: the mean of its metric in that run.
std::optional<double> score_of(const Run& run, const std::string& id, const std::string& metric) {
  double sum = 0, count = 0;
  for (const auto& v : run.values)
    if (v.case_id == id && v.metric == metric && v.value) sum += *v.value, count += 1;
  return count > 0 ? std::optional(sum / count) : std::nullopt;
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

/// Cases that the run drew and measured, worst first.
std::vector<DrawnCase> drawn_cases(const Run& run, const Metric& metric) {
  std::set<std::string> ids;
  for (const auto& v : run.values) ids.insert(v.case_id);
  std::vector<DrawnCase> drawn;
  for (const auto& id : ids)
    if (const auto score = score_of(run, id, metric.name); score && picture_of(run, id))
      drawn.push_back({id, *score});
  std::stable_sort(drawn.begin(), drawn.end(), [&](const auto& a, const auto& b) {
    return metric.higher_is_better ? a.score < b.score : a.score > b.score;
  });
  return drawn;
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

/// The first metric that cases have values of, which says which are the best and the worst.
std::optional<Metric> metric_of_cases(const Experiment& experiment) {
  for (const auto& metric : metrics_of(experiment))
    if (!is_of_set(experiment, metric.name)) return metric;
  return std::nullopt;
}

/// ", pneumonia, called normal", where cases are given a class.
std::string called_text(const Run& run, const std::string& id) {
  const auto found = run.called.find(id);
  return found == run.called.end() ? std::string()
                                   : fmt::format("; {}, called {}", escape(found->second.truth),
                                                 escape(found->second.prediction));
}

std::string case_block(const Experiment& experiment, const Metric& metric, const DrawnCase& drawn,
                       const char* word, PictureBudget& budget) {
  std::string figures;
  for (const auto& arm : experiment.arms) {
    const auto& run = arm.runs.front()->run;
    const auto* picture = picture_of(run, drawn.id);
    if (!picture) continue;
    const auto caption =
        fmt::format("<strong>{}</strong>, seed {}: {} {} {}{}", escape(arm.name), run.seed,
                    escape(metric.name), number(score_of(run, drawn.id, metric.name)),
                    escape(metric.unit), called_text(run, drawn.id));
    figures += budget.figure(picture->file, caption,
                             drawn.id + ": image, truth and prediction of " + arm.name);
  }
  return figures.empty() ? std::string()
                         : fmt::format(
                               "<h4>{} <small>({})</small></h4><div class=\"pictures "
                               "wide\">{}</div>",
                               escape(drawn.id), word, figures);
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
        "<p class=\"note\">{} more pictures are in the run’s images folder; they were "
        "left out to keep this page small.</p>",
        refused_);
  for (const auto& problem : unreadable_)
    html += fmt::format("<p class=\"warning\">{}</p>", escape(problem));
  refused_ = 0;
  unreadable_.clear();
  return html;
}

std::string view_pictures(const Collection& all, PictureBudget& budget) {
  std::string html;
  for (const auto& placed : all.pretrain) {
    if (placed.run.pictures.empty()) continue;
    const auto& last = placed.run.pictures.back();
    std::map<std::string, std::vector<const Picture*>> samples;
    for (const auto& picture : last.pictures) samples[sample_of(picture)].push_back(&picture);
    html += fmt::format("<h3>{}, step {}</h3>", escape(placed.name), last.step);
    std::size_t shown = 0;
    for (const auto& [sample, pictures] : samples) {
      if (shown++ == kSamples) break;
      html += sample_block(sample.empty() ? "Pictures" : "Sample " + std::to_string(shown),
                           pictures, budget);
    }
    html += where_the_rest_is(placed.run, samples.size());
  }
  return html + budget.left_out();
}

std::string overlay_pictures(const std::vector<Experiment>& all, PictureBudget& budget) {
  std::string html;
  for (const auto& experiment : all) {
    const auto metric = metric_of_cases(experiment);
    if (!metric) continue;
    const auto drawn = drawn_cases(experiment.arms.front().runs.front()->run, *metric);
    if (drawn.empty()) continue;
    html += fmt::format("<h3>{}</h3>{}", escape(experiment.name), legend(labels_of(experiment)));
    // Worst first, best last; the two ends do not overlap.
    const auto worst = std::min(kExtremes, (drawn.size() + 1) / 2);
    const auto best = std::min(kExtremes, drawn.size() - worst);
    for (std::size_t i = 0; i < best; ++i)
      html +=
          case_block(experiment, *metric, drawn[drawn.size() - 1 - i], "among the best", budget);
    for (std::size_t i = 0; i < worst; ++i)
      html += case_block(experiment, *metric, drawn[i], "among the worst", budget);
  }
  return html + budget.left_out();
}

}  // namespace covector::report
