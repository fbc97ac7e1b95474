#include "runtime/device.h"

#include <gtest/gtest.h>

#include "support/errors.h"

namespace ccexpert::runtime {
namespace {

bool has_gpu() {
  return device_from_name("auto").is_cuda();
}

std::string error_of_device(const std::string& name) {
  return test::error_of([&] { device_from_name(name); });
}

TEST(Device, CpuAndAutoAreDevicesThatAreThere) {
  EXPECT_EQ(device_from_name("cpu"), at::Device(at::kCPU));
  if (has_gpu()) {
    EXPECT_EQ(device_from_name("auto"), at::Device(at::kCUDA, 0));
    EXPECT_EQ(device_from_name("cuda"), at::Device(at::kCUDA, 0));
    EXPECT_EQ(device_from_name("cuda:0"), at::Device(at::kCUDA, 0));
  } else {
    EXPECT_EQ(device_from_name("auto"), at::Device(at::kCPU));
  }
}

TEST(Device, RefusesOtherNames) {
  for (const std::string name : {"", "tpu", "CPU", "cpu:1", "mps", "gpu", "cuda:", "cuda:-1", "cuda:1x",
                                 "cuda:99999999999999999999", " cuda", "cuda 1"}) {
    EXPECT_EQ(error_of_device(name), "device: expected cpu, cuda, cuda:N or auto, got '" + name + "'");
  }
}

TEST(Device, RefusesAGpuThatIsNotThere) {
  if (has_gpu()) GTEST_SKIP() << "this machine has a GPU";
  const std::string hint = " with 0 GPUs (this build or this machine has no CUDA: use cpu)";
  for (const std::string name : {"cuda", "cuda:0", "cuda:3"}) {
    EXPECT_EQ(error_of_device(name), "device: expected an available GPU, got " + name + hint);
  }
}

TEST(Device, AnIndexBeyondEightBitsIsNotCutToOneThatIsThere) {
  for (const std::string name : {"cuda:128", "cuda:255", "cuda:256", "cuda:1000"}) {
    EXPECT_EQ(error_of_device(name).find("device: expected an available GPU, got " + name + " with "), 0u)
        << name;
  }
}

TEST(Dtype, IsThatOfThePrecision) {
  const at::Device cpu(at::kCPU);
  for (const auto& [precision, dtype] : {std::pair{Precision::kFloat32, at::kFloat},
                                         {Precision::kBfloat16, at::kBFloat16},
                                         {Precision::kFloat16, at::kHalf}}) {
    EXPECT_EQ(dtype_of(precision, cpu), dtype) << name_of(precision);
    EXPECT_EQ(dtype_name(dtype), name_of(precision));
  }
}

TEST(Dtype, Int8IsForACpu) {
  EXPECT_EQ(dtype_of(Precision::kInt8, at::Device(at::kCPU)), at::kFloat);
  EXPECT_EQ(test::error_of([] { dtype_of(Precision::kInt8, at::Device(at::kCUDA, 0)); }),
            "dtype: expected bfloat16, float16 or float32 on a GPU, got int8 (use the device cpu)");
}

TEST(Dtype, AutoDependsOnTheDevice) {
  EXPECT_EQ(dtype_of(Precision::kAuto, at::Device(at::kCPU)), at::kFloat);
  EXPECT_EQ(dtype_of(Precision::kStandard, at::Device(at::kCPU)), at::kFloat);
  EXPECT_EQ(dtype_of(Precision::kStandard, at::Device(at::kCUDA, 0)), at::kBFloat16);
  EXPECT_EQ(dtype_of(Precision::kAuto, at::Device(at::kCUDA, 0)), at::kBFloat16);
}

}  // namespace
}  // namespace ccexpert::runtime
