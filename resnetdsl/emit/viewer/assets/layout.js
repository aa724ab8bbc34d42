// Positions for all that is shown, by ELK (the Eclipse Layout Kernel) in a worker, a frame at a time from the inside out.
// Frames of equal contents are laid out once: a thousand equal blocks cost as much as one.

const SIZES = { title: 600, detail: 400 };
const FONT = '"Inter", system-ui, -apple-system, "Segoe UI", "Helvetica Neue", Arial, sans-serif';
const measuring = document.createElement("canvas").getContext("2d");

const widths = new Map();
function textWidth(text, size, weight = 400) {
  const key = `${size}${weight}${text}`;
  if (!widths.has(key)) {
    measuring.font = `${weight} ${size}px ${FONT}`;
    widths.set(key, Math.ceil(measuring.measureText(text).width));
  }
  return widths.get(key);
}

class Layout {
  constructor() {
    this.cache = new Map();
    this.engine = null;
  }

  async start() {
    if (!this.engine) this.engine = this.#start();
    return this.engine;
  }

  async #start() {
    const packed = Uint8Array.from(atob(document.getElementById("elk-worker").textContent.trim()), (char) => char.charCodeAt(0));
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
    const url = URL.createObjectURL(new Blob([await new Response(stream).text()], { type: "text/javascript" }));
    return new window.ELK({ algorithms: ["layered"], workerFactory: () => new Worker(url) });
  }

  /** Gives every shown thing its place (`x`, `y`, `width`, `height`) and every segment its points. */
  async place(root, direction, columns = true) {
    this.direction = direction;
    this.columns = columns;
    await this.#frame(root);
    root.x = root.y = 0;
  }

  async #frame(frame) {
    await Promise.all(frame.children.filter((child) => child.isFrame).map((child) => this.#frame(child)));
    for (const child of frame.children) if (!child.isFrame) Object.assign(child, boxSize(child));
    const graph = this.#graph(frame);
    const key = JSON.stringify(graph);
    if (!this.cache.has(key)) {
      this.cache.set(key, this.start().then((engine) => engine.layout(graph)).then((found) => found.children[0]));
    }
    this.#take(frame, await this.cache.get(key));
  }

  #graph(frame) {
    const trio = frame.kind === "trio";
    const down = this.direction === "DOWN";
    const [first, last] = down ? ["NORTH", "SOUTH"] : ["WEST", "EAST"];
    const names = new Map(frame.children.map((child, at) => [child, `c${at}`]));
    const inPorts = [...frame.ins.keys()], outPorts = [...frame.outs.keys()];
    const children = frame.children.map((child, at) => {
      const made = { id: `c${at}`, width: child.width, height: child.height };
      if (child.isFrame) {
        made.layoutOptions = { "elk.portConstraints": "FIXED_POS" };
        made.ports = child.ports.map((port) => ({ id: `c${at}${port.id}`, x: port.x, y: port.y, width: 0, height: 0, layoutOptions: { "elk.port.side": port.id[0] === "i" ? first : last } }));
      }
      return made;
    });
    const end = (shown, tensor, out) => {
      if (!shown) return out ? `ki${inPorts.indexOf(tensor)}` : `ko${outPorts.indexOf(tensor)}`;
      if (!shown.isFrame) return names.get(shown);
      const keys = [...(out ? shown.outs : shown.ins).keys()];
      return `${names.get(shown)}${out ? "o" : "i"}${keys.indexOf(tensor)}`;
    };
    const edges = [...frame.segments.values()].map((segment, at) => {
      const edge = { id: `e${at}`, sources: [end(segment.from, segment.tensor, true)], targets: [end(segment.to, segment.tensor, false)], layoutOptions: {} };
      if (segment.style === "main") edge.layoutOptions["elk.layered.priority.straightness"] = "10";
      if (segment.style === "main") edge.layoutOptions["elk.layered.priority.shortness"] = "10";
      if (segment.label) edge.labels = [{ id: `l${at}`, text: segment.label, width: textWidth(segment.label, 10.5) + 8, height: 14 }];
      return edge;
    });
    const title = frame.kind === "frame" ? textWidth(frameTitle(frame.item), 12, SIZES.title) + 58 : 0;
    const pad = trio ? "[top=0,left=0,bottom=0,right=0]" : frame.kind === "root" ? "[top=24,left=24,bottom=24,right=24]" : "[top=34,left=14,bottom=14,right=14]";
    const side = (id, where) => ({ id, width: 0, height: 0, layoutOptions: { "elk.port.side": where } });
    const k = {
      id: "k", children, edges,
      ports: [...inPorts.map((_, at) => side(`ki${at}`, first)), ...outPorts.map((_, at) => side(`ko${at}`, last))],
      layoutOptions: {
        "elk.algorithm": "layered",
        "elk.direction": this.direction,
        "elk.padding": pad,
        "elk.edgeRouting": "ORTHOGONAL",
        "elk.portConstraints": "FIXED_SIDE",
        "elk.nodeSize.constraints": "[MINIMUM_SIZE, PORTS]",
        "elk.nodeSize.minimum": `(${title},20)`,
        "elk.spacing.nodeNode": "22",
        "elk.spacing.edgeNode": "16",
        "elk.spacing.edgeEdge": "10",
        "elk.spacing.edgeLabel": "3",
        "elk.layered.spacing.nodeNodeBetweenLayers": trio ? "18" : "24",
        "elk.layered.spacing.edgeNodeBetweenLayers": "10",
        "elk.layered.spacing.edgeEdgeBetweenLayers": "10",
        "elk.layered.mergeEdges": "true",
        "elk.layered.considerModelOrder.strategy": "NODES_AND_EDGES",
        "elk.layered.nodePlacement.strategy": "BRANDES_KOEPF",
        "elk.layered.nodePlacement.bk.fixedAlignment": "BALANCED",
        "elk.layered.edgeLabels.sideSelection": "ALWAYS_DOWN",
        "elk.layered.feedbackEdges": "false",
      },
    };
    if (this.columns && this.#isStrip(frame)) {
      Object.assign(k.layoutOptions, {
        "elk.layered.wrapping.strategy": "MULTI_EDGE",
        "elk.layered.wrapping.additionalEdgeSpacing": "20",
        "elk.aspectRatio": frame.kind === "root" ? "1.6" : "1.2",
      });
    }
    return { id: "root", children: [k], edges: [], layoutOptions: { "elk.algorithm": "layered", "elk.padding": "[top=0,left=0,bottom=0,right=0]" } };
  }

  /** Whether a frame holds so many things in a row that it is better set in columns. */
  #isStrip(frame) {
    const down = this.direction === "DOWN";
    const lengths = frame.children.map((child) => (down ? child.height : child.width) + 30);
    const length = lengths.reduce((sum, each) => sum + each, 0);
    const across = Math.max(0, ...frame.children.map((child) => (down ? child.width : child.height)));
    return frame.kind !== "trio" && lengths.length > 5 && length > (down ? 6 : 20) * across && Math.max(...lengths) < length / 3;
  }

  #take(frame, found) {
    Object.assign(frame, { width: found.width, height: found.height });
    frame.ports = (found.ports ?? []).map((port) => ({ id: port.id.slice(1), x: port.x, y: port.y }));
    frame.children.forEach((child, at) => {
      const { x, y } = found.children[at];
      Object.assign(child, { x, y });
    });
    [...frame.segments.values()].forEach((segment, at) => {
      const edge = found.edges[at];
      segment.sections = (edge.sections ?? []).map((each) => [each.startPoint, ...(each.bendPoints ?? []), each.endPoint]);
      segment.spot = edge.labels?.[0] ?? null;
    });
  }
}

