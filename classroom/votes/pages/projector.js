// For the last row: the address, the question, how many have voted, and what the teacher has shown.
import { address, follow, optionList, put, some } from "./class.js";

const one = id => document.getElementById(id);
const write = (id, text) => { if (one(id).textContent !== text) one(id).textContent = text; };
one("code").src = address("code.svg");

const PHASES = {
  idle: "Open the address to take part.",
  open1: "Vote now. You can change your vote until the teacher closes it.",
  closed1: "The vote is closed.",
  open2: "Vote again, also if you stay with your first choice.",
  closed2: "Both votes are closed.",
};

follow("projector", (kind, value) => {
  if (kind === "connected") document.body.classList.toggle("cv-lost", !value);
  if (kind !== "state") return;
  const { current } = value;
  write("address", value.address.replace(/^http:\/\//, "").replace(/\/$/, ""));
  write("question", current ? current.question.text : "Class vote");
  write("voted", current ? String(current.voted) : String(value.present));
  const voted = current?.voted === 1 ? "has voted" : "have voted";
  write("voted-what", current ? `${voted}, of ${some(value.present, "browser", "browsers")} here` : "here");
  const verdict = current?.answer ? `The answer is ${current.answer}.` : "The question is answered.";
  write("phase", !current ? PHASES.idle : current.verdict ? verdict : PHASES[current.phase + current.round]);
  document.body.classList.toggle("cv-full", Boolean(current && (current.verdict || Object.keys(current.counts).length > 0)));
  put(one("options"), ...(current ? [optionList(current)] : []));
});
