const part = id => document.getElementById(id);
const cards = part('cards'), find = part('find'), show = part('show'), sort = part('sort'), count = part('count'),
  threshold = part('threshold'), heat = part('heat');
const entries = [...document.querySelectorAll('script.entry')].map(each => JSON.parse(each.textContent));
const isSeries = entries.some(entry => entry.place !== undefined), thing = isSeries ? 'place' : 'pair';
const hasScores = entries.some(entry => entry.score !== undefined);

function stateOf(entry) {
  if (entry.error) return 'failed';
  return entry.changed === undefined ? '' : entry.changed ? 'changed' : 'unchanged';
}
function is(entry, state) {
  return state === 'all' || stateOf(entry) === state || (state === 'unsure' && entry.unsure) ||
    (state === 'transient' && entry.transient);
}
// At 0, the threshold also keeps entries without a score.
function passes(entry) {
  return is(entry, show.value) && (Number(threshold.value) === 0 || entry.score >= threshold.value);
}

// Grids of values in 8 bits.
function strongest(bytes) {
  const side = Math.round(Math.sqrt(bytes.length));
  let best = 0;
  for (let i = 1; i < bytes.length; i++) if (bytes.charCodeAt(i) > bytes.charCodeAt(best)) best = i;
  if (!bytes.length || bytes.charCodeAt(best) === 0) return 'nowhere';
  const third = place => Math.min(2, Math.floor(3 * (place + .5) / side));
  const down = ['upper', 'middle', 'lower'][third(Math.floor(best / side))];
  const along = ['left', 'centre', 'right'][third(best % side)];
  return down === 'middle' ? along === 'centre' ? 'in the centre' : 'at the ' + along :
    along === 'centre' ? 'at the ' + down + ' edge' : 'at the ' + down + ' ' + along;
}
// A power below 1 lifts small values.
function paint(canvas, bytes, power = 1) {
  const side = Math.round(Math.sqrt(bytes.length)), context = canvas.getContext('2d');
  canvas.width = canvas.height = side;
  const picture = context.createImageData(side, side);
  for (let i = 0; i < bytes.length; i++) {
    const value = (bytes.charCodeAt(i) / 255) ** power;
    picture.data.set([255, 225 - 195 * value, 60 * (1 - value), 255 * Math.min(1, 1.25 * value)], 4 * i);
  }
  context.putImageData(picture, 0, 0);
}
// Puts a canvas over the part of the images that its grid covers.
function fit(canvas, maps, stage) {
  const [width, height] = stage.style.aspectRatio.split('/').map(Number);
  const side = maps.padded ? Math.max(width, height) : 0, covered = maps.covered ?? 1;
  for (const [length, edge, size] of [['width', 'left', width], ['height', 'top', height]]) {
    const share = side ? side / size : 1;
    canvas.style[length] = 100 * share * covered + '%';
    canvas.style[edge] = 50 * (1 - share) + '%';
  }
}

// Two images with a slider between them, which is a range input: pointer, keyboard and screen readers use it.
function stageOf(entry) {
  const stage = element('div', 'stage'), first = part('image' + (entry.before ?? entry.after));
  const size = first ? first.dataset : {width: 4, height: 3};
  stage.style.aspectRatio = size.width + '/' + size.height;
  return stage;
}
function picture(number, name) {
  const stored = number === undefined ? null : part('image' + number);
  return image(stored ? stored.textContent : '', name);
}
function fillStage(stage, entry, maps) {
  const both = entry.before !== undefined && entry.after !== undefined;
  if (!both) {
    const only = entry.before ?? entry.after;
    if (only === undefined) {
      stage.append(element('div', 'none', 'no images'));
    } else {
      const side = entry.before === undefined ? 'after' : 'before';
      stage.append(picture(only, 'image ' + side), element('span', 'side left', side));
    }
    return;
  }
  const before = picture(entry.before, 'image before'), after = picture(entry.after, 'image after');
  after.classList.add('after');
  stage.append(before, after);
  if (maps.map) {
    const overlay = element('canvas', 'heat'), bytes = atob(maps.map);
    paint(overlay, bytes);
    fit(overlay, maps, stage);
    overlay.setAttribute('role', 'img');
    overlay.setAttribute('aria-label', 'heatmap of change, strongest ' + strongest(bytes));
    stage.append(overlay);
  }
  if (maps.words) {
    const place = element('canvas', 'place');
    fit(place, maps, stage);
    place.setAttribute('aria-hidden', 'true');
    stage.append(place);
  }
  const slider = element('input', 'swipe');
  Object.assign(slider, {type: 'range', min: 0, max: 100, step: 1, value: 50});
  slider.setAttribute('aria-label', 'swipe between before and after');
  const move = () => {
    stage.style.setProperty('--at', slider.value);
    slider.setAttribute('aria-valuetext', slider.value + ' % before');
  };
  slider.addEventListener('input', move);
  move();
  stage.append(element('div', 'bar'), element('span', 'side left', entry.from || 'before'),
    element('span', 'side right', entry.to || 'after'), slider);
}

