const part = id => document.getElementById(id);
const pair = {before: '', after: ''};
const kLoading = 'The model is being loaded.', kNoAnswer = 'The server does not answer.';
let shown = null, running = null;

function say(text, failed = false) {
  part('status').textContent = text;
  part('status').className = failed ? 'failed' : '';
}

// Requests. The key is asked for when the server wants one.
function headers() {
  const key = sessionStorage.getItem('key');
  return {'Content-Type': 'application/json', ...(key ? {Authorization: 'Bearer ' + key} : {})};
}
function askForKey() {
  const dialog = part('key-dialog');
  // A dialog that is left by Escape keeps the value of the last one.
  dialog.returnValue = part('key').value = '';
  return new Promise(done => {
    dialog.addEventListener('close', () => {
      if (dialog.returnValue === 'use') sessionStorage.setItem('key', part('key').value);
      done(dialog.returnValue === 'use');
    }, {once: true});
    dialog.showModal();
  });
}
// Browsers have words of their own for a connection that failed, as "Failed to fetch".
function unanswered(error) {
  throw error.name === 'AbortError' ? error : new Error(kNoAnswer);
}
async function post(path, body, signal) {
  const asked = {method: 'POST', headers: headers(), body: JSON.stringify(body), signal};
  const reply = await fetch(path, asked).catch(unanswered);
  if (reply.status === 401 && await askForKey()) return post(path, body, signal);
  if (reply.ok) return reply;
  const text = await reply.text();
  let message = text;
  try {
    message = JSON.parse(text).error.message;
  } catch {
    message = 'the server answered ' + reply.status;
  }
  throw new Error(message);
}
// Calls `take(event, data)` for each server-sent event.
async function readEvents(reply, take) {
  const reader = reply.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  for (;;) {
    const {value, done} = await reader.read().catch(unanswered);
    if (done) return;
    text += value;
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      const lines = text.slice(0, end).split('\n');
      text = text.slice(end + 2);
      const field = name => lines.filter(line => line.startsWith(name)).map(line => line.slice(name.length)).join('\n');
      take(field('event: '), field('data: '));
    }
  }
}

// Images.
function setImage(side, address) {
  pair[side] = address;
  const picture = part('show-' + side);
  picture.src = address;
  picture.hidden = !address;
  part('drop-' + side).classList.toggle('full', Boolean(address));
}
function read(file) {
  return new Promise((done, fail) => {
    const reader = new FileReader();
    reader.onload = () => done(reader.result);
    reader.onerror = () => fail(new Error(file.name + ' cannot be read'));
    reader.readAsDataURL(file);
  });
}
async function take(side, files) {
  try {
    const chosen = [...files].slice(0, 2);
    if (!chosen.length) return;
    // Two files at once are both dates, in the order of their names.
    if (chosen.length === 2) {
      chosen.sort((a, b) => a.name.localeCompare(b.name, undefined, {numeric: true}));
      setImage('before', await read(chosen[0]));
      setImage('after', await read(chosen[1]));
    } else {
      setImage(side, await read(chosen[0]));
    }
    say(pair.before && pair.after ? '' : 'The other image is missing.');
  } catch (error) {
    say(error.message, true);
  }
}
function dropZone(side) {
  const zone = part('drop-' + side), input = part(side);
  input.addEventListener('change', () => take(side, input.files));
  for (const name of ['dragover', 'dragenter']) {
    zone.addEventListener(name, event => {
      event.preventDefault();
      zone.classList.add('over');
    });
  }
  zone.addEventListener('dragleave', () => zone.classList.remove('over'));
  zone.addEventListener('drop', event => {
    event.preventDefault();
    zone.classList.remove('over');
    take(side, event.dataTransfer.files);
  });
  part('show-' + side).addEventListener('error', () => {
    part('show-' + side).hidden = true;
    if (pair[side]) zone.querySelector('.hint').textContent = 'This browser cannot show the image; the server may read it.';
  });
}
function loaded(address) {
  return new Promise(done => {
    const picture = new Image();
    picture.onload = () => done(picture);
    picture.onerror = () => done(null);
    picture.src = address;
  });
}
// Maps of an answer as the viewer takes them.
function packed(map) {
  return btoa(map.values.map(value => String.fromCharCode(Math.round(255 * Math.min(1, Math.max(0, value))))).join(''));
}
function mapsOf(answer) {
  const map = answer.change_map;
  return {
    ...(map ? {map: packed(map), covered: map.covered, padded: map.padded} : {}),
    ...(answer.words ? {words: answer.words.map(each => [each.word, packed(each.map)])} : {})
  };
}

