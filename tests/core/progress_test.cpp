#include "support/catch.h"

#include "progress.h"
#include "signals.h"

#include <csignal>
#include <sstream>

using namespace covector;

TEST_CASE("the progress line by hand", "[progress]") {
  // 1880 steps left at 2.5 a second: 752 s = 12:32
  CHECK(to_line({120, 2000, 0.43124, 2.5, 0.0}) ==
        "step 120/2000  loss 0.4312  2.5 steps/s  12:32 left");
  // 9000 s = 2:30:00
  CHECK(to_line({0, 9000, 1.0, 1.0, 0.123}) ==
        "step 0/9000  loss 1  1 steps/s  2:30:00 left  waiting for data 12 %");
}

TEST_CASE("a terminal rewrites its line, a file gets lines, quiet only results", "[progress]") {
  const Pace pace{1, 2, 0.5, 1.0, 0.0};
  const auto shown = [&](ProgressStyle style) {
    std::ostringstream out;
    {
      Progress progress(out, style);
      progress.show(pace);
      progress.note("a note");
      progress.say("a result");
    }
    return out.str();
  };
  CHECK(shown(ProgressStyle::plain) == to_line(pace) + "\na note\na result\n");
  CHECK(shown(ProgressStyle::terminal) ==
        "\r\x1b[K" + to_line(pace) + "\r\x1b[Ka note\na result\n");
  CHECK(shown(ProgressStyle::quiet) == "a result\n");
  std::ostringstream file;
  CHECK(progress_style(file, false) == ProgressStyle::plain);
  CHECK(progress_style(file, true) == ProgressStyle::quiet);
}

TEST_CASE("signals are noted, and handled as before afterwards", "[signals]") {
  static int old_handler_calls = 0;
  const auto before = std::signal(SIGTERM, [](int) { ++old_handler_calls; });
  {
    Signals signals;
    CHECK(signals.stop_code() == 0);
    std::raise(SIGUSR1);
    CHECK(signals.take_checkpoint_request());
    CHECK_FALSE(signals.take_checkpoint_request());
    std::raise(SIGTERM);
    CHECK(signals.stop_code() == 143);
    std::raise(SIGINT);
    CHECK(signals.stop_code() == 130);
  }
  CHECK(old_handler_calls == 0);
  std::raise(SIGTERM);
  CHECK(old_handler_calls == 1);
  std::signal(SIGTERM, before);
}
