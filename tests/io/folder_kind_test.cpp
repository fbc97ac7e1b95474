// Folders that are not checkpoints, and weights in files of several names.
#include <ATen/ops/ones.h>
#include <gmock/gmock.h>

#include <ccexpert/io/checkpoint.h>

#include "core/files.h"
#include "support/errors.h"
#include "support/golden.h"
#include "support/temporary_folder.h"

namespace ccexpert::io {
namespace {

namespace fs = std::filesystem;
using ccexpert::test::error_of;
using ccexpert::test::TemporaryFolder;
using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr const char* kPointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n";

const KnownModels kKnown{.class_names = {"LlavaQwenCCForCausalLM", "LlavaQwenForCausalLM"},
                         .types = {"llava_qwen_cc", "llava_qwen", "llava_onevision"},
                         .layouts = {}};

class FolderKind : public ::testing::Test {
 protected:
  std::string problem() const {
    return error_of([&] { open_checkpoint(folder_.path(), kKnown); });
  }
  std::string problem_of_config(const std::string& config) const {
    folder_.write("config.json", config);
    return problem();
  }
  void write_weights(const std::string& name, const std::string& tensor) const {
    const std::vector<NamedTensor> tensors{{tensor, at::ones({2})}};
    write_safetensors(folder_ / name, tensors);
  }
  /// Returns the name of the first tensor of the opened weights.
  std::string taken() const { return open_checkpoint(folder_.path()).weights->tensors().front().name; }

