// What is shown, as SVG. All text goes in as text: no markup of a spec's is ever read.

const SVG = "http://www.w3.org/2000/svg";

function svg(name, attributes = {}, ...children) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) if (value !== null && value !== undefined) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

function html(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value === true) made.setAttribute(key, "");
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

/** A path through points with its corners rounded. */
function roundedPath(points, radius = 6) {
  const [start] = points;
  let path = `M${round(start.x)},${round(start.y)}`;
  for (let at = 1; at < points.length - 1; at++) {
    const [before, corner, after] = [points[at - 1], points[at], points[at + 1]];
    const one = toward(corner, before, radius), two = toward(corner, after, radius);
    path += `L${round(one.x)},${round(one.y)}Q${round(corner.x)},${round(corner.y)} ${round(two.x)},${round(two.y)}`;
  }
  const end = points.at(-1);
  return `${path}L${round(end.x)},${round(end.y)}`;
}

const round = (value) => Math.round(value * 10) / 10;

function toward(from, to, most) {
  const length = Math.hypot(to.x - from.x, to.y - from.y) || 1;
  const step = Math.min(most, length / 2) / length;
  return { x: from.x + (to.x - from.x) * step, y: from.y + (to.y - from.y) * step };
}

/** The colours of a measure from nothing to the most: away from the page's own, in an order that survives any colour vision. */
const HEATS = {
  light: ["#fff7ec", "#fee0ae", "#fdbb63", "#f57b3e", "#d3342a", "#8c0d25"],
  dark: ["#1e2532", "#46263a", "#86303f", "#c94a38", "#f08a3e", "#ffd77a"],
};

const isDark = () => {
  const { theme } = document.documentElement.dataset;
  return theme === "dark" || (theme !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
};

function heatColor(share) {
  const scale = HEATS[isDark() ? "dark" : "light"].map((hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16)));
  const at = Math.min(Math.max(share, 0), 1) * (scale.length - 1);
  const low = Math.min(Math.floor(at), scale.length - 2);
  const mixed = scale[low].map((value, index) => Math.round(value + (scale[low + 1][index] - value) * (at - low)));
  const linear = (value) => (value <= 10 ? value / 3294 : ((value / 255 + 0.055) / 1.055) ** 2.4);
  const luminance = mixed.reduce((sum, value, index) => sum + linear(value) * [0.2126, 0.7152, 0.0722][index], 0);
  // Black where it reads better than white (WCAG 2.2, relative luminance).
  return { fill: `rgb(${mixed.join(" ")})`, ink: luminance > 0.179 ? "#000000" : "#ffffff" };
}

/** Where a number stands on the scale: by its square root, so that small ones still differ. */
const heatShare = (value, most) => (most ? Math.sqrt(value / most) : 0);

class Drawing {
  constructor(world, onToggle) {
    this.world = world;
    this.onToggle = onToggle;
    this.elements = new Map(); // key of an item (and which of its shapes) to its element
    this.shown = [];
  }

  draw(root, model, folds) {
    this.root = root;
    this.model = model;
    this.folds = folds;
    this.elements.clear();
    this.shown = [...root.walk()];
    const layer = svg("g");
    this.#inside(root, layer, 1);
    this.world.replaceChildren(layer);
  }

  #inside(frame, into, level) {
    const lines = svg("g", { class: "lines", "aria-hidden": "true" });
    const labels = svg("g", { class: "labels", "aria-hidden": "true" });
    // Where a tensor's lines share a way, the main one lies above: the shortcut begins where it leaves it.
    const segments = [...frame.segments.values()];
    const rank = (segment) => (segment.style === "main" ? 1 : 0);
    for (const segment of segments.sort((one, other) => rank(one) - rank(other))) this.#line(segment, lines, labels);
    into.append(lines);
    for (const child of frame.children) into.append(this.#shown(child, level));
    into.append(labels);
  }