// Words are one stop of the tab key; arrow keys go from word to word.
function light(stage, word, bytes) {
  paint(stage.querySelector('.place'), bytes, .5);
  stage.classList.add('lit');
  word.classList.add('lit');
}
function wordButton(text, packed, stage) {
  const word = element('button', 'word', text), bytes = atob(packed);
  word.type = 'button';
  word.tabIndex = -1;
  word.setAttribute('aria-label', text + ', strongest ' + strongest(bytes));
  const off = () => {
    stage.classList.remove('lit');
    word.classList.remove('lit');
  };
  word.light = () => light(stage, word, bytes);
  word.addEventListener('pointerenter', word.light);
  word.addEventListener('focus', word.light);
  word.addEventListener('blur', off);
  // A word with the focus lights up again.
  word.addEventListener('pointerleave', () => {
    off();
    const focused = document.activeElement;
    if (focused.parentElement === word.parentElement) focused.light();
  });
  return word;
}
function moveAmong(group, all, choose) {
  group.addEventListener('keydown', event => {
    const items = all();
    const at = items.indexOf(document.activeElement), last = items.length - 1;
    const to = {ArrowRight: at + 1, ArrowDown: at + 1, ArrowLeft: at - 1, ArrowUp: at - 1, Home: 0, End: last}[event.key];
    if (at < 0 || to === undefined) return;
    event.preventDefault();
    choose(items[Math.max(0, Math.min(last, to))]);
  });
}
function fillCaption(line, entry, maps, stage) {
  const text = entry.caption || '', words = [];
  let from = 0;
  line.replaceChildren();
  for (const [word, packed] of maps.words || []) {
    const at = text.indexOf(word, from);
    if (at < 0 || !/[\p{L}\p{N}]/u.test(word)) continue;
    const button = wordButton(word, packed, stage);
    line.append(text.slice(from, at), button);
    words.push(button);
    from = at + word.length;
  }
  line.append(text.slice(from));
  if (!words.length) return;
  words[0].tabIndex = 0;
  line.setAttribute('role', 'group');
  line.setAttribute('aria-label', text + ' (arrow keys show the place of each word)');
  moveAmong(line, () => words, word => {
    words.forEach(each => { each.tabIndex = each === word ? 0 : -1; });
    word.focus();
  });
}

function marksOf(entry) {
  const marks = element('div', 'marks'), state = stateOf(entry);
  if (state) marks.append(element('span', 'mark ' + state, state));
  if (entry.unsure) marks.append(element('span', 'mark unsure', 'unsure'));
  if (entry.transient) marks.append(element('span', 'mark transient', 'comes and goes'));
  if (entry.score !== undefined) marks.append(element('span', '', 'score ' + entry.score.toFixed(2)));
  if (entry.logprob !== undefined)
    marks.append(element('span', '', 'log-probability ' + entry.logprob.toFixed(1)));
  return marks;
}
function mapsOf(entry) {
  return entry.maps ? JSON.parse(part(entry.maps).textContent) : {};
}
function textsOf(entry) {
  const line = element('p', entry.error ? 'caption failed' : 'caption', entry.error || entry.caption);
  return entry.note ? [line, element('p', 'note', entry.note)] : [line];
}

