// Draws /openapi.json, which the server has itself: no other site is asked.
const docs = document.getElementById('docs');
let components = {};

function resolved(value) {
  return value && value.$ref ? value.$ref.slice(2).split('/').reduce((at, key) => at[key], {components}) : value;
}
function typeOf(schema) {
  if (schema.$ref) return schema.$ref.split('/').pop();
  if (schema.oneOf) return schema.oneOf.map(typeOf).join(' or ');
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.type === 'array') return 'list of ' + typeOf(schema.items || {type: 'any values'});
  return [].concat(schema.type || 'any').join(' or ') + (schema.format === 'binary' ? ' (file)' : '');
}
function limitsOf(schema) {
  const words = [];
  if (schema.enum) words.push(schema.enum.join(', '));
  if (schema.minimum !== undefined) words.push('at least ' + schema.minimum);
  if (schema.exclusiveMinimum !== undefined) words.push('above ' + schema.exclusiveMinimum);
  if (schema.maximum !== undefined) words.push('at most ' + schema.maximum);
  if (schema.default !== undefined) words.push('default ' + JSON.stringify(schema.default));
  return words.join('; ');
}
function row(cells, tag = 'td') {
  const line = element('tr');
  cells.forEach((cell, i) => {
    const made = element(tag === 'td' && i === 0 ? 'th' : tag, '', cell);
    if (made.tagName === 'TH') made.scope = tag === 'th' ? 'col' : 'row';
    line.append(made);
  });
  return line;
}
function table(head, rows) {
  const made = element('table', 'fields'), body = element('tbody'), start = element('thead');
  start.append(row(head, 'th'));
  body.append(...rows.map(each => row(each)));
  made.append(start, body);
  return made;
}
function fields(schema) {
  const needed = schema.required || [];
  return table(['key', 'type', 'about'], Object.entries(schema.properties || {}).map(([name, each]) => [
    name + (needed.includes(name) ? ' *' : ''), typeOf(each),
    [resolved(each).description, limitsOf(each)].filter(Boolean).join(' ')
  ]));
}
function operation(path, method, each) {
  const made = element('section', 'operation'), title = element('h2');
  title.append(element('code', '', method.toUpperCase() + ' ' + path), ' ' + each.summary);
  title.id = each.operationId;
  made.append(title);
  if (each.description) made.append(element('p', '', each.description));
  for (const [type, body] of Object.entries(each.requestBody?.content || {}))
    made.append(element('h3', '', 'Body: ' + type), fields(resolved(body.schema)));
  const rows = Object.entries(each.responses).map(([status, reply]) => {
    const types = Object.entries(resolved(reply).content || {}).map(([type, body]) => type + ' (' + typeOf(body.schema) + ')');
    return [status, resolved(reply).description, types.join(', ')];
  });
  made.append(element('h3', '', 'Answers'), table(['status', 'about', 'body'], rows));
  return made;
}
async function draw() {
  const document_ = await (await fetch('openapi.json')).json();
  components = document_.components;
  docs.append(element('p', '', document_.info.description));
  for (const [path, methods] of Object.entries(document_.paths))
    for (const [method, each] of Object.entries(methods)) docs.append(operation(path, method, each));
  docs.append(element('h2', '', 'Objects'));
  for (const [name, schema] of Object.entries(components.schemas)) {
    const title = element('h3', '', name);
    title.id = name;
    docs.append(title, fields(schema));
  }
}
addEventListener('DOMContentLoaded', draw);
