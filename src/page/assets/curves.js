const charts = document.getElementById('charts');
function chart(name, all, log) {
  const points = all.filter(p => Number.isFinite(p[1]) && (!log || p[1] > 0));
  if (points.length < 2) return;
  const f = v => log ? Math.log10(v) : v, xs = points.map(p => p[0]), ys = points.map(p => f(p[1]));
  const x0 = Math.min(...xs), x1 = Math.max(...xs), y0 = Math.min(...ys), y1 = Math.max(...ys);
  const X = x => 5 + 590 * (x - x0) / ((x1 - x0) || 1), Y = y => 145 - 140 * (y - y0) / ((y1 - y0) || 1);
  const d = points.map((p, i) => (i ? 'L' : 'M') + X(p[0]).toFixed(1) + ' ' + Y(ys[i]).toFixed(1)).join('');
  const figure = element('figure'), last = points[points.length - 1], values = points.map(p => p[1]);
  figure.innerHTML = '<svg viewBox="0 0 600 150" preserveAspectRatio="none"><path d="' + d +
    '" vector-effect="non-scaling-stroke"/></svg>';
  figure.append(element('figcaption', '', name + (log ? ' (log)' : '') + ': ' + last[1].toPrecision(4) +
    ' at step ' + last[0] + ', least ' + Math.min(...values).toPrecision(4) +
    ', most ' + Math.max(...values).toPrecision(4)));
  charts.append(figure);
}
const series = (rows, name) => rows.map(r => [r.step, r[name]]);
chart('training loss', series(data.steps, 'loss'), false);
chart('validation loss', series(data.evaluations, 'loss'), false);
const metric = data.evaluations.length ? data.evaluations[0].metric : 'loss';
if (metric != 'loss') chart('validation ' + metric, series(data.evaluations, 'score'), false);
for (const name of ['mask_loss', 'class_loss', 'image_token_loss', 'learning_rate', 'grad_norm', 'tokens_per_second',
  'pairs_per_second', 'data_wait_share', 'mfu', 'memory_gb']) {
  chart(name.replaceAll('_', ' '), series(data.steps, name), name == 'grad_norm');
}
const samples = document.getElementById('samples'), last = data.evaluations[data.evaluations.length - 1];
for (const s of last ? last.samples : []) {
  const pair = element('div', 'pair'), images = element('div', 'images'), text = element('div');
  for (const side of ['before', 'after']) {
    if (s[side + '_picture']) images.append(image(s[side + '_picture'], s[side]));
  }
  text.append(element('div', 'uid', s.uid), element('div', '', 'caption: ' + s.caption),
    ...s.references.map(r => element('div', '', 'reference: ' + r)));
  pair.append(images, text);
  samples.append(pair);
}
