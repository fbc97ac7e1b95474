#include "eval/picture.h"

#include <algorithm>
#include <cmath>

#include <cairo/cairo-pdf.h>
#include <cairo/cairo-svg.h>
#include <fmt/format.h>
#include <pango/pangocairo.h>

#include <ccexpert/core/error.h>

namespace ccexpert::tools {
namespace {

constexpr double kPixelsPerPoint = 2.0;
constexpr double kLongestSide = 32767.0;  ///< maximum side of a cairo image surface in pixels

template <auto release>
struct Releaser {
  template <class Object>
  void operator()(Object* object) const {
    release(object);
  }
};
using Surface = std::unique_ptr<cairo_surface_t, Releaser<cairo_surface_destroy>>;
using Context = std::unique_ptr<cairo_t, Releaser<cairo_destroy>>;
using Layout = std::unique_ptr<PangoLayout, Releaser<g_object_unref>>;
using Description = std::unique_ptr<PangoFontDescription, Releaser<pango_font_description_free>>;
using FontOptions = std::unique_ptr<cairo_font_options_t, Releaser<cairo_font_options_destroy>>;

cairo_status_t append(void* bytes, const unsigned char* data, unsigned length) {
  static_cast<std::string*>(bytes)->append(reinterpret_cast<const char*>(data), length);
  return CAIRO_STATUS_SUCCESS;
}

cairo_surface_t* png_surface(double width, double height) {
  const double x = std::ceil(kPixelsPerPoint * width), y = std::ceil(kPixelsPerPoint * height);
  if (std::max(x, y) > kLongestSide)
    fail_expected({"figure", fmt::format("at most {} pixels per side", kLongestSide),
                   fmt::format("{} x {}", x, y), "draw fewer pairs, or write .svg or .pdf"});
  auto* surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, static_cast<int>(x), static_cast<int>(y));
  cairo_surface_set_device_scale(surface, kPixelsPerPoint, kPixelsPerPoint);
  return surface;
}

cairo_surface_t* surface_of(PictureFormat format, const Box& page, std::string& bytes) {
  switch (format) {
    case PictureFormat::kPng:
      return png_surface(page.width, page.height);
    case PictureFormat::kSvg:
      return cairo_svg_surface_create_for_stream(append, &bytes, page.width, page.height);
    case PictureFormat::kPdf:
      return cairo_pdf_surface_create_for_stream(append, &bytes, page.width, page.height);
    case PictureFormat::kNone:
      break;
  }
  return cairo_recording_surface_create(CAIRO_CONTENT_COLOR, nullptr);
}

/// Returns the share of the channel that starts at a bit of a colour.
double channel(uint32_t colour, unsigned bit) {
  return static_cast<double>((colour >> bit) & 0xffu) / 255.0;
}

guint16 pango_channel(uint32_t colour, unsigned bit) {
  return static_cast<guint16>(((colour >> bit) & 0xffu) * 0x101u);
}

class Attributes {
 public:
  void add(const TextRun& run, size_t start) {
    const auto colour = run.colour, back = run.background;
    insert(pango_attr_foreground_new(pango_channel(colour, 16), pango_channel(colour, 8),
                                     pango_channel(colour, 0)),
           start, run);
    if (back != TextRun{}.background)
      insert(
          pango_attr_background_new(pango_channel(back, 16), pango_channel(back, 8), pango_channel(back, 0)),
          start, run);
    insert(pango_attr_size_new_absolute(static_cast<int>(run.size * PANGO_SCALE)), start, run);
    if (run.bold) insert(pango_attr_weight_new(PANGO_WEIGHT_BOLD), start, run);
  }
  PangoAttrList* list() const { return list_.get(); }

 private:
  void insert(PangoAttribute* attribute, size_t start, const TextRun& run) {
    attribute->start_index = static_cast<guint>(start);
    attribute->end_index = static_cast<guint>(start + run.text.size());
    pango_attr_list_insert(list_.get(), attribute);
  }

  std::unique_ptr<PangoAttrList, Releaser<pango_attr_list_unref>> list_{pango_attr_list_new()};
};

/// Converts pixels to cairo's format: 32 bits each, in native byte order.
Surface surface_of(const image::ImageView& image) {
  Surface surface(cairo_image_surface_create(CAIRO_FORMAT_RGB24, static_cast<int>(image.width),
                                             static_cast<int>(image.height)));
  cairo_surface_flush(surface.get());
  auto* rows = cairo_image_surface_get_data(surface.get());
  const auto stride = cairo_image_surface_get_stride(surface.get());
  for (int64_t y = 0; y < image.height; ++y) {
    const uint8_t* from = image.data + y * image.stride;
    auto* to = reinterpret_cast<uint32_t*>(rows + y * stride);
    for (int64_t x = 0; x < image.width; ++x, from += 3)
      to[x] = uint32_t{from[0]} << 16 | uint32_t{from[1]} << 8 | from[2];
  }
  cairo_surface_mark_dirty(surface.get());
  return surface;
}

}  // namespace

