#include "progress.h"

#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <iostream>

namespace covector {
namespace {

std::string clock_text(double seconds) {
  const auto whole = static_cast<long>(std::lround(seconds));
  char text[32];
  if (whole >= 3600)
    std::snprintf(text, sizeof text, "%ld:%02ld:%02ld", whole / 3600, whole / 60 % 60, whole % 60);
  else
    std::snprintf(text, sizeof text, "%ld:%02ld", whole / 60, whole % 60);
  return text;
}

}  // namespace

std::string to_line(const Pace& pace) {
  char text[128];
  std::snprintf(text, sizeof text, "step %lld/%lld  loss %.4g  %.3g steps/s",
                static_cast<long long>(pace.step), static_cast<long long>(pace.total), pace.loss,
                pace.steps_per_second);
  std::string line = text;
  if (pace.steps_per_second > 0)
    line += "  " + clock_text(static_cast<double>(pace.total - pace.step) / pace.steps_per_second) +
            " left";
  if (pace.wait_share >= 0.05)
    line += "  waiting for data " + std::to_string(std::lround(100 * pace.wait_share)) + " %";
  return line;
}

ProgressStyle progress_style(const std::ostream& out, bool quiet) {
  if (quiet) return ProgressStyle::quiet;
  const bool terminal = &out == &std::cout && isatty(STDOUT_FILENO) &&
                        !std::getenv("SLURM_JOB_ID") && !std::getenv("LSB_JOBID");
  return terminal ? ProgressStyle::terminal : ProgressStyle::plain;
}

Progress::Progress(std::ostream& out, ProgressStyle style) : out_(out), style_(style) {}

Progress::~Progress() {
  if (open_line_) out_ << std::endl;
}

void Progress::show(const Pace& pace) {
  if (style_ == ProgressStyle::quiet) return;
  if (style_ == ProgressStyle::plain) {
    out_ << to_line(pace) << std::endl;
    return;
  }
  out_ << "\r\x1b[K" << to_line(pace) << std::flush;
  open_line_ = true;
}

void Progress::note(const std::string& line) {
  if (style_ != ProgressStyle::quiet) say(line);
}

void Progress::say(const std::string& line) {
  if (open_line_) out_ << "\r\x1b[K";
  open_line_ = false;
  out_ << line << std::endl;
}

}  // namespace covector
