#include "train/report.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <string_view>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <ccexpert/core/error.h>
#include <ccexpert/image/decode.h>
#include <ccexpert/image/resize.h>

#include "core/files.h"
#include "core/html.h"
#include "train/log_line.h"

namespace ccexpert::train {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

/// Longer side of an image on the page.
constexpr double kPictureSide = 256.0;

/// Returns a thumbnail as a data URL, or "" if the image no longer exists.
std::string picture(const fs::path& path) {
  try {
    const auto image = decode_image(path);
    const auto longer = static_cast<double>(std::max(image.height, image.width));
    const auto side = [&](int64_t pixels) {
      const double scaled = static_cast<double>(pixels) * std::min(1.0, kPictureSide / longer);
      return std::max<int64_t>(1, std::llround(scaled));
    };
    const auto small = resize_bicubic(image.view(), side(image.height), side(image.width));
    return "data:image/png;base64," + base64(encode_png(small.view()));
  } catch (const Error&) {
    return {};
  }
}

void add_pictures(json& samples) {
  for (auto& sample : samples) {
    if (!sample.is_object()) continue;
    for (const auto* side : {"before", "after"}) {
      const auto path = sample.value(side, json());
      if (path.is_string()) sample[std::string(side) + "_picture"] = picture(path.get<std::string>());
    }
  }
}

/// Returns all steps and evaluations, with the images of the last evaluation embedded.
json page_data(const std::string& log_lines) {
  json steps = json::array(), evaluations = json::array();
  for (size_t start = 0; start < log_lines.size();) {
    const size_t end = std::min(log_lines.find('\n', start), log_lines.size());
    auto line = parse_log_line(std::string_view(log_lines).substr(start, end - start));
    start = end + 1;
    if (!line || (line->event != "step" && line->event != "evaluation")) continue;
    (line->event == "step" ? steps : evaluations).push_back(std::move(line->object));
  }
  if (!evaluations.empty()) add_pictures(evaluations.back()["samples"]);
  return {{"steps", steps}, {"evaluations", evaluations}};
}

constexpr std::string_view kStyle =
    R"(body{font:15px/1.5 system-ui,sans-serif;max-width:1100px;margin:2em auto;padding:0 1em;
color:#1c2733}h1{font-size:1.5em}h2{font-size:1.1em;margin-top:2em}.charts{display:grid;gap:1em;
grid-template-columns:repeat(auto-fill,minmax(320px,1fr))}figure{margin:0;border:1px solid #d8dee5;border-radius:6px;
padding:.6em}figcaption{font-size:.85em;color:#5a6775}svg{width:100%;height:150px}.pair{display:flex;gap:.6em;
align-items:flex-start;margin:1em 0}.pair img{width:180px;image-rendering:auto}pre{background:#f4f6f8;padding:1em;
overflow:auto;font-size:.8em})";

constexpr std::string_view kScript = R"(
const charts=document.getElementById('charts');
function chart(name,points,log){
 points=points.filter(p=>Number.isFinite(p[1])&&(!log||p[1]>0));
 if(points.length<2)return;
 const f=v=>log?Math.log10(v):v,xs=points.map(p=>p[0]),ys=points.map(p=>f(p[1]));
 const x0=Math.min(...xs),x1=Math.max(...xs),y0=Math.min(...ys),y1=Math.max(...ys);
 const X=x=>5+590*(x-x0)/((x1-x0)||1),Y=y=>145-140*(y-y0)/((y1-y0)||1);
 const d=points.map((p,i)=>(i?'L':'M')+X(p[0]).toFixed(1)+' '+Y(ys[i]).toFixed(1)).join('');
 const figure=document.createElement('figure'),last=points[points.length-1];
 figure.innerHTML='<svg viewBox="0 0 600 150" preserveAspectRatio="none"><path d="'+d+
  '" fill="none" stroke="#1f77b4" stroke-width="1.5" vector-effect="non-scaling-stroke"/></svg>';
 const caption=document.createElement('figcaption');
 caption.textContent=name+(log?' (log)':'')+': '+last[1].toPrecision(4)+' at step '+last[0]+
  ', least '+Math.min(...points.map(p=>p[1])).toPrecision(4)+', most '+Math.max(...points.map(p=>p[1])).toPrecision(4);
 figure.append(caption);charts.append(figure);
}
const series=(rows,name)=>rows.map(r=>[r.step,r[name]]);
chart('training loss',series(data.steps,'loss'),false);
chart('validation loss',series(data.evaluations,'loss'),false);
const metric=data.evaluations.length?data.evaluations[0].metric:'loss';
if(metric!='loss')chart('validation '+metric,series(data.evaluations,'score'),false);
for(const name of['mask_loss','class_loss','token_loss','learning_rate','grad_norm','tokens_per_second','pairs_per_second','data_wait_share','mfu','memory_gb'])
 chart(name.replaceAll('_',' '),series(data.steps,name),name=='grad_norm');
const samples=document.getElementById('samples'),last=data.evaluations[data.evaluations.length-1];
for(const s of last?last.samples:[]){
 const row=document.createElement('div');row.className='pair';
 for(const side of['before','after']){
  if(s[side+'_picture']){const image=new Image();image.src=s[side+'_picture'];image.alt=s[side];row.append(image);}
 }
 const text=document.createElement('div');
 for(const line of[s.uid,'caption: '+s.caption].concat(s.references.map(r=>'reference: '+r))){
  const p=document.createElement('div');p.textContent=line;text.append(p);
 }
 row.append(text);samples.append(row);
}
)";

}  // namespace

std::string report_html(const std::string& title, const std::string& config_yaml,
                        const std::string& log_lines) {
  return fmt::format(
      "<!doctype html><html lang=\"en\"><meta "
      "charset=\"utf-8\"><title>{0}</title><style>{1}</style><h1>{0}</h1>"
      "<div id=\"charts\" class=\"charts\"></div><h2>Samples of the last evaluation</h2><div "
      "id=\"samples\"></div>"
      "<h2>Configuration</h2><pre>{2}</pre><script>const data={3};{4}</script></html>\n",
      html_escaped(title), kStyle, html_escaped(config_yaml), script_safe(page_data(log_lines).dump()),
      kScript);
}

}  // namespace ccexpert::train
