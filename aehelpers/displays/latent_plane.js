import { Pictures, element, fixed, network, number, paint, row } from "./core.js";

const SIDE = 440, LETTER = 12;

// The plane of a code of two numbers: a point is decoded as it moves, and beside it stand the images whose codes lie nearest.
export default function latentPlane(data, view) {
  const { codes, labels, images, limits } = data, [left, right, bottom, top] = limits, [height, width] = data.size;
  const decode = network(data.decoder), count = labels.length;
  const pictures = new Pictures({ titles: ["decoded", "nearest images"], height, width, count: 5, share: 0.44 });
  const point = element("circle", { r: 9, fill: paint("#d55e00"), stroke: "var(--ae-paper)", "stroke-width": 2 });
  const cross = element("path", { stroke: "currentColor", "stroke-opacity": 0.45, fill: "none" });
  const toX = x => (x - left) / (right - left) * SIDE, toY = y => (top - y) / (top - bottom) * SIDE;
  const svg = element("svg", {
    viewBox: `0 0 ${SIDE} ${SIDE}`, class: "ae-plane", tabindex: 0, role: "application",
    "aria-label": "Plane of codes: move the point with the pointer or the arrow keys",
  });
  for (let i = 0; i < count; i++) {
    const [x, y] = row(codes, i);
    if (x < left || x > right || y < bottom || y > top) continue;
    const fill = `var(--ae-digit-${labels[i]})`, place = { x: toX(x).toFixed(1), y: (toY(y) + 4).toFixed(1), fill };
    svg.append(element("text", { ...place, "text-anchor": "middle" }, String(labels[i])));
  }
  svg.append(cross, point);

  const plane = {
    element: svg,
    share: 0.56,
    resize: width => {
      const size = Math.min(width, SIDE);
      svg.style.width = `${size}px`;
      svg.style.fontSize = `${LETTER * SIDE / size}px`;  // the drawing shrinks, its letters do not
    },
  };
  const move = (x, y) => view.change({ x: Math.min(Math.max(x, left), right), y: Math.min(Math.max(y, bottom), top) });
  const follow = event => {
    const box = svg.getBoundingClientRect();
    const across = (event.clientX - box.left) / box.width, down = (event.clientY - box.top) / box.height;
    move(left + across * (right - left), top - down * (top - bottom));
  };
  svg.addEventListener("pointerdown", event => { svg.setPointerCapture(event.pointerId); svg.focus(); follow(event); });
  svg.addEventListener("pointermove", event => { if (svg.hasPointerCapture(event.pointerId)) follow(event); });
  svg.addEventListener("keydown", event => {
    const by = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    if (!by) return;
    event.preventDefault();
    move(view.state.x + by[0] * (right - left) / 50, view.state.y + by[1] * (top - bottom) / 50);
  });
  const control = (label, min, max) => number(label, { min, max, step: Number(((max - min) / 50).toPrecision(1)) });
  return {
    controls: { x: control("code unit 1", left, right), y: control("code unit 2", bottom, top) },
    parts: [plane, pictures],
    draw({ x, y }) {
      point.setAttribute("cx", toX(x)); point.setAttribute("cy", toY(y));
      cross.setAttribute("d", `M${toX(x)} 0V${SIDE}M0 ${toY(y)}H${SIDE}`);
      const distance = i => { const [a, b] = row(codes, i); return (a - x) ** 2 + (b - y) ** 2; };
      const byDistance = Array.from({ length: count }, (_, i) => [distance(i), i]).sort((a, b) => a[0] - b[0]);
      const nearest = byDistance.slice(0, 5).map(([, i]) => i);
      const size = height * width, beside = new Float32Array(nearest.length * size);
      nearest.forEach((i, place) => beside.set(row(images, i), place * size));
      pictures.show([{ values: decode(Float32Array.of(x, y)) }, { values: beside }]);
      const labelled = nearest.map(i => labels[i]).join(", ");
      return `The point (${fixed(x, 2)}, ${fixed(y, 2)}), decoded; the nearest images are labelled ${labelled}.`;
    },
  };
}
