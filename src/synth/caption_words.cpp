// Every word of the captions.
#include "synth/captions.h"

namespace ccexpert::synth {

const std::vector<std::string>& caption_words() {
  static const std::vector<std::string> words{
      "a",           "added",       "all",         "along",    "alongside",
      "among",       "and",         "another",     "appear",   "appeared",
      "appears",     "are",         "area",        "around",   "arranged",
      "at",          "bareland",    "become",      "becomes",  "been",
      "beside",      "both",        "bottom",      "building", "buildings",
      "built",       "bungalow",    "bungalows",   "by",       "center",
      "clearing",    "constructed", "corner",      "court",    "courts",
      "cross",       "crossroad",   "curved",      "cut",      "decreased",
      "decreases",   "demolished",  "desert",      "detached", "disappear",
      "disappeared", "disappears",  "down",        "erected",  "few",
      "field",       "fields",      "five",        "forest",   "four",
      "grass",       "grassland",   "has",         "have",     "house",
      "houses",      "huge",        "in",          "into",     "is",
      "it",          "lake",        "lakes",       "land",     "large",
      "lawn",        "left",        "line",        "lines",    "lot",
      "lots",        "lower-left",  "lower-right", "mansion",  "mansions",
      "many",        "massive",     "meadow",      "middle",   "more",
      "near",        "neatly",      "new",         "next",     "of",
      "on",          "one",         "open",        "original", "other",
      "parking",     "place",       "planted",     "plants",   "playground",
      "playgrounds", "pond",        "ponds",       "pool",     "pools",
      "removed",     "replace",     "replaced",    "replaces", "replacing",
      "residential", "right",       "road",        "roads",    "roadside",
      "room",        "rooms",       "row",         "rows",     "scene",
      "several",     "show",        "shows",       "side",     "sides",
      "six",         "small",       "some",        "space",    "sports",
      "straight",    "street",      "streets",     "swimming", "t-shaped",
      "the",         "three",       "to",          "top",      "trees",
      "turn",        "turned",      "turning",     "turns",    "two",
      "up",          "upper",       "vegetation",  "villa",    "villas",
      "warehouse",   "warehouses",  "wasteland",   "widened",  "wider",
      "winding",     "with",        "wood",        "woods",    "."};
  return words;
}

}  // namespace ccexpert::synth
