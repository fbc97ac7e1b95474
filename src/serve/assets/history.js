// History, in this browser only: entries with thumbnails in localStorage, and the images as they were given in IndexedDB.
const kHistory = 'ccexpert-history', kMostEntries = 24;
const kPreviewsOnly = 'This browser kept small previews of these images only. To ask about them, caption both files again.';

// Returns a smaller copy for the history.
async function thumbnail(address, side = 320) {
  const picture = await loaded(address);
  if (!picture) return '';
  const scale = Math.min(1, side / Math.max(picture.width, picture.height)), canvas = element('canvas');
  canvas.width = Math.max(1, Math.round(scale * picture.width));
  canvas.height = Math.max(1, Math.round(scale * picture.height));
  canvas.getContext('2d').drawImage(picture, 0, 0, canvas.width, canvas.height);
  return canvas.toDataURL('image/jpeg', .8);
}

// Calls `use(store)` in a transaction of the images; returns the result of the request that it makes.
function withImages(mode, use) {
  return new Promise((done, fail) => {
    const opening = indexedDB.open(kHistory, 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore('images');
    opening.onerror = () => fail(opening.error);
    opening.onsuccess = () => {
      const database = opening.result, work = database.transaction('images', mode), asked = use(work.objectStore('images'));
      const end = then => () => {
        database.close();
        then();
      };
      work.oncomplete = end(() => done(asked.result));
      work.onabort = end(() => fail(work.error));
    };
  });
}
// Returns the images of an entry; null if the browser does not have them.
async function imagesOf(time) {
  try {
    return (await withImages('readonly', images => images.get(time))) || null;
  } catch {
    return null;
  }
}
// Drops the images of entries that are no longer listed.
async function dropImages(entries) {
  const listed = new Set(entries.map(entry => entry.time));
  try {
    for (const time of await withImages('readonly', images => images.getAllKeys())) {
      if (!listed.has(time)) await withImages('readwrite', images => images.delete(time));
    }
  } catch {
    // There is no store, so that it has nothing to drop.
  }
}
async function keepImages({time, before, after}) {
  try {
    await withImages('readwrite', images => images.put({before, after}, time));
  } catch {
    // No place: the entry has its previews only, and says so if it is opened.
  }
}

function history_() {
  try {
    return JSON.parse(localStorage.getItem(kHistory)) || [];
  } catch {
    return [];
  }
}
async function store(entries) {
  for (let most = kMostEntries; most >= 0; most -= 4) {
    try {
      localStorage.setItem(kHistory, JSON.stringify(entries.slice(0, most)));
      break;
    } catch {
      // The browser's store is full: the oldest entries go.
    }
  }
  drawHistory();
  await dropImages(history_());
}
async function remember(entry) {
  const [before, after] = await Promise.all([thumbnail(entry.before), thumbnail(entry.after)]);
  const {change_map: map, words, ...answer} = entry.answer || {};
  const kept = {time: entry.time, before, after, maps: entry.maps, turns: entry.turns, answer};
  await keepImages(entry);
  await store([kept, ...history_().filter(each => each.time !== entry.time)]);
}
// Shows an entry with its images in the form. Previews are no images to ask about: the form is empty then.
async function reopen(entry) {
  const images = await imagesOf(entry.time);
  setImage('before', images ? images.before : '');
  setImage('after', images ? images.after : '');
  await show({...entry, ...images, preview: !images});
  say(images ? '' : kPreviewsOnly);
  part('result').scrollIntoView({block: 'nearest'});
}
function drawHistory() {
  const entries = history_(), list = part('history');
  part('past').hidden = !entries.length;
  list.replaceChildren(...entries.map(entry => {
    const item = element('li'), open = element('button', 'old');
    open.type = 'button';
    const pictures = element('span', 'both');
    pictures.append(image(entry.before, ''), image(entry.after, ''));
    open.append(pictures, element('span', 'what', entry.turns[0]?.answer || ''));
    open.addEventListener('click', () => reopen(entry));
    item.append(open);
    return item;
  }));
}
