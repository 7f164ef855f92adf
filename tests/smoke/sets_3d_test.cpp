#include "support/catch.h"

#include "smoke/dataset_run.h"
#include "smoke/smoke_run.h"
#include "support/datasets/candi_tree.h"
#include "support/datasets/feta21_tree.h"
#include "support/datasets/kipa22_tree.h"
#include "support/datasets/ppmi_tree.h"
#include "support/datasets/stoic_tree.h"
#include "support/scratch_folder.h"

using namespace covector::testing;

TEST_CASE("a folder of volumes in three lines of a recipe", "[smoke][datasets]") {
  run_on_dataset("image_folder", smoke_images() / "volumes", "dimensions = 3", Use::pretrain, 3);
}

TEST_CASE("KiPA22 from its official folders, as volumes and as slices", "[smoke][datasets]") {
  const ScratchFolder folder;
  make_kipa22_tree(folder.path(), 6);
  run_on_dataset("kipa22", folder.path(), "dimensions = 3", Use::segment, 3);
  run_on_dataset("kipa22", folder.path(), "dimensions = 2", Use::segment, 2);
}

TEST_CASE("CANDI from its official folders", "[smoke][datasets]") {
  const ScratchFolder folder;
  make_candi_tree(folder.path(), 2);
  run_on_dataset("candi", folder.path(), "prepare.size = [48, 48, 48]", Use::segment, 3);
}

TEST_CASE("FeTA 2021 from its official folders", "[smoke][datasets]") {
  const ScratchFolder folder;
  make_feta21_tree(folder.path(), 8);
  run_on_dataset("feta21", folder.path(), "pipeline = \"all\"", Use::segment, 3);
}

TEST_CASE("STOIC from its official folders", "[smoke][datasets]") {
  const ScratchFolder folder;
  make_stoic_tree(folder.path(), 12);
  run_on_dataset("stoic", folder.path(), "lungs = \"lungs\"\nprepare.size = [32, 32, 32]",
                 Use::classify, 3);
}

TEST_CASE("PPMI from LONI's folders", "[smoke][datasets]") {
  const ScratchFolder folder;
  make_ppmi_tree(folder.path(), 3);
  run_on_dataset("ppmi", folder.path(), "prepare.size = [32, 32, 32]", Use::pretrain, 3);
}