class Picture::Impl {
 public:
  Impl(PictureFormat format, double width, double height)
      : format_(format),
        surface_(surface_of(format, {0.0, 0.0, width, height}, bytes_)),
        context_(cairo_create(surface_.get())) {
    fill({0.0, 0.0, width, height}, 0xffffff);
  }

  double text(const std::vector<TextRun>& runs, double x, double y, double width) {
    const auto layout = layout_of(runs, width);
    cairo_move_to(context_.get(), x, y);
    pango_cairo_show_layout(context_.get(), layout.get());
    int ignored = 0, height = 0;
    pango_layout_get_size(layout.get(), &ignored, &height);
    return static_cast<double>(height) / PANGO_SCALE;
  }

  void fill(const Box& box, uint32_t colour) {
    cairo_set_source_rgb(context_.get(), channel(colour, 16), channel(colour, 8), channel(colour, 0));
    cairo_rectangle(context_.get(), box.x, box.y, box.width, box.height);
    cairo_fill(context_.get());
  }

  void image(const image::ImageView& view, const Box& box) {
    const auto source = surface_of(view);
    const auto width = static_cast<double>(view.width), height = static_cast<double>(view.height);
    const double scale = std::min(box.width / width, box.height / height);
    cairo_save(context_.get());
    cairo_translate(context_.get(), box.x + (box.width - scale * width) / 2.0,
                    box.y + (box.height - scale * height) / 2.0);
    cairo_scale(context_.get(), scale, scale);
    cairo_set_source_surface(context_.get(), source.get(), 0.0, 0.0);
    cairo_paint(context_.get());
    cairo_restore(context_.get());
  }

  std::string finish() {
    if (format_ == PictureFormat::kPng) cairo_surface_write_to_png_stream(surface_.get(), append, &bytes_);
    context_.reset();
    cairo_surface_finish(surface_.get());
    if (const auto status = cairo_surface_status(surface_.get()); status != CAIRO_STATUS_SUCCESS)
      fail("figure", fmt::format("cannot be drawn: {}", cairo_status_to_string(status)));
    return std::move(bytes_);
  }

 private:
  /// Returns a layout with the same line breaks and line heights on every kind of surface.
  Layout new_layout() const {
    Layout layout(pango_cairo_create_layout(context_.get()));
    const FontOptions options(cairo_font_options_create());
    cairo_font_options_set_hint_style(options.get(), CAIRO_HINT_STYLE_NONE);
    cairo_font_options_set_hint_metrics(options.get(), CAIRO_HINT_METRICS_OFF);
    pango_cairo_context_set_font_options(pango_layout_get_context(layout.get()), options.get());
    pango_layout_context_changed(layout.get());
    const Description font(pango_font_description_from_string("sans"));
    pango_layout_set_font_description(layout.get(), font.get());
    return layout;
  }

  Layout layout_of(const std::vector<TextRun>& runs, double width) const {
    auto layout = new_layout();
    std::string joined;
    Attributes attributes;
    for (const auto& run : runs) {
      attributes.add(run, joined.size());
      joined += run.text;
    }
    pango_layout_set_width(layout.get(), static_cast<int>(width * PANGO_SCALE));
    pango_layout_set_wrap(layout.get(), PANGO_WRAP_WORD_CHAR);
    pango_layout_set_text(layout.get(), joined.data(), static_cast<int>(joined.size()));
    pango_layout_set_attributes(layout.get(), attributes.list());
    if (pango_layout_get_unknown_glyphs_count(layout.get()) > 0) refuse(joined);
    return layout;
  }

  [[noreturn]] void refuse(const std::string& text) const {
    // A list of font families does not help: fontconfig has "sans" even if no font is installed.
    const auto layout = new_layout();
    pango_layout_set_text(layout.get(), "a", 1);
    if (pango_layout_get_unknown_glyphs_count(layout.get()) > 0)
      fail_expected({"figure", "an installed font", "none", "install fonts-dejavu-core"});
    fail_expected({"figure", "an installed font for every character",
                   fmt::format("none for a character of '{}'", text),
                   "install another font, such as fonts-noto"});
  }

  std::string bytes_;
  PictureFormat format_;
  Surface surface_;
  Context context_;
};

Picture::Picture(PictureFormat format, double width, double height)
    : impl_(std::make_unique<Impl>(format, width, height)) {}
Picture::~Picture() = default;

double Picture::text(const std::vector<TextRun>& runs, double x, double y, double width) {
  return impl_->text(runs, x, y, width);
}
void Picture::fill(const Box& box, uint32_t colour) {
  impl_->fill(box, colour);
}
void Picture::image(const image::ImageView& pixels, const Box& box) {
  impl_->image(pixels, box);
}
std::string Picture::finish() {
  return impl_->finish();
}

}  // namespace ccexpert::tools
