#include "geo/stac.h"

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <ccexpert/core/error.h>

#include "core/foreign_errors.h"
#include "core/json.h"
#include "core/printable.h"
#include "geo/http.h"
#include "geo/shared/scene_date.h"

namespace ccexpert::geo {
namespace {

using nlohmann::json;

/// Limit against catalogues that name each other without end.
constexpr size_t kMostDocuments = 100'000;

std::string text_in(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

bool is_geotiff(const json& asset) {
  return text_in(asset, "type").starts_with("image/tiff");
}

bool has_role(const json& asset, std::string_view role) {
  const auto roles = asset.find("roles");
  if (roles == asset.end() || !roles->is_array()) return false;
  return std::any_of(roles->begin(), roles->end(), [&](const json& each) { return each == role; });
}

/// Returns the asset of an item with the raster. Throws Error for an item without it.
const json& raster_asset(const json& item, const std::string& key, const std::string& source) {
  const auto assets = item.find("assets");
  std::vector<std::string> names;
  const json *data = nullptr, *any = nullptr;
  if (assets != item.end() && assets->is_object()) {
    const auto& wanted = key.empty() ? "visual" : key;
    if (const auto found = assets->find(wanted); found != assets->end()) return *found;
    for (const auto& [name, asset] : assets->items()) {
      names.push_back(name);
      if (!is_geotiff(asset)) continue;
      if (any == nullptr) any = &asset;
      if (data == nullptr && has_role(asset, "data")) data = &asset;
    }
  }
  if (const auto* found = data != nullptr ? data : any; key.empty() && found != nullptr) return *found;
  fail_expected({source, key.empty() ? "an asset with a GeoTIFF" : "an asset " + key,
                 names.empty() ? "no assets" : first_few(names), "--asset names one"});
}

std::string time_of(const json& item) {
  const auto properties = item.find("properties");
  if (properties == item.end() || !properties->is_object()) return "";
  auto text = text_in(*properties, "datetime");
  if (text.empty()) text = text_in(*properties, "start_datetime");
  return time_in_text(text).value_or("");
}

std::optional<std::array<double, 4>> bounds_of(const json& item) {
  const auto box = item.find("bbox");
  if (box == item.end() || !box->is_array() || (box->size() != 4 && box->size() != 6)) return std::nullopt;
  if (!std::ranges::all_of(*box, [](const json& each) { return each.is_number(); })) return std::nullopt;
  const size_t half = box->size() / 2;
  return std::array{box->at(0).get<double>(), box->at(1).get<double>(), box->at(half).get<double>(),
                    box->at(half + 1).get<double>()};
}

/// Walk over the documents of a catalogue.
class Walk {
 public:
  Walk(const std::string& asset, const SceneSource::Known& known) : asset_(asset), known_(known) {}

  Look run(const std::string& root) {
    visit(root, read(root));
    while (!left_.empty()) {
      const auto [address, is_item] = left_.back();
      left_.pop_back();
      if (is_item && known_(address)) continue;
      attempt(address, [&] { visit(address, read(address)); });
    }
    return std::move(look_);
  }

 private:
  static json read(const std::string& address) {
    auto document = parse_json(fetched_text(address), address, {.expected = "a STAC document in JSON"});
    if (!document.is_object()) fail_expected({address, "a STAC document", document.type_name()});
    return document;
  }

  void visit(const std::string& address, const json& document) {
    const auto type = text_in(document, "type");
    if (type == "Feature") {
      add(address, address, document);
    } else if (type == "FeatureCollection") {
      for (const auto& item : document.value("features", json::array())) add_of_list(address, item);
    } else if (type == "Catalog" || type == "Collection" || document.contains("stac_version")) {
      follow(address, document);
    } else {
      fail_expected({address, "a STAC catalogue, collection or item",
                     type.empty() ? "JSON without a type" : "type " + type});
    }
  }

  void follow(const std::string& address, const json& document) {
    const auto links = document.value("links", json::array());
    for (auto link = links.rbegin(); link != links.rend(); ++link) {
      const auto relation = text_in(*link, "rel"), reference = text_in(*link, "href");
      if (reference.empty() || (relation != "child" && relation != "item" && relation != "items")) continue;
      auto target = resolved(address, reference);
      if (!visited_.insert(target).second) continue;
      if (visited_.size() > kMostDocuments)
        fail(address, fmt::format("has more than {} documents", kMostDocuments));
      left_.emplace_back(std::move(target), relation == "item");
    }
  }

  /// Runs the work on a document or an item; one that cannot be used does not stop the others.
  template <class Work>
  void attempt(const std::string& name, const Work& work) try {
    work();
  } catch (const Fault&) {
    throw;
  } catch (const Error& error) {
    look_.unready.push_back({name, error.what()});
  }

  void add_of_list(const std::string& address, const json& item) {
    const auto name = address + "#" + text_in(item, "id");
    attempt(name, [&] { add(name, address, item); });
  }

  void add(const std::string& name, const std::string& address, const json& item) {
    if (known_(name)) return;
    const auto& asset = raster_asset(item, asset_, name);
    const auto reference = text_in(asset, "href");
    if (reference.empty()) fail_expected({name, "an asset with href", "none"});
    look_.scenes.push_back({.name = name,
                            .raster = gdal_name(resolved(address, reference)),
                            .time = time_of(item),
                            .bounds = bounds_of(item)});
  }

  const std::string& asset_;
  const SceneSource::Known& known_;
  Look look_;
  std::set<std::string> visited_;
  std::vector<std::pair<std::string, bool>> left_;
};

}  // namespace

Look StacCatalogue::look(const Known& known) {
  return Walk(asset_, known).run(address_);
}

}  // namespace ccexpert::geo
