// Requests to a service of captions in tests, and what came of them.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "generate/shared/caption_service.h"
#include "generate/tiny_captioner.h"

namespace ccexpert::test {

/// Events of one request. Its own part is thread-safe; copies share it.
class Outcome {
 public:
  /// `on_token`, if set, is called after a token is noted.
  generate::CaptionEvents events(std::function<bool(const TokenEvent&)> on_token = {}) const {
    const auto shared = shared_;
    return {
        .on_token =
            [shared, on_token](const TokenEvent& event) {
              {
                const std::scoped_lock lock(shared->mutex);
                shared->ids.push_back(event.token_id);
                shared->text += event.text;
              }
              shared->changed.notify_all();
              return !on_token || on_token(event);
            },
        .on_done =
            [shared](const generate::ServedCaption& caption) {
              shared->end([&] { shared->caption = caption; });
            },
        .on_error =
            [shared](const generate::ServiceError& error) { shared->end([&] { shared->error = error; }); }};
  }

  /// Waits for the end.
  void wait() const {
    std::unique_lock lock(shared_->mutex);
    shared_->changed.wait(lock, [&] { return shared_->ends > 0; });
  }
  void wait_for_tokens(size_t count) const {
    std::unique_lock lock(shared_->mutex);
    shared_->changed.wait(lock, [&] { return shared_->ids.size() >= count || shared_->ends > 0; });
  }
  /// Waits for the end; returns the caption, or throws the error.
  generate::ServedCaption caption() const {
    wait();
    const std::scoped_lock lock(shared_->mutex);
    if (shared_->error) throw generate::ServiceError(*shared_->error);
    return shared_->caption.value();
  }
  std::optional<generate::ServiceError> error() const {
    wait();
    const std::scoped_lock lock(shared_->mutex);
    return shared_->error;
  }
  std::vector<int64_t> ids() const {
    const std::scoped_lock lock(shared_->mutex);
    return shared_->ids;
  }
  std::string text() const {
    const std::scoped_lock lock(shared_->mutex);
    return shared_->text;
  }
  int ends() const {
    const std::scoped_lock lock(shared_->mutex);
    return shared_->ends;
  }

 private:
  struct Shared {
    template <class Note>
    void end(const Note& note) {
      {
        const std::scoped_lock lock(mutex);
        note();
        ++ends;
      }
      changed.notify_all();
    }
    std::mutex mutex;
    std::condition_variable changed;
    std::vector<int64_t> ids;
    std::string text;
    std::optional<generate::ServedCaption> caption;
    std::optional<generate::ServiceError> error;
    int ends = 0;
  };
  std::shared_ptr<Shared> shared_ = std::make_shared<Shared>();
};

/// Door that token events wait at: it holds the worker until the test opens it, or ends.
class Door {
 public:
  Door() = default;
  Door(const Door&) = delete;
  Door& operator=(const Door&) = delete;
  ~Door() { open(); }

  void open() const {
    {
      const std::scoped_lock lock(shared_->mutex);
      shared_->is_open = true;
    }
    shared_->changed.notify_all();
  }
  /// Waits until somebody waits at the door.
  void wait_for_guest() const {
    std::unique_lock lock(shared_->mutex);
    shared_->changed.wait(lock, [&] { return shared_->has_guest; });
  }
  /// Returns a function that waits until the door is open. It may outlive the door.
  std::function<void()> entry() const {
    return [shared = shared_] {
      std::unique_lock lock(shared->mutex);
      shared->has_guest = true;
      shared->changed.notify_all();
      shared->changed.wait(lock, [&] { return shared->is_open; });
    };
  }

 private:
  struct Shared {
    std::mutex mutex;
    std::condition_variable changed;
    bool is_open = false, has_guest = false;
  };
  std::shared_ptr<Shared> shared_ = std::make_shared<Shared>();
};

}  // namespace ccexpert::test
