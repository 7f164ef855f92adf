#include "chaitanya.h"

namespace covector::chaitanya {

void Options::describe(Schema<Options>& schema) {
  schema
      .summary(
          "Two stages: a global contrast trains the encoder; then, with the encoder frozen, a "
          "local "
          "contrast trains part of the decoder on regions of one image.")
      .source(
          "K. Chaitanya et al., Contrastive learning of global and local features for medical "
          "image "
          "segmentation with limited annotations, NeurIPS 2020 (arXiv 2006.10511); code "
          "krishnabits001/domain_specific_cl")
      .family("DBCL")
      .transfers(
          "encoder and the first decoder levels, up to that of the local loss (2 of the U-Net's "
          "4); "
          "the others and the heads are dropped")
      .watch("chaitanya/global_accuracy",
             "stage 1: views closer to their partner than to all others")
      .watch("chaitanya/local_won",
             "stage 2: regions whose partner outweighs all their negatives together")
      .watch("chaitanya/local_cosine",
             "stage 2: of the same region in both views, with the negatives")
      .departure(
          "Before the global head features are averaged over the image; the original flattens "
          "them (flatten = true), which takes 3e8 weights at this size.")
      .departure(
          "The local map has the original's stride of 4, with the 128 channels that the backbone "
          "has there, not 64.")
      .watch(
          "monitor/z/effective_rank",
          "stage 1, of the global embeddings. Where it falls to 1 they tell nothing apart: views "
          "are too different, or the encoder runs away from its queue")
      .departure(
          "A queue of earlier embeddings can add negatives where a batch holds few samples; the "
          "original has none. Off by default: without a momentum copy behind it the encoder ran "
          "away from its queue in every trial and told no images apart. More 'crops' are the "
          "better "
          "way.")
      .departure(
          "Volumes. Original: slices. Here: 35 regions of 3^3 voxels, each with the 8 nearest as "
          "negatives; crops of 0.5 to 0.9 of each side.")
      .departure(
          "Positives \"partitions\": a crop belongs to the part of the volume where its middle "
          "lies, so that two views of a sample may be of two parts, and are then no pair.")
      .departure("Crops lie anywhere in the image; the original keeps them off its rim.");
  schema.field("crop", &Options::crop)
      .doc("size of all views: one number for every axis, or one an axis")
      .unit("voxels")
      .at_least(1)
      .require([](const auto& crop) { return crop.size() >= 1 && crop.size() <= 3; },
               "one number, or one an axis");
  schema.field("global_share", &Options::global_share)
      .doc("share of the steps that the global stage takes")
      .between(0.0, 1.0);
  schema.field("crops", &Options::crops)
      .doc(
          "pairs of crops of each sample in the global stage; a pair counts as a sample of its "
          "own, beside others of the same image")
      .at_least(1);
  schema.field("crop_share", &Options::crop_share)
      .doc(
          "smallest and largest side of a global view's window, as a share of the image's; empty: "
          "0.52 in 2D, 0.5 to 0.9 in 3D")
      .between(0.01, 1.0)
      .require([](const auto& s) { return s.empty() || (s.size() == 2 && s[0] <= s[1]); },
               "empty, or two numbers, the smaller first");
  schema.field("strength", &Options::strength)
      .doc("largest change of brightness (grey levels) and of contrast (factor from 1)")
      .between(0.0, 1.0);
  schema.field("positives", &Options::positives)
      .doc(
          "of the global loss. views (G^R): the two views of a sample. partitions (G^D, volumes "
          "that "
          "are aligned): also views of other samples from the same part of the volume")
      .one_of({"views", "partitions"});
  schema.field("partitions", &Options::partitions)
      .doc("parts of a volume along its first axis, for positives = \"partitions\"")
      .at_least(2);
  schema.field("level", &Options::level)
      .doc(
          "level of the pyramid that the local loss looks at, 0 is the coarsest; by default the "
          "decoder's coarsest of stride 4 or less, 2 in the U-Net")
      .at_least(1);
  schema.field("flatten", &Options::flatten)
      .doc(
          "the global head sees all voxels of the coarsest level, as the original's, not their "
          "mean; for small views");
  schema.field("hidden", &Options::hidden).doc("hidden width of the global head").at_least(1);
  schema.field("embedding", &Options::embedding).doc("width of both embeddings").at_least(1);
  schema.field("head_norm", &Options::head_norm)
      .doc("normalisation in the local head; auto: batch from 8 voxels a batch on, layer below")
      .one_of({"auto", "batch", "layer", "none"});
  schema.field("temperature", &Options::temperature)
      .doc("divides the similarities of both losses")
      .more_than(0.0);
  schema.field("queue", &Options::queue)
      .doc("earlier embeddings that are further negatives of the global loss; 0: none")
      .at_least(0);
}

}  // namespace covector::chaitanya
