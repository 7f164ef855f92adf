#pragma once

#include "covector/core/export.h"

#include <stdexcept>
#include <string>

namespace covector {

/// Base of every error a user can cause. `main` prints what() and exits with code().
class COVECTOR_API Error : public std::runtime_error {
 public:
  explicit Error(const std::string& message) : std::runtime_error(message) {}
  ~Error() override;  // out of line: one vtable and one type_info, in core
  virtual int code() const { return 1; }
};

/// The recipe or the command line is wrong. Says file:line:column, or the flag. Exit code 2.
class COVECTOR_API RecipeError : public Error {
 public:
  using Error::Error;
  ~RecipeError() override;
  int code() const override { return 2; }
};

/// A plug-in is missing, unreadable, built for something else, or clashes with another. Exit
/// code 3.
class COVECTOR_API PluginError : public Error {
 public:
  using Error::Error;
  ~PluginError() override;
  int code() const override { return 3; }
};

/// An image, label or table cannot be read or does not fit. Says the path. Exit code 4.
class COVECTOR_API DataError : public Error {
 public:
  using Error::Error;
  ~DataError() override;
  int code() const override { return 4; }
};

}  // namespace covector
