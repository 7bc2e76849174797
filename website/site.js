// What the pages do: displays come alive, gates open with votes, the contents say where the reader is, and the search finds.
// tools/build.py puts the displays' own code and the texts in front of this, in the same function.

const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const one = id => document.getElementById(id);
const plural = new Intl.PluralRules(document.documentElement.lang);

// A text of the page's language, with its numbers; ``n`` decides between one and several.
function say(key, values = {}) {
  const text = typeof TEXTS[key] === "string" ? TEXTS[key] : TEXTS[key][plural.select(values.n)] ?? TEXTS[key].other;
  return text.replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

// ----------------------------------------------------------------------------------------------------------------- gates

// A gate is open in the page that is sent; the style closes it where there is a script, so that nobody sees it by chance. It is
// not "hidden until found": who looks for a word on the page does not ask for the answer. A lesson is read from top to bottom:
// what follows a gate is not seen either before the gate is open (.later).
const gates = all(".gate");
const votesOf = element => element.dataset.votes.split(" ");
const doorOf = gate => gate.querySelector(".door");
const isShut = gate => !gate.classList.contains("open");
const isAnswered = vote => recall(vote) && !isHeld(vote);
const isHeldGate = gate => Boolean(gate) && votesOf(gate).some(isHeld);
const keyOf = gate => `gate:${gate.dataset.votes}:${doorOf(gate).id}`;  // for one that was opened by a link

function openGates(isAsked) {
  const opened = gates.filter(gate => isShut(gate) && !isHeldGate(gate)
    && (recall(keyOf(gate)) || votesOf(gate).every(isAnswered)));
  const held = gates.filter(gate => !isShut(gate) && isHeldGate(gate));
  for (const gate of opened) gate.classList.add("open");
  for (const gate of held) gate.classList.remove("open");
  if (held.length) showPlaces();
  if (!opened.length) return;
  showPlaces();
  if (!isAsked) return;
  one("announced").textContent = say("opened");
  const inside = opened[0].querySelector(".inside"), heading = inside.querySelector("h2, h3") ?? inside;
  heading.tabIndex = -1;
  queueMicrotask(() => heading.focus());  // after the vote has done with its button
}

for (const button of all("[data-skip]")) {
  button.addEventListener("click", () => {
    for (const vote of votesOf(button.closest(".gate"))) if (!recall(vote)) remember(vote, "-");
  });
}

const FOLLOWING = Node.DOCUMENT_POSITION_FOLLOWING;

// The gate that keeps something of the page from being seen: the first shut one of those before it, or around it.
function gateOf(target) {
  const block = target.closest(".gate, .later");
  if (!block || !isShut(block)) return null;
  return gates.find(gate => isShut(gate) && (gate === block || gate.compareDocumentPosition(block) & FOLLOWING)) ?? null;
}

// A link into a fold or a gate opens it, and so does one into what follows a gate. A link to a door leads to the shut one.
function openTarget() {
  let target = one(decodeURIComponent(location.hash.slice(1).split("?")[0]));
  if (!target) return;
  if (target.matches(".door, .later") || isHeldGate(gateOf(target))) {
    const gate = gateOf(target);
    target = gate ? doorOf(gate) : target.closest(".gate, .later");
    target.scrollIntoView();
    return;
  }
  for (let part = target; part; part = part.parentElement) {
    if (part.localName === "details") part.open = true;
    const isInside = part.classList.contains("inside") && !part.parentElement.classList.contains("open");
    if (isInside) remember(keyOf(part.parentElement), "open");
    if (part.classList.contains("later")) part.classList.add("open");
    if (part.matches(".gate, .later")) showPlaces();
  }
  target.scrollIntoView();
}

// -------------------------------------------------------------------------------------------------------------- contents

const places = all(".places li").map(item => {
  const link = item.querySelector("a"), id = decodeURIComponent(link.getAttribute("href").slice(1));
  return { item, link, id, target: one(id) };
});
const asked = all(".answers li").map(item => {
  const link = item.querySelector("a"), id = link.getAttribute("href").slice(1);
  return { item, link, id, target: one(id) };
});

// A place that a gate hides is named, with a lock, and its link leads to the gate; what stands below it is not named.
function showPlaces() {
  for (const { item, link, id, target } of [...places, ...asked]) {
    const gate = gateOf(target);
    item.classList.toggle("shut", Boolean(gate));
    link.setAttribute("href", `#${gate ? doorOf(gate).id : id}`);
    link.title = gate ? say("search.locked") : "";
  }
}

function showWhere() {
  const seen = places.filter(({ item, target }) => !item.classList.contains("shut") && target.getClientRects().length);
  const above = seen.filter(({ target }) => target.getBoundingClientRect().top < innerHeight / 3);
  const here = above.at(-1), section = above.findLast(({ item }) => item.classList.contains("level-2"));
  let within = false;
  for (const place of places) {
    if (place.item.classList.contains("level-2")) within = place === section;
    place.item.classList.toggle("near", within);
    if (place === here) place.link.setAttribute("aria-current", "location"); else place.link.removeAttribute("aria-current");
  }
  const now = document.querySelector(".contents .now");
  if (now && section) now.lastChild.textContent = section.link.textContent;
}

// What was answered: of a list of votes, on the start page and in the contents.
function showAnswers() {
  for (const state of all(".state")) {
    const votes = votesOf(state), chosen = votes.map(recall), done = chosen.filter(value => value && value !== "-").length;
    const whole = state.closest(".answers")
      ? say(done ? "voted" : chosen[0] ? "skipped" : "unvoted")
      : say(done === votes.length ? "lesson.done" : done ? "lesson.begun" : "lesson.new", { n: done, all: votes.length });
    state.textContent = whole;
    state.dataset.done = done === votes.length ? "all" : done ? "some" : "none";
  }
}

// ----------------------------------------------------------------------------------------------- what a reader has chosen

const contents = document.querySelector(".contents details");
if (contents) {
  const wide = matchMedia("(min-width: 1100px)");
  const fit = () => { contents.open = wide.matches; contents.classList.add("ready"); };
  wide.addEventListener("change", fit);
  fit();
  contents.addEventListener("click", event => { if (event.target.closest("a") && !wide.matches) contents.open = false; });
  const number = document.querySelector(".title .number").textContent, now = contents.querySelector(".now");
  now.replaceChildren(`${number} `, document.querySelector("h1").textContent);
}

const CODE = "code";  // on: the code of all lessons is shown, but for the cells that tell answers, which stay folded
const shows = one("show-code");
function showCode() {
  const isShown = recall(CODE) === "on";
  document.documentElement.classList.toggle("with-code", isShown);
  for (const fold of all("details.code:not(.tells)")) fold.open = isShown;
}
if (shows) {
  shows.checked = recall(CODE) === "on";
  shows.addEventListener("change", () => { remember(CODE, shows.checked ? "on" : "off"); showCode(); });
  showCode();
}

openGates(false);
showPlaces();
showAnswers();
// Where nobody pressed a button here (a class's teacher opened it), the focus stays where it is.
onRemembered(event => { openGates(event.detail !== null); showAnswers(); });

one("forget")?.addEventListener("click", () => {
  forget();
  history.replaceState(null, "", location.pathname + location.search);
  location.reload();
});

// -------------------------------------------------------------------------------------------------------------- displays

const shown = {};
for (const root of all("[data-display]")) shown[root.id] = mountOnPage(root, window.displayData[root.dataset.display]);

for (const button of all("[data-link-to]")) {
  const label = button.textContent;
  button.addEventListener("click", async () => {
    history.replaceState(null, "", shown[button.dataset.linkTo].address());
    let said = say("copied");
    try {
      await navigator.clipboard.writeText(location.href);
    } catch {
      said = say("address");  // a page may be forbidden to copy
    }
    button.textContent = said;
    setTimeout(() => { button.textContent = label; }, 2500);
  });
}

addEventListener("hashchange", openTarget);
openTarget();

if (places.length) {
  let isWaiting = false;
  addEventListener("scroll", () => {
    if (isWaiting) return;
    isWaiting = true;
    requestAnimationFrame(() => { isWaiting = false; showWhere(); });
  }, { passive: true });
  showWhere();
}

// --------------------------------------------------------------------------------------------------------------- figures

// A figure opens at its own size, which a phone can scroll. One that has it already only says so to who clicks on it.
const sizes = new ResizeObserver(seen => {
  for (const { target } of seen) {
    const own = Number(target.getAttribute("width"));
    target.closest(".plate").classList.toggle("whole", target.clientWidth >= 0.95 * own);
  }
});
for (const plate of all("a.plate")) {
  sizes.observe(plate.querySelector("img"));
  plate.addEventListener("click", event => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    const picture = plate.querySelector("picture").cloneNode(true), close = element("button", { type: "button" }, say("close"));
    const label = plate.querySelector("img").alt;
    const scroller = element("div", { class: "scroller", tabindex: 0, role: "region", "aria-label": label }, picture);
    const dialog = element("dialog", { class: "enlarged", "aria-label": label }, close, scroller);
    close.addEventListener("click", () => dialog.close());
    dialog.addEventListener("close", () => { dialog.remove(); plate.focus(); });
    document.body.append(dialog);
    dialog.showModal();
  });
}

