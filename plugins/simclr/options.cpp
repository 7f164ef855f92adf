#include "simclr.h"

namespace covector::simclr {

void Options::describe(Schema<Options>& schema) {
  schema
      .summary("Two views of an image attract each other, all other views of the batch repel them.")
      .source(
          "T. Chen, S. Kornblith, M. Norouzi, G. Hinton, A Simple Framework for Contrastive "
          "Learning of Visual Representations, ICML 2020 (arXiv 2002.05709); code "
          "google-research/simclr at 383d414")
      .family("BCL")
      .transfers("the encoder; the projector is dropped")
      .watch("loss", "NT-Xent; ln(2 rows - 1) is collapse or chance, with rows = samples x crops")
      .watch("simclr/accuracy",
             "share of views whose nearest other view is their partner; 1 within the first steps "
             "says that the views are too alike")
      .watch("simclr/positive_cosine", "mean cosine of partners")
      .watch("simclr/negative_cosine",
             "mean cosine of all others; with both near 1 the network has collapsed")
      .departure(
          "Loss. Paper: the mean over all 2N rows, as here. Official code: the means of both "
          "halves "
          "added, twice that.")
      .departure(
          "Head. Paper: two layers without normalisation, as here. Official code: three, each with "
          "batch normalisation. 'head_norm' adds normalisation with a scale and a shift after both "
          "layers.")
      .departure("Temperature. Original: 0.1 on ImageNet. Here 0.5, as for small batches.")
      .departure(
          "Strength of brightness and contrast. Original: 0.8. Here 0.4, as in the other methods, "
          "so that they differ by their objective alone.")
      .departure("With 'crops', other crops of the same image are negatives too; nnssl likewise.");
  ViewPairOptions::describe_in(schema);
  schema.field("hidden", &Options::hidden)
      .doc("width inside the projector; that of the encoder's output")
      .at_least(1);
  schema.field("embedding", &Options::embedding).doc("width of the projection").at_least(1);
  schema.field("temperature", &Options::temperature).doc("T, divides the cosines").more_than(0.0);
  schema.field("head_norm", &Options::head_norm)
      .doc(
          "normalisation after both layers of the projector; auto: batch from 8 rows of both views "
          "together (2 x samples x crops) on, else layer")
      .one_of({"auto", "batch", "layer", "none"});
}

}  // namespace covector::simclr