  #line(segment, lines, labels) {
    const arrow = segment.to && !segment.to.isFrame ? `url(#arrow-${segment.style === "main" ? "main" : "shortcut"})` : null;
    for (const points of segment.sections) {
      const path = svg("path", { d: roundedPath(points), class: `line ${segment.style}`, "marker-end": arrow });
      if (segment.residual) path.append(svg("title", {}, `shortcut: ${segment.residual.label || "identity"}`));
      lines.append(path);
    }
    if (segment.spot) {
      const { x, y, width, height } = segment.spot;
      labels.append(svg("text", { x: x + width / 2, y: y + height / 2 + 3.5, class: "shape" }, segment.label));
    }
  }

  #shown(shown, level) {
    const group = svg("g", { transform: `translate(${round(shown.x)} ${round(shown.y)})`, class: `shown ${shown.kind}` });
    if (shown.kind === "trio") {
      this.#inside(shown, group, level);
      return group;
    }
    shown.element = group;
    group.shown = shown;
    shown.key = `${shown.kind}|${shown.item ? shown.item.key : shown.title}`;
    this.elements.set(shown.key, group);
    const tone = shown.item?.tone ?? "plain";
    group.classList.add(tone);
    group.setAttribute("role", "treeitem");
    group.setAttribute("aria-level", level);
    group.setAttribute("aria-label", this.#spoken(shown));
    group.setAttribute("aria-selected", "false");
    group.setAttribute("tabindex", "-1");
    group.dataset.path = shown.item?.path ?? shown.title;
    group.dataset.kind = shown.item?.kind ?? "result";
    const opens = canOpen(shown.item) && shown.kind !== "merge";
    if (opens) group.setAttribute("aria-expanded", String(shown.kind === "frame"));
    if (shown.kind === "frame") this.#frame(shown, group, level);
    else this.#box(shown, group);
    if (opens) this.#button(shown, group);
    return group;
  }

  #frame(shown, group, level) {
    const scope = shown.item.scope === null ? null : this.model.scopes[shown.item.scope];
    const style = shown.item.kind === "part" && scope ? scope.kind : shown.item.kind;
    group.classList.add(`is-${style}`);
    group.append(svg("rect", { class: "frame-shape", width: shown.width, height: shown.height, rx: 10 }));
    const inner = svg("g", { role: "group" });
    this.#inside(shown, inner, level + 1);
    group.append(inner, svg("text", { class: "title", x: 14, y: 21 }, frameTitle(shown.item)));
  }

  #box(shown, group) {
    const { width, height } = shown;
    if (shown.kind === "merge") {
      group.append(svg("circle", { class: "shape-of", cx: width / 2, cy: height / 2, r: width / 2 }));
      group.append(svg("path", { class: "plus", d: `M${width / 2 - 5},${height / 2}h10M${width / 2},${height / 2 - 5}v10` }));
      return;
    }
    const stacked = shown.item?.kind === "run" ? 4 : 0;
    const w = width - stacked, h = height - stacked;
    const rx = shown.kind === "pill" ? h / 2 : shown.kind === "input" || shown.kind === "result" ? 3 : 7;
    if (stacked) group.append(svg("rect", { class: "shape-of behind", x: stacked, y: stacked, width: w, height: h, rx }));
    group.append(svg("rect", { class: "shape-of", width: w, height: h, rx }));
    const [title, ...details] = boxLines(shown);
    const fold = canOpen(shown.item) && shown.kind !== "pill" ? 10 : canOpen(shown.item) ? 6 : 0;
    if (shown.kind === "pill") {
      group.append(svg("text", { class: "title", x: w / 2 - fold, y: h / 2 + 4 }, title));
      return;
    }
    // In the middle, but not under the button.
    const middle = Math.min(w / 2, w - (fold ? 28 : 0) - textWidth(title, 12.5, 600) / 2);
    group.append(svg("text", { class: "title", x: middle, y: 20 }, title));
    details.forEach((line, at) => group.append(svg("text", { class: "detail", x: w / 2, y: 36 + 16 * at }, line)));
  }

  /** The mark that opens or closes; the keyboard has its own ways, so it is no stop of its own. */
  #button(shown, group) {
    const open = shown.kind === "frame";
    const stacked = shown.item.kind === "run" && !open ? 4 : 0;
    const pill = shown.kind === "pill";
    const x = shown.width - stacked - (pill ? 13 : 15), y = pill ? 11 : 15;
    const buttons = [["toggle", open ? "M-4,0h8" : "M-4,0h8M0,-4v8", open ? "Fold" : "Unfold", x]];
    if (shown.item.kind === "run" && open) {
      const all = this.folds.state(shown.item) === "all";
      buttons.push(["copies", all ? "M-4,-2h8v6h-8z" : "M-4,-4h5v5h-5zM-1,-1h5v5h-5z", all ? "Draw the copies as one" : `Draw all ${shown.item.items.length}`, x - 20]);
    }
    for (const [action, path, title, at] of buttons) {
      const button = svg("g", { class: `fold ${action}`, transform: `translate(${at} ${y})`, "aria-hidden": "true" },
        svg("title", {}, title), svg("circle", { r: 8 }), svg("path", { d: path }));
      button.addEventListener("click", (event) => {
        event.stopPropagation();
        this.onToggle(shown, action);
      });
      button.addEventListener("dblclick", (event) => event.stopPropagation());
      group.append(button);
    }
  }

  #spoken(shown) {
    if (shown.kind === "result") return `${shown.title}, ${shown.detail}`;
    const { item } = shown;
    const writes = this.model.writes(item);
    const parts = [shown.kind === "frame" ? frameTitle(item) : boxLines(shown).slice(0, 2).join(", "), item.path];
    if (shown.kind === "merge") parts[0] = "addition";
    if (shown.kind === "pill") parts[0] = `shortcut: ${item.title}`;
    if (writes.length) parts.push(`output ${this.model.type(writes[0])}`);
    if (item.params) parts.push(`${human(item.params)} parameters`);
    if (item.macs) parts.push(`${human(item.macs)} MACs`);
    return parts.join(", ");
  }

  /** Colour by a measure; returns what the legend needs, or null. */
  heat(measure) {
    const boxes = this.shown.filter((shown) => shown.nodes.length && shown.kind !== "input");
    for (const shown of this.shown) {
      shown.element.classList.remove("hot");
      shown.element.style.removeProperty("--heat");
      shown.element.style.removeProperty("--heat-ink");
    }
    if (!MEASURES[measure]) return null;
    const values = boxes.map((shown) => this.worth(shown, measure));
    const most = Math.max(0, ...values);
    boxes.forEach((shown, at) => {
      const { fill, ink } = heatColor(heatShare(values[at], most));
      shown.element.classList.add("hot");
      shown.element.style.setProperty("--heat", fill);
      shown.element.style.setProperty("--heat-ink", ink);
    });
    return { most, total: this.model.root[measure] };
  }

  /** What a box stands for, all its copies together. */
  worth(shown, measure) {
    const sum = shown.nodes.reduce((total, node) => total + this.model.nodes[node][measure], 0);
    return shown.item?.kind === "run" && shown.kind === "part" ? shown.item[measure] - this.#shortcutOf(shown, measure) : sum;
  }

  #shortcutOf(shown, measure) {
    if (shown.parent.kind !== "trio") return 0;
    const others = shown.parent.children.filter((child) => child !== shown);
    return others.reduce((sum, child) => sum + child.nodes.reduce((all, node) => all + this.model.nodes[node][measure], 0), 0);
  }
}
