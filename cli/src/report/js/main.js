// What the reader does. The address holds the selected event, so that it can be passed on: `#1108`.
function select(found, bring = false) {
  selected = found;
  if (found?.type === "event") {
    if (!shown.events[found.index]) {
      pinned = found.index;
      refilter();
    }
    if (bring) intoSight(found.index, y(found.index) < HEAD || y(found.index) > view.height);
    history.replaceState(null, "", `#${found.index + 1}`);
  }
  document.body.dataset.selected = found ? `${found.type} ${found.index}` : "";
  showDetails();
  draw();
}

function lay(layout) {
  if (layout === view.layout || !isTime) return;
  const anchor = selected?.type === "event" ? selected.index : Math.min(last, firstAt(HEAD + room() / 2));
  const before = Math.max(HEAD, Math.min(y(anchor), view.height)), seen = Math.max(2, firstAt(view.height) - firstAt(HEAD));
  view.layout = layout;
  view.whole = false;
  if (layout === "rows") view.scale = ROW - 4;
  else view.scale = Math.max(smallest(), Math.min(largest(), (room() * 0.8) / Math.max(1000, events[Math.min(last, anchor + (seen >> 1))].at - events[Math.max(0, anchor - (seen >> 1))].at)));
  scrollTo(down(anchor) - before + HEAD);
  pressed();
  draw();
}

function pressed() {
  $("by-time").ariaPressed = String(view.layout === "time");
  $("by-row").ariaPressed = String(view.layout === "rows");
}

const buttons = {
  whole: () => showWhole(),
  closer: () => zoom(1.6),
  farther: () => zoom(1 / 1.6),
  "by-time": () => lay("time"),
  "by-row": () => lay("rows"),
  violation: () => select({ type: "event", index: data.broken }, true),
};
for (const [id, act] of Object.entries(buttons)) $(id).addEventListener("click", () => (act(), draw()));
$("tools").addEventListener("submit", (event) => event.preventDefault());

function step(direction) {
  const from = selected?.type === "event" ? selected.index : direction > 0 ? firstAt(HEAD) - 1 : firstAt(view.height);
  const next = neighbour(from, direction);
  if (next !== null) select({ type: "event", index: next }, true);
}

const keys = {
  ArrowUp: () => step(-1), k: () => step(-1), ArrowDown: () => step(1), j: () => step(1),
  PageUp: () => scrollTo(view.top - room() * 0.9), PageDown: () => scrollTo(view.top + room() * 0.9),
  Home: () => scrollTo(0), End: () => scrollTo(contents()),
  "+": () => zoom(1.6), "=": () => zoom(1.6), "-": () => zoom(1 / 1.6), 0: () => showWhole(),
  t: () => lay(view.layout === "time" ? "rows" : "time"),
  v: () => data.broken !== null && buttons.violation(),
  "/": () => $("search").focus(),
  Escape: () => select(null),
};
addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input[type=search]")) {
    if (event.key === "Escape" || event.key === "Enter") canvas.focus();
    return;
  }
  if (!keys[event.key] || (event.target.closest("aside") && /Arrow|Page|Home|End/.test(event.key))) return;
  event.preventDefault();
  keys[event.key]();
  draw();
});

canvas.addEventListener("wheel", (event) => {
  if (event.deltaX && Math.abs(event.deltaX) > Math.abs(event.deltaY)) return;
  event.preventDefault();
  const pixels = event.deltaY * (event.deltaMode === 1 ? 18 : 1);
  // Where there is nothing to scroll, the wheel can only mean to zoom.
  if (event.ctrlKey || event.metaKey || contents() <= room() + 1) zoom(Math.exp(-pixels / 300), event.offsetY);
  else scrollTo(view.top + pixels);
  draw();
}, { passive: false });

let drag = null;
canvas.addEventListener("pointerdown", (event) => {
  drag = { y: event.clientY, x: event.clientX, top: view.top, left: $("picture").scrollLeft, moved: false };
  canvas.setPointerCapture(event.pointerId);
});
canvas.addEventListener("pointermove", (event) => {
  if (!drag) return point(event);
  if (Math.hypot(event.clientY - drag.y, event.clientX - drag.x) > 4) drag.moved = true;
  if (!drag.moved) return;
  canvas.classList.add("moving");
  scrollTo(drag.top + drag.y - event.clientY);
  $("picture").scrollLeft = drag.left + drag.x - event.clientX;
  draw();
});
canvas.addEventListener("pointerup", (event) => {
  if (drag && !drag.moved) select(pick(event.offsetX, event.offsetY));
  drag = null;
  canvas.classList.remove("moving");
});
canvas.addEventListener("pointerleave", () => ($("hint").hidden = true));
canvas.addEventListener("dblclick", (event) => (zoom(2.5, event.offsetY), draw()));

function point(event) {
  const found = pick(event.offsetX, event.offsetY), box = $("hint");
  canvas.classList.toggle("over", found !== null);
  box.hidden = found === null || (view.layout === "rows" && event.offsetX > columns.words && found.type === "event");
  if (box.hidden) return;
  box.textContent = hint(found);
  box.style.left = `${Math.min(event.offsetX + 14, $("picture").scrollLeft + $("picture").clientWidth - Math.min(430, box.offsetWidth + 8))}px`;
  box.style.top = `${Math.min(event.offsetY + 16, view.height - box.offsetHeight - 4)}px`;
}

function fromAddress() {
  const line = Number(location.hash.slice(1));
  return Number.isInteger(line) && line >= 1 && line <= events.length ? line - 1 : null;
}
addEventListener("hashchange", () => fromAddress() !== null && select({ type: "event", index: fromAddress() }, true));
new ResizeObserver(() => {
  resize();
  if (view.whole) showWhole();
  scrollTo(view.top);
  // A canvas with another size is empty until it is painted.
  paint();
}).observe($("picture"));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => (readColours(), draw()));

// It opens at what the address names, at the violation, or with the whole run.
readColours();
showFilters();
showMoved();
showLegend();
refilter();
resize();
$("violation").hidden = data.broken === null;
$("layouts").hidden = !isTime;
const opening = fromAddress() ?? data.broken;
if (events.length && isTime && opening !== null) view.layout = "rows";
view.scale = isTime ? ROW - 4 : ROW;
if (view.layout === "time") showWhole();
if (opening !== null && events.length) {
  scrollTo(down(opening) - room() * 0.7);
  select({ type: "event", index: opening });
} else showDetails();
pressed();
paint();
document.body.dataset.events = events.length;

// Where an event is in the window: for whoever drives this page by a program.
globalThis.keygroupsReport = {
  where(index) {
    const { left, top } = canvas.getBoundingClientRect();
    return { x: left + columns.lanes[events[index].lane], y: top + y(index) };
  },
  map: () => columns.map && { ...columns.map, top: HEAD, height: room() },
  events, spans: data.spans, held: data.held,
};