function frameTitle(item) {
  const name = item.kind === "run" ? `${item.items.length} × ${item.title}` : item.title;
  return item.kind === "shortcut" ? `shortcut ${name}` : name;
}

/** The lines of a box: its title, and below it what is inside and what it costs. */
function boxLines(shown) {
  const { item } = shown;
  if (shown.kind === "result") return [shown.title, shown.detail];
  if (shown.kind === "merge") return ["+"];
  if (shown.kind === "pill") return [item ? item.title : "shortcut"];
  const title = item.kind === "run" ? `${item.items.length} × ${item.title}` : item.title;
  const lines = [title, item.detail];
  if (shown.kind === "part") {
    const costs = [item.params ? `${human(item.params)} params` : "", item.macs ? `${human(item.macs)} MACs` : ""];
    lines.push(costs.filter(Boolean).join(", "));
  }
  return lines.filter(Boolean);
}

function boxSize(shown) {
  if (shown.kind === "merge") return { width: 24, height: 24 };
  const [title, ...details] = boxLines(shown);
  if (shown.kind === "pill") return { width: textWidth(title, 11, 500) + 20 + (canOpen(shown.item) ? 12 : 0), height: 22 };
  const fold = canOpen(shown.item) ? 26 : 0;
  const inner = Math.max(textWidth(title, 12.5, SIZES.title) + fold, ...details.map((line) => textWidth(line, 11)));
  const stacked = shown.item?.kind === "run" ? 4 : 0;
  return { width: Math.max(64, inner + 24) + stacked, height: 16 + 16 * (1 + details.length) - 4 + stacked };
}
