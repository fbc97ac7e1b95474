/// Images of places at several dates.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace ccexpert::data {

/// Image of a place at one date.
struct DatedImage {
  std::string date;  ///< name of the date, unique within its place
  std::filesystem::path image;

  bool operator==(const DatedImage&) const = default;
};

struct Place {
  std::string name;               ///< unique within its series
  std::vector<DatedImage> dates;  ///< at least two, in the order of time

  bool operator==(const Place&) const = default;
};

struct Series {
  std::vector<Place> places;
  std::vector<std::string> left_out;  ///< places with fewer than two images
};

/// Reads the dates of one or several places:
///   a folder of images     one place; the dates are sorted by file name, numbers by value
///   a folder of folders    a place each, with the name of its folder
///   JSON Lines, JSON, CSV  entries with image and, optionally, place and date; those of a place in the order
///   of
///                          time
///   other text             an image on each line, in the order of time: one place
/// A date without a name has that of its file, without the extension if that is unique. Relative paths of a
/// list start at `image_root`, or at the list's folder if that is empty. Throws Error if nothing is left, for
/// a folder with both images and folders, for a date that a place has twice, and for a wrong entry.
Series read_series(const std::filesystem::path& folder_or_list, const std::filesystem::path& image_root = {});

}  // namespace ccexpert::data