function pairItem(entry, number) {
  const card = element('article', 'card'), text = element('div', 'text'), title = element('h2', 'uid', entry.uid);
  title.id = 'title' + number;
  card.setAttribute('aria-labelledby', title.id);
  const stage = stageOf(entry), viewer = element('figure', 'viewer');
  viewer.append(stage);
  const texts = textsOf(entry);
  text.append(title, marksOf(entry), ...texts);
  card.append(viewer, text);
  return {
    rows: [entry], name: entry.uid, card,
    fill() {
      const maps = mapsOf(entry);
      fillStage(stage, entry, maps);
      if (!entry.error && maps.words) fillCaption(texts[0], entry, maps, stage);
    }
  };
}

// A place: its dates are tabs, and the panel shows the pair of the chosen one.
function dateTab(row, number, panel) {
  const tab = element('button', 'date'), isSpan = row.kind === 'span';
  tab.type = 'button';
  tab.id = 'tab' + number;
  tab.setAttribute('role', 'tab');
  tab.setAttribute('aria-controls', panel.id);
  const pictures = element('span', isSpan ? 'both' : '');
  if (isSpan) pictures.append(picture(row.before, ''));
  pictures.append(picture(row.after, ''));
  const state = row.transient ? 'transient' : stateOf(row);
  tab.append(pictures, element('span', 'what', isSpan ? row.from + ' \u2192 ' + row.to : row.to),
    element('span', 'what ' + state, row.transient ? 'comes and goes' : state));
  tab.setAttribute('aria-label', row.from + ' to ' + row.to + ', ' + tab.lastChild.textContent + ', ' +
    (row.error || row.caption));
  return tab;
}
function aroundNote(row, rows) {
  const around = rows.filter(each => each.kind === 'around' && each.transient &&
    (each.before === row.before || each.after === row.after));
  return around.map(each => element('p', 'note', each.from + ' against ' + each.to + ': ' + each.caption));
}
function fillPanel(panel, row, rows) {
  const viewer = element('figure', 'viewer'), stage = stageOf(row), text = element('div'), maps = mapsOf(row);
  viewer.append(stage);
  fillStage(stage, row, maps);
  const texts = textsOf(row);
  if (!row.error && maps.words) fillCaption(texts[0], row, maps, stage);
  text.append(element('h3', '', row.from + ' \u2192 ' + row.to), marksOf(row), ...texts, ...aroundNote(row, rows));
  panel.replaceChildren(viewer, text);
}
function placeItem(rows, number) {
  const name = rows[0].place, card = element('article', 'card'), text = element('div', 'text'),
    title = element('h2', '', name), strip = element('div', 'strip'), panel = element('div', 'panel');
  title.id = 'title' + number;
  card.setAttribute('aria-labelledby', title.id);
  panel.id = 'panel' + number;
  panel.setAttribute('role', 'tabpanel');
  text.append(title);
  card.append(text, strip, panel);
  const shown = rows.filter(row => row.kind !== 'around');
  let tabs = [], chosen = Math.max(0, shown.findIndex(row => row.transient || stateOf(row) === 'changed'));
  const tabList = element('div', 'tabs');
  tabList.setAttribute('role', 'tablist');
  tabList.setAttribute('aria-label', 'dates of ' + name);
  const choose = tab => {
    chosen = tabs.indexOf(tab);
    tabs.forEach(each => {
      each.setAttribute('aria-selected', each === tab);
      each.tabIndex = each === tab ? 0 : -1;
    });
    panel.setAttribute('aria-labelledby', tab.id);
    fillPanel(panel, shown[chosen], rows);
  };
  const draw = () => {
    tabs = shown.map((row, i) => dateTab(row, number + '-' + i, panel));
    tabs.forEach(tab => tab.addEventListener('click', () => choose(tab)));
    const first = element('figure', 'date');
    first.append(picture(shown[0].before, 'first date'), element('span', 'what', shown[0].from));
    tabList.replaceChildren(...tabs);
    strip.replaceChildren(first, tabList);
    choose(tabs[chosen]);
  };
  moveAmong(tabList, () => tabs, tab => {
    choose(tab);
    tab.focus();
  });
  return {rows, name, card, fill: draw};
}
function placeItems() {
  const places = new Map();
  entries.forEach(entry => {
    if (!places.has(entry.place)) places.set(entry.place, []);
    places.get(entry.place).push(entry);
  });
  return [...places.values()].map((rows, number) => placeItem(rows.sort((a, b) => a.order - b.order), number));
}

