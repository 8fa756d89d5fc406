// Lanes with who leads or processes, arrows between them, marks on them, and the map of owners.
function paintLanes(here) {
  const bottom = Math.min(view.height, y(last));
  data.lanes.forEach((_, lane) => {
    if (!isColumn(lane)) return;
    pen.strokeStyle = laneColour(lane);
    pen.globalAlpha = 0.45;
    pen.lineWidth = 1.5;
    line(columns.lanes[lane], HEAD, columns.lanes[lane], bottom);
  });
  for (const band of data.bands) {
    if (!isColumn(band.lane) || !crosses(band.from, band.to, here)) continue;
    const x = columns.lanes[band.lane], top = y(band.from), end = y(band.to);
    if (band.what === "active") {
      pen.globalAlpha = 0.3;
      pen.fillStyle = laneColour(band.lane);
      pen.fillRect(x - 4, top, 8, Math.max(1, end - top));
    } else if (band.what === "down") {
      // Nobody is there.
      pen.globalAlpha = 1;
      pen.fillStyle = colours.paper;
      pen.fillRect(x - 2, top, 4, Math.max(1, end - top));
      dashed(x, top, end, colours.bad, [2, 4]);
    } else {
      dashed(x - 6, top, end, colours.bad, [6, 3]);
      dashed(x + 6, top, end, colours.bad, [6, 3]);
    }
  }
  pen.globalAlpha = 1;
}

function dashed(x, top, end, colour, dashes) {
  pen.globalAlpha = 0.9;
  pen.strokeStyle = colour;
  pen.lineWidth = 1.5;
  pen.setLineDash(dashes);
  line(x, top, x, end);
  pen.setLineDash([]);
}

const isShownKind = (kind) => kindsShown[kind];
const touches = (arrow) => selected?.type === "event" && (arrow.to.index === selected.index || arrow.from.index === selected.index);

function paintArrows(here) {
  const visible = arrows.filter((arrow) =>
    crosses(arrow.from.index, arrow.to.index, here) && isShownKind(arrow.kind) && shown.events[arrow.to.index] | shown.events[arrow.from.index] &&
    isColumn(arrow.from.lane) && isColumn(arrow.to.lane));
  // Many are a texture, few are lines.
  const alpha = Math.max(0.08, Math.min(0.75, (room() / 6) / Math.max(1, visible.length)));
  const heads = visible.length < room(), drawn = new Set();
  for (const arrow of visible) {
    const chosen = touches(arrow) || (selected?.type === "arrow" && arrows[selected.index] === arrow);
    if (view.layout === "time" && !chosen && hides(drawn, arrow)) continue;
    paintArrow(arrow, chosen ? 1 : alpha, heads || chosen, chosen);
  }
  pen.globalAlpha = 1;
  pen.setLineDash([]);
}

// Whether it is at the same place as one before.
function hides(drawn, { from, to, fate }) {
  const place = `${from.lane} ${to.lane} ${y(from.index) >> 1} ${y(to.index) >> 1} ${fate}`;
  return drawn.has(place) || !drawn.add(place);
}

function paintArrow(arrow, alpha, heads, chosen) {
  const x1 = columns.lanes[arrow.from.lane], y1 = y(arrow.from.index), y2 = y(arrow.to.index);
  const side = columns.lanes[arrow.to.lane] >= x1 ? 1 : -1, x2 = columns.lanes[arrow.to.lane] - side * 4;
  const wrong = arrow.fate === "lost" || arrow.fate === "answer_lost", unheard = arrow.fate === "not_heard";
  pen.globalAlpha = wrong ? Math.max(alpha, 0.8) : unheard ? Math.min(alpha, 0.5) : alpha;
  pen.strokeStyle = pen.fillStyle = chosen ? colours.accent : wrong ? colours.bad : unheard ? colours.soft : colours.ink;
  pen.lineWidth = chosen ? 2.5 : 1.3;
  pen.setLineDash(wrong ? [4, 3] : arrow.fate === "late" ? [6, 4] : unheard ? [2, 2] : []);
  if (unheard) {
    line(x1, y1, x1 + side * 18, y1 + 5);
    if (heads) cross(x1 + side * 18, y1 + 5, 3);
    return;
  }
  const end = arrow.fate === "lost" ? [(x1 + x2) / 2, (y1 + y2) / 2] : [x2, y2];
  line(x1, y1, ...end);
  pen.setLineDash([]);
  if (wrong) cross((x1 + x2) / 2, (y1 + y2) / 2, 3.5);
  else if (heads) {
    head(x2, y2, Math.atan2(y2 - y1, x2 - x1));
    if (arrow.fate === "answered") head(x1 + side * 4, y1, Math.atan2(y1 - y2, x1 - x2));
  }
}

function head(x, at, angle) {
  pen.beginPath();
  pen.moveTo(x, at);
  for (const turn of [2.7, -2.7]) pen.lineTo(x + 7 * Math.cos(angle + turn), at + 7 * Math.sin(angle + turn));
  pen.fill();
}

function cross(x, at, size) {
  pen.setLineDash([]);
  line(x - size, at - size, x + size, at + size);
  line(x - size, at + size, x + size, at - size);
}

function paintMarks(here) {
  const dense = view.layout === "rows" ? view.scale < 7 : (here.end - here.first) > room() * 1.5;
  for (let index = here.first; index < here.end; index++) {
    const event = events[index], x = columns.lanes[event.lane];
    if (!shown.events[index] || x === null) continue;
    const at = y(index), chosen = selected?.type === "event" && selected.index === index;
    pen.fillStyle = pen.strokeStyle = laneColour(event.lane);
    pen.lineWidth = 1.6;
    if (event.mark === "crash") {
      pen.strokeStyle = colours.bad;
      pen.fillStyle = colours.paper;
      disc(x, at, 7, true);
      cross(x, at, 3.5);
    } else if (event.mark === "fault" || event.mark === "broken") bolt(x, at);
    else if (event.mark === "timer" && !dense) {
      pen.fillStyle = colours.paper;
      disc(x, at, 5.5, true);
      line(x, at - 3.5, x, at);
      line(x, at, x + 3, at);
    } else if (event.mark !== "none" && (!dense || event.weight > 1)) disc(x, at, dense ? 2 : 3.6, false);
    if (chosen) {
      pen.strokeStyle = colours.accent;
      pen.lineWidth = 2.5;
      pen.beginPath();
      pen.arc(x, at, 9, 0, 7);
      pen.stroke();
    }
    targets.push({ type: "event", index, box: [x - 7, at - 6, x + 7, at + 6] });
  }
}

function disc(x, at, radius, outlined) {
  pen.beginPath();
  pen.arc(x, at, radius, 0, 7);
  pen.fill();
  if (outlined) pen.stroke();
}

function bolt(x, at) {
  pen.fillStyle = colours.bad;
  pen.beginPath();
  for (const [dx, dy] of [[2, -9], [-6, 1.5], [-1.5, 1.5], [-2, 9], [6, -2], [1.5, -2]]) pen.lineTo(x + dx, at + dy);
  pen.fill();
}
