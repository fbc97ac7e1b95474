#include "serve/reply_writer.h"

#include <algorithm>
#include <ctime>
#include <string>

#include <fmt/chrono.h>
#include <fmt/format.h>

namespace ccexpert::serve {
namespace {

std::string head_text(const Reply& reply, std::string_view framing, bool keeps) {
  auto text = fmt::format("HTTP/1.1 {} {}\r\nDate: {:%a, %d %b %Y %T} GMT\r\nServer: ccexpert\r\n",
                          reply.status, reason_of(reply.status), fmt::gmtime(std::time(nullptr)));
  if (!reply.type.empty()) text += fmt::format("Content-Type: {}\r\n", reply.type);
  for (const auto& [name, value] : reply.headers) text += fmt::format("{}: {}\r\n", name, value);
  if (!framing.empty()) text += fmt::format("{}\r\n", framing);
  return text + (keeps ? "Connection: keep-alive\r\n\r\n" : "Connection: close\r\n\r\n");
}

}  // namespace

void ReplyWriter::begin() {
  sent_ = 0;
  is_streaming_ = false;
  patience_ = duration_of(limits_.answer_timeout);
}

std::string ReplyWriter::text_of(const Reply& reply, Form form) {
  constexpr int kNoContent = 204;
  const bool has_length = reply.status != kNoContent;
  auto text = head_text(
      reply, has_length ? fmt::format("Content-Length: {}", reply.body.size()) : std::string(), form.keeps);
  if (has_length && form.has_body) text += reply.body;
  return text;
}

void ReplyWriter::send(const Reply& reply, Form form) {
  send_text(text_of(reply, form));
}

void ReplyWriter::start(const Reply& head, bool in_chunks, bool keeps) {
  is_chunked_ = in_chunks;
  send_text(head_text(head, in_chunks ? "Transfer-Encoding: chunked" : "", keeps));
  is_streaming_ = true;
}

void ReplyWriter::write(std::string_view piece) {
  if (piece.empty()) return;
  send_text(is_chunked_ ? fmt::format("{:x}\r\n{}\r\n", piece.size(), piece) : std::string(piece));
}

void ReplyWriter::finish() {
  if (is_chunked_) send_text("0\r\n\r\n");
}

void ReplyWriter::send_text(std::string_view text) {
  Progress progress(state_, Phase::kWriting);
  const auto start = Clock::now();
  while (!text.empty()) {
    const auto each = Clock::now() + duration_of(limits_.slow_timeout);
    const auto moved = stream_.write(text, std::min(each, start + patience_));
    if (moved.end != StreamEnd::kNone) throw ClientLeft();
    progress.add(moved.bytes);
    sent_ += moved.bytes;
    text.remove_prefix(moved.bytes);
  }
  patience_ -= Clock::now() - start;
  state_.set(Phase::kBusy);
}

}  // namespace ccexpert::serve