// The result.
async function drawStage(entry) {
  const stage = part('stage'), picture = await loaded(entry.after);
  stage.replaceChildren();
  stage.classList.remove('lit');
  stage.style.aspectRatio = (picture?.width || 4) + '/' + (picture?.height || 3);
  compare(stage, {before: image(entry.before, 'image before'), after: image(entry.after, 'image after')}, entry.maps);
  part('heat-label').hidden = !entry.maps.map;
}
function drawMarks(entry) {
  const marks = part('marks');
  marks.replaceChildren();
  if (entry.answer?.change_score === undefined) return;
  const score = entry.answer.change_score;
  if (entry.answer.calibrated) {
    const changed = score >= .5;
    marks.append(element('span', 'mark ' + (changed ? 'changed' : 'unchanged'), changed ? 'changed' : 'unchanged'));
  }
  marks.append(element('span', '', (entry.answer.calibrated ? 'probability of a change ' : 'strength of the change ') + score.toFixed(2)));
}
function turn(question) {
  const talk = part('talk');
  if (question) talk.append(element('p', 'asked', question));
  const line = element('p', 'caption');
  talk.append(line);
  return line;
}
async function show(entry) {
  shown = entry;
  part('result').hidden = false;
  part('talk').replaceChildren();
  await drawStage(entry);
  drawMarks(entry);
  entry.turns.forEach((each, i) => {
    const line = turn(each.question);
    if (i === 0 && entry.maps.words) fillCaption(line, {caption: each.answer}, entry.maps, part('stage'));
    else line.textContent = each.answer;
  });
}
function setRunning(controller) {
  running = controller;
  part('go').disabled = part('again').querySelector('button').disabled = Boolean(controller);
  part('stop').hidden = !controller;
}
// Runs `work(signal)` unless something runs already, and tells its end.
async function run(work) {
  if (running) return;
  const controller = new AbortController();
  setRunning(controller);
  try {
    await work(controller.signal);
  } catch (error) {
    say(error.name === 'AbortError' ? 'Stopped.' : error.message, error.name !== 'AbortError');
  }
  setRunning(null);
}

// Asks about the pair of an entry; its answer streams into the page.
async function streamAnswer(entry, question, signal) {
  const {before, after} = entry, line = turn(question), body = {before, after, locate: true, words: true, stream: true};
  if (question) body.question = question;
  let failed = '';
  await readEvents(await post('v1/captions', body, signal), (event, data) => {
    const value = JSON.parse(data);
    if (event === 'token') line.textContent += value.text;
    if (event === 'done') entry.answer = value;
    if (event === 'error') failed = value.error.message;
  });
  if (failed || !entry.answer) throw new Error(failed || 'The server ended the answer early.');
}
async function caption(signal) {
  if (!pair.before || !pair.after) throw new Error('Two images are needed: before and after.');
  const question = part('question').value.trim();
  const entry = {before: pair.before, after: pair.after, maps: {}, turns: [], answer: null, time: Date.now()};
  await show(entry);
  say('Looking at the images …');
  try {
    await streamAnswer(entry, question, signal);
  } catch (error) {
    // Without a caption there is nothing to ask on about, to copy or to save.
    shown = null;
    part('result').hidden = true;
    throw error;
  }
  entry.maps = mapsOf(entry.answer);
  entry.turns.push({question, answer: entry.answer.caption});
  await show(entry);
  say('Done: ' + entry.answer.caption);
  remember(entry);
}

function messagesOf(entry, question) {
  const images = ['before', 'after'].map(side => ({type: 'image_url', image_url: {url: entry[side]}}));
  const messages = entry.turns.flatMap((each, i) => [
    {role: 'user', content: i === 0 ? [...images, {type: 'text', text: each.question}] : each.question},
    {role: 'assistant', content: each.answer}
  ]);
  return [...messages, {role: 'user', content: question}];
}
async function askOn(signal) {
  const question = part('next').value.trim(), entry = shown;
  if (!question || !entry || !entry.turns.length) return;
  // The server would see other pixels than those of the earlier answers.
  if (entry.preview) throw new Error(kPreviewsOnly);
  const line = turn(question);
  let answer = '', failed = '';
  say('Thinking …');
  try {
    const reply = await post('v1/chat/completions', {messages: messagesOf(entry, question), stream: true}, signal);
    await readEvents(reply, (event, data) => {
      if (data === '[DONE]') return;
      const value = JSON.parse(data);
      if (value.error) failed = value.error.message;
      answer += value.choices?.[0]?.delta?.content || '';
      line.textContent = answer;
    });
    if (failed) throw new Error(failed);
  } catch (error) {
    line.previousSibling?.remove();
    line.remove();
    throw error;
  }
  entry.turns.push({question, answer});
  part('next').value = '';
  say('Done: ' + answer);
  remember(entry);
}

