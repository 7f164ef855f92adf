#include "support/catch.h"

#include "smoke/dataset_run.h"
#include "smoke/smoke_run.h"
#include "support/datasets/chestxray8_tree.h"
#include "support/datasets/fives_tree.h"
#include "support/datasets/pdcxr_tree.h"
#include "support/datasets/scr_tree.h"
#include "support/scratch_folder.h"

using namespace covector::testing;

TEST_CASE("a folder of pictures in three lines of a recipe", "[smoke][datasets]") {
  run_on_dataset("image_folder", smoke_images() / "images", "prepare.size = [48, 48]",
                 Use::pretrain, 2);
}

TEST_CASE("SCR from its official folders", "[smoke][datasets]") {
  const ScratchFolder folder;
  make_scr_tree(folder.path(), ScrLayout::two_archives, 3);
  run_on_dataset("scr", folder.path(), "prepare.size = [48, 48]", Use::segment, 2);
}

TEST_CASE("PDCXR from its official folders", "[smoke][datasets]") {
  for (const auto layout : {PdcxrLayout::mendeley, PdcxrLayout::kaggle}) {
    const ScratchFolder folder;
    make_pdcxr_tree(folder.path(), layout, 6);
    run_on_dataset("pdcxr", folder.path(), "prepare.size = [48, 48]", Use::classify, 2);
  }
}

TEST_CASE("FIVES from its official folders", "[smoke][datasets]") {
  const ScratchFolder folder;
  make_fives_tree(folder.path(), 5);
  run_on_dataset("fives", folder.path(), "prepare.size = [48, 48]", Use::segment, 2);
}

TEST_CASE("ChestX-ray8 from its official folders", "[smoke][datasets]") {
  for (const auto layout : {NihLayout::nih, NihLayout::kaggle}) {
    const ScratchFolder folder;
    make_chestxray8_tree(folder.path(), layout, 4);
    run_on_dataset("chestxray8", folder.path(), "prepare.size = [48, 48]", Use::pretrain, 2);
  }
}
