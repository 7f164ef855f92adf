#pragma once

#include <filesystem>

namespace covector::testing {

/// Under which names a subject's files lie: HC_001_procimg and HC_001_seg, HC_001_procimg and
/// HC_001.seg, or NITRC's anat and seg.
enum class CandiNames { underscore, dot, nitrc };

/// CANDI as NITRC's SchizBull_2008 unpacks: folder/{HC,BPDwoPsy,BPDwPsy,SS}/{group}_NNN/, with
/// `subjects` of each group from its first number on (1, 30, 65, 84), and one table of demographics
/// a group. Volumes of 48 coronal slices of 40 x 40 voxels, 1.5 x 0.94 x 0.94 mm, axes towards
/// (L, S, P). Images are int16, made_up_image(class, 30, number); labels are uint8, made_up_label()
/// of 29 classes of which the first 28 stand for the 28 structures in the order of their FreeSurfer
/// numbers, and the last is 5, an inferior lateral ventricle, which is none of them.
void make_candi_tree(const std::filesystem::path& folder, int subjects,
                     CandiNames names = CandiNames::underscore);

}  // namespace covector::testing
