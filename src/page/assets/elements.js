function element(tag, name, text) {
  const result = document.createElement(tag);
  if (name) result.className = name;
  if (text !== undefined) result.textContent = text;
  return result;
}
function image(source, note) {
  if (!source) return element('div', 'none', note);
  const result = element('img');
  result.src = source;
  result.alt = note;
  result.loading = 'lazy';
  return result;
}
