#include "deepcluster.h"

namespace covector::deepcluster {

void Options::describe(Schema<Options>& schema) {
  schema
      .summary(
          "Clusters the features of all images before an epoch, then learns to tell from a random "
          "crop which cluster its image is in.")
      .source(
          "M. Caron et al., Deep Clustering for Unsupervised Learning of Visual Features, ECCV "
          "2018 "
          "(arXiv 1807.05520); code facebookresearch/deepcluster at 2d1927e")
      .family("BCL")
      .transfers("the encoder; the classifier is dropped")
      .watch("loss", "cross-entropy with the clusters, ln k at chance: 6.9 for 1000, 3.0 for 20")
      .watch("deepcluster/mutual_information",
             "agreement of the last two clusterings, 0 to 1 (normalised by the mean entropy). "
             "Rises and settles; 0 before there are two")
      .watch("deepcluster/largest_cluster",
             "share of the images in the largest cluster. Above 0.5 is collapse")
      .watch("deepcluster/empty_clusters", "clusters without an image")
      .watch("deepcluster/distance",
             "mean squared distance of whitened features to their centroid, 0 to 2")
      .departure(
          "Sampling. Released: the positions that show all clusters equally often are looked up in "
          "a list of another order, so that clusters are shown as often as they are large. Here "
          "they are shown equally often.")
      .departure(
          "Empty clusters during k-means. Released (faiss): a donor is looked for from cluster 0 "
          "on, which favours low numbers. Here it is drawn by its size less one; both copies are "
          "moved apart by 1 / 1024 as there.")
      .departure(
          "Whitening. Released: without a floor. Here 1e-5 of the largest variance is added to "
          "each.")
      .departure(
          "Network. Original: features before the last ReLU of a VGG on Sobel-filtered colour "
          "images. Here the mean of the backbone's coarsest level, on the image as it is.")
      .departure(
          "Optimiser. Released: a second one, new with each classifier. Here one Adam that forgets "
          "what it knew of the classifier.")
      .departure("Views. Original: crops of 8 % of the area at least. Here of 20 %.");
  schema.field("crop", &Options::crop)
      .doc("size of the views: one number for every axis, or one an axis")
      .unit("voxels")
      .at_least(1)
      .require([](const auto& crop) { return crop.size() >= 1 && crop.size() <= 3; },
               "one number, or one an axis");
  schema.field("min_share", &Options::min_share)
      .doc("smallest share of the image's area (volume) that a crop shows")
      .between(0.01, 1.0);
  schema.field("k", &Options::k)
      .doc("clusters; 1000 in 2D, 20 in 3D. Below 39 images a cluster they are found unreliably")
      .at_least(1);
  schema.field("pca", &Options::pca)
      .doc(
          "principal axes that features are whitened on before they are clustered; 256 in 2D, 64 "
          "in "
          "3D, or all channels where there are fewer")
      .at_least(1);
  schema.field("iterations", &Options::iterations).doc("of k-means").at_least(1);
  schema.field("every", &Options::every)
      .doc("how many epochs a clustering and its classifier last")
      .unit("epochs")
      .at_least(1);
  schema.field("sampling", &Options::sampling)
      .doc(
          "\"uniform\" shows all clusters equally often, \"weighted\" each image once an epoch "
          "with "
          "a loss that counts clusters equally, \"images\" each image once with no regard to "
          "clusters")
      .one_of({"uniform", "weighted", "images"});
}

}  // namespace covector::deepcluster
