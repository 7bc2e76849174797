import { Chart, Pictures, choice, row } from "./core.js";

// A patient and one thing to measure of it: a chart, and the numbers as a sentence. A patient without pictures is a table.
export default function examination(data) {
  const { patients, measures, examined, pictures } = data;
  const shown = new Pictures({ titles: ["original", "model"], label: "Originals, and the patient's reconstructions" });
  const chart = new Chart({ ...examined[0], height: 210, legend: true });
  return {
    controls: { measure: choice("measure", measures), patient: choice("patient", patients) },
    parts: [shown, chart],
    draw({ measure, patient }) {
      const which = patients.indexOf(patient), place = which * measures.length + measures.indexOf(measure);
      const { x, y, series, marks, sentence } = examined[place];
      const hasPictures = which < pictures.shape[0];
      shown.element.style.visibility = hasPictures ? "" : "hidden";
      if (hasPictures) shown.show([0, 1].map(part => ({ values: row(pictures, which, part) })));
      chart.set({ x, y, series });
      chart.mark(marks.map((mark, number) => ({ ...mark, down: 14 * number })));
      return `Patient ${patient}, ${measure}. ${sentence}`;
    },
  };
}
