import { element, onRemembered, recall } from "./core.js";

// What became of a vote: the option that holds, and why each other one is tempting.
export default function verdict(data, view) {
  const options = Object.entries(data.options).map(([letter, text]) => {
    const holds = letter === data.answer;
    const yours = element("span", { class: "ae-yours" }, "your choice");
    const why = element("p", {}, holds ? "This is what was measured." : data.reasons[letter]);
    const told = element("div", {}, element("span", {}, text), " ", yours, why);
    const made = element("li", { class: holds ? "ae-holds" : "" }, element("b", {}, letter), told);
    return { letter, made, yours };
  });
  const sentence = () => {
    const chosen = recall(data.name) ?? "";
    for (const { letter, yours } of options) yours.hidden = letter !== chosen;
    if (!chosen) return `You have not voted. The answer is ${data.answer}.`;
    return chosen === data.answer ? `You chose ${chosen}, and so it is.` : `You chose ${chosen}; the answer is ${data.answer}.`;
  };
  onRemembered(() => view.redraw(), view.signal);
  const question = element("p", { class: "ae-question" }, data.name);
  const box = element("div", { class: "ae-verdict" }, question, element("ul", {}, ...options.map(option => option.made)));
  return { controls: {}, parts: [{ element: box }], draw: sentence };
}
