// Two images with maps over them, and words that light their place: for all pages that show a pair.

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
// `pair`: {before, after} as elements, and the names {from, to} of their sides.
function compare(stage, pair, maps) {
  pair.after.classList.add('after');
  stage.append(pair.before, pair.after);
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
  stage.append(element('div', 'bar'), element('span', 'side left', pair.from || 'before'),
    element('span', 'side right', pair.to || 'after'), slider);
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
