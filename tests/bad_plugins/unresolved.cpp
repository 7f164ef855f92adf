// Asks for a function that no library has.
extern "C" int covector_test_function_of_no_library();

extern "C" __attribute__((visibility("default"))) int answer() {
  return covector_test_function_of_no_library();
}
