import { element, onRemembered, recall, typeset } from "./core.js";

// What became of a vote: the same options in the same order, which one is right, and a reason for each.
export default function verdict(data, view) {
  const options = Object.entries(data.options).map(([letter, text]) => {
    const yours = element("span", { class: "ae-yours" }, "your choice");
    const chips = letter === data.answer ? [element("span", { class: "ae-right" }, "✓ right"), " ", yours] : [yours];
    const told = element("div", {}, element("span", {}, typeset(text)), " ", element("span", { class: "ae-chips" }, ...chips),
      element("p", {}, typeset(data.reasons[letter])));
    const made = element("li", { class: letter === data.answer ? "ae-holds" : "" }, element("b", {}, letter), told);
    return { letter, made, yours };
  });
  const sentence = () => {
    const chosen = recall(data.id) ?? "";
    for (const { letter, yours } of options) yours.hidden = letter !== chosen;
    if (!(chosen in data.options)) return `You did not vote. The answer is ${data.answer}.`;
    return chosen === data.answer ? `You chose ${chosen}, which is right.`
      : `You chose ${chosen}. The answer is ${data.answer}.`;
  };
  onRemembered(() => view.redraw(), view.signal);
  const question = element("p", { class: "ae-question" }, typeset(data.name));
  const box = element("div", { class: "ae-verdict" }, question, element("ul", {}, ...options.map(option => option.made)));
  return { controls: {}, parts: [{ element: box }], draw: sentence };
}
