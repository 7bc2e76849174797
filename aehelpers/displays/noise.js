import { Chart, Pictures, button, choice, fixed, network, random, row, slider, whole } from "./core.js";

const NOISES = {
  masking: (value, level, draw) => (draw() < level ? 0 : value),
  "salt and pepper": (value, level, draw) => {
    const one = draw();
    return one < level / 2 ? 0 : one < level ? 1 : value;
  },
  Gaussian: (value, level, draw) => {
    const normal = Math.sqrt(-2 * Math.log(1 - draw())) * Math.cos(2 * Math.PI * draw());
    return Math.min(Math.max(value + level * normal, 0), 1);
  },
};

// Noisy images and a model's outputs for them; below, the measured error of every model over the level.
export default function noise(data, view) {
  const names = Object.keys(data.networks), kinds = Object.keys(data.nothing), { levels, images } = data;
  const networks = Object.fromEntries(names.map(name => [name, network(data.networks[name])]));
  const [height, width] = data.size;
  const label = "Clean images, noisy images and the model's outputs";
  const pictures = new Pictures({ titles: ["clean", "noisy", "model"], height, width, label });
  const chart = new Chart({
    x: { label: "level of the noise", low: 0, high: levels.at(-1) },
    y: { label: `squared error per pixel, ${data.measured} images`, low: 0, high: 1 },
  });
  let drawn = null;
  return {
    controls: {
      level: slider("level of the noise", { options: levels, format: level => fixed(level, 1) }),
      kind: choice("kind of noise", kinds),
      model: choice("model", names),
      seed: whole(0, 999),
    },
    buttons: [button("draw the noise again", () => view.change({ seed: (view.state.seed + 1) % 1000 }))],
    parts: [pictures, chart],
    draw({ level, kind, model, seed }) {
      const draw = random(seed), noisy = images.values.map(value => NOISES[kind](value, level, draw));
      const rebuilt = networks[model](noisy);
      pictures.show([{ values: images.values }, { values: noisy }, { values: rebuilt, title: model }]);
      if (drawn !== kind) {
        drawn = kind;
        const line = (name, { colour, dash }) => (
          { name, x: levels, y: row(data.errors[name], kinds.indexOf(kind)), colour, dash });
        const lines = names.map(name => line(name, data.styles[name]));
        const series = [{ name: "do nothing", x: levels, y: data.nothing[kind].values, dash: "1 3" }, ...lines];
        const most = Math.max(...series.flatMap(({ y }) => Array.from(y)));
        chart.set({ series, y: { ...chart.y, high: 1.05 * most } });
      }
      const [errors, nothings] = [row(data.errors[model], kinds.indexOf(kind)), data.nothing[kind].values];
      const place = levels.indexOf(level), error = errors[place], nothing = nothings[place];
      chart.mark([{ x: level, y: error, colour: data.styles[model].colour }]);
      const name = kind[0].toUpperCase() + kind.slice(1);
      return `${name} noise, level ${fixed(level, 1)}: the squared error is ${fixed(error, 4)} (${model}); `
        + `that of the noisy images themselves is ${fixed(nothing, 4)}.`;
    },
  };
}
