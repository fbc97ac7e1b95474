// Environment variables of one test.
#pragma once

#include <cstdlib>

namespace ccexpert::test {

/// Sets a variable during its lifetime. Only for tests without other threads that read the environment.
class Environment {
 public:
  Environment(const char* name, const char* value) : name_(name) { ::setenv(name, value, 1); }
  ~Environment() { ::unsetenv(name_); }
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

 private:
  const char* name_;
};

}  // namespace ccexpert::test
