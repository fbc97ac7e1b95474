// Habits of five writers: each reference of a pair is written by another one.
#pragma once

#include <array>
#include <cstddef>

namespace ccexpert::synth {

inline constexpr size_t kVoices = 5;

/// Weights of the words for one choice; they need not add up to 1.
struct Voice {
  std::array<double, 3> nouns{};    ///< house, villa, building
  std::array<double, 4> verbs{};    ///< appear, show up, a passive, erected
  double constructed = 0.2;         ///< of passives, else built
  double perfect = 0.3;             ///< of passives, else present
  std::array<double, 4> amounts{};  ///< a number, some, several, many
  double rows = 0.4;                ///< if houses form rows
  double fresh = 0.02;              ///< probability of "new"
  double regions = 0.3;             ///< probability of a part of the scene, if the change is in one
  double in_scene = 0.2;            ///< of those: "of the scene" follows
  double roadsides = 0.4;           ///< probability of the road, if the change is along it
  double grounds = 0.3;             ///< probability of the ground, if the change is on one kind
  std::array<double, 6> sides{};    ///< along, beside, next to, by, near, around
  double both_sides = 0.3;          ///< probability of both sides, if it is true
  // Weights of the forms of a sentence; 1 is that of a plain one.
  double lists = 0.2;         ///< "a road and some houses appear"
  double pairs = 0.2;         ///< "a road is built and some houses appear"
  double lined_roads = 0.3;   ///< "a road with houses built along appears"
  double clearings = 0.5;     ///< "trees are removed and ..."
  double replacements = 0.3;  ///< "the woods are replaced by ..."
  double becoming = 0.3;      ///< of replacements: "the woods become ..."
  double areas = 0.05;        ///< "a residential area with many houses appears"
};

/// Returns the habits of writer `index` modulo kVoices.
const Voice& voice(size_t index);

}  // namespace ccexpert::synth
