import { element, isHeld, onRemembered, recall, remember, typeset } from "./core.js";

// In a JupyterLab that belongs to a hub, a choice also counts in the class's vote if that question is open there. Where there
// is no hub, nothing is asked for; where there is no such service, nothing is said.
async function tellClass(question, choice) {
  const { hubPrefix, hubHost, token } = JSON.parse(document.getElementById("jupyter-config-data")?.textContent || "{}");
  if (!hubPrefix || !token || hubHost) return false;
  try {
    const answer = await fetch(`${hubPrefix.replace(/hub\/$/, "")}services/vote/class/notebook`, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-Class": "vote", Authorization: `token ${token}` },
      body: JSON.stringify({ question, choice }),
    });
    return answer.ok;
  } catch {
    return false;
  }
}

// Options to choose from, and a button that makes the choice a vote; "-" is remembered of who reads on without one. What was
// remembered stays while a vote is being changed, so that what it has opened stays open.
export default function vote(data, view) {
  const letters = Object.keys(data.options), kept = () => recall(data.id) ?? "";
  const fitting = letter => (letters.includes(letter) ? letter : "");
  let changing = false, counted = "";
  const isOpen = () => changing || !kept();
  const choice = {
    clean: value => fitting(value) || fitting(kept()),
    make: change => {
      const inputs = letters.map(letter => element("input", { type: "radio", name: "choice", value: letter }));
      const labels = letters.map((letter, place) => element("label", { class: "ae-option" },
        inputs[place], element("b", {}, letter), element("span", {}, typeset(data.options[letter]))));
      for (const input of inputs) input.addEventListener("change", () => change(input.value));
      const go = element("button", { type: "submit", class: "ae-button ae-go" }, "Vote to go on");
      const skip = element("button", { type: "button", class: "ae-plain" }, "Show me without voting");
      const again = element("button", { type: "button", class: "ae-plain" });
      const actions = element("div", { class: "ae-actions" });
      const question = element("legend", { class: "ae-question" }, typeset(data.name));
      const form = element("form", { class: "ae-vote" }, element("fieldset", {}, question, ...labels), actions);
      const record = value => {
        const hadFocus = actions.contains(document.activeElement);
        changing = false;
        remember(data.id, value);
        if (value !== "-") {
          tellClass(data.id, value).then(isCounted => {
            counted = isCounted ? " It counts in your class's vote." : "";
            if (!view.signal.aborted) view.redraw();
          });
        }
        // Unless a page has moved it to what has opened, the focus stays here.
        if (hadFocus && document.activeElement === document.body) again.focus();
      };
      form.addEventListener("submit", event => {
        event.preventDefault();
        if (view.state.choice) record(view.state.choice);
        else inputs[0].focus();
      });
      skip.addEventListener("click", () => record("-"));
      again.addEventListener("click", () => {
        changing = true;
        view.redraw();
        (inputs.find(input => input.checked) ?? inputs[0]).focus();
      });
      const set = value => {
        const shown = isOpen() ? value : fitting(kept());
        inputs.forEach((input, place) => {
          input.checked = input.value === shown;
          input.disabled = !isOpen();
          labels[place].classList.toggle("ae-chosen", input.checked);
        });
        go.setAttribute("aria-disabled", !value);
        again.textContent = kept() === "-" ? "Vote after all" : "Change my vote";
        const wanted = !isOpen() ? [again] : kept() ? [go] : [go, skip];
        // Put there again, what has the focus would lose it.
        if (wanted.length !== actions.children.length || wanted[0] !== actions.firstChild) actions.replaceChildren(...wanted);
      };
      return { element: form, set };
    },
  };
  onRemembered(() => view.redraw(), view.signal);
  const isLab = () => "jpThemeLight" in document.body.dataset;
  // On a page of the website, several votes can keep one gate shut.
  const isLast = () => {
    const gate = document.querySelector(`.gate[data-votes~="${CSS.escape(data.id)}"]`);
    return !gate || gate.dataset.votes.split(" ").every(recall);
  };
  return {
    controls: { choice },
    parts: [],
    draw: ({ choice: chosen }) => {
      if (isOpen()) return chosen ? `You have chosen ${chosen}. Vote to go on.` : "Choose an option, then vote to go on.";
      if (isHeld(data.id)) {
        const said = kept() === "-" ? "You have not voted." : `You chose ${kept()}.`;
        return `${said} Your class is voting: the answer opens when your teacher shows it.`;
      }
      const way = 'press the button "cells hidden" below the next heading, if it is there.';
      if (kept() === "-") return `You went on without voting${isLab() ? `: ${way}` : "."}`;
      return isLab() ? `You chose ${kept()}.${counted} To go on, ${way}`
        : `You chose ${kept()}. ${isLast() ? "The answer is further down." : "The answer opens after the other votes."}`;
    },
  };
}
