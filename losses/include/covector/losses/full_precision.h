#pragma once

#include <c10/core/impl/LocalDispatchKeySet.h>

namespace covector::losses {

/// No autocast on any device for the life of the object: products of matrices keep the precision of
/// their inputs. Softmax over cosines divided by a small temperature needs it.
class FullPrecision {
 private:
  c10::impl::ExcludeDispatchKeyGuard guard_{c10::autocast_dispatch_keyset};
};

}  // namespace covector::losses
