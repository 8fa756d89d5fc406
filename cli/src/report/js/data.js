// What the page was given. Everything refers to events by index; events are in the order of the run.
const $ = (id) => document.getElementById(id);
const data = JSON.parse($("data").textContent);
const isTime = data.unit === "time";

// Names of objects without the zeros that make them sort.
const short = (words) => words.replace(/\b0{4,}(?=\d)/g, "");

const events = data.events.map(([at, lane, kind, weight, mark, words], index) =>
  ({ index, at, lane, kind, weight, mark, words: short(words) }));
const arrows = data.arrows.map(([from, to, kind, fate, words]) =>
  ({ from: { lane: from[0], index: from[1] }, to: { lane: to[0], index: to[1] }, kind, fate, words: short(words) }));
const last = Math.max(0, events.length - 1);

// `coord. 1`, where there is little room.
const brief = (name) => name.replace("coordinator", "coord.");

// The particulars of an event, which nobody needs until somebody asks.
let rawLines;
function raw(index) {
  rawLines ??= $("raw").textContent.split("\n");
  return rawLines[index] ?? "";
}

// JSON on several lines. It is never parsed, so that no number loses a digit.
function indented(json) {
  let text = "", depth = 0;
  const line = (by) => "\n" + "  ".repeat((depth += by));
  for (const [token] of json.matchAll(/"(?:[^"\\]|\\.)*"|\{\}|\[\]|[{}[\],:]|[^\s{}[\],:"]+/g)) {
    if (token === "{" || token === "[") text += token + line(1);
    else if (token === "}" || token === "]") text += line(-1) + token;
    else if (token === ",") text += token + line(0);
    else text += token === ":" ? ": " : token;
  }
  // Short lists of plain values are easier to read on one line.
  return text.replace(/[{[][^{}[\]]{0,90}[}\]]/g, (short) => short.replace(/\s+/g, " "));
}

const grouped = (number) => String(number).replace(/\B(?=(\d{3})+$)/g, ",");

// `12.603 s`, with more digits where they tell moments apart.
function moment(at, digits = 3) {
  return isTime ? `${(at / 1e6).toFixed(digits)} s` : `step ${at}`;
}

function lasted(from, to) {
  const us = events[to].at - events[from].at;
  if (!isTime) return us === 1 ? "1 step" : `${us} steps`;
  if (us < 1000) return `${us} µs`;
  return us < 1e6 ? `${(us / 1000).toFixed(1)} ms` : `${(us / 1e6).toFixed(3)} s`;
}
