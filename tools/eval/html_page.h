// HTML page around the report's data.
#pragma once

namespace ccexpert::tools {

constexpr const char* kPageHead = R"(<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>ccexpert-eval</title><style>
body{font:15px/1.45 system-ui,sans-serif;margin:24px auto;max-width:1100px;padding:0 16px;color:#1d2733;background:#fff}
h1{font-size:22px}table{border-collapse:collapse;margin:12px 0}td,th{padding:3px 10px;text-align:right;border-bottom:1px solid #dde3ea}
td:first-child,th:first-child{text-align:left}.low{color:#66758a;font-size:13px}
.controls{position:sticky;top:0;background:#fff;padding:10px 0;border-bottom:1px solid #dde3ea}
select,input,button{font:inherit;padding:3px 6px;margin-right:10px}
.pair{display:grid;grid-template-columns:auto 1fr;gap:16px;padding:16px 0;border-bottom:1px solid #dde3ea}
.images{display:flex;gap:6px}.images img{width:200px;height:200px;object-fit:contain;background:#eef1f5;image-rendering:auto}
.none{width:200px;height:60px;background:#eef1f5;color:#66758a;font-size:13px;padding:8px;box-sizing:border-box}
.models{display:grid;grid-template-columns:repeat(auto-fit,minmax(210px,1fr));gap:6px 16px}.model{font-weight:600;margin-top:6px}
.uid{font-weight:600;overflow-wrap:anywhere}.scores{color:#66758a;font-size:13px}.scores b{color:#1d2733}
.exact{background:#cdeccf}.near{background:#cfe2fb}.missed{background:#fbd3d0}
.exact,.near,.missed{padding:0 3px;border-radius:3px}.label{color:#66758a;font-size:13px;margin-top:6px}
@media(max-width:700px){.pair{grid-template-columns:1fr}.images img{width:45vw;height:45vw}}
</style></head><body>
)";

constexpr const char* kPageScript = R"(<script>
const list=document.getElementById('pairs'),sort=document.getElementById('sort'),order=document.getElementById('order'),
show=document.getElementById('show'),find=document.getElementById('find'),more=document.getElementById('more');
let shown=50;
function element(tag,name,text){const e=document.createElement(tag);if(name)e.className=name;if(text!==undefined)e.textContent=text;return e}
function words(marked){const e=element('div');marked.forEach(([text,mark])=>{e.append(element('span',mark,text),' ')});return e}
function image(source,note){if(!source)return element('div','none',note);const e=element('img');e.src=source;e.alt=note;e.loading='lazy';return e}
function card(pair){
 const e=element('div','pair'),images=element('div','images'),text=element('div');
 images.append(image(pair.before,pair.note||'before'),image(pair.after,pair.note||'after'));
 text.append(element('div','uid',pair.uid+(pair.changed===null?'':pair.changed?' (changed)':' (unchanged)')));
 const models=element('div','models');
 pair.models.forEach((model,m)=>{
  const part=element('div'),scores=element('div','scores');
  if(pair.models.length>1)part.append(element('div','model',data.models[m]));
  data.names.forEach((name,i)=>{if(model.scores[i]!==null){const b=element('b','',(100*model.scores[i]).toFixed(1));scores.append(name+' ',b,'  ')}});
  part.append(scores,element('div','label','caption'),words(model.said),element('div','label','best-matching reference'),words(model.best));
  models.append(part)});
 text.append(models);
 if(pair.others.length){text.append(element('div','label','other references'));pair.others.forEach(t=>text.append(element('div','',t)))}
 e.append(images,text);return e}
function draw(){
 const column=data.names.indexOf(sort.value),sign=order.value==='best'?-1:1,wanted=find.value.toLowerCase();
 const chosen=data.pairs.filter(p=>(show.value==='all'||String(p.changed)===show.value)&&
  (!wanted||(p.uid+' '+p.text).toLowerCase().includes(wanted)));
 const spread=p=>{const v=p.models.map(m=>m.scores[column]);return v.includes(null)?null:Math.min(...v)-Math.max(...v)};
 const key=p=>order.value==='most different'?spread(p):p.models[0].scores[column];
 if(column>=0)chosen.sort((a,b)=>{const x=key(a),y=key(b);
  return x===null||y===null?(x===null)-(y===null):sign*(x-y)});
 else chosen.sort((a,b)=>sign*(a.uid<b.uid?-1:a.uid>b.uid?1:0));
 list.replaceChildren(...chosen.slice(0,shown).map(card));
 more.hidden=chosen.length<=shown;more.textContent='show more of '+chosen.length}
data.names.forEach(name=>sort.append(element('option','',name)));sort.append(element('option','','uid'));
sort.value=data.by;if(data.models.length>1)order.append(element('option','','most different'));[sort,order,show].forEach(e=>e.addEventListener('change',()=>{shown=50;draw()}));
find.addEventListener('input',()=>{shown=50;draw()});more.addEventListener('click',()=>{shown+=50;draw()});draw();
</script></body></html>
)";

constexpr const char* kPageControls = R"(<div class="controls">
<label>sort by <select id="sort"></select></label><select id="order"><option>worst</option><option>best</option></select>
<select id="show"><option value="all">all pairs</option><option value="true">changed</option><option value="false">unchanged</option></select>
<input id="find" placeholder="find in uid and captions">
<span class="exact">same word</span> <span class="near">stem, synonym or paraphrase</span> <span class="missed">missed</span></div>
<div id="pairs"></div><button id="more" hidden></button>
)";

}  // namespace ccexpert::tools
