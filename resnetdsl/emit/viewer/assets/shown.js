// From a model and what is open to what is drawn: boxes in frames, and the lines between them, cut at each frame.

/** What is open: a level for all, and exceptions by key. A run is closed, drawn once, or all its copies. */
class Folds {
  constructor(level) {
    this.level = level;
    this.own = new Map();
  }

  setLevel(level) {
    this.level = level;
    this.own.clear();
  }

  state(item) {
    const own = this.own.get(item.key);
    if (own !== undefined) return own;
    if (this.level >= LEVELS.indexOf("all")) return item.kind === "run" ? "all" : "open";
    return item.opens <= this.level ? "open" : "closed";
  }

  set(item, state) {
    this.own.set(item.key, state);
  }

  /** Open the parts of these scopes; of a repeat all copies, so that one of them can differ. */
  open(model, scopes) {
    const asked = new Set(scopes);
    for (const item of model.items) {
      if (item.kind === "part" && asked.has(item.scope)) this.set(item, "open");
      if (item.kind === "run" && item.items.some((copy) => asked.has(copy.scope))) this.set(item, "all");
    }
  }
}

const canOpen = (item) => item !== null && item !== undefined && item.items.length > 0;

class Shown {
  constructor(kind, item, parent, more = {}) {
    Object.assign(this, { kind, item, parent, children: [], nodes: [], ins: new Map(), outs: new Map(), segments: new Map() });
    Object.assign(this, more);
    this.depth = parent ? parent.depth + 1 : 0;
    this.labelled = new Set();
    if (parent) this.at = parent.children.push(this) - 1;
  }

  get isFrame() {
    return this.kind === "frame" || this.kind === "trio" || this.kind === "root";
  }

  /** What stands for something of its own: all but the invisible frame around a closed residual. */
  *walk() {
    for (const child of this.children) {
      if (child.kind !== "trio") yield child;
      yield* child.walk();
    }
  }
}

/** How many boxes a drawing would have, found without making it. */
function countShown(model, folds) {
  let count = 0;
  const visit = (item) => {
    const state = canOpen(item) ? folds.state(item) : "closed";
    if (state === "closed") count += item.split ? 2 : 1;
    else if (item.kind === "run" && state === "open") item.items[0].items.forEach(visit);
    else item.items.forEach(visit);
  };
  model.root.items.forEach(visit);
  return count;
}

class Builder {
  constructor(model, folds) {
    this.model = model;
    this.folds = folds;
    this.home = new Array(model.nodes.length).fill(null);
    this.twin = new Map(); // a node of a later copy to that of the first
    this.trios = [];
    this.root = new Shown("root", model.root, null);
  }

  build() {
    for (const item of this.model.root.items) this.place(item, this.root);
    for (const [copy, first] of this.twin) this.home[copy] = this.home[first];
    const results = this.model.data.outputs.map(([name, node, output]) => {
      const box = new Shown("result", null, this.root, { title: name === "output" ? "output" : `tap ${name}` });
      box.detail = this.model.type({ node, output });
      box.source = { node, output };
      return box;
    });
    this.wire(results);
    return this.root;
  }

  take(shown, nodes) {
    shown.nodes = nodes;
    for (const node of nodes) this.home[node] = shown;
  }

  place(item, parent) {
    const state = canOpen(item) ? this.folds.state(item) : "closed";
    const open = state !== "closed";
    switch (item.kind) {
      case "op":
        // An identity does nothing: it is a line, and so is the shortcut that it stands for.
        if (this.model.nodes[item.nodes[0]].op !== "identity") this.take(new Shown("layer", item, parent), item.nodes);
        break;
      case "input":
      case "merge":
        this.take(new Shown(item.kind, item, parent), item.nodes);
        break;
      case "cell":
        if (open) item.items.forEach((each) => this.place(each, parent));
        else this.take(new Shown("layer", item, parent), item.nodes);
        break;
      case "shortcut":
        if (open) this.frame(item, item.items, parent);
        else this.take(new Shown("pill", item, parent), item.nodes);
        break;
      case "run":
        if (state === "all") this.frame(item, item.items, parent);
        else {
          this.twins(item);
          if (open) this.frame(item, item.items[0].items, parent);
          else this.closed(item, item.items[0], parent);
        }
        break;
      default:
        if (open) this.frame(item, item.items, parent);
        else this.closed(item, item, parent);
    }
  }

  frame(item, items, parent) {
    const frame = new Shown("frame", item, parent);
    items.forEach((each) => this.place(each, frame));
  }

  twins(run) {
    const [first, ...rest] = run.items;
    for (const copy of rest) copy.nodes.forEach((node, at) => this.twin.set(node, first.nodes[at]));
  }

