// The commands that exchange weights with PyTorch.
#include "program.h"
#include "request.h"
#include "weights_exchange.h"

#include <iostream>

namespace covector::cli {

int import_command(const Words& words, std::ostream& out) {
  Syntax syntax{
      "import",
      "Brings weights that a network's authors published, or that 'covector export' wrote,\n"
      "into a checkpoint for [pretrained] run. RECIPE (of kind pretrain or adapt) says which\n"
      "network. FILE is what torch.save() wrote of a state dict, on its own or among other\n"
      "things, or safetensors; for TransUNet also the ImageNet-21k weights (.npz). Nothing\n"
      "in FILE is run. What does not fit is an error.",
      {"RECIPE", "FILE"}};
  syntax.options.add_options()(
      "output,o", po::value<std::string>()->required()->value_name("WEIGHTS.h5"),
      "the checkpoint to write")("encoder", "take the encoder alone, the decoder stays as it is")(
      "allow-unexpected", "pass over tensors that the network has no place for")(
      "prefix", po::value<std::string>()->value_name("WORDS"),
      "what stands before the network's names, as in teacher.backbone.; found by itself where one "
      "network is in FILE")(
      "set,s", po::value<std::vector<std::string>>()->composing()->value_name("KEY=VALUE"),
      "set an option of the recipe; may be given again")(
      "json", "print the load report as JSON, every tensor by name");
  const auto values = parse(syntax, words, out);
  if (!values) return 0;
  ImportRequest request;
  request.recipe =
      load_recipe(text_of(*values, "RECIPE"), values->count("set")
                                                  ? (*values)["set"].as<std::vector<std::string>>()
                                                  : std::vector<std::string>());
  request.file = text_of(*values, "FILE");
  request.output = text_of(*values, "output");
  request.encoder = values->count("encoder") > 0;
  request.allow_unexpected = values->count("allow-unexpected") > 0;
  if (values->count("prefix")) request.prefix = text_of(*values, "prefix");
  Program program(out);
  const auto report = import_weights(request, program.registries, program.loader);
  if (values->count("json"))
    out << to_json(report);
  else
    out << to_text(report) << "\nwrote " << request.output.string() << "; take it with\n"
        << "  [pretrained]\n  run = \"" << request.output.string() << "\"\n";
  return 0;
}

int export_command(const Words& words, std::ostream& out) {
  Syntax syntax{
      "export",
      "Writes the backbone of a run under its authors' names, for PyTorch. RUN is a run\n"
      "folder, of which the best checkpoint is taken or else the last, or a checkpoint file.\n"
      "FILE ends in .pt or .pth, for torch.load(FILE, weights_only=True), or in\n"
      ".safetensors. A head is no part of a backbone: put torch.nn.Identity() in its place\n"
      "in the authors' network, then load_state_dict(strict=True) takes the rest.",
      {"RUN", "FILE"}};
  syntax.options.add_options()("json", "print the load report as JSON, every tensor by name");
  const auto values = parse(syntax, words, out);
  if (!values) return 0;
  const std::filesystem::path file = text_of(*values, "FILE");
  Program program(out);
  const auto exported =
      export_weights(text_of(*values, "RUN"), file, program.registries, program.loader,
                     [](const std::string& text) { std::cerr << "warning: " << text << '\n'; });
  if (values->count("json")) {
    out << to_json(exported.report);
    return 0;
  }
  out << to_text(exported.report) << '\n';
  for (const auto& name : exported.added) out << "  added: " << name << '\n';
  if (exported.trained != Transfer::network)
    out << "The method trains part of the backbone (" << to_string(exported.trained)
        << "); the rest are first weights.\n";
  out << "wrote " << file.string() << ": " << exported.tensors << " tensors of '"
      << exported.backbone << "', under its authors' names and without a head\n";
  return 0;
}

}  // namespace covector::cli
