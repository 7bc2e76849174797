import { element, recall, remember } from "./core.js";

// Options as buttons. The choice is kept for the verdict further down; a second click takes it back.
export default function vote(data, view) {
  const letters = Object.keys(data.options);
  const choice = {
    clean: value => (letters.includes(value) ? value : recall(data.name) ?? ""),
    make: change => {
      const buttons = letters.map(letter => {
        const parts = [element("b", {}, letter), element("span", {}, data.options[letter])];
        const made = element("button", { type: "button", class: "ae-option" }, ...parts);
        made.addEventListener("click", () => {
          const chosen = view.state.choice === letter ? "" : letter;
          remember(data.name, chosen);
          change(chosen);
        });
        return made;
      });
      const question = element("p", { class: "ae-question" }, data.name);
      const box = element("div", { class: "ae-vote", role: "group", "aria-label": data.name }, question, ...buttons);
      const set = value => buttons.forEach((button, place) => button.setAttribute("aria-pressed", letters[place] === value));
      return { element: box, set };
    },
  };
  return {
    controls: { choice },
    parts: [],
    draw: ({ choice: chosen }) =>
      chosen ? `You chose ${chosen}. What came of it is shown further down.` : "Choose before you read on.",
  };
}