  /** A closed part; one with a residual as branch, shortcut and addition, so that one sees it. */
  closed(item, first, parent) {
    if (!first.split) {
      this.take(new Shown("part", item, parent), first.nodes);
      return;
    }
    const { merge, after } = first.split;
    const reads = first.split.reads.map(([node, output]) => ({ node, output }));
    const residual = this.model.residuals.get(merge);
    const trio = new Shown("trio", item, parent);
    const later = new Set(after);
    const branch = new Shown("part", item, trio);
    this.take(branch, first.nodes.filter((node) => !later.has(node) && !residual.nodes.has(node)));
    if (residual.label) this.take(new Shown("pill", this.shortcut(first, residual), trio), [...residual.nodes]);
    const circle = new Shown("merge", this.model.itemOf.get(merge), trio);
    this.take(circle, after);
    this.trios.push({ branch, residual, reads });
    for (const node of residual.nodes) if (!residual.label) this.home[node] = null;
  }

  shortcut(item, residual) {
    const found = this.model.itemOf.get([...residual.nodes].find((node) => this.model.itemOf.has(node)));
    let at = found;
    while (at && at !== item && at.kind !== "shortcut") at = at.parent;
    return at && at.kind === "shortcut" ? at : found;
  }

  // --- lines ---

  /** The tensors of boxes that a tensor is passed on from. */
  origins(source) {
    const at = this.twin.get(source.node) ?? source.node;
    if (this.home[at]) return [{ node: at, output: source.output }];
    const found = new Map();
    for (const input of this.model.nodes[at].inputs) {
      for (const origin of this.origins(input)) found.set(`${origin.node}:${origin.output}`, origin);
    }
    return [...found.values()];
  }

  wire(results) {
    const detour = new Map(); // the box of a branch to what its shortcut is drawn from
    for (const { branch, residual, reads } of this.trios) detour.set(residual, { branch, reads });
    this.received = new Map();
    for (const node of this.model.nodes) {
      if (this.twin.has(node.id) || !this.home[node.id]) continue;
      const target = this.home[node.id];
      node.inputs.forEach((source, port) => {
        const { style, residual } = this.style(node, port);
        const around = residual && detour.get(residual);
        for (const origin of this.origins(source)) {
          if (around && this.home[origin.node] === around.branch) {
            for (const read of around.reads) for (const each of this.origins(read)) this.draw(each, target, style, residual);
          } else {
            this.draw(origin, target, style, residual);
          }
        }
      });
    }
    for (const box of results) {
      for (const origin of this.origins(box.source)) this.draw(origin, box, "main", null);
    }
  }

  style(node, port) {
    const own = this.model.residuals.get(node.id);
    if (own && own.port === port) return { style: own.label ? "projection" : "identity", residual: own };
    const within = this.model.shortcutOf.get(node.id);
    return within ? { style: within.label ? "projection" : "identity", residual: within } : { style: "main", residual: null };
  }

  draw(origin, target, style, residual) {
    const source = this.home[origin.node];
    if (source === target) return;
    const tensor = `${origin.node}:${origin.output}`;
    let from = source, to = target;
    const down = [];
    while (from.depth > to.depth) from = this.leave(from, source, tensor, style, residual);
    while (to.depth > from.depth) { down.push(to); to = to.parent; }
    while (from.parent !== to.parent) {
      from = this.leave(from, source, tensor, style, residual);
      down.push(to);
      to = to.parent;
    }
    const shape = this.model.type(origin);
    for (const each of [to, ...down]) if (!this.received.has(each)) this.received.set(each, shape);
    const label = style === "main" && from.parent.kind !== "trio" && from.item?.kind !== "input" && this.received.get(from) !== shape ? shape : "";
    this.segment(from.parent, from, to, tensor, style, residual, label);
    for (let at = down.length - 1; at >= 0; at--) {
      const frame = down[at].parent;
      frame.ins.set(tensor, tensor);
      this.segment(frame, null, down[at], tensor, style, residual, "");
    }
  }

  /** Lead a tensor out of the frame around a box. */
  leave(box, source, tensor, style, residual) {
    box.parent.outs.set(tensor, tensor);
    this.segment(box.parent, box, null, tensor, style, residual, "");
    return box.parent;
  }

  segment(frame, from, to, tensor, style, residual, label) {
    const name = (shown) => (shown ? shown.at : "");
    // Lines of one tensor into one box are one line, unless one of them is a shortcut.
    const key = `${name(from)}|${name(to)}|${tensor}|${from && to && !to.isFrame ? style : ""}`;
    const known = frame.segments.get(key);
    if (known) {
      if (known.style !== style && style === "main") Object.assign(known, { style, residual: null });
      return;
    }
    // One line of a tensor tells its shape.
    const said = `${name(from)}|${tensor}`;
    const shown = label && !frame.labelled.has(said) ? label : "";
    if (shown) frame.labelled.add(said);
    frame.segments.set(key, { from, to, tensor, style, residual, label: shown });
  }
}
