#include "byol.h"

namespace covector::byol {

void Options::describe(Schema<Options>& schema) {
  schema
      .summary(
          "Predicts what a slowly moving copy of the network says about another view, without "
          "negatives.")
      .source(
          "J.-B. Grill et al., Bootstrap Your Own Latent, NeurIPS 2020 (arXiv 2006.07733); code "
          "google-deepmind/deepmind-research, byol")
      .family("BCL")
      .transfers("the online encoder; projector, predictor and the target network are dropped")
      .watch("loss",
             "squared distance of unit vectors, both directions added: 0 to 8, 4 for unrelated "
             "ones. A fast fall to about 0 is collapse, or views that are too alike")
      .watch("byol/momentum", "of the target: rises to 1 along a cosine over the run")
      .watch("byol/target_distance",
             "length of the difference of all weights of online network "
             "and target")
      .departure(
          "Normalisation of the heads. Original: over the batch, 4096 images. Here over the batch "
          "from 8 rows a view on, over the channels of each row below.")
      .departure(
          "The target starts as a copy of the online network; in DeepMind's code it has random "
          "weights of its own.")
      .departure(
          "Blur always in the first view, with chance 0.1 in the second, as published; solarising "
          "the second is off by default, as it turns bone and metal into their opposite.")
      .departure(
          "Weights start uniform as PyTorch's do; in DeepMind's code they are truncated normal.")
      .departure(
          "The target runs in the same mode as the online network, dropout included; it keeps "
          "running statistics of its own.");
  ViewPairOptions::describe_in(schema);
  schema.field("solarise", &Options::solarise)
      .doc("chance that the second view is solarised, 0.2 as published")
      .between(0.0, 1.0);
  schema.field("hidden", &Options::hidden).doc("width inside projector and predictor").at_least(1);
  schema.field("embedding", &Options::embedding)
      .doc("width of projection and prediction")
      .at_least(1);
  schema.field("momentum", &Options::momentum)
      .doc("of the target at the first step; rises to 1 along a cosine over the steps of the run")
      .between(0.0, 1.0);
  schema.field("head_norm", &Options::head_norm)
      .doc(
          "normalisation in the heads; auto: batch from 8 rows a view (samples x crops) on, else "
          "layer")
      .one_of({"auto", "batch", "layer", "none"});
  schema.rule([](const Options& o) -> std::string {
    return o.augmentation == "chest_xray" && o.solarise > 0
               ? "'solarise' changes augmentation = \"standard\" alone"
               : "";
  });
}

}  // namespace covector::byol
