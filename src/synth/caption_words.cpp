// Every word of the captions.
#include "synth/captions.h"

namespace ccexpert::synth {

const std::vector<std::string>& caption_words() {
  static const std::vector<std::string> words{
      "a",          "across",    "added",       "all",         "along",       "alongside",  "among",
      "an",         "and",       "another",     "appear",      "appeared",    "appears",    "arc",
      "are",        "area",      "around",      "arranged",    "at",          "bareland",   "become",
      "becomes",    "been",      "beside",      "between",     "both",        "bottom",     "building",
      "buildings",  "built",     "bungalow",    "bungalows",   "by",          "cement",     "center",
      "clearing",   "concrete",  "constructed", "corner",      "court",       "cross",      "crossing",
      "crossroad",  "curved",    "cut",         "decreased",   "decreases",   "demolished", "desert",
      "detached",   "developed", "disappear",   "disappeared", "disappears",  "down",       "edge",
      "erected",    "existing",  "extended",    "few",         "field",       "five",       "forest",
      "former",     "four",      "grass",       "grassland",   "has",         "have",       "house",
      "houses",     "huge",      "in",          "into",        "is",          "it",         "lake",
      "lakes",      "land",      "large",       "lawn",        "left",        "line",       "lines",
      "longer",     "lot",       "lots",        "lower-left",  "lower-right", "mansion",    "mansions",
      "many",       "massive",   "meadow",      "middle",      "more",        "most",       "near",
      "neatly",     "new",       "newly",       "next",        "of",          "old",        "on",
      "one",        "ones",      "open",        "original",    "other",       "parallel",   "parking",
      "path",       "paths",     "place",       "planted",     "plants",      "playground", "playgrounds",
      "pond",       "ponds",     "pool",        "pools",       "rebuilt",     "removed",    "replace",
      "replaced",   "replaces",  "replacing",   "residential", "right",       "road",       "roads",
      "roadside",   "room",      "rooms",       "row",         "rows",        "scattered",  "scene",
      "several",    "show",      "shows",       "side",        "sides",       "six",        "small",
      "some",       "space",     "sports",      "straight",    "street",      "swimming",   "t-shaped",
      "the",        "them",      "three",       "through",     "to",          "top",        "track",
      "tracks",     "trees",     "turn",        "turned",      "turning",     "turns",      "two",
      "up",         "upper",     "vegetation",  "vertical",    "villa",       "villas",     "warehouse",
      "warehouses", "wasteland", "widened",     "wider",       "winding",     "with",       "wood",
      "woods",      "."};
  return words;
}

}  // namespace ccexpert::synth
