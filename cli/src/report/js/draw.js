// The canvas, its colours, and when it is drawn: at most once a frame, and only what is in sight.
const canvas = $("canvas"), pen = canvas.getContext("2d");
const FONT = 'system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif';
let colours = {}, waiting = false;
// What can be clicked, in the order of drawing; filled anew by every drawing.
let targets = [];
let selected = null;

function readColours() {
  const style = getComputedStyle(document.documentElement);
  const names = ["paper", "raised", "ink", "soft", "line", "pick", "bad", "bad-soft", "good", "accent", "store", "coordinator", "host"];
  for (const name of names) colours[name] = style.getPropertyValue(`--${name}`).trim();
  colours.tasks = Array.from({ length: 8 }, (_, index) => style.getPropertyValue(`--c${index}`).trim());
  Object.assign(colours, { fault: colours.bad, job: colours.soft, user: colours.ink, other: colours.soft });
}
const laneColour = (lane) => colours[data.lanes[lane].kind] ?? colours.soft;

function line(x1, y1, x2, y2) {
  pen.beginPath();
  pen.moveTo(x1, y1);
  pen.lineTo(x2, y2);
  pen.stroke();
}

function box(x, top, width, bottom, radius = 2) {
  pen.beginPath();
  pen.roundRect(x, top, width, Math.max(2, bottom - top), Math.min(radius, width / 2));
}

function write(text, x, at, { colour = colours.ink, size = 13, bold = false, align = "left", width = Infinity } = {}) {
  pen.font = `${bold ? 600 : 400} ${size}px ${FONT}`;
  pen.fillStyle = colour;
  pen.textAlign = align;
  pen.textBaseline = "middle";
  pen.fillText(fitting(text, width), x, at);
}

// As much of a text as there is room for.
function fitting(text, width) {
  if (width === Infinity || pen.measureText(text).width <= width) return text;
  let low = 0, high = text.length;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (pen.measureText(text.slice(0, middle) + "…").width <= width) low = middle;
    else high = middle - 1;
  }
  return low ? text.slice(0, low) + "…" : "";
}

function resize() {
  const box = $("picture");
  arrange(box.clientWidth);
  view.width = columns.width;
  view.height = box.clientHeight;
  canvas.style.width = `${view.width}px`;
  canvas.style.height = `${view.height}px`;
  canvas.width = Math.round(view.width * devicePixelRatio);
  canvas.height = Math.round(view.height * devicePixelRatio);
}

function draw() {
  if (waiting) return;
  waiting = true;
  requestAnimationFrame(() => {
    waiting = false;
    paint();
  });
}

function paint() {
  targets = [];
  pen.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
  pen.globalAlpha = 1;
  pen.fillStyle = colours.paper;
  pen.fillRect(0, 0, view.width, view.height);
  if (events.length) {
    pen.save();
    pen.beginPath();
    pen.rect(0, HEAD, view.width, view.height);
    pen.clip();
    const first = Math.max(0, firstAt(HEAD - 40) - 1), end = Math.min(events.length, firstAt(view.height + 40) + 1);
    const here = { first, end };
    paintBackground(here);
    paintAxis();
    paintHits(here);
    paintLanes(here);
    paintMap(here);
    paintArrows(here);
    paintSpans(here);
    paintMarks(here);
    paintWords(here);
    paintBroken();
    pen.restore();
  }
  paintHeads();
  Object.assign(document.body.dataset, { layout: view.layout, scale: view.scale, shown: shown.count });
}

const crosses = (from, to, here) => from < here.end && to >= here.first;

function paintBackground() {
  if (selected?.type !== "event") return;
  const height = view.layout === "rows" ? view.scale : 20, middle = y(selected.index);
  pen.fillStyle = colours.pick;
  pen.fillRect(0, middle - height / 2, view.width, height);
  pen.strokeStyle = colours.accent;
  pen.lineWidth = 1;
  pen.strokeRect(4.5, Math.round(middle - height / 2) + 0.5, view.width - 9, Math.round(height) - 1);
}

function paintBroken() {
  if (data.broken === null) return;
  const at = Math.round(y(data.broken));
  const height = view.layout === "rows" ? Math.min(view.scale, ROW) : 22;
  pen.strokeStyle = colours.bad;
  pen.lineWidth = 2;
  line(0, at, columns.words, at);
  pen.fillStyle = colours.bad;
  box(columns.words - 8, at - height / 2, view.width - columns.words, at + height / 2, 5);
  pen.fill();
  if (height > 11) {
    const words = events[data.broken].words.replace(/^✗ (broken: )?/, "");
    write(`✗ broken: ${words}`, columns.words, at + 0.5, { colour: colours.paper, bold: true, size: 12.5, width: view.width - columns.words - 16 });
  }
  targets.push({ type: "event", index: data.broken, box: [columns.words - 8, at - height / 2, view.width, at + height / 2] });
}
