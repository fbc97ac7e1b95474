#include "model/shared/int8_model.h"

#include <algorithm>
#include <mutex>
#include <tuple>
#include <utility>

#include <ATen/ATen.h>

#include <ccexpert/model/parts.h>

#include "core/foreign_errors.h"
#include "model/int4_product.h"
#include "model/int8_product.h"
#include "model/sliced_runner.h"
#include "model/weight_names.h"

namespace ccexpert::model {
namespace {

constexpr std::string_view kWeightSuffix = ".weight";

std::string scales_of(std::string_view matrix) {
  return std::string(matrix.substr(0, matrix.size() - kWeightSuffix.size())) + std::string(kScalesSuffix);
}

std::string matrix_of(std::string_view scales) {
  return std::string(scales.substr(0, scales.size() - kScalesSuffix.size())) + std::string(kWeightSuffix);
}

/// True for the product of this name: the patch embedding reads pixels, the weighting has few numbers.
bool is_int8_product(std::string_view name) {
  return !name.ends_with("patch_embedding") &&
         find_part(std::string(name) + std::string(kWeightSuffix)) != Part::kWeighting;
}

/// True for a matrix that a model of int4 has in 4 bits.
bool fits_int4(std::string_view name, const Linear& linear) {
  return name.starts_with(weight_names::kDecoderBlocks) && kernels::has_int4_groups(linear.matrix().size(1));
}

/// Returns values and scales.
template <class Weights>
std::pair<at::Tensor, at::Tensor> tensors_of(const Weights& weights) {
  return {weights.values, weights.scales};
}

/// Products of one model, from its construction until they are packed.
class Int8Products {
 public:
  explicit Int8Products(BlockWeights blocks) : blocks_(blocks) {}

  /// Gives each product of `model` an int8 or int4 one that reads its tensors.
  void prepare(CcexpertModel& model) {
    products_.clear();
    auto& table = embedding_of(model);
    const auto embedding = std::make_shared<Int8Embedding>(table);
    table.set_product(embedding, embedding->reads());
    read_from_head_ = nullptr;
    for_each_linear(model, [&](const std::string& name, Linear& linear) {
      if (!is_int8_product(name)) return;
      if (blocks_ == BlockWeights::kInt4 && fits_int4(name, linear)) {
        const auto product = std::make_shared<Int4Product>(linear);
        linear.set_product(product, product->reads());
        return;
      }
      const bool tied = linear.weight.is_same(table.weight);
      auto product = tied ? std::make_shared<Int8Product>(embedding->weights())
                          : std::make_shared<Int8Product>(linear, int8_block(name));
      if (name == "lm_head") product->use_float32();
      linear.set_product(product, tied ? WeightContract() : product->reads());
      if (tied && kernels::gives_rows()) {
        read_from_head_ = [&table, embedding, head = product] {
          table.set_product(embedding);
          embedding->read_from(head->packed());
        };
      }
      products_.emplace_back(&linear, std::move(product));
    });
  }

  void pack() {
    for (auto& [linear, product] : products_) {
      linear->set_product(product);  // without the tensors to read
      product->pack();
    }
    // One copy of a tied matrix serves both.
    if (read_from_head_) read_from_head_();
    products_.clear();
  }

