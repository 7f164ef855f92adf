#include "deepcluster.h"

#include "covector/core/plugin.h"

COVECTOR_PLUGIN("deepcluster", "0.1.0", registrar) {
  using namespace covector;
  registrar.add<Method, deepcluster::DeepCluster, deepcluster::Options>("deepcluster");
}
