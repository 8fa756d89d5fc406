// What is under the pointer.
function pick(x, at) {
  if (at < HEAD) return null;
  const inside = ({ box: [left, top, right, bottom] }) => x >= left && x <= right && at >= top && at <= bottom;
  const found = targets.filter((target) => inside(target) && isMine(target, x));
  const nearest = (type) => found.filter((target) => target.type === type)
    .sort((a, b) => distance(a, x, at) - distance(b, x, at))[0];
  const target = nearest("event") ?? nearest("span") ?? nearest("held");
  if (target) return { type: target.type, index: target.index };
  return pickArrow(x, at) ?? pickRow(at);
}

function distance({ box: [left, top, right, bottom], index, type }, x, at) {
  const weight = type === "event" ? events[index].weight : 0;
  return Math.hypot(x - (left + right) / 2, at - (top + bottom) / 2) - weight / 10;
}

// Where several share a column, the pointer is on the slice of one.
function isMine({ share, period, box }, x) {
  if (!share || share[1] === 1) return true;
  return Math.floor((((x - box[0]) % period) / period) * share[1]) === share[0];
}

function pickArrow(x, at) {
  const here = { first: Math.max(0, firstAt(HEAD - 40) - 1), end: firstAt(view.height + 40) + 1 };
  let best = null, nearest = 5;
  arrows.forEach((arrow, index) => {
    if (!crosses(arrow.from.index, arrow.to.index, here) || !isShownKind(arrow.kind)) return;
    if (!isColumn(arrow.from.lane) || !isColumn(arrow.to.lane) || arrow.fate === "not_heard") return;
    const x1 = columns.lanes[arrow.from.lane], x2 = columns.lanes[arrow.to.lane];
    const share = (x - x1) / (x2 - x1);
    if (!(share >= 0 && share <= 1)) return;
    const y1 = y(arrow.from.index), away = Math.abs(y1 + share * (y(arrow.to.index) - y1) - at);
    if (away < nearest) [best, nearest] = [{ type: "arrow", index }, away];
  });
  return best;
}

// Row by row, every place belongs to an event.
function pickRow(at) {
  if (view.layout !== "rows") return null;
  const row = Math.floor((at - HEAD + view.top) / view.scale);
  for (let index = firstAt(at - view.scale); index < events.length && shown.rows[index] <= row; index++) {
    if (shown.events[index] && shown.rows[index] === row) return { type: "event", index };
  }
  return null;
}

function hint(found) {
  if (found.type === "event") {
    const event = events[found.index];
    return `${moment(event.at)} · ${data.lanes[event.lane].name}: ${event.words}`;
  }
  if (found.type === "arrow") {
    const { from, to, words } = arrows[found.index];
    return `${data.lanes[from.lane].name} → ${data.lanes[to.lane].name}: ${words}`;
  }
  const it = (found.type === "span" ? data.spans : data.held)[found.index];
  return `${it.words} (${lasted(it.from, it.to)})`;
}