 private:
  BlockWeights blocks_;
  std::vector<std::pair<Linear*, std::shared_ptr<Int8Product>>> products_;
  std::function<void()> read_from_head_;
};

}  // namespace

int64_t int8_block(std::string_view name) {
  constexpr int64_t kBlock = 256;
  return name.starts_with(weight_names::kDecoderBlocks) && name.ends_with(".down_proj") ? kBlock : 0;
}

void for_each_int8_product(CcexpertModel& model,
                           const std::function<void(const std::string& matrix, Linear& linear)>& visit) {
  for_each_linear(model, [&](const std::string& name, Linear& linear) {
    if (is_int8_product(name)) visit(name + std::string(kWeightSuffix), linear);
  });
}

WeightContract int8_contract(const ModelConfig& config, const io::TensorSource& source, BlockWeights blocks) {
  auto tied = config;
  tied.decoder.tie_word_embeddings = source.find(std::string(weight_names::kHeadWeight)) == nullptr;
  CcexpertModel shapes(tied, at::TensorOptions().device(at::kMeta));
  Int8Products products(blocks);
  products.prepare(shapes);
  return weight_contract(shapes);
}

QuantizedMatrices quantized_matrices(const ModelConfig& config, BlockWeights blocks) {
  QuantizedMatrices names;
  names.int8 = {std::string(weight_names::kEmbeddingWeight), std::string(weight_names::kHeadWeight)};
  CcexpertModel shapes(config, at::TensorOptions().device(at::kMeta));
  for_each_int8_product(shapes, [&](const std::string& matrix, const Linear& linear) {
    const bool four = blocks == BlockWeights::kInt4 && fits_int4(matrix, linear);
    (four ? names.int4 : names.int8).insert(matrix);
  });
  return names;
}

at::ScalarType int8_model_dtype() {
  return kernels::multiplies_bfloat16() ? at::kBFloat16 : at::kFloat;
}

bool is_int8(const io::TensorSource& source) {
  // A training may have left any of the matrices in floating point, the embedding too.
  const auto& tensors = source.tensors();
  return std::any_of(tensors.begin(), tensors.end(), [&](const io::TensorInfo& info) {
    const auto* matrix = info.name.ends_with(kScalesSuffix) ? source.find(matrix_of(info.name)) : nullptr;
    return matrix != nullptr && (matrix->dtype == at::kChar || matrix->dtype == at::kByte);
  });
}

std::set<std::string> int8_matrices(const ModelConfig& config) {
  return quantized_matrices(config, BlockWeights::kInt8).int8;
}

BlockWeights block_weights(const io::TensorSource& source) {
  const auto& tensors = source.tensors();
  const bool four = std::any_of(tensors.begin(), tensors.end(), [](const io::TensorInfo& info) {
    return info.dtype == at::kByte && info.name.starts_with(weight_names::kDecoderBlocks);
  });
  return four ? BlockWeights::kInt4 : BlockWeights::kInt8;
}

/// The matrix read last: its values and its scales are asked for one after the other.
struct Int8Source::Last {
  std::mutex mutex;
  std::string name;
  at::Tensor values, scales;
};

Int8Source::Int8Source(const io::TensorSource& source, const QuantizedMatrices& names)
    : source_(source), last_(std::make_unique<Last>()) {
  for (auto info : source.tensors()) {
    const bool matrix = info.shape.size() == 2 && at::isFloatingType(info.dtype);
    if (matrix && names.int8.contains(info.name)) {
      names_.int8.insert(info.name);
      tensors_.push_back({scales_of(info.name), at::kFloat, {info.shape[0]}, info.file});
      info.dtype = at::kChar;
    } else if (matrix && names.int4.contains(info.name)) {
      names_.int4.insert(info.name);
      const int64_t rows = info.shape[0], inputs = info.shape[1];
      tensors_.push_back(
          {scales_of(info.name), at::kBFloat16, {rows, inputs / kernels::kInt4Group}, info.file});
      info.shape = {rows, inputs / 2};
      info.dtype = at::kByte;
    }
    tensors_.push_back(std::move(info));
  }
  std::sort(tensors_.begin(), tensors_.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
}

bool Int8Source::has_scales(const std::string& name) const {
  return names_.int8.contains(name) || names_.int4.contains(name);
}

Int8Source::~Int8Source() = default;

at::Tensor Int8Source::tensor(const std::string& name) const {
  const bool scales = name.ends_with(kScalesSuffix) && has_scales(matrix_of(name));
  if (!scales && !has_scales(name)) return source_.tensor(name);
  const auto matrix = scales ? matrix_of(name) : name;
  const std::lock_guard lock(last_->mutex);
  if (last_->name != matrix) {
    const auto weights = source_.tensor(matrix);
    if (names_.int4.contains(matrix)) {
      std::tie(last_->values, last_->scales) = tensors_of(kernels::quantize_groups(weights));
    } else {
      std::tie(last_->values, last_->scales) = tensors_of(kernels::quantize_rows(weights));
    }
    last_->name = matrix;
  }
  return scales ? last_->scales : last_->values;
}

void Int8Source::release(const std::string& name) const {
  const bool scales = name.ends_with(kScalesSuffix) && has_scales(matrix_of(name));
  if (!scales) source_.release(name);
}

std::shared_ptr<CcexpertModel> build_int8_model(const ModelConfig& config, const io::TensorSource& source,
                                                const BuildModelOptions& options, BlockWeights blocks) try {
  if (is_int8(source)) blocks = block_weights(source);
  Int8Products products(blocks);
  auto int8_options = options;
  int8_options.tensor = at::TensorOptions().dtype(int8_model_dtype());
  int8_options.prepare = [&](CcexpertModel& model) { products.prepare(model); };
  // A training may have left some matrices in floating point beside those of 8 bits.
  const Int8Source quantized(source, quantized_matrices(config, blocks));
  auto model = build_model(config, quantized, int8_options);
  products.pack();
  // The scales of the Diff Expert one after the other: all at once take four times its memory.
  if (const auto& expert = model->diff_expert()) {
    expert->set_runner(std::make_shared<SlicedRunner>());
    expert->set_init_runner(std::make_shared<SlicedRunner>());
  }
  return model;
} catch (...) {
  rethrow_as_error();
}

}  // namespace ccexpert::model
