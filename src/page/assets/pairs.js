const list = document.getElementById('pairs'), sort = document.getElementById('sort'),
  order = document.getElementById('order'), show = document.getElementById('show'),
  find = document.getElementById('find'), more = document.getElementById('more');
let shown = 50;
function words(marked) {
  const result = element('div');
  marked.forEach(([text, mark]) => result.append(element('span', mark, text), ' '));
  return result;
}
function scores(model) {
  const result = element('div', 'scores');
  data.names.forEach((name, i) => {
    if (model.scores[i] === null) return;
    result.append(name + ' ', element('b', '', (100 * model.scores[i]).toFixed(1)), '  ');
  });
  return result;
}
function card(pair) {
  const result = element('div', 'pair'), images = element('div', 'images'), text = element('div');
  images.append(image(pair.before, pair.note || 'before'), image(pair.after, pair.note || 'after'));
  const flag = pair.changed === null ? '' : pair.changed ? ' (changed)' : ' (unchanged)';
  text.append(element('div', 'uid', pair.uid + flag));
  const models = element('div', 'models');
  pair.models.forEach((model, m) => {
    const part = element('div');
    if (pair.models.length > 1) part.append(element('div', 'model', data.models[m]));
    part.append(scores(model), element('div', 'label', 'caption'), words(model.said),
      element('div', 'label', 'best-matching reference'), words(model.best));
    models.append(part);
  });
  text.append(models);
  if (pair.others.length) {
    text.append(element('div', 'label', 'other references'), ...pair.others.map(t => element('div', '', t)));
  }
  result.append(images, text);
  return result;
}
function draw() {
  const column = data.names.indexOf(sort.value), sign = order.value === 'best' ? -1 : 1;
  const wanted = find.value.toLowerCase();
  const chosen = data.pairs.filter(p => (show.value === 'all' || String(p.changed) === show.value) &&
    (!wanted || (p.uid + ' ' + p.text).toLowerCase().includes(wanted)));
  const spread = p => {
    const values = p.models.map(m => m.scores[column]);
    return values.includes(null) ? null : Math.min(...values) - Math.max(...values);
  };
  const key = p => order.value === 'most different' ? spread(p) : p.models[0].scores[column];
  chosen.sort((a, b) => {
    if (column < 0) return sign * (a.uid < b.uid ? -1 : a.uid > b.uid ? 1 : 0);
    const x = key(a), y = key(b);
    return x === null || y === null ? (x === null) - (y === null) : sign * (x - y);
  });
  list.replaceChildren(...chosen.slice(0, shown).map(card));
  more.hidden = chosen.length <= shown;
  more.textContent = 'show more of ' + chosen.length;
}
function restart() {
  shown = 50;
  draw();
}
data.names.concat('uid').forEach(name => sort.append(element('option', '', name)));
sort.value = data.by;
if (data.models.length > 1) order.append(element('option', '', 'most different'));
[sort, order, show].forEach(e => e.addEventListener('change', restart));
find.addEventListener('input', restart);
more.addEventListener('click', () => {
  shown += 50;
  draw();
});
draw();