// ---------------------------------------------------------------------------------------------------------------- search

const search = one("search"), MOST = 30;
let index = null;

function loadIndex() {
  index ??= new Promise((found, failed) => {
    const script = element("script", { src: "search.js" });
    script.addEventListener("load", () => found(window.searchIndex));
    script.addEventListener("error", failed);
    document.head.append(script);
  });
  return index;
}

// Headings always; sentences only where every vote that comes before them was answered, or a result would be an answer. A
// heading counts if a word is its own; a page's title finds the page, once.
function find(entries, words) {
  const has = text => words.every(word => text.toLowerCase().includes(word));
  const hasSome = text => words.some(word => text.toLowerCase().includes(word));
  const titles = [], headings = [], sentences = [];
  for (const [page, title, heading, anchor, votes, gate, texts] of entries) {
    const isOpen = votes.every(isAnswered), isLocked = !isOpen && gate !== "";
    const to = isLocked ? gate : anchor, place = { title, heading, isLocked, address: to ? `${page}#${to}` : page };
    if (heading ? hasSome(heading) && has(`${title} ${heading}`) : has(title)) (heading ? headings : titles).push(place);
    for (const text of isOpen ? texts : []) if (has(text)) sentences.push({ ...place, text });
  }
  const isNew = (place, i, list) => list.findIndex(other => other.heading === place.heading
    && other.address === place.address) === i;
  return [...titles.filter(isNew), ...headings.filter(isNew), ...sentences];
}

