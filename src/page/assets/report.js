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
  const pair = {before: picture(entry.before, 'image before'), after: picture(entry.after, 'image after'),
    from: entry.from, to: entry.to};
  compare(stage, pair, maps);
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
  return around.map(each => element('p', 'note', each.from + ' against ' + each.to + ': ' + (each.caption ?? each.error ?? 'no caption')));
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
