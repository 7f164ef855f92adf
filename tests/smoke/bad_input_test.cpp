#include "support/catch.h"

#include "smoke/smoke_run.h"

#include "covector/datasets/image.h"
#include "datasets/files.h"

#include <torch/types.h>
#include <nlohmann/json.hpp>

using namespace covector;
using namespace covector::testing;
using Catch::Contains;
using Catch::StartsWith;
namespace fs = std::filesystem;

namespace {

/// A copy of the made-up images, to be damaged.
class Images {
 public:
  Images() { fs::copy(smoke_images(), folder_.path(), fs::copy_options::recursive); }
  fs::path operator/(const fs::path& name) const { return folder_ / name; }
  void cut(const fs::path& name) const {
    fs::resize_file(folder_ / name, fs::file_size(folder_ / name) / 2);
  }
  void write_mask(const fs::path& name, const at::Tensor& values) const {
    datasets::write_png(values.unsqueeze(0).to(torch::kUInt8), folder_ / name);
  }
  /// The first batch holds every image, so that the bad one stops the run at once.
  Finished run(const std::string& recipe, const std::string& batch) const {
    return run_to_end(smoke_recipe(recipe), folder_ / "run",
                      {"-s", "dataset.split.fractions=[1, 0, 0]", "-s", "loop.batch=" + batch},
                      folder_.path());
  }

 private:
  ScratchFolder folder_;
};

void check_refused(const Finished& finished, int code, const std::string& words) {
  INFO(finished.output);
  CHECK(finished.code == code);
  CHECK_THAT(finished.error, StartsWith("covector: error: ") && Contains(words));
}

}  // namespace

TEST_CASE("a recipe with several mistakes: all of them, where they stand", "[smoke][errors]") {
  const ScratchFolder folder;
  const auto recipe = folder.write("wrong.toml", "extends = \"" + smoke_recipe("cover").string() +
                                                     "\"\n"
                                                     "[method]\ntype = \"covr\"\n"
                                                     "[loop]\nstps = 3\nbatch = \"two\"\n");
  const auto refused = run_to_end(recipe, folder / "run");
  check_refused(refused, 2,
                "[method] is not valid:\n  " + recipe.string() +
                    ":3:8: unknown method 'covr'; did you mean 'cover'?\n[loop] is not valid:\n");
  check_refused(refused, 2,
                recipe.string() + ":5:8: unknown option 'stps'; did you mean 'steps'?\n");
  check_refused(refused, 2, recipe.string() + ":6:9: 'batch' must be integer, got \"two\"\n");
  CHECK_FALSE(fs::exists(folder / "run"));
}

TEST_CASE("a folder of images that is not there", "[smoke][errors]") {
  const ScratchFolder folder;
  check_refused(run_to_end(smoke_recipe("cover"), folder / "run", {}, "/no/data"), 4,
                "/no/data/images: is no folder; check root, images and masks\n");
}

TEST_CASE("image files that are cut short", "[smoke][errors]") {
  {
    const Images images;
    images.cut("images/case-07.png");
    check_refused(images.run("cover", "20"), 4,
                  (images / "images/case-07.png").string() +
                      ": cannot be read as PNG (it is cut short); the file is damaged or "
                      "truncated, fetch it again\n");
  }
  {
    const Images images;
    images.cut("volumes/case-3.nii.gz");
    check_refused(images.run("cover-3d", "8"), 4,
                  (images / "volumes/case-3.nii.gz").string() +
                      ": cannot be read as NIfTI (it is cut short: ");
  }
  {
    const Images images;
    DicomBytes dicom;
    dicom.rows = dicom.columns = 48;
    dicom.allocated = dicom.stored = 8;
    dicom.pixels = std::string(48 * 48, '\x40');
    fs::remove(images / "images/case-07.png");
    write_file(images / "images/case-07.dcm", dicom.file());
    images.cut("images/case-07.dcm");
    check_refused(images.run("cover", "20"), 4, (images / "images/case-07.dcm").string() + ": ");
  }
}

TEST_CASE("masks that do not fit", "[smoke][errors]") {
  const Images images;
  const auto mask = (images / "masks/case-07.png").string();
  images.write_mask("masks/case-07.png", torch::zeros({40, 48}));
  check_refused(images.run("cover", "20"), 4,
                mask + ": mask is 40x48, but its image " +
                    (images / "images/case-07.png").string() +
                    " is 48x48; they must be on the same grid\n");
  images.write_mask("masks/case-07.png", torch::full({48, 48}, 7));
  fs::remove_all(images / "run");
  check_refused(images.run("cover", "20"), 4,
                mask +
                    ": label value 7 is not among those listed (0, 1, 2); complete the label "
                    "table, or set labels.unlisted = \"background\"\n");
}

TEST_CASE("a run folder that cannot be made", "[smoke][errors]") {
  const ScratchFolder folder;
  const auto file = folder.write("notes.txt", "mine\n");
  check_refused(run_to_end(smoke_recipe("cover"), file / "run"), 1,
                "cannot make the run folder " + (file / "run").string() + ": Not a directory");
  CHECK(text_of(file) == "mine\n");
}

TEST_CASE("a full disk stops a run at its checkpoint, and with room again it ends as it would have",
          "[smoke][resume][errors]") {
  const ScratchFolder folder;
  const auto run = folder / "run";
  const Words often{"-s", "loop.checkpoint_every=2"};
  // /dev/full answers every write as a full disk does.
  fs::create_directories(run / "checkpoints");
  fs::create_symlink("/dev/full", run / "checkpoints/.writing-step-000000006.h5");
  check_refused(run_to_end(smoke_recipe("cover"), run, often), 1,
                "No space left on device. Make room on the disk and run the same command again; "
                "earlier checkpoints are untouched\n");
  REQUIRE(checkpoints_of(run).size() == 2);
  CHECK(checkpoints_of(run).back().filename() == "step-000000004.h5");
  const auto status = nlohmann::json::parse(text_of(run / "status.json"));
  CHECK(status["state"] == "failed");
  CHECK_THAT(status["error"].get<std::string>(), Contains("No space left on device"));

  const auto resumed = run_to_end(smoke_recipe("cover"), run, often);
  INFO(resumed.output << resumed.error);
  CHECK(resumed.code == 0);
  CHECK_THAT(resumed.output, Contains("resuming from step 4\n"));
  REQUIRE(run_to_end(smoke_recipe("cover"), folder / "whole", often).code == 0);
  check_same_run(run, folder / "whole");
}
