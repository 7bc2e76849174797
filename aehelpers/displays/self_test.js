import { element, remember, recall, typeset, unhide } from "./core.js";

// Two questions of choice, how many are right, and the reasons behind a fold; they are on the page once both are answered.
export default function selfTest(data, view) {
  const right = unhide(data.hidden), kept = `self-test:${data.id}`, start = "Answer both questions, then check them.";
  const questions = data.questions.map(({ question, options }, number) => {
    const after = element("div"), rows = Object.entries(options).map(([letter, text]) => {
      const input = element("input", { type: "radio", name: `question ${number + 1}`, value: letter });
      const mark = element("span", { class: "ae-mark" });
      const label = element("label", { class: "ae-option" }, input, element("b", {}, letter),
        element("span", {}, typeset(text)), mark);
      return { letter, input, mark, label };
    });
    const clear = () => {
      for (const { input, mark, label } of rows) {
        label.classList.toggle("ae-chosen", input.checked);
        label.classList.remove("ae-holds");
        mark.textContent = "";
      }
      after.replaceChildren();
    };
    const judge = () => {
      const { answer, reasons } = right[number], holds = rows.find(row => row.letter === answer);
      holds.label.classList.add("ae-holds");
      holds.mark.textContent = "✓ right";
      const lines = rows.map(({ letter }) => element("li", {}, element("b", {}, letter), " ", typeset(reasons[letter])));
      after.replaceChildren(element("details", {}, element("summary", {}, "Why?"), element("ul", {}, ...lines)));
      return holds.input.checked;
    };
    for (const { input } of rows) input.addEventListener("change", clear);
    const legend = element("legend", { class: "ae-question" }, `${number + 1}. ${typeset(question)}`);
    const box = element("fieldset", {}, legend, ...rows.map(row => row.label), after);
    return { box, judge, isAnswered: () => rows.some(row => row.input.checked) };
  });
  let reply = recall(kept) ? `You had ${recall(kept)} of 2 right.` : start;
  const go = element("button", { type: "submit", class: "ae-button ae-go" }, "Check");
  const actions = element("div", { class: "ae-actions" }, go);
  const form = element("form", { class: "ae-self-test" }, ...questions.map(one => one.box), actions);
  form.addEventListener("submit", event => {
    event.preventDefault();
    if (questions.every(one => one.isAnswered())) {
      const score = questions.filter(one => one.judge()).length;
      remember(kept, String(score));
      reply = `You have ${score} of 2 right. Open "Why?" for the reasons.`;
    } else {
      reply = start;
    }
    view.redraw();
  });
  return { controls: {}, parts: [{ element: form }], draw: () => reply };
}
