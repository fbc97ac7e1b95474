// Aerial scenes that the page draws itself, so that it has samples without files.

// Numbers in [0, 1), the same ones for the same seed (mulberry32).
function numbers(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), seed | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
function ground(context, side, seed) {
  const next = numbers(seed);
  context.fillStyle = '#7c9a5b';
  context.fillRect(0, 0, side, side);
  for (let i = 0; i < 900; i++) {
    context.fillStyle = `rgba(${60 + 70 * next()},${90 + 70 * next()},${50 + 40 * next()},.35)`;
    context.beginPath();
    context.arc(side * next(), side * next(), 2 + 9 * next(), 0, 7);
    context.fill();
  }
}
function road(context, side, at, across) {
  context.fillStyle = '#9b9b98';
  if (across) context.fillRect(0, at - 9, side, 18);
  else context.fillRect(at - 9, 0, 18, side);
  context.fillStyle = '#e9e7dc';
  for (let i = 4; i < side; i += 18) context.fillRect(across ? i : at - 1, across ? at - 1 : i, across ? 9 : 2, across ? 2 : 9);
}
function houses(context, side, seed) {
  const next = numbers(seed), roofs = ['#b5563c', '#8f8f94', '#c9c3b5', '#a4473a'];
  for (let y = 26; y < side - 30; y += 52) {
    for (let x = 18; x < side - 30; x += 44) {
      if (next() < .15) continue;
      const width = 22 + 8 * next(), height = 18 + 8 * next();
      context.fillStyle = 'rgba(30,40,30,.45)';
      context.fillRect(x + 4, y + 4, width, height);
      context.fillStyle = roofs[Math.floor(roofs.length * next())];
      context.fillRect(x, y, width, height);
      context.fillStyle = 'rgba(255,255,255,.25)';
      context.fillRect(x, y, width, height / 2);
    }
  }
}
function sceneOf(parts, light) {
  const side = 256, canvas = element('canvas'), context = canvas.getContext('2d');
  canvas.width = canvas.height = side;
  ground(context, side, 11);
  if (parts.includes('road')) road(context, side, 214, true);
  if (parts.includes('lane')) road(context, side, 128, false);
  if (parts.includes('houses')) houses(context, side, 5);
  context.fillStyle = light;
  context.fillRect(0, 0, side, side);
  return canvas.toDataURL('image/png');
}
const kSamples = {
  houses: [['road'], ['road', 'houses']],
  road: [[], ['lane', 'road']],
  light: [['road', 'houses'], ['road', 'houses']]
};
function sample(name) {
  const [before, after] = kSamples[name];
  return {before: sceneOf(before, 'rgba(0,0,0,0)'), after: sceneOf(after, 'rgba(255,236,200,.12)')};
}