// Copy and download.
function textOf(entry) {
  return entry.turns.map(each => (each.question ? each.question + '\n' : '') + each.answer).join('\n');
}
async function copy(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  // Browsers give pages of other machines a clipboard only with TLS.
  const area = element('textarea'), focused = document.activeElement;
  area.value = text;
  document.body.append(area);
  area.select();
  area.focus();
  const done = document.execCommand('copy');
  area.remove();
  focused?.focus();
  if (!done) throw new Error('no copy');
}
function save(name, address) {
  const link = element('a');
  link.href = address;
  link.download = name;
  link.click();
}
async function pictureOf(entry) {
  const [before, after] = await Promise.all([loaded(entry.before), loaded(entry.after)]);
  if (!before || !after) throw new Error('This browser cannot draw the images.');
  const width = Math.min(1024, after.width), height = Math.round(width * after.height / after.width), line = 26;
  const canvas = element('canvas'), context = canvas.getContext('2d'), lines = textOf(entry).split('\n');
  canvas.width = 2 * width + 8;
  canvas.height = height + 16 + line * lines.length;
  context.fillStyle = '#fff';
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(before, 0, 0, width, height);
  context.drawImage(after, width + 8, 0, width, height);
  const heat = part('stage').querySelector('.heat');
  if (heat) {
    // The map of a padded image is that of a square around it.
    const {padded, covered = 1} = entry.maps, longest = Math.max(width, height);
    const [across, down] = padded ? [longest, longest] : [width, height];
    context.save();
    context.beginPath();
    context.rect(width + 8, 0, width, height);
    context.clip();
    context.globalAlpha = Number(part('heat').value) / 100;
    context.drawImage(heat, width + 8 + (width - across) / 2, (height - down) / 2, across * covered, down * covered);
    context.restore();
  }
  context.fillStyle = '#1d2733';
  context.font = '18px system-ui, sans-serif';
  lines.forEach((text, i) => context.fillText(text, 8, height + line * (i + 1), canvas.width - 16));
  return canvas.toDataURL('image/png');
}

// Names the model as soon as the server has it.
async function awaitModel() {
  try {
    const state = await (await fetch('readyz')).json();
    if (state.model) {
      part('model').textContent = 'Two images of the same place at two dates. Model: ' + state.model;
      if (part('status').textContent === kLoading) say('');
      return;
    }
    if (!running) say(kLoading);
    setTimeout(awaitModel, 2000);
  } catch {
    say(kNoAnswer, true);
  }
}

function connect() {
  dropZone('before');
  dropZone('after');
  for (const name of Object.keys(kSamples)) {
    part('sample-' + name).addEventListener('click', () => {
      const made = sample(name);
      setImage('before', made.before);
      setImage('after', made.after);
      say('');
    });
  }
  part('ask').addEventListener('submit', event => {
    event.preventDefault();
    run(caption);
  });
  part('again').addEventListener('submit', event => {
    event.preventDefault();
    run(askOn);
  });
  part('stop').addEventListener('click', () => running?.abort());
  part('heat').addEventListener('input', () => {
    document.documentElement.style.setProperty('--heat', part('heat').value / 100);
    part('heat-value').textContent = part('heat').value + ' %';
  });
  part('copy').addEventListener('click', () => copy(textOf(shown)).then(
    () => say('Copied.'), () => say('The browser does not allow copies here.', true)));
  part('save-json').addEventListener('click', () => {
    const {before, after, ...rest} = shown;
    save('caption.json', URL.createObjectURL(new Blob([JSON.stringify(rest, null, 1)], {type: 'application/json'})));
  });
  part('save-png').addEventListener('click', () => pictureOf(shown).then(
    address => save('caption.png', address), error => say(error.message, true)));
  part('forget').addEventListener('click', () => store([]));
  // A file that misses its field would open in place of the page.
  for (const name of ['dragover', 'drop']) {
    addEventListener(name, event => {
      if (event.dataTransfer?.types.includes('Files')) event.preventDefault();
    });
  }
  drawHistory();
  awaitModel();
}
addEventListener('DOMContentLoaded', connect);
