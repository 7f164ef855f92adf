#include "covector/core/error.h"

namespace covector {

Error::~Error() = default;
RecipeError::~RecipeError() = default;
PluginError::~PluginError() = default;
DataError::~DataError() = default;

}  // namespace covector
