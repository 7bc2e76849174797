import { Chart, Pictures, choice, row } from "./core.js";

const axis = ({ label, low, high }) => ({ label, low, high });
const curve = ({ name, colour, x, y }) => ({ name, colour, x, y });

// A patient and one thing to measure of it: a chart, and the numbers as a sentence. A patient without pictures is a table.
export default function examination(data) {
  const { patients, measures, examined, pictures } = data;
  const shown = new Pictures({ titles: ["original", "model"], label: "Originals, and the patient's reconstructions" });
  const chart = new Chart({ x: axis(examined[0].x), y: axis(examined[0].y), height: 210, legend: true });
  return {
    controls: { measure: choice("measure", measures), patient: choice("patient", patients) },
    parts: [shown, chart],
    draw({ measure, patient }) {
      const which = patients.indexOf(patient), one = examined[which * measures.length + measures.indexOf(measure)];
      const hasPictures = which < pictures.shape[0];
      shown.element.style.visibility = hasPictures ? "" : "hidden";
      if (hasPictures) shown.show([0, 1].map(part => ({ values: row(pictures, which, part) })));
      chart.set({ series: one.series.map(curve), x: axis(one.x), y: axis(one.y) });
      // The name of a mark stands lower only where it would run into the one before.
      const near = ({ x }, number) => number && Math.abs(x - one.marks[number - 1].x) < (one.x.high - one.x.low) / 6;
      chart.mark(one.marks.map((mark, number) => ({ x: mark.x, name: mark.name, down: near(mark, number) ? 14 : 0 })));
      return `Patient ${patient}, ${measure}. ${one.sentence}`;
    },
  };
}
