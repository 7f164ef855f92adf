#include "moco_v2.h"

namespace covector::moco_v2 {

void Options::describe(Schema<Options>& schema) {
  schema
      .summary(
          "A view's query is to be nearer to the key of its other view, made by a momentum copy of "
          "the network, than to a queue of earlier keys.")
      .source(
          "X. Chen, H. Fan, R. Girshick, K. He, Improved Baselines with Momentum Contrastive "
          "Learning (arXiv 2003.04297); code facebookresearch/moco at 132aea9")
      .family("BCL")
      .transfers("the query encoder; projector, momentum copy and queue are dropped")
      .watch("loss", "InfoNCE; ln(1 + queue) is chance, both directions added with 'symmetric'")
      .watch("moco_v2/accuracy",
             "share of queries nearer to their key than to every key of the queue; 1 within the "
             "first steps says that the views are too alike")
      .watch("moco_v2/positive_cosine", "mean cosine of query and key")
      .watch("moco_v2/queue_age",
             "forward passes since the oldest key was made; the queue starts with random keys")
      .watch("monitor/h/effective_rank",
             "of the encoder's features. Where it falls to 1 while the accuracy stays at 1, the "
             "network runs away from its old keys instead of telling images apart: the momentum is "
             "too low, or the queue too short")
      .departure(
          "Queue. Original: 65536 keys with batches of 256, which must divide it. Here as many "
          "batches, 256, and any length: old keys are stale, not too few.")
      .departure(
          "The copy moves after the optimiser's step; in the official code before the next keys "
          "are made, which gives the same copies.")
      .departure(
          "Shuffled batch normalisation has no counterpart: the head has no normalisation, the "
          "default backbone normalises groups of channels.")
      .departure("The copy runs in the same mode as the network, dropout included.");
  ViewPairOptions::describe_in(schema);
  schema.field("hidden", &Options::hidden)
      .doc("width inside the projector; that of the encoder's output")
      .at_least(1);
  schema.field("embedding", &Options::embedding).doc("width of queries and keys").at_least(1);
  schema.field("temperature", &Options::temperature).doc("T, divides the cosines").more_than(0.0);
  schema.field("momentum", &Options::momentum)
      .doc("of the momentum copy, which makes the keys")
      .between(0.0, 1.0);
  schema.field("queue", &Options::queue)
      .doc(
          "earlier keys kept as negatives; 256 x samples x crops of a forward pass. With fewer "
          "than "
          "the dataset has images, none meets its own key of the same epoch")
      .at_least(1);
  schema.field("symmetric", &Options::symmetric)
      .doc(
          "the second view is a query too: both losses are added and both views' keys stored, as "
          "in "
          "the authors' CIFAR demo");
}

}  // namespace covector::moco_v2
