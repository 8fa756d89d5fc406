// Where everything is: columns from left to right, events from top to bottom.
const HEAD = isTime ? 84 : 52, AXIS = isTime ? 62 : 42, ROW = 26;
const TRACKS = ["fault", "rescale", "attempt", "checkpoint"];

// Whoever has done nothing but be there has no column until the reader wants one.
function isIdle(lane) {
  const isOne = ["coordinator", "host"].includes(data.lanes[lane].kind);
  const matters = ({ kind, weight }) => data.kinds[kind].shown && (weight > 1 || data.kinds[kind].name !== "processes");
  return isTime && isOne && !events.some((event) => event.lane === lane && matters(event));
}

const view = {
  layout: isTime ? "time" : "rows",
  // Content pixels above the upper edge, and pixels of a microsecond or of a row.
  top: 0,
  scale: 1,
  // Whether everything is in sight, and is to stay so in a window of another size.
  whole: false,
  width: 0,
  height: 0,
};
const shown = { events: new Uint8Array(events.length), lanes: data.lanes.map((_, lane) => !isIdle(lane)), rows: new Int32Array(events.length), count: 0 };
const columns = { tracks: [], lanes: [], lane: 0, map: null, words: 0, width: 0 };

const slots = (track) => 1 + Math.max(0, ...data.spans.filter((span) => span.track === track).map((span) => span.slot));
// A bar is 8 wide; faults have their marks beside them.
const trackWidths = TRACKS.map((track) => (isTime ? slots(track) * 10 + (track === "fault" ? 26 : 18) : 0));

// Lanes that are columns of their own: what concerns everybody is drawn beside the bars.
const isColumn = (lane) => !["fault", "job"].includes(data.lanes[lane].kind) && shown.lanes[lane];

function arrange(available) {
  let x = AXIS;
  columns.tracks = trackWidths.map((width) => {
    const column = { x, width };
    x += width;
    return column;
  });
  const own = data.lanes.map((_, lane) => lane).filter(isColumn);
  const map = data.key_groups === 0 ? 0 : Math.min(192, Math.max(64, data.key_groups * 22));
  const room = available - x - map - 430;
  columns.lane = Math.max(38, Math.min(116, room / Math.max(1, own.length)));
  columns.lanes = data.lanes.map((lane) => {
    if (lane.kind === "fault") return columns.tracks[0].x + columns.tracks[0].width - 9;
    if (lane.kind === "job") return columns.tracks[2].x + columns.tracks[2].width - 6;
    return null;
  });
  for (const lane of own) {
    columns.lanes[lane] = x + columns.lane / 2;
    x += columns.lane;
  }
  columns.map = map ? { x: x + 12, width: map } : null;
  columns.words = x + 12 + (map ? map + 18 : 8);
  columns.width = Math.max(available, columns.words + 240);
}

// How far down an event is, in content pixels. It never decreases with the index.
function down(index) {
  if (view.layout === "time") return (events[index].at - events[0].at) * view.scale + 14;
  return (shown.rows[index] + (shown.events[index] ? 0.5 : 0)) * view.scale;
}
const y = (index) => HEAD + down(index) - view.top;

// The first event that is not above `pixels` of the view.
function firstAt(pixels) {
  let low = 0, high = events.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (y(middle) < pixels) low = middle + 1;
    else high = middle;
  }
  return low;
}

const contents = () => (events.length ? down(last) + (view.layout === "time" ? 20 : view.scale) : 0);
const room = () => Math.max(1, view.height - HEAD);

function smallest() {
  if (view.layout === "rows") return Math.min(ROW, Math.max(0.05, room() / Math.max(1, shown.count)));
  return (room() - 34) / Math.max(1, events[last].at - events[0].at);
}
const largest = () => (view.layout === "rows" ? 44 : 0.5);

function scrollTo(top) {
  view.top = Math.max(0, Math.min(top, contents() - room()));
}

// Zooms so that what is at `pixels` of the view stays there.
function zoom(factor, pixels = HEAD + room() / 2) {
  const before = view.scale;
  view.scale = Math.max(smallest(), Math.min(largest(), before * factor));
  view.whole = view.scale === smallest();
  const under = view.top + pixels - HEAD;
  scrollTo(under * (view.scale / before) - pixels + HEAD);
}

function showWhole() {
  view.whole = true;
  view.scale = smallest();
  view.top = 0;
}

function intoSight(index, middle = false) {
  const at = y(index);
  if (middle || at < HEAD + 20 || at > view.height - 30) scrollTo(down(index) - room() * (middle ? 0.5 : at < HEAD + 20 ? 0.25 : 0.75));
}
