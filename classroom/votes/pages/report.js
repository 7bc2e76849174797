// After the class: what was voted, from counts only.
import { call, element, percent, some } from "./class.js";

const between = ({ low, high }) => `${percent(low, 1)} to ${percent(high, 1)}`;
const shareText = share => (share ? `${percent(share.part, share.whole)} (${between(share)})` : "\u2013");
const cell = (text, kind = "td") => element(kind, {}, String(text));

function table(question, mirrors) {
  const letters = Object.keys(question.options);
  const line = (name, round, right) => element("tr", {}, cell(name, "th"), cell(round.votes), ...letters.map(letter =>
    cell(letter in round.counts ? `${round.counts[letter]}` : "")), cell(right));
  const hands = round => (round.hands ? ` (${some(round.hands, "hand", "hands")})` : "");
  const rows = question.rounds.map(round => line(`Vote ${round.round}${hands(round)}`, round, shareText(round.right)));
  for (const { number, rounds } of mirrors) {
    rows.push(...rounds.map(round => line(`Mirror question (${number})`, { ...round, counts: {} }, shareText(round.right))));
  }
  const marked = letters.map(letter => (letter === question.answer ? `${letter} \u2713` : letter));
  const heads = ["vote", "votes in all", ...marked, "right (95 % interval)"].map(head => cell(head, "th"));
  const made = element("table", {}, element("thead", {}, element("tr", {}, ...heads)), element("tbody", {}, ...rows));
  const label = `Counts of question ${question.number}`;
  return element("div", { class: "cv-wide", tabindex: 0, role: "region", "aria-label": label }, made);
}

function changes(question) {
  const known = question.changes;
  if (!known) return [];
  const right = known.share_to_right, wrong = known.share_to_wrong;
  const lines = [`${some(known.known, "browser", "browsers")} voted in both rounds: ${known.stayed_right} stayed right, `
    + `${known.to_right} changed to right, ${known.to_wrong} changed to wrong, ${known.stayed_wrong} stayed wrong.`];
  if (right) lines.push(`Of those who were wrong at first, ${shareText(right)} changed to right.`);
  if (wrong) lines.push(`Of those who were right at first, ${shareText(wrong)} changed to wrong.`);
  return lines.map(text => element("p", {}, text));
}

document.getElementById("print").addEventListener("click", () => print());
const { status, said } = await call("results.json");
if (status === 200) {
  const { questions } = said;
  const parts = questions.map(question => element("section", {},
    element("h2", {}, `${question.number}. ${question.text}`),
    element("ol", { class: "cv-legend" }, ...Object.entries(question.options).map(([letter, text]) =>
      element("li", {}, element("b", {}, letter), ` ${text}`))),
    table(question, questions.filter(other => other.mirror_of === question.number)), ...changes(question)));
  if (!parts.length) parts.push(element("p", {}, "Nothing has been asked yet."));
  document.getElementById("report").replaceChildren(...parts);
} else {
  document.getElementById("problem").hidden = false;
  document.getElementById("problem").textContent = said.sentence;
}
