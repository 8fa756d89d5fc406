// Names above the columns, and words beside the events.
function paintHeads() {
  pen.globalAlpha = 1;
  pen.fillStyle = colours.paper;
  pen.fillRect(0, 0, view.width, HEAD);
  TRACKS.forEach((track, index) => {
    const { x, width } = columns.tracks[index];
    if (!width) return;
    pen.save();
    pen.translate(x + 10, HEAD - 7);
    pen.rotate(-Math.PI / 2);
    write(track + "s", 0, 0, { colour: colours.soft, size: 11.5 });
    pen.restore();
  });
  data.lanes.forEach((lane, index) => {
    if (!isColumn(index)) return;
    const width = columns.lane - (columns.lane < 52 ? 4 : 8), x = columns.lanes[index] - width / 2, narrow = width < 92;
    pen.strokeStyle = laneColour(index);
    pen.lineWidth = 1.5;
    box(x, HEAD - 38, width, HEAD - 12, 13);
    pen.stroke();
    const name = width < 42 ? lane.name.replace(/coordinator|host/, ([first]) => first) : width < 60 ? lane.name.replace("coordinator", "co.") : narrow ? brief(lane.name) : lane.name;
    write(name, columns.lanes[index], HEAD - 24.5, { colour: laneColour(index), bold: true, size: narrow ? 11 : 12.5, align: "center", width: width - 1 });
  });
  if (columns.map) {
    write("key groups", columns.map.x, HEAD - 33, { colour: colours.soft, size: 11 });
    const { x, width } = columns.map, group = width / data.key_groups;
    const labels = group >= 14 ? Array.from({ length: data.key_groups }, (_, label) => label) : [0, data.key_groups - 1];
    for (const label of labels) {
      const align = group >= 14 ? "center" : label ? "right" : "left";
      const at = group >= 14 ? x + (label + 0.45) * group : label ? x + width : x;
      write(String(label), at, HEAD - 12, { colour: colours.soft, size: 11, align });
    }
  }
  pen.strokeStyle = colours.line;
  pen.lineWidth = 1;
  line(0, HEAD - 0.5, view.width, HEAD - 0.5);
}

// Every row has its words if it is high enough; otherwise the weightiest events have theirs where there
// is room.
function paintWords(here) {
  const everyRow = view.layout === "rows" && view.scale >= 12, height = everyRow ? view.scale : 17;
  const visible = [];
  for (let index = here.first; index < here.end; index++) {
    const at = y(index);
    if (shown.events[index] && index !== data.broken && at > HEAD - height && at < view.height + height) visible.push(index);
  }
  if (everyRow) return visible.forEach((index) => paintLabel(index, y(index), height));
  const taken = data.broken === null ? [] : [y(data.broken)];
  if (selected?.type === "event" && visible.includes(selected.index)) visible.unshift(...visible.splice(visible.indexOf(selected.index), 1));
  const rank = (index) => (selected?.type === "event" && index === selected.index ? 99 : events[index].weight);
  const sparse = visible.length < (room() / height) * 3;
  for (const index of visible.sort((a, b) => rank(b) - rank(a) || a - b)) {
    // What is ordinary is not worth a word where much happens.
    if (!sparse && rank(index) < 2) continue;
    const at = y(index);
    if (taken.some((other) => Math.abs(other - at) < height)) continue;
    taken.push(at);
    paintLabel(index, at, height);
  }
}

function paintLabel(index, at, height) {
  const event = events[index];
  const colour = event.weight > 8 || ["fault", "crash"].includes(event.mark) ? colours.bad : colours.ink;
  const size = Math.min(13, height * 0.72), x = columns.words;
  let from = x;
  if (isTime) {
    write(brief(data.lanes[event.lane].name), x, at, { colour: laneColour(event.lane), size: size - 0.5, bold: true, width: 58 });
    from += 62;
  }
  write(event.words, from, at, { colour, size, bold: event.weight > 6, width: view.width - from - 12 });
  targets.push({ type: "event", index, box: [x - 6, at - height / 2, view.width, at + height / 2] });
}
