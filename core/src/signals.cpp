#include "signals.h"

#include <csignal>

namespace covector {
namespace {

// A signal handler can reach nothing but a global.
volatile std::sig_atomic_t stop_signal = 0;
volatile std::sig_atomic_t checkpoint_wanted = 0;

void note(int signal) {
  if (signal == SIGUSR1)
    checkpoint_wanted = 1;
  else
    stop_signal = signal;
}

constexpr int kSignals[] = {SIGTERM, SIGINT, SIGUSR1};
struct sigaction before[3];

}  // namespace

Signals::Signals() {
  stop_signal = 0;
  checkpoint_wanted = 0;
  struct sigaction action {};
  action.sa_handler = note;
  action.sa_flags = SA_RESTART;  // reading a file goes on
  for (int i = 0; i < 3; ++i) sigaction(kSignals[i], &action, &before[i]);
}

Signals::~Signals() {
  for (int i = 0; i < 3; ++i) sigaction(kSignals[i], &before[i], nullptr);
}

int Signals::stop_code() const {
  return stop_signal ? 128 + stop_signal : 0;
}

bool Signals::take_checkpoint_request() {
  const bool wanted = checkpoint_wanted;
  checkpoint_wanted = 0;
  return wanted;
}

}  // namespace covector
