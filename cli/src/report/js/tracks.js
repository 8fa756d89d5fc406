// The axis at the left, and the bars beside it: faults, rescales, attempts and checkpoints.
function paintAxis() {
  pen.strokeStyle = colours.line;
  pen.lineWidth = 1;
  if (view.layout === "rows") return paintNumbers();
  const us = [1, 2, 5].flatMap((digit) => Array.from({ length: 9 }, (_, power) => digit * 10 ** power)).sort((a, b) => a - b);
  const step = us.find((step) => step * view.scale >= 46) ?? 1e9;
  const digits = Math.max(0, 6 - Math.floor(Math.log10(step)));
  const begin = Math.max(0, Math.floor((view.top - 14) / view.scale / step)), start = events[0].at;
  for (let tick = begin; ; tick++) {
    const at = HEAD + 14 + tick * step * view.scale - view.top;
    if (at > view.height || start + tick * step > events[last].at) break;
    line(AXIS - 6, at, columns.words - 10, at);
    write(moment(start + tick * step, digits), AXIS - 10, at, { colour: colours.soft, size: 11.5, align: "right" });
  }
}

// Row by row, a time is written where it is another one than above.
function paintNumbers() {
  let before = null, above = -ROW;
  for (let index = firstAt(HEAD - ROW); index < events.length && y(index) < view.height + ROW; index++) {
    if (!shown.events[index]) continue;
    const text = isTime ? (events[index].at / 1e6).toFixed(3) : index === 0 || index === data.broken ? "" : String(index);
    if (text === before || y(index) < above + Math.min(ROW, 12)) continue;
    write(text, AXIS - 10, y(index), { colour: colours.soft, size: 11.5, align: "right" });
    [before, above] = [text, y(index) + (view.scale < 12 ? 34 : 0)];
  }
}

const spanColour = (span) => {
  if (span.track === "attempt") return colours.coordinator;
  if (span.track === "fault" || span.outcome === "bad") return colours.bad;
  if (span.outcome === "open") return colours.soft;
  return span.track === "rescale" ? colours.accent : colours.good;
};

function paintSpans(here) {
  data.spans.forEach((span, index) => {
    if (!crosses(span.from, span.to, here)) return;
    const column = columns.tracks[TRACKS.indexOf(span.track)];
    const x = column.x + 6 + span.slot * 10, top = y(span.from), bottom = Math.max(top + 3, y(span.to));
    pen.fillStyle = spanColour(span);
    // Each phase is stronger than the one before.
    const edges = [...span.phases.map(([at]) => y(at)), bottom];
    span.phases.forEach((_, phase) => {
      if (span.phases.length > 1 && phase === span.phases.length - 1 && edges[phase + 1] - edges[phase] < 1) return;
      pen.globalAlpha = span.track === "fault" ? 0.85 : Math.min(1, 0.3 + (0.7 * (phase + 1)) / Math.max(2, span.phases.length - 1));
      const end = Math.max(edges[phase + 1], edges[phase] + 1.5);
      box(x, edges[phase], 8, end, 2.5);
      pen.fill();
    });
    pen.globalAlpha = 1;
    if (span.track === "attempt" && span.outcome === "bad") {
      pen.fillStyle = colours.bad;
      box(x - 2, bottom - 4, 12, bottom, 2);
      pen.fill();
    }
    if (selected?.type === "span" && selected.index === index) {
      pen.strokeStyle = colours.ink;
      pen.lineWidth = 2;
      box(x - 1.5, top - 1.5, 11, bottom + 1.5, 3);
      pen.stroke();
    }
    targets.push({ type: "span", index, box: [x - 2, top - 3, x + 10, bottom + 3] });
  });
}

// A fault is a tint over those whom it hits.
function paintHits(here) {
  pen.fillStyle = colours.bad;
  pen.globalAlpha = 0.13;
  for (const span of data.spans) {
    if (!span.hits.length || !crosses(span.from, span.to, here)) continue;
    for (const lane of span.hits) {
      if (!isColumn(lane)) continue;
      box(columns.lanes[lane] - columns.lane / 2 + 3, y(span.from), columns.lane - 6, Math.max(y(span.from) + 3, y(span.to)), 5);
      pen.fill();
    }
  }
  pen.globalAlpha = 1;
}
