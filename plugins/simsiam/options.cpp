#include "simsiam.h"

namespace covector::simsiam {

void Options::describe(Schema<Options>& schema) {
  schema
      .summary(
          "Predicts the projection of one view from that of another, without negatives and without "
          "a momentum copy: no gradient flows into what is predicted.")
      .source(
          "X. Chen, K. He, Exploring Simple Siamese Representation Learning, CVPR 2021 (arXiv "
          "2011.10566); code facebookresearch/simsiam at a7bc177")
      .family("BCL")
      .transfers("the encoder; projector and predictor are dropped")
      .watch("loss",
             "minus the mean cosine of prediction and projection, -1 to 1. A fast fall to about -1 "
             "is collapse, or views that are too alike")
      .watch("simsiam/projection_cosine",
             "mean cosine of the two views' projections, before the predictor")
      .watch("monitor/z/std",
             "spread of the projections, 1 / sqrt(embedding) when even. With batch statistics over "
             "two rows they look "
             "healthy whatever the encoder does; the monitors of h tell")
      .departure(
          "Normalisation of the heads. Original: over the batch, 512 images. Here over the batch "
          "from 8 rows a view on, over the channels of each row below: statistics of 2 rows are a "
          "sign function.")
      .departure(
          "Width of the projector inside. Official code: the encoder's, as here; others take 2048.")
      .departure(
          "The predictor's rate stays undecayed in the official code; with a constant rate there "
          "is no difference.");
  ViewPairOptions::describe_in(schema);
  schema.field("hidden", &Options::hidden)
      .doc("width inside the projector; that of the encoder's output")
      .at_least(1);
  schema.field("embedding", &Options::embedding)
      .doc("width of projection and prediction")
      .at_least(1);
  schema.field("bottleneck", &Options::bottleneck).doc("width inside the predictor").at_least(1);
  schema.field("head_norm", &Options::head_norm)
      .doc(
          "normalisation in the heads; auto: batch from 8 rows a view (samples x crops) on, else "
          "layer")
      .one_of({"auto", "batch", "layer", "none"});
}

}  // namespace covector::simsiam
