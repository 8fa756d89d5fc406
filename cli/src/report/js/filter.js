// What is left out: kinds, lanes, and whatever does not have the words searched for.
const kindsShown = data.kinds.map((kind) => kind.shown);
let wanted = "";
// Shown whatever the filter says, because somebody has asked for it by its address or by a link.
let pinned = null;

function refilter() {
  const anchor = view.height ? Math.min(last, firstAt(HEAD + room() / 2)) : 0;
  const before = events.length ? y(anchor) : 0;
  const matches = (event) => !wanted || event.words.toLowerCase().includes(wanted) || data.lanes[event.lane].name.includes(wanted);
  shown.count = 0;
  for (const event of events) {
    const is = event.index === data.broken || event.index === pinned || (kindsShown[event.kind] && shown.lanes[event.lane] && matches(event));
    shown.events[event.index] = is ? 1 : 0;
    shown.rows[event.index] = shown.count;
    shown.count += is ? 1 : 0;
  }
  // The beginning and the end of a path are no steps.
  const others = isTime ? 0 : 1 + (data.broken === null ? 0 : 1), all = events.length - others;
  $("count").textContent = isTime || shown.count < events.length ? `${grouped(shown.count)} of ${grouped(events.length)} ${isTime ? "events" : "rows"}` : `${all} steps`;
  if (!view.height) return;
  if (view.whole) showWhole();
  view.scale = Math.max(view.scale, smallest());
  scrollTo(view.top + y(anchor) - before);
  draw();
}

function chips(place, list, states) {
  list.forEach(({ name, about = "" }, index) => {
    const tick = element("input", { type: "checkbox", checked: states[index] });
    tick.addEventListener("change", () => {
      states[index] = tick.checked;
      resize();
      refilter();
    });
    $(place).append(element("label", { title: about }, tick, name));
  });
}

function showFilters() {
  chips("kinds", data.kinds, kindsShown);
  chips("lanes", data.lanes, shown.lanes);
  $("search").addEventListener("input", () => {
    wanted = $("search").value.trim().toLowerCase();
    refilter();
  });
}

// The next event that is shown, in one direction.
function neighbour(index, step) {
  for (let other = index + step; other >= 0 && other <= last; other += step) if (shown.events[other]) return other;
  return null;
}
