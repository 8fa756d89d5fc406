// The path is the address: `#3.0.7@2` is three steps, looked at after the second.
const $ = (id) => document.getElementById(id);
const HEADER = 58, ROW = 26;
let shown = { path: [], at: 0 };
let asked = 0;

function wanted() {
  const [path, at] = location.hash.slice(1).split("@");
  const steps = path ? path.split(".") : [];
  return { path: steps, at: at === undefined ? steps.length : Number(at) };
}

function go(path, at) {
  location.hash = path.join(".") + (at === undefined || at === path.length ? "" : "@" + at);
}

async function show() {
  const { path, at } = wanted();
  const question = ++asked;
  try {
    const answer = await fetch(`/path/${path.join(".")}@${at}`);
    if (!answer.ok) throw new Error(await answer.text());
    const view = await answer.json();
    if (question !== asked) return;
    shown = { path, at: view.at };
    $("picture").innerHTML = view.svg;
    $("next").innerHTML = view.next;
    $("state").innerHTML = view.state;
    $("properties").innerHTML = view.properties;
    $("at").textContent = view.at === 0 ? "at the beginning" : `after step ${view.at}` + (view.at < view.steps ? ` of ${view.steps}` : "");
    $("save").href = "/save/" + path.join(".");
    $("report").href = "/report/" + path.join(".");
    const row = $("picture").querySelector(`rect[data-row="${view.at}"]`);
    row.classList.add("here");
    const box = $("picture"), y = HEADER + ROW * view.at;
    if (y < box.scrollTop + HEADER || y + 2 * ROW > box.scrollTop + box.clientHeight) box.scrollTop = y - box.clientHeight / 2;
    keepHeads();
    document.body.dataset.steps = view.steps;
    $("error").hidden = true;
  } catch (error) {
    $("error").textContent = error.message;
    $("error").hidden = false;
  }
}

$("next").addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button) go(shown.path.slice(0, shown.at).concat(button.dataset.position));
});
$("picture").addEventListener("click", (event) => {
  const top = $("picture").querySelector("svg").getBoundingClientRect().top;
  const row = Math.floor((event.clientY - top - HEADER) / ROW);
  if (row >= 0 && row <= shown.path.length) go(shown.path, row);
});
addEventListener("keydown", (event) => {
  const step = { ArrowUp: -1, k: -1, ArrowDown: 1, j: 1 }[event.key];
  if (!step || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  go(shown.path, Math.max(0, Math.min(shown.path.length, shown.at + step)));
});
// The names of lanes stay in sight.
function keepHeads() {
  $("picture").querySelector(".heads")?.setAttribute("transform", `translate(0 ${$("picture").scrollTop})`);
}
$("picture").addEventListener("scroll", keepHeads);
addEventListener("hashchange", show);

async function watch() {
  const survey = await (await fetch("/survey")).json();
  $("survey").textContent = survey.words;
  if (!survey.done) return setTimeout(watch, 700);
  // Cases now have a way to them.
  show();
}

if (!location.hash && OPENING) history.replaceState(null, "", "#" + OPENING);
show();
watch().catch(() => {});
