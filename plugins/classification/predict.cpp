#include "classification.h"

#include <torch/types.h>

#include <fstream>

namespace covector::classification {
namespace {

namespace fs = std::filesystem;

/// A cell of a CSV file.
std::string cell(const std::string& text) {
  if (text.find_first_of(",\"\n\r") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? "\"\"" : std::string(1, c);
  return quoted + "\"";
}

std::string cell(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.9g", value);
  return text;
}

}  // namespace

/// predictions.csv with a row an image: file, prediction and the score of each class, which sum to
/// 1.
std::vector<fs::path> Classification::predict(const std::vector<fs::path>& inputs,
                                              const fs::path& output, const Dataset& dataset,
                                              const at::Device& device) {
  const auto file = output / "predictions.csv";
  if (fs::exists(file)) throw DataError(file.string() + " exists already; choose another folder");
  std::error_code failure;
  fs::create_directories(output, failure);
  if (failure) throw Error("cannot make the folder " + output.string() + ": " + failure.message());

  std::string rows = "file,prediction", problems;
  for (const auto& name : classes_) rows += "," + cell("score_" + name);
  std::size_t failed = 0;
  for (const auto& input : inputs) {
    try {
      const auto scores = log_scores(dataset.read(input).image.unsqueeze(0).to(device))[0];
      const auto called = static_cast<std::size_t>(scores.argmax().item<std::int64_t>());
      rows += "\n" + cell(input.string()) + "," + cell(classes_[called]);
      for (std::int64_t k = 0; k < scores.size(0); ++k)
        rows += "," + cell(scores[k].exp().item<double>());
    } catch (const DataError& error) {
      ++failed;
      problems += std::string("\n  ") + error.what();
    }
  }
  std::ofstream out(file);
  out << rows << "\n" << std::flush;
  if (!out) throw Error("cannot write " + file.string());
  if (failed > 0)
    throw DataError(std::to_string(failed) + " of " + std::to_string(inputs.size()) +
                    " images could not be classified; the others are in " + file.string() + ":" +
                    problems);
  return {file};
}

}  // namespace covector::classification
