// A library that is no plug-in.
extern "C" __attribute__((visibility("default"))) int answer() {
  return 42;
}

__attribute__((constructor)) static void must_not_run() {
  __builtin_trap();
}