const items = isSeries ? placeItems() : entries.map(pairItem);
items.forEach(item => {
  item.order = Math.min(...item.rows.map(row => row.order));
  item.text = item.rows.map(row => [row.uid, row.caption, row.error, row.note].join(' ')).join(' ').toLowerCase();
  item.card.item = item;
});
cards.classList.toggle('places', isSeries);

// Images are set when their card comes near: a page of thousands opens at once.
const near = new IntersectionObserver(seen => seen.forEach(each => {
  if (!each.isIntersecting) return;
  near.unobserve(each.target);
  each.target.item.fill();
}), {rootMargin: '800px'});
items.forEach((item, number) => number < 6 ? item.fill() : near.observe(item.card));

const most = (item, key) => Math.max(...item.rows.map(row => row[key] ?? -Infinity));
const least = (item, key) => Math.min(...item.rows.map(row => row[key] ?? Infinity));
const byName = new Intl.Collator(undefined, {numeric: true}).compare;
const orders = {
  'input order': (a, b) => a.order - b.order,
  'most changed': (a, b) => most(b, 'score') - most(a, 'score') || a.order - b.order,
  'least changed': (a, b) => least(a, 'score') - least(b, 'score') || a.order - b.order,
  'least probable caption': (a, b) => least(a, 'logprob') - least(b, 'logprob') || a.order - b.order,
  'name': (a, b) => byName(a.name, b.name)
};
let order = '';
function apply() {
  if (order !== sort.value) {
    order = sort.value;
    cards.append(...items.sort(orders[order]).map(item => item.card));
  }
  const wanted = find.value.toLowerCase().split(/\s+/).filter(Boolean);
  let chosen = 0;
  for (const item of items) {
    const keep = item.rows.some(passes) && wanted.every(word => item.text.includes(word));
    item.card.hidden = !keep;
    chosen += keep;
  }
  count.textContent = (chosen === items.length ? '' : chosen + ' of ') + items.length + ' ' + thing +
    (items.length === 1 ? '' : 's');
}
let due = false;
function soon(task) {
  if (due) return;
  due = true;
  requestAnimationFrame(() => {
    due = false;
    task();
  });
}
const states = {all: 'all', changed: 'changed', unchanged: 'unchanged', unsure: 'unsure', transient: 'comes and goes',
  failed: 'failed'};
function fillChoices() {
  for (const [state, words] of Object.entries(states)) {
    const number = items.filter(item => item.rows.some(row => is(row, state))).length;
    const always = ['all', 'changed', 'unchanged'].includes(state);
    if (!number && !always) continue;
    const option = element('option', '', words + ' (' + number + ')');
    option.value = state;
    show.append(option);
  }
}
Object.keys(orders).forEach(name => {
  if (name.endsWith('changed') && !hasScores) return;
  if (name.startsWith('least probable') && !entries.some(entry => entry.logprob !== undefined)) return;
  sort.append(element('option', '', name));
});
part('threshold-label').hidden = !hasScores;
part('heat-label').hidden = !entries.some(entry => entry.maps);
threshold.addEventListener('input', () => soon(() => {
  part('threshold-value').textContent = Number(threshold.value).toFixed(2);
  apply();
}));
heat.addEventListener('input', () => {
  document.documentElement.style.setProperty('--heat', heat.value / 100);
  part('heat-value').textContent = heat.value + ' %';
});
find.addEventListener('input', () => soon(apply));
show.addEventListener('change', apply);
sort.addEventListener('change', apply);
part('controls').addEventListener('submit', event => event.preventDefault());
fillChoices();
apply();
