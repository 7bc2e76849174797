// The teacher's desk: choose, open, close, show, open again, show both, tell the answer.
import { address, call, element, follow, optionList, percent, put, some, sum } from "./class.js";

const one = id => document.getElementById(id);
const write = (id, text) => { if (one(id).textContent !== text) one(id).textContent = text; };
const ADVICE = {
  explain: "Fewer than 30 % are right: explain the idea again, then open a second vote.",
  argue: "30 to 80 % are right: let them argue in pairs, then open a second vote.",
  "go on": "More than 80 % are right: give the answer and go on.",
};
const KINDS = { vote: "Vote", mirror: "Mirror question", exercise: "Exercise" };
let state = { current: null, asked: [] }, questions = [], hasList = "";

function complain(sentence) {
  one("problem").hidden = !sentence;
  write("problem", sentence ?? "");
}

async function act(what, details = {}) {
  const { status, said } = await call("act", { do: what, ...details });
  complain(status === 200 ? "" : said.sentence);
  return status === 200;
}

// ------------------------------------------------------------------------------------------------------------ what to ask

const ofLesson = () => questions.filter(question => question.lesson === one("lesson").value);
const radios = () => [...document.querySelectorAll("#questions input")];
const chosen = () => questions.find(question => question.key === radios().find(radio => radio.checked)?.value);

function showQuestions() {
  const rows = ofLesson().map((question, i) => element("label", { class: "cv-choice" },
    element("input", { type: "radio", name: "question", value: question.key, checked: i === 0 }),
    element("span", {}, element("b", {}, KINDS[question.kind]), ` ${question.text}`)));
  one("questions").querySelector("div").replaceChildren(...rows);
  showMirrors();
}

function showMirrors() {
  const question = chosen(), list = state.asked;
  const key = `${question?.key} ${list.length}`;
  if (key === hasList) return;
  hasList = key;
  const lesson = new Set(ofLesson().map(other => other.key));
  const last = question?.kind === "mirror" ? list.findLast(asked => lesson.has(asked.key)) : undefined;
  const options = list.map(asked => element("option", { value: asked.number, selected: asked === last },
    `${asked.number}. ${asked.text.slice(0, 60)}`));
  one("mirrors").replaceChildren(element("option", { value: "" }, "none"), ...options);
  one("mirrors-label").hidden = !list.length;
}

const mirrored = () => (one("mirrors").value ? Number(one("mirrors").value) : null);
const open = () => chosen() && act("open", { key: chosen().key, mirror_of: mirrored() });

function step(by) {
  const all = radios(), next = all[all.findIndex(radio => radio.checked) + by];
  if (!next) return;
  next.checked = true;
  next.focus();
  showMirrors();
}

one("lesson").addEventListener("change", showQuestions);
one("questions").addEventListener("change", showMirrors);
one("open").addEventListener("click", open);
one("typed-options").addEventListener("input", () => {
  const count = typedOptions().length, kept = one("typed-answer").value;
  const letters = [..."ABCDEF"].slice(0, count).map(letter => element("option", { value: letter }, letter));
  one("typed-answer").replaceChildren(element("option", { value: "" }, "none, or later"), ...letters);
  if ([..."ABCDEF"].slice(0, count).includes(kept)) one("typed-answer").value = kept;
});
const typedOptions = () => one("typed-options").value.split("\n").map(line => line.trim()).filter(Boolean);
one("typed").querySelector("form").addEventListener("submit", async event => {
  event.preventDefault();
  const typed = { text: one("typed-text").value, options: typedOptions(), answer: one("typed-answer").value || null };
  if (await act("open", { typed, mirror_of: null })) {
    one("typed").querySelector("form").reset();
    one("typed").open = false;
  }
});

// ---------------------------------------------------------------------------------------------------------------- actions

const late = element("select", { "aria-label": "Right answer" });
const verdict = () => act("verdict", { answer: state.current?.has_answer ? null : late.value || null });
const can = {
  close: () => state.current?.phase === "open",
  show: () => state.current?.phase === "closed" && state.current.shown < state.current.round,
  again: () => state.current?.phase === "closed" && state.current.round === 1 && !state.current.verdict,
  verdict: () => state.current?.phase === "closed" && !state.current.verdict,
  finish: () => state.current?.phase === "closed",
};
const ACTIONS = [
  ["close", "C", "Close the vote", () => act("close")],
  ["show", "S", "Show the histogram", () => act("show")],
  ["again", "A", "Open the vote again", () => act("again")],
  ["verdict", "V", "Tell the answer", verdict],
  ["finish", "F", "Put the question away", () => act("finish")],
];
const buttons = ACTIONS.map(([name, key, label, go]) => {
  const act = () => { if (can[name]()) go(); };
  return { name, made: element("button", { type: "button", onclick: act }, label, " ", element("kbd", {}, key)) };
});
one("actions").append(...buttons.map(button => button.made), late);

const reach = (id, inside) => () => { one(id).open = true; one(id).querySelector(inside)?.focus(); };
const KEYS = {
  O: ["Open the chosen question", open],
  ...Object.fromEntries(ACTIONS.map(([name, key, label, go]) => [key, [label, () => { if (can[name]()) go(); }]])),
  N: ["Choose the next question of the lesson", () => step(1)],
  B: ["Choose the one before", () => step(-1)],
  L: ["Go to the list of lessons", () => one("lesson").focus()],
  Q: ["Go to the questions", () => (radios().find(radio => radio.checked) ?? radios()[0])?.focus()],
  T: ["Type a question", reach("typed", "textarea")],
  H: ["Enter a show of hands", reach("hands", "input")],
  K: ["Look at the counts without showing them", () => { one("peek").open = !one("peek").open; }],
  P: ["Open the projector's page", () => window.open(address("projector"), "_blank")],
  R: ["Open the report", () => window.open(address("report"), "_blank")],
};
one("key-list").append(...Object.entries(KEYS).flatMap(([key, [label]]) => [element("dt", {}, element("kbd", {}, key)),
  element("dd", {}, label)]));
