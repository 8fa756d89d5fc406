// What is told beside the picture.
function element(tag, attributes = {}, ...children) {
  const it = Object.assign(document.createElement(tag), attributes);
  it.append(...children);
  return it;
}
const goTo = (index, text) => element("button", { type: "button", className: "link", textContent: text, onclick: () => select({ type: "event", index }, true) });
const when = (index, digits = 6) => goTo(index, moment(events[index].at, digits));

function facts(pairs) {
  const list = element("dl");
  for (const [name, value] of pairs) list.append(element("dt", {}, name), element("dd", {}, ...[value].flat()));
  return list;
}

function showDetails() {
  const box = $("details");
  if (!selected) {
    const first = data.broken === null ? "" : " The run was found broken where the red line is.";
    box.replaceChildren(element("p", { className: "soft", textContent: `Click on an event, an arrow, a bar or the map.${first}` }));
    return;
  }
  const tell = { event: tellEvent, arrow: tellArrow, span: tellSpan, held: tellHeld }[selected.type];
  box.replaceChildren(...tell(selected.index));
}

const words = (text, bad = false) => element("div", { className: bad ? "words bad" : "words", textContent: text });

function tellEvent(index) {
  const event = events[index];
  const pairs = [[isTime ? "time" : "step", isTime ? moment(event.at, 6) : index === data.broken ? "the end" : String(event.at)], ["where", data.lanes[event.lane].name], ["kind", data.kinds[event.kind].name]];
  if (isTime) pairs.push(["line", grouped(index + 1)]);
  for (const arrow of arrows) {
    if (arrow.to.index === index && arrow.from.index !== index && arrow.fate !== "not_heard") {
      pairs.push(["sent", [when(arrow.from.index), ` by ${data.lanes[arrow.from.lane].name}, ${lasted(arrow.from.index, index)} before`]]);
    }
  }
  const sent = arrows.filter((arrow) => arrow.from.index === index && (arrow.to.index !== index || arrow.fate === "not_heard"));
  for (const arrow of sent.slice(0, 12)) {
    const to = data.lanes[arrow.to.lane].name, text = `${arrow.words} → ${to}`;
    pairs.push(["sends", arrow.fate === "not_heard" ? text : [goTo(arrow.to.index, text), `, heard ${lasted(index, arrow.to.index)} later`]]);
  }
  return [words(event.words, event.mark === "broken" || event.mark === "fault"), facts(pairs), ...particulars(index)];
}

function particulars(index) {
  const json = raw(index);
  if (isTime) return [element("pre", { textContent: indented(json) })];
  const { changes } = JSON.parse(json);
  if (!changes.length) return [];
  const list = element("ul");
  for (const change of changes) list.append(element("li", { textContent: change }));
  return [element("p", { className: "soft", textContent: "What it has changed:" }), list];
}

function tellArrow(index) {
  const { from, to, words: text, fate } = arrows[index];
  const end = { lost: "goes wrong on the way", answer_lost: "is done, but the answer is lost", late: "comes late" }[fate] ?? "arrives";
  return [words(text, fate === "lost" || fate === "answer_lost"), facts([
    ["from", [`${data.lanes[from.lane].name}, `, when(from.index)]], ["to", [`${data.lanes[to.lane].name}, `, when(to.index)]],
    ["takes", lasted(from.index, to.index)], ["fate", end]]), ...particulars(to.index)];
}

function tellSpan(index) {
  const span = data.spans[index];
  const pairs = span.phases.map(([at, text], phase) => {
    const since = phase && events[at].at > events[span.phases[phase - 1][0]].at ? `, ${lasted(span.phases[phase - 1][0], at)} later` : "";
    return [when(at, 3), text + since];
  });
  if (span.phases.at(-1)[0] < span.to) pairs.push([when(span.to, 3), span.to === last ? "the trace ends" : "is over"]);
  pairs.push(["in all", lasted(span.from, span.to)]);
  const hits = span.hits.filter((lane) => data.lanes[lane].kind !== "fault").map((lane) => data.lanes[lane].name);
  if (hits.length) pairs.push(["hits", hits.join(", ")]);
  const parts = [words(span.words, span.outcome === "bad"), facts(pairs)];
  return span.track === "fault" ? [...parts, ...particulars(span.from)] : parts;
}

function tellHeld(index) {
  const held = data.held[index], [first, end] = held.groups;
  return [words(held.words), facts([
    ["key groups", first === end ? String(first) : `${first}–${end}`], ["from", [when(held.from)]], ["to", [when(held.to)]],
    ["for", lasted(held.from, held.to)]])];
}

function showMoved() {
  if (!data.moved.length) return;
  $("moved").hidden = false;
  for (const it of data.moved) {
    const cells = [it.parallelism, it.keys, it.bytes_read, it.bytes_owned, it.key_groups ?? "–"];
    const row = element("tr", { onclick: () => select({ type: "event", index: it.at }, true) }, element("td", {}, goTo(it.at, it.attempt)));
    for (const cell of cells) row.append(element("td", { textContent: grouped(cell) }));
    $("moved").querySelector("tbody").append(row);
  }
}

function showLegend() {
  const task = (index) => `<i style="background:var(--c${index})"></i>`;
  const rows = ["time runs downwards; thick line: leads, or processes", "<i>→</i> arrives &nbsp; <i>⤬</i> grey: never heard &nbsp; dashed: late",
    isTime ? `<i style="background:var(--bad)"></i> a fault, and whom it hits; dotted lane: dead, framed lane: frozen` : "red: a fault"];
  if (data.key_groups) rows.push(`${task(0)}${task(1)} the subtask that owns a key group; pale: it does not process; striped: two have it`);
  if (data.spans.length) rows.push("bars grow stronger from phase to phase: click on one for its times");
  rows.push("<kbd>↑</kbd> <kbd>↓</kbd> event by event &nbsp; <kbd>+</kbd> <kbd>−</kbd> or <kbd>Ctrl</kbd> and the wheel: zoom &nbsp; <kbd>0</kbd> whole",
    (isTime ? "<kbd>t</kbd> by time or row by row &nbsp; " : "") + "<kbd>v</kbd> violation &nbsp; <kbd>/</kbd> search &nbsp; <kbd>Esc</kbd> nothing selected");
  $("legend").innerHTML = rows.map((row) => `<div>${row}</div>`).join("");
}
