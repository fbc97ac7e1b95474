#include <ATen/Parallel.h>
#include <fmt/format.h>

#include <ccexpert/captioner.h>
#include <ccexpert/core/error.h>
#include <ccexpert/model/weight_layouts.h>

#include "generate/captioner_impl.h"
#include "generate/shared/caption_precision.h"
#include "generate/shared/decoder_parts.h"
#include "model/shared/int8_model.h"
#include "runtime/torch_errors.h"

namespace ccexpert::generate {
namespace {

/// Returns what is computed on `device`. An int8 checkpoint has no other weights.
Precision precision_of(Precision asked, at::Device device, const io::TensorSource& weights) {
  if (!model::is_int8(weights)) return caption_precision(asked, device.type(), 1);
  if (asked != Precision::kStandard && asked != Precision::kAuto && asked != Precision::kInt8) {
    fail_expected({"dtype", "int8 for a checkpoint of int8 weights", text_of(asked)});
  }
  return Precision::kInt8;
}

/// Opens a checkpoint with its adapter: merged, but apart from weights of 8 bits, as a training leaves both.
OpenedModel opened_files(const std::filesystem::path& folder, const std::filesystem::path& merged) {
  if (merged.empty()) {
    OpenedModel plain{.checkpoint = model::open_plain_checkpoint(folder)};
    if (model::is_int8(*plain.checkpoint.weights)) {
      plain.apart = model::adapter_beside(plain.checkpoint.folder);
      return plain;
    }
    if (!model::adapter_beside(plain.checkpoint.folder)) return plain;
  }
  return {.checkpoint = model::open_adapted_checkpoint(folder, merged)};
}

}  // namespace

Captioner::Captioner(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Captioner::Captioner(Captioner&&) noexcept = default;
Captioner& Captioner::operator=(Captioner&&) noexcept = default;
Captioner::~Captioner() = default;

at::TensorOptions OpenedModel::tensor() const {
  return at::TensorOptions().dtype(runtime::dtype_of(precision, device)).device(device);
}

OpenedModel open_for_captions(const std::filesystem::path& folder, const CaptionerConfig& config) {
  if (config.threads < 0 || config.threads > kMostThreads) {
    fail_expected(
        {"threads", fmt::format("0 (all cores) to {}", kMostThreads), std::to_string(config.threads)});
  }
  if (config.feature_cache < 0)
    fail_expected({"feature_cache", "bytes, or 0 for none", std::to_string(config.feature_cache)});
  if (config.threads > 0) at::set_num_threads(config.threads);
  auto device = runtime::device_from_name(config.device);
  const auto merged = config.merge_adapter ? config.adapter : std::filesystem::path();
  if (config.adapter != merged)
    model::expect_no_own_adapter(model::open_plain_checkpoint(folder).folder, config.adapter);
  auto opened = opened_files(folder, merged);
  opened.feature_cache = config.feature_cache;
  // An adapter gives other scores: a calibration of its base does not fit them.
  opened.score_folder = config.adapter.empty() ? opened.checkpoint.folder : config.adapter;
  if (config.adapter != merged) opened.apart = model::open_adapter(config.adapter);
  const auto source = (opened.checkpoint.folder / "config.json").string();
  opened.precision = precision_of(config.dtype, device, *opened.checkpoint.weights);
  // Products of int8 are computed on a CPU only.
  if (opened.precision == Precision::kInt8 && config.device.is_auto()) device = at::Device(at::kCPU);
  opened.device = device;
  opened.config = model::parse_model_config(opened.checkpoint.config_json, source);
  return opened;
}

OpenedModel open_part_for_captions(const std::filesystem::path& folder, CaptionerConfig config) {
  if (config.dtype == Precision::kAuto) config.dtype = Precision::kStandard;
  return open_for_captions(folder, config);
}

Captioner Captioner::load(const std::filesystem::path& folder, const CaptionerConfig& config) {
  return runtime::with_one_error_type(kMemoryHint, [&] {
    return Captioner(std::make_unique<Impl>(open_for_captions(folder, config), nullptr));
  });
}

Captioner load_first_part(const std::filesystem::path& folder, const CaptionerConfig& config,
                          const PartLink& link) {
  return runtime::with_one_error_type(kMemoryHint, [&] {
    return Captioner(std::make_unique<Captioner::Impl>(open_part_for_captions(folder, config), &link));
  });
}

Caption Captioner::caption(const image::ImageView& before, const image::ImageView& after,
                           const CaptionOptions& options) const {
  const ImagePair pair{before, after};
  return caption(std::span(&pair, 1), options).front();
}

std::vector<Caption> Captioner::caption(std::span<const ImagePair> pairs,
                                        const CaptionOptions& options) const {
  return guarded(options, [&](const CaptionOptions& caught) { return impl_->caption(pairs, caught); });
}

std::vector<LocatedChange> Captioner::locate(std::span<const ImagePair> pairs,
                                             const std::stop_token& stop) const {
  return runtime::with_one_error_type(kMemoryHint, [&] {
    if (pairs.empty()) return std::vector<LocatedChange>();
    const auto encoded = impl_->encode(pairs, stop);
    return encoded ? impl_->locate(*encoded) : std::vector<LocatedChange>();
  });
}

void Captioner::learn_drafts(std::span<const std::string> captions) const {
  runtime::with_one_error_type(kMemoryHint, [&] {
    impl_->learn_drafts(captions);
    return true;
  });
}

DecodingConfig Captioner::decoding(const GenerationOptions& options) const {
  return impl_->decoding(options);
}
const std::string& Captioner::question() const {
  return impl_->question();
}
bool Captioner::has_diff_expert() const {
  return impl_->has_diff_expert();
}
bool Captioner::calibrated() const {
  return impl_->calibration().has_value();
}
double Captioner::change_threshold() const {
  return impl_->calibration() ? impl_->calibration()->threshold : kChangeThreshold;
}
std::string Captioner::description() const {
  return impl_->description();
}
std::string Captioner::engine() const {
  return impl_->engine();
}
CaptionerTimings Captioner::timings() const {
  return impl_->timings();
}

}  // namespace ccexpert::generate
