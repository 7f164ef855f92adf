#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace covector::testing {

/// Writes a text file, with the folders it lies in.
void write_text(const std::filesystem::path& file, const std::string& text);

/// A pretraining run that has finished, with curves and the pictures of two samples.
void make_pretrain_run(const std::filesystem::path& folder, const std::string& method);
/// An adaptation run that has finished: six cases with labels "liver" and "aorta". DSC of the liver
/// in case i is `liver` + i and of the aorta 60 + i; case 5 has no aorta.
/// @param from  folder of the pretraining; empty for none
void make_adapt_run(const std::filesystem::path& folder, const std::string& from, std::int64_t seed,
                    double liver);
/// pretrain/{cover,scratch} and adapt/{cover,scratch}/organs/seed-{0,1,2}, with its table.json.
void make_benchmark(const std::filesystem::path& folder);

/// A benchmark of 19 rows, two tasks, "organs" and "vessels", and three seeds, of which some things
/// went wrong: a cell of "gemini" failed, "pixpro" was never adapted to "vessels". Row r, counted
/// from 0, "scratch", to 18, "cover", is adapted with `liver` = 60 + r + seed; see
/// make_adapt_run().
void make_large_benchmark(const std::filesystem::path& folder);

}  // namespace covector::testing