addEventListener("keydown", event => {
  const isTyping = event.target.closest("textarea, select, input:not([type=radio], [type=checkbox])");
  if (event.key === "Escape" && isTyping) event.target.blur();
  if (!one("keys").checked || isTyping || event.repeat || one("desk").hidden) return;
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const found = KEYS[event.key.toUpperCase()];
  if (!found) return;
  event.preventDefault();
  found[1]();
});

one("hands").querySelector("form").addEventListener("submit", event => {
  event.preventDefault();
  const fields = [...one("hands").querySelectorAll("input")];
  const counts = Object.fromEntries(fields.map(field => [field.name, Number(field.value || 0)]));
  if (state.current) act("hands", { round: state.current.round, counts });
});

one("new").querySelector("button").addEventListener("click", async () => {
  if (await act("new")) one("new").open = false;
});

// ------------------------------------------------------------------------------------------------------------------ shown

function phaseOf(current) {
  if (!current) return "No question is open. Choose one and open the vote.";
  const round = current.round === 1 ? "First" : "Second";
  if (current.verdict) return current.answer ? `The answer is told: ${current.answer}.` : "The question is answered.";
  if (current.phase === "open") return `${round} vote: open.`;
  return `${round} vote: closed${current.shown >= current.round ? ", and shown to the class" : ", not shown yet"}.`;
}

let handsOf = "";
function showHands(current) {
  one("hands").hidden = !current;
  const key = current ? `${current.number} ${current.round}` : "";
  if (!current || key === handsOf) return;  // what is being typed stays
  handsOf = key;
  const fields = Object.keys(current.question.options).map(letter => element("label", {}, `${letter} `, element("input", {
    type: "number", min: 0, max: 10000, step: 1, name: letter, inputmode: "numeric",
    value: current.hands[current.round]?.[letter] ?? "",
  })));
  one("hands").querySelector(".cv-fields").replaceChildren(...fields);
}

function show() {
  const { current, present } = state;
  one("desk").hidden = false;
  write("voted", current ? String(current.voted) : "\u2013");
  write("voted-what", current ? `${current.voted === 1 ? "has" : "have"} voted, of ${some(present, "browser", "browsers")} here`
    : `${some(present, "browser", "browsers")} here`);
  write("phase", phaseOf(current));
  const advice = current && !current.verdict && current.phase === "closed" ? ADVICE[current.advice] : null;
  one("advice").hidden = !advice;
  write("advice", advice ? `${percent(current.share, 1)} are right. ${advice}` : "");
  for (const { name, made } of buttons) made.setAttribute("aria-disabled", String(!can[name]()));
  late.hidden = !current || current.has_answer || !can.verdict();
  if (!late.hidden && late.dataset.of !== String(current.number)) {
    late.dataset.of = current.number;
    const letters = Object.keys(current.question.options);
    late.replaceChildren(element("option", { value: "" }, "no right answer"),
      ...letters.map(letter => element("option", { value: letter }, `right: ${letter}`)));
  }
  // On this page a histogram appears with the class's; before that only on demand.
  const rounds = current ? Object.entries(current.counts).filter(([round]) => Number(round) <= current.shown) : [];
  const seen = current ? { ...current, counts: Object.fromEntries(rounds) } : null;
  put(one("current"), ...(current ? [element("h3", { class: "cv-question" }, current.question.text), optionList(seen)] : []));
  one("peek").hidden = !current || current.phase !== "closed" || current.shown >= current.round;
  const inWords = counts => Object.entries(counts)
    .map(([letter, n]) => `${letter} ${n} (${percent(n, sum(counts))})`).join(", ");
  const secret = one("peek").hidden ? [] : Object.entries(current.counts);
  put(one("peek").querySelector("div"),
    ...secret.map(([round, counts]) => element("p", {}, `Vote ${round}: ${inWords(counts)}`)));
  if (one("peek").hidden) one("peek").open = false;
  showHands(current);
  write("address", state.address);
  write("present", some(present, "browser is here.", "browsers are here."));
  showMirrors();
  complain(state.problem || "");
}

async function begin() {
  one("code").src = address("code.svg");
  const token = location.hash.slice(1);
  if (token) {
    history.replaceState(null, "", location.pathname);  // the token must not be seen on the projector, or be kept as a bookmark
    const { status, said } = await call("login", { token });
    if (status !== 200) complain(said.sentence);
  }
  const { status, said } = await call("questions");
  if (status !== 200) {
    complain(said.sentence);
    return;
  }
  questions = said.questions;
  const lessons = [...new Set(questions.map(question => question.lesson))];
  one("lesson").append(...lessons.map(lesson => {
    const page = questions.find(question => question.lesson === lesson).place ?? "";
    const title = page.replace(/^\d\d_/, "").replace(/\.html.*/, "").replaceAll("_", " ");
    return element("option", { value: lesson }, `${lesson} ${title}`);
  }));
  showQuestions();
  follow("teacher", (kind, value) => {
    if (kind === "connected") document.body.classList.toggle("cv-lost", !value);
    if (kind !== "state") return;
    state = value;
    show();
  });
}
begin();