  const TemporaryFolder folder_;
};

TEST_F(FolderKind, AnAdapterIsNamedWithItsBase) {
  folder_.write(
      "adapter_config.json",
      R"({"peft_type": "LORA", "base_model_name_or_path": "lmms-lab/llava-onevision-qwen2-0.5b-ov"})");
  write_weights("adapter_model.safetensors", "base_model.model.layers.0.q_proj.lora_A.weight");
  const auto expected = AllOf(StartsWith(folder_.path().string()),
                              HasSubstr("got an adapter (LoRA) of lmms-lab/llava-onevision-qwen2-0.5b-ov "));
  EXPECT_THAT(problem(),
              AllOf(expected, HasSubstr("(name that base as the model and this folder as its --adapter, or "
                                        "merge both with ccexpert-train --export BASE --adapter ADAPTER "
                                        "--to DIR)")));
  folder_.write("non_lora_trainables.bin", "");
  EXPECT_THAT(
      problem_of_config(R"({"model_type": "llava_qwen_cc"})"),
      AllOf(expected,
            HasSubstr("(merge it into that base with the scripts/merge_lora_weights.py of LLaVA, and name "
                      "the result)")));
}

TEST_F(FolderKind, AnAdapterUnderTheWeightsNameIsNamedToo) {
  folder_.write("config.json", "{}");
  write_weights("model.safetensors", "model.layers.0.self_attn.q_proj.lora_B.weight");
  EXPECT_THAT(problem(), HasSubstr("got an adapter (LoRA) of a base that it does not name"));
}

TEST_F(FolderKind, OtherModelsAreNamed) {
  EXPECT_THAT(
      problem_of_config(R"({"model_type": "qwen2", "architectures": ["Qwen2ForCausalLM"]})"),
      HasSubstr(
          "config.json: expected a supported model, got a plain Qwen language model without vision tower "
          "(model_type qwen2, architectures [Qwen2ForCausalLM]) (docs/models.md lists the supported "
          "models)"));
  EXPECT_THAT(problem_of_config(R"({"model_type": "clip"})"), HasSubstr("a CLIP image encoder"));
  EXPECT_THAT(problem_of_config(R"({"model_type": "qwen2_vl"})"), HasSubstr("a Qwen2-VL model"));
  EXPECT_THAT(
      problem_of_config(R"({"architectures": ["LlavaLlamaForCausalLM"], "model_type": "llava_llama"})"),
      HasSubstr("a LLaVA model with another language model"));
  EXPECT_THAT(
      problem_of_config(R"({"model_type": "own", "auto_map": {"AutoModel": "modeling.Own"}})"),
      AllOf(HasSubstr("another model (model_type own"), HasSubstr("Python code that auto_map names")));
}

TEST_F(FolderKind, ANameOfAnotherTypeIsRefused) {
  EXPECT_THAT(problem_of_config(R"({"model_type": 5})"), HasSubstr("model_type: expected a string, got 5"));
  EXPECT_THAT(problem_of_config(R"({"architectures": "LlavaQwenForCausalLM"})"),
              HasSubstr("architectures: expected a list of strings, got \"LlavaQwenForCausalLM\""));
  EXPECT_THAT(problem_of_config(R"({"architectures": ["LlavaQwenForCausalLM", null]})"),
              HasSubstr("architectures: expected a list of strings, got null"));
}

TEST_F(FolderKind, AQuantisedModelIsNamed) {
  EXPECT_THAT(problem_of_config(R"({"quantization_config": {"bits": 4}})"),
              HasSubstr("a quantised checkpoint"));
}

TEST_F(FolderKind, ABaseIsKnownByItsArchitecture) {
  // As lmms-lab writes it.
  folder_.write("config.json", R"({"architectures": ["LlavaQwenForCausalLM"], "model_type": "llava"})");
  write_weights("model.safetensors", "a");
  EXPECT_EQ(problem(), "no error");
}

TEST_F(FolderKind, FoldersWithoutConfigAreNamed) {
  EXPECT_THAT(problem(), HasSubstr("expected config.json in it, got an empty folder"));
  folder_.write("tokenizer.json", "{}");
  EXPECT_THAT(problem(), HasSubstr("got only a tokenizer"));
  std::filesystem::rename(folder_ / "tokenizer.json", folder_ / "tokenizer.model");
  EXPECT_THAT(problem(), HasSubstr("got only a tokenizer"));
  std::filesystem::rename(folder_ / "tokenizer.model", folder_ / "tokenizer.json");
  write_weights("model.safetensors", "a");
  EXPECT_THAT(problem(), HasSubstr("got only weights"));
  folder_.write("second/checkpoints/step-00000010/config.json", "{}");
  folder_.write("second/best/config.json", "{}");
  EXPECT_THAT(problem(), EndsWith("got a folder of other checkpoints (name one of them: second/best, "
                                  "second/checkpoints/step-00000010)"));
  folder_.write("model.gguf", "GGUF");
  EXPECT_THAT(problem(), HasSubstr("got a GGUF model of llama.cpp"));
  folder_.write("model_index.json", "{}");
  EXPECT_THAT(problem(), HasSubstr("got a diffusion model"));
}

TEST_F(FolderKind, APointerInPlaceOfAFileIsNamed) {
  const auto pointer = HasSubstr("got a Git LFS pointer (fetch the file itself: git lfs pull)");
  EXPECT_THAT(problem_of_config(kPointer), AllOf(HasSubstr("config.json: "), pointer));
  folder_.write("config.json", "{}");
  for (const std::string name :
       {"model.safetensors", "model.safetensors.index.json", "pytorch_model.bin", "processor_config.json"}) {
    folder_.write(name, kPointer);
    EXPECT_THAT(problem(), AllOf(HasSubstr(name + ": "), pointer));
    fs::remove(folder_ / name);
  }
}

TEST_F(FolderKind, WeightsOfTheUsualNamesComeBeforeOthers) {
  folder_.write("config.json", "{}");
  fs::copy_file(ccexpert::test::data_folder() / "io/module.bin", folder_ / "pytorch_model.bin");
  write_weights("adapter_model.safetensors", "model.layers.0.q_proj.lora_A.weight");
  write_weights("features.safetensors", "model.embed_tokens.weight");
  EXPECT_EQ(taken(), "bias");
}

TEST_F(FolderKind, ALoneFileOfAnotherNameHoldsAWholeModel) {
  folder_.write("config.json", "{}");
  write_weights("adapter_model.safetensors", "model.layers.0.q_proj.lora_A.weight");
  write_weights("ema_model.safetensors", "model.embed_tokens.weight");
  write_weights("features.safetensors", "features");
  write_weights("optimizer.safetensors", "0.exp_avg");
  EXPECT_THAT(problem(),
              HasSubstr("expected weights in it, got adapter_model.safetensors (an adapter), "
                        "ema_model.safetensors (averaged weights), features.safetensors (not a whole "
                        "model), optimizer.safetensors (an optimizer's state)"));
  write_weights("other.safetensors", "model.embed_tokens.weight");
  EXPECT_EQ(taken(), "model.embed_tokens.weight");
  write_weights("second.safetensors", "model.embed_tokens.weight");
  EXPECT_THAT(problem(), HasSubstr("expected one file of weights, got 2 files with a whole model"));
}

TEST_F(FolderKind, AnIndexWithThousandsOfProblemsIsOneShortError) {
  folder_.write("config.json", "{}");
  std::string map;
  for (int i = 0; i < 3000; ++i)
    map += (i > 0 ? ",\"t" : "\"t") + std::to_string(i) + "\": \"a.safetensors\"";
  write_weights("a.safetensors", "b");
  folder_.write("model.safetensors.index.json", "{\"weight_map\": {" + map + "}}");
  EXPECT_THAT(problem(), AllOf(HasSubstr("t0 is not in a.safetensors; "), EndsWith(" and 2996 more")));
}

class ImageProcessor : public FolderKind {
 protected:
  void SetUp() override {
    folder_.write("config.json", "{}");
    write_weights("model.safetensors", "a");
  }
};

TEST_F(ImageProcessor, StandsInEitherFile) {
  EXPECT_EQ(open_checkpoint(folder_.path()).preprocessor_json, "");
  folder_.write("preprocessor_config.json", "{\"size\": 84}");
  folder_.write("processor_config.json", "{\"processor_class\": \"LlavaOnevisionProcessor\"}");
  EXPECT_EQ(open_checkpoint(folder_.path()).preprocessor_json, "{\"size\": 84}");
  fs::remove(folder_ / "preprocessor_config.json");
  folder_.write("processor_config.json", "{\"image_processor\": {\"size\": 96}}");
  const auto nested = open_checkpoint(folder_.path());
  EXPECT_EQ(nested.preprocessor_json, "{\n  \"size\": 96\n}\n");
  EXPECT_THAT(nested.preprocessor_source, EndsWith("processor_config.json: image_processor"));
}

TEST_F(ImageProcessor, TwoThatContradictEachOtherAreAnError) {
  folder_.write("preprocessor_config.json", R"({"size": 84, "image_mean": [0.5, 0.5, 0.5], "resample": 3})");
  folder_.write("processor_config.json",
                R"({"image_processor": {"size": 84, "image_mean": [0.4, 0.5, 0.5], "resample": 2}})");
  EXPECT_THAT(problem(), HasSubstr("expected one image processor in processor_config.json and "
                                   "preprocessor_config.json, got different values of image_mean, resample"));
  folder_.write("processor_config.json", R"({"image_processor": {"size": 84, "do_resize": true}})");
  EXPECT_EQ(problem(), "no error");
}

TEST_F(ImageProcessor, GoesWithTheModelUnderTheNameThatAllRead) {
  folder_.write("tokenizer.json", "{}");
  folder_.write("processor_config.json", "{\"image_processor\": {\"size\": 96}}");
  std::string found;
  for (const auto& companion : read_companions(folder_.path())) {
    if (companion.name == "preprocessor_config.json") found = companion.bytes;
  }
  EXPECT_THAT(found, HasSubstr("\"size\": 96"));
}

TEST_F(FolderKind, WhatCannotBeLookedAtIsNotTakenForAbsent) {
  // A link to itself is an error for every user, root included.
  const auto model = folder_ / "model";
  fs::create_directory(model);
  fs::create_symlink("config.json", model / "config.json");
  const std::string reason = "config.json: cannot be accessed (Too many levels of symbolic links)";
  EXPECT_EQ(problem(), (model / reason).string());
  // If another folder is the model, an inaccessible folder is not an error.
  folder_.write("other/config.json", "{}");
  EXPECT_THAT(problem(), HasSubstr("name one of them: other"));
}

}  // namespace
}  // namespace ccexpert::io
