import { button, element, recall, remember, typeset, unhide } from "./core.js";

// A question that the page checks. Neither hint nor solution is on the page before it is asked for.
export default function exercise(data, view) {
  const { answers, tolerance, hint, solution } = unhide(data.hidden), letters = Object.keys(data.options);
  const kept = `exercise:${data.id}`, question = element("legend", { class: "ae-question" }, typeset(data.name));
  const numberOf = text => {
    const plain = text.replace(/\s|%$/g, "").replace("−", "-");
    // A comma is decimal, unless three digits follow it and it can be nothing but English.
    const english = /^-?[1-9]\d{0,2}(,\d{3})+(\.\d+)?$/.test(plain) ? plain.replaceAll(",", "") : plain.replace(",", ".");
    const [over, under = "1", ...more] = english.split("/");
    return over === "" || under === "" || more.length ? NaN : Number(over) / Number(under);
  };
  const simple = text => text.trim().toLowerCase().replace(/\s+/g, " ").replace(/^["'“`]+|["'”`.]+$/g, "");
  const isRight = (text, answer) => (Array.isArray(answer) ? answer.some(one => simple(one) === simple(text))
    : Math.abs(numberOf(text) - answer) <= tolerance + 1e-9);
  const fields = data.labels.map((label, place) => {
    const input = element("input", { type: "text", inputmode: Array.isArray(answers[place]) ? "text" : "decimal",
      autocomplete: "off", spellcheck: "false", autocapitalize: "off" });
    const mark = element("span", { class: "ae-mark" });
    input.addEventListener("input", () => { mark.textContent = ""; });
    return { label, input, mark, element: element("label", { class: "ae-field" }, element("span", {}, label), input, mark) };
  });
  const options = letters.map(letter => {
    const input = element("input", { type: "radio", name: "choice", value: letter });
    const made = element("label", { class: "ae-option" },
      input, element("b", {}, letter), element("span", {}, typeset(data.options[letter])));
    input.addEventListener("change", () => {
      for (const one of options) one.made.classList.toggle("ae-chosen", one.input.checked);
    });
    return { letter, input, made };
  });

  const start = letters.length ? "Choose an option, then check it." : "Write your answer, then check it.";
  let reply = recall(kept) === "right" ? "You have solved this one." : start;
  const notYet = "Not yet. Try again, or open the hint.";
  const ofChoice = () => {
    const chosen = options.find(one => one.input.checked);
    if (!chosen) return start;
    return chosen.letter === answers[0] ? "Right." : notYet;
  };
  const ofFields = () => {
    const right = [], wrong = [];
    for (const [place, { label, input, mark }] of fields.entries()) {
      if (!input.value.trim()) return fields.length > 1 ? `Write an answer for: ${label}.` : start;
      if (!Array.isArray(answers[place]) && Number.isNaN(numberOf(input.value))) {
        return `"${input.value}" is not a number. Write it as 0.25 or 1/4.`;
      }
      const fits = isRight(input.value, answers[place]);
      (fits ? right : wrong).push(label);
      mark.textContent = fits ? "✓ right" : "not yet";
    }
    if (!wrong.length) return "Right.";
    return right.length ? `Right: ${right.join(", ")}. Not yet: ${wrong.join(", ")}.` : notYet;
  };
  const check = () => {
    for (const { mark } of fields) mark.textContent = "";
    reply = letters.length ? ofChoice() : ofFields();
    if (reply === "Right.") remember(kept, "right");
    view.redraw();
  };

  const told = element("div", { "aria-live": "polite" });
  const asked = {};
  const onDemand = (name, text) => {
    const made = button(name, () => {
      if (asked[name]) asked[name].remove();
      asked[name] = asked[name] ? null : element("p", { class: "ae-told" }, element("b", {}, name), " ", text);
      made.setAttribute("aria-expanded", Boolean(asked[name]));
      if (asked[name]) told.append(asked[name]);
    });
    made.classList.replace("ae-button", "ae-plain");
    made.setAttribute("aria-expanded", false);
    return made;
  };
  const go = element("button", { type: "submit", class: "ae-button ae-go" }, "Check");
  const actions = element("div", { class: "ae-actions" }, go,
    onDemand("Hint", typeset(hint)), onDemand("Solution", typeset(solution)));
  const body = letters.length ? options.map(one => one.made) : fields.map(one => one.element);
  const form = element("form", { class: "ae-exercise" }, element("fieldset", {}, question, ...body), actions, told);
  form.addEventListener("submit", event => {
    event.preventDefault();
    check();
  });
  return { controls: {}, parts: [{ element: form }], draw: () => reply };
}
