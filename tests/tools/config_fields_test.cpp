// Every field of every config: its help lists choices and range, and its values have names.
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ccexpert/model/config.h>
#include <ccexpert/train/config.h>

#include "data/shared/data_list.h"
#include "datasets/shared/annotate.h"
#include "datasets/shared/lists.h"
#include "datasets/shared/mix.h"
#include "datasets/shared/stats.h"
#include "datasets/shared/validate.h"
#include "datasets/shared/view.h"
#include "synth/shared/dataset.h"

namespace ccexpert::tools {
namespace {

using ::testing::EndsWith;
using train::TrainConfig;

/// Keys whose value is any text.
const std::set<std::string> kTexts{
    "name",          "output",  "model.start", "data.train", "data.validation", "data.image_root",
    "data.question", "pattern", "lora.start",  "json_path",  "image_root"};
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

template <class... Config, class Visit>
void walk_each(const Visit& visit) {
  (walk<Config>("", visit), ...);
}

template <class Visit>
void walk_all(const Visit& visit) {
  walk_each<TrainConfig, data::ListedDataset, synth::DatasetOptions>(visit);
  walk_each<model::VisionConfig, model::DiffExpertConfig, model::DecoderConfig>(visit);
  walk_each<datasets::ConvertOptions, datasets::CropOptions, datasets::AnnotateOptions,
            datasets::EndpointOptions, datasets::ListOptions, datasets::SplitOptions, datasets::SampleOptions,
            datasets::MixOptions, datasets::StatsOptions, datasets::ValidateOptions, datasets::OverlapOptions,
            datasets::ViewOptions>(visit);
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

template <class... Config>
void expect_valid_defaults() {
  const auto key_itself = [](const std::string& key) { return key; };
  const auto expect_valid = [&](const auto& config) { EXPECT_NO_THROW(check_fields(config, key_itself)); };
  (expect_valid(Config{}), ...);
}

TEST(ConfigFields, DefaultsAreWithinTheirLimits) {
  expect_valid_defaults<TrainConfig, data::ListedDataset, synth::DatasetOptions>();
  expect_valid_defaults<model::VisionConfig, model::DiffExpertConfig, model::DecoderConfig>();
  expect_valid_defaults<datasets::ConvertOptions, datasets::CropOptions, datasets::AnnotateOptions,
                        datasets::EndpointOptions, datasets::SampleOptions, datasets::StatsOptions,
                        datasets::ValidateOptions, datasets::OverlapOptions, datasets::ViewOptions>();
}

}  // namespace
}  // namespace ccexpert::tools
