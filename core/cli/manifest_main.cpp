#include "covector/core/error.h"
#include "manifest.h"

#include <exception>
#include <iostream>

int main(int count, char** arguments) {
  if (count != 3) {
    std::cerr << "usage: covector-manifest NAME.covector.so NAME.covector.json\n"
                 "Opens a plug-in and writes what it provides, for the program to find it by.\n";
    return 2;
  }
  try {
    covector::write_manifest(arguments[1], arguments[2]);
    return 0;
  } catch (const covector::Error& error) {
    std::cerr << "covector-manifest: error: " << error.what() << '\n';
    return error.code();
  } catch (const std::exception& error) {
    std::cerr << "covector-manifest: error: " << error.what() << '\n';
    return 1;
  }
}
