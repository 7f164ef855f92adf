#include "data_command.h"

#include "arguments.h"
#include "check.h"
#include "inspect.h"
#include "prepare.h"
#include "source.h"
#include "split.h"

#include "covector/core/error.h"

#include <ostream>

namespace covector::data_command {
namespace {

constexpr int kUnusable = 4;

int run_inspect(const Request& request, std::ostream& out) {
  if (request.words.empty()) throw RecipeError("data inspect: name at least one file");
  inspect(request.words, request.json, out);
  return 0;
}

int run_check(const Request& request, std::ostream& out) {
  const auto source = source_of(request, {});
  const auto findings = check(*source.set, source.type, request.jobs);
  out << (request.json ? to_json(findings).dump(2) + "\n" : to_text(findings));
  return findings.usable() ? 0 : kUnusable;
}

// A set whose images are read from their own files, whatever its recipe says of prepared ones.
Source unprepared(Request request) {
  request.set.emplace_back("dataset.prepared=\"\"");
  return source_of(request, {"OUT"});
}

int run_prepare(const Request& request, std::ostream& out) {
  const auto source = unprepared(request);
  return prepare(*source.set, source.words.back(), source.options, request.jobs, out);
}

int run_split(const Request& request, std::ostream& out) {
  const auto source = unprepared(request);
  source.set->open();
  const std::filesystem::path folder = source.words.back();
  write_splits(*source.set, folder);
  for (const auto part : {Split::train, Split::validation, Split::test})
    out << to_string(part) << ": " << source.set->indices(part).size() << " images\n";
  out << "wrote datalist.json, splits_final.json and splits.csv in " << folder.string()
      << "; take one with\n  [dataset.split]\n  by = \"file\"\n  file = \""
      << (std::filesystem::absolute(folder) / "splits.csv").string() << "\"\n";
  return 0;
}

}  // namespace

void Options::describe(Schema<Options>& schema) {
  schema.summary("Looks at image files and checks, prepares and splits sets of them.");
}

std::string DataCommand::help() const {
  return R"(covector data inspect FILE... [--json]
covector data check NAME ROOT [--set KEY=VALUE]... [--jobs N] [--json]
covector data prepare NAME ROOT OUT [--set KEY=VALUE]... [--jobs N]
covector data split NAME ROOT OUT [--set KEY=VALUE]...

inspect shows what image files hold: format, shape, channels, frames, stored type, smallest and
largest value (after the file's rescale slope and intercept), spacing, and the patient axes towards
which the first, second and third array index grow (LPS: left, posterior, superior). FILE is NIfTI,
MetaImage, NRRD, PNG, JPEG, TIFF, DICOM, or a folder with the slices of a DICOM series.

check reads every image of a set, a few at a time, and says which layout was recognised, how many
images there are and should be, what cannot be used and why, what sizes, spacings, orientations,
types, values and labels occur, which images are the same, and how the splits come out. The exit code
is 4 when the set cannot be used as it is. Where prepared images are asked for, their checksums are
compared too.

NAME is a dataset of covector plugins, ROOT its folder.

  --recipe FILE      the set of the section [dataset] of a recipe, in place of NAME ROOT
  -s, --set KEY=VALUE  set an option, as in --set dataset.split.seed=3; may be given again
  -j, --jobs N       images that are read at once; one a processor unless given
  --json             JSON instead of text
  --help             this text
)";
}

int DataCommand::run(const std::vector<std::string>& arguments, std::ostream& out) {
  const auto request = parse(arguments);
  if (request.help) {
    out << help();
    return 0;
  }
  if (request.action == "check") return run_check(request, out);
  if (request.action == "prepare") return run_prepare(request, out);
  if (request.action == "split") return run_split(request, out);
  return run_inspect(request, out);
}

}  // namespace covector::data_command
