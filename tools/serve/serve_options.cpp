#include "serve/serve_options.h"

#include <algorithm>
#include <charconv>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <ccexpert/core/error.h>

#include "caption/model_options.h"
#include "common/option_group.h"
#include "serve/shared/this_machine.h"
#include "versions/versions.h"

namespace ccexpert::tools {
namespace {

constexpr const char* kName = "ccexpert-serve";

constexpr const char* kExamples = R"(Examples:
  ccexpert-serve                                       the demo model at http://127.0.0.1:8080/
  ccexpert-serve --model CCExpert-0.5b --dtype int8
  ccexpert-serve --map-root /srv/scenes
  ccexpert-serve --listen 0.0.0.0:8443 --api-keys keys.txt --certificate chain.pem --private-key key.pem
  curl -F before=@before.png -F after=@after.png http://127.0.0.1:8080/v1/captions

SIGTERM and SIGINT end the server after its requests, SIGHUP reads keys and certificate again.
Exit codes: 0 ended by a signal, 1 failed, 2 wrong arguments.)";

constexpr int kMostPort = 65'535;

/// Address in the text forms "HOST:PORT", ":PORT" and "HOST"; IPv6 with a port needs brackets.
void set_address(const std::string& text, serve::ServerConfig& config) {
  if (!text.starts_with('[') && std::count(text.begin(), text.end(), ':') > 1) {
    config.host = text;
    return;
  }
  const auto colon = text.ends_with(']') ? std::string::npos : text.rfind(':');
  auto host = text.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  if (!host.empty()) config.host = host;
  if (colon == std::string::npos) return;
  const auto* end = text.data() + text.size();
  const auto [last, error] = std::from_chars(text.data() + colon + 1, end, config.port);
  if (error != std::errc() || last != end || config.port < 0 || config.port > kMostPort)
    fail_expected({"--listen", fmt::format("HOST:PORT with a port from 0 to {}", kMostPort), text});
}

void add_server_options(CLI::App& app, ServeCommand& command, std::string& address) {
  OptionGroup group(app, "Server");
  auto& server = command.server;
  group.text("--listen", address, "address to listen on (default: 127.0.0.1:8080; port 0: any free one)",
             "HOST:PORT");
  group.file("--api-keys", server.api_keys, "file with one API key a line, as name:key; clients need one");
  group.flag("--allow-anyone", command.allow_anyone,
             "serve other machines without API keys, as in a network of your own");
  group.flag("--any-host", server.any_host,
             "also answer requests for the name of another host, as a proxy sends them");
  group.file("--certificate", server.certificate, "certificate chain in PEM, for TLS");
  group.file("--private-key", server.private_key, "key of the certificate in PEM");
  group.repeated("--cors", server.cors,
                 "origin of web pages that may call the server, as https://example.org; may be repeated",
                 "ORIGIN");
  server.access_log = "-";
  group.file("--access-log", server.access_log,
             "file of one line of JSON for each request, \"-\": standard output (default), \"\": none");
  group.folder("--map-root", command.map_root,
               "folder of rasters that agents may map (tool map_changes at /mcp; default: none)");
  group.value("--drain", command.drain, "seconds that requests have to end after SIGTERM", in_range(0, 3600));
  group.flag("-q,--quiet", command.quiet, "print only errors, and the access log");
}

void add_options(CLI::App& app, ServeCommand& command, std::string& address) {
  OptionGroup model(app, "Model");
  add_model_folder(model, command.model);
  add_device_options(model, command.captioner);
  model.folder("--adapter", command.captioner.adapter, "LoRA adapter of the model, in the format of PEFT");
  model.text("--name", command.name, "name of the model for clients (default: that of its folder)", "NAME");
  add_server_options(app, command, address);
  OptionGroup limits(app, "Limits");
  limits.fields(command.server.limits);
  limits.fields(command.requests);
  limits.fields(command.service);
  limits.fields(command.maps);
}

void check(ServeCommand& command, const std::string& address) {
  set_address(address, command.server);
  auto& server = command.server;
  expect(server.certificate.empty() == server.private_key.empty(),
         "--certificate and --private-key require each other");
  server.any_host = server.any_host || command.allow_anyone;
  expect(command.is_guarded() || serve::is_this_machine(server.host),
         fmt::format("--listen {}: expected --api-keys for an address that other machines reach, got none "
                     "(--allow-anyone serves all of them)",
                     server.host));
  for (const auto& origin : server.cors) {
    expect(origin.find("://") != std::string::npos && !origin.ends_with('/'),
           fmt::format("--cors: expected an origin as https://example.org, got '{}'", origin));
  }
  use_demo_model(command.model);
  if (command.name.empty()) {
    command.name = std::filesystem::absolute(command.model / "").lexically_normal().parent_path().filename();
  }
}

}  // namespace

ParsedServe parse_serve_command(int count, const char* const* arguments) {
  CommonOptions common{.version_text = version_text};
  ParsedServe parsed;
  std::string address;
  CLI::App app("Serves captions over HTTP: an API, that of OpenAI's clients, MCP and a page.", kName);
  app.get_formatter()->column_width(34);
  app.footer(kExamples);
  add_options(app, parsed.command, address);
  add_common_options(app, common);
  static_cast<Leave&>(parsed) =
      parse_command_line(app, count, arguments, common, [&] { check(parsed.command, address); });
  return parsed;
}

}  // namespace ccexpert::tools