// The text with the words that were looked for in <mark>.
function marked(text, words) {
  const escaped = words.map(word => word.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&"));
  const parts = text.split(new RegExp(`(${escaped.join("|")})`, "iu"));
  return parts.map((part, i) => (i % 2 ? element("mark", {}, part) : part));
}

async function showResults() {
  const words = one("search-words").value.toLowerCase().split(/\s+/).filter(Boolean);
  let found = [];
  try {
    if (words.length) found = find(await loadIndex(), words);
  } catch {
    one("search-found").textContent = say("search.failed");
    return;
  }
  const count = found.length ? say("search.found", { n: found.length }) : say("search.none");
  one("search-found").textContent = words.length ? count : "";
  one("search-results").replaceChildren(...found.slice(0, MOST).map(({ title, heading, isLocked, address, text }) => {
    const link = element("a", { href: address }, element("b", {}, ...marked(title, words)));
    if (heading) link.append(element("span", {}, ...marked(heading, words)));
    if (isLocked) link.append(element("em", {}, say("search.locked")));
    if (text) link.append(element("q", {}, ...marked(text, words)));
    link.addEventListener("click", () => search.close());
    return element("li", {}, link);
  }));
}

if (search) {
  const open = () => { search.showModal(); one("search-words").select(); showResults(); };
  one("search-open").addEventListener("click", open);
  one("search-words").addEventListener("input", showResults);
  one("search-words").addEventListener("keydown", event => {
    if (event.key === "Escape") {  // the browser would first empty the field, and close with the second press
      event.preventDefault();
      search.close();
    }
    if (event.key !== "Enter") return;
    event.preventDefault();
    one("search-results").querySelector("a")?.click();
  });
  addEventListener("keydown", event => {
    const isTyping = event.target.closest("input, textarea, select, [contenteditable], .ae-display, dialog");
    if (event.key !== "/" || isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    open();
  });
}

// ----------------------------------------------------------------------------------------------------------------- print

let folded = [];
addEventListener("beforeprint", () => {
  folded = all("details:not([open], .code)");
  for (const fold of folded) fold.open = true;
});
addEventListener("afterprint", () => { for (const fold of folded) fold.open = false; });
