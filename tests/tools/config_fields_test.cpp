// Every field of every config: its help lists choices and range, and its values have names.
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ccexpert/model/config.h>
#include <ccexpert/train/config.h>

#include "data/shared/data_list.h"
#include "synth/shared/dataset.h"

namespace ccexpert::tools {
namespace {

using ::testing::EndsWith;
using train::TrainConfig;

/// Keys whose value is any text.
const std::set<std::string> kTexts{
    "name",          "output",  "model.start", "data.train", "data.validation", "data.image_root",
    "data.question", "pattern", "json_path",   "image_root"};
/// Keys of numbers that may have any value.
const std::set<std::string> kAnyNumber{"seed", "evaluation.generation.seed"};

/// Calls `visit(key, field)` for every field that is not a section.
template <class Config, class Visit>
void walk(const std::string& prefix, const Visit& visit) {
  for_each_field<Config>([&](const auto& each) {
    using Value = std::remove_cvref_t<decltype(std::declval<Config>().*each.member)>;
    if constexpr (HasFields<Value>) {
      walk<Value>(prefix + each.name + ".", visit);
    } else if constexpr (requires { requires HasFields<typename Value::value_type>; }) {
      walk<typename Value::value_type>("", visit);
    } else {
      visit(prefix + each.name, each, Value{});
    }
  });
}

template <class Visit>
void walk_all(const Visit& visit) {
  walk<TrainConfig>("", visit);
  walk<data::ListedDataset>("", visit);
  walk<synth::DatasetOptions>("", visit);
  walk<model::VisionConfig>("", visit);
  walk<model::DiffExpertConfig>("", visit);
  walk<model::DecoderConfig>("", visit);
}

template <class Value>
constexpr bool kIsNumber = std::is_arithmetic_v<Value> && !std::is_same_v<Value, bool>;
template <class Number>
constexpr bool kIsNumber<std::optional<Number>> = kIsNumber<Number>;

TEST(ConfigFields, AStringIsFreeText) {
  walk_all([](const std::string& key, const auto&, const auto& value) {
    if constexpr (std::is_same_v<std::remove_cvref_t<decltype(value)>, std::string>) {
      EXPECT_TRUE(kTexts.contains(key)) << key;
    }
  });
}

TEST(ConfigFields, EveryEnumHasADifferentNameForEachValue) {
  walk_all([](const std::string& key, const auto&, const auto& value) {
    using Value = std::remove_cvref_t<decltype(value)>;
    if constexpr (std::is_enum_v<Value>) {
      static_assert(Named<Value>);
      std::set<std::string> names;
      std::set<Value> values;
      for (const auto& each : names_of(Value{})) {
        EXPECT_TRUE(names.insert(each.text).second) << key << ": " << each.text;
        EXPECT_TRUE(values.insert(each.value).second) << key << ": " << each.text;
        EXPECT_EQ(value_named<Value>(each.text), each.value);
        EXPECT_EQ(name_of(each.value), each.text);
        if (each.alias != nullptr) {
          EXPECT_EQ(value_named<Value>(each.alias), each.value);
        }
      }
      const auto past = static_cast<Value>(values.size());
      EXPECT_EQ(name_of(past), "") << key << ": values are counted from 0 without a gap";
      EXPECT_TRUE(values.contains(Value{})) << key;
    }
  });
}

TEST(ConfigFields, EveryNumberHasARange) {
  walk_all([](const std::string& key, const auto& field, const auto& value) {
    if constexpr (kIsNumber<std::remove_cvref_t<decltype(value)>>) {
      EXPECT_EQ(in_words(field.limits).empty(), kAnyNumber.contains(key)) << key;
    }
  });
}

TEST(ConfigFields, HelpEndsWithChoicesOrRange) {
  size_t listed = 0;
  walk_all([&](const std::string& key, const auto& field, const auto& value) {
    using Value = std::remove_cvref_t<decltype(value)>;
    const auto accepted = accepted_in_words<Value>(field.limits);
    if (accepted.empty()) return;
    EXPECT_THAT(help_of(field), EndsWith("; " + accepted)) << key;
    ++listed;
  });
  EXPECT_GT(listed, 50U);
}

TEST(ConfigFields, DefaultsAreWithinTheirLimits) {
  const auto key_itself = [](const std::string& key) { return key; };
  EXPECT_NO_THROW(check_fields(TrainConfig{}, key_itself));
  EXPECT_NO_THROW(check_fields(data::ListedDataset{}, key_itself));
  EXPECT_NO_THROW(check_fields(synth::DatasetOptions{}, key_itself));
  EXPECT_NO_THROW(check_fields(model::VisionConfig{}, key_itself));
  EXPECT_NO_THROW(check_fields(model::DiffExpertConfig{}, key_itself));
  EXPECT_NO_THROW(check_fields(model::DecoderConfig{}, key_itself));
}

}  // namespace
}  // namespace ccexpert::tools
