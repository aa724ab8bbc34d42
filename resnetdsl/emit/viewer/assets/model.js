// The network as the page knows it: nodes and items with their sums, in the order of the spec. No drawing here.

const LEVELS = ["network", "stage", "block", "op", "all"];
const UNITS = [[1e12, "T"], [1e9, "G"], [1e6, "M"], [1e3, "k"]];

/** `25.6 M`: three digits and a unit; below a thousand the number itself. */
function human(number) {
  for (const [size, unit] of UNITS) {
    if (number * 2000 >= size * 1999) {
      const value = number / size;
      return `${value < 9.995 ? value.toFixed(2) : value < 99.95 ? value.toFixed(1) : value.toFixed(0)} ${unit}`;
    }
  }
  return String(number);
}

function humanBytes(number) {
  const text = human(number);
  return /[A-Z]$/i.test(text) ? `${text}B` : `${text} B`;
}

const grouped = (number) => number.toLocaleString("en-US");

/** What a box can be coloured by, and how its numbers are written. */
const MEASURES = {
  macs: { title: "MACs", write: human },
  params: { title: "Parameters", write: human },
  bytes: { title: "Activation memory", write: humanBytes },
};

class Model {
  constructor(data) {
    this.data = data;
    this.kinds = data.kinds.map(([op, title, attrs]) => ({ op, title, attrs }));
    this.nodes = data.nodes.map((row, id) => this.#node(row, id));
    this.users = this.nodes.map(() => []);
    for (const node of this.nodes) {
      node.inputs.forEach((source, port) => this.users[source.node].push({ node: node.id, port, output: source.output }));
    }
    this.scopes = data.scopes.map(([parent, kind, name, path, call, definition, index, count, doc], id) => (
      { id, parent, kind, name, path, call, definition, index, count, doc }));
    this.residuals = new Map();
    this.shortcutOf = new Map(); // a node to the residual whose shortcut it helps to compute
    for (const [merge, port, label, nodes] of data.residuals) {
      const residual = { merge, port, label, nodes: new Set(nodes) };
      this.residuals.set(merge, residual);
      for (const node of nodes) this.shortcutOf.set(node, residual);
    }
    this.tapped = new Set(data.outputs.map(([, node]) => node));
    this.items = [];
    this.itemOf = new Map(); // a node to its innermost item
    this.keys = new Map();
    this.root = { id: -1, kind: "root", title: data.network, nodes: this.nodes.map((node) => node.id), parent: null, level: 0, items: [] };
    this.root.items = data.items.map((each) => this.#item(each, this.root));
    this.#sum(this.root);
  }

  #node([kind, path, scope, outputs, params, buffers, macs, bytes, field, span, flat], id) {
    const inputs = [];
    for (let at = 0; at < flat.length; at += 2) inputs.push({ node: flat[at], output: flat[at + 1] });
    const shapes = outputs.map((shape) => this.data.shapes[shape]);
    return { id, ...this.kinds[kind], path, scope, shapes, params, buffers, macs, bytes, field, span, inputs };
  }

  #item(row, parent) {
    const item = {
      id: this.items.length, kind: row.k, title: row.t, detail: row.d ?? "", nodes: row.n, tone: row.c, opens: row.o,
      scope: row.s ?? null, split: row.x ?? null, parent, level: parent.level + 1, items: [],
    };
    this.items.push(item);
    item.path = this.#path(item);
    // A name that outlives an edit of the spec, so that what is open stays open.
    const name = `${item.kind}:${item.path}`;
    const seen = this.keys.get(name) ?? [];
    item.key = seen.length ? `${name}#${seen.length}` : name;
    this.keys.set(name, [...seen, item]);
    this.keys.set(item.key, [item, ...(this.keys.get(item.key) ?? []).filter((each) => each !== item)]);
    item.items = (row.i ?? []).map((each) => this.#item(each, item));
    for (const node of item.nodes) if (!this.itemOf.has(node)) this.itemOf.set(node, item);
    this.#sum(item);
    return item;
  }

  #path(item) {
    const first = this.nodes[item.nodes[0]];
    if (item.scope === null || !["part", "run"].includes(item.kind)) {
      return item.kind === "shortcut" ? `${this.scopes[first.scope].path}` : first.path;
    }
    const scope = this.scopes[item.scope];
    return scope.path || scope.name;
  }

  #sum(item) {
    for (const measure of ["params", "buffers", "macs", "bytes"]) {
      item[measure] = item.nodes.reduce((sum, node) => sum + this.nodes[node][measure], 0);
    }
  }

  find(key) {
    return this.keys.get(key)?.[0] ?? null;
  }

  /** The paths of a run's copies: `layer1.1 … layer1.2`. */
  place(item) {
    if (item.kind !== "run") return item.path;
    return `${item.items[0].path} … ${item.items.at(-1).path}`;
  }

  copies(item) {
    return item.kind === "run" ? item.items.length : 1;
  }

  type(source) {
    return this.nodes[source.node].shapes[source.output];
  }

  /** The tensors that come into a set of nodes from outside, and those that leave it. */
  reads(item) {
    const inside = new Set(item.nodes);
    const found = new Map();
    for (const id of item.nodes) {
      for (const source of this.nodes[id].inputs) {
        if (!inside.has(source.node)) found.set(`${source.node}:${source.output}`, source);
      }
    }
    return [...found.values()];
  }

  writes(item) {
    const inside = new Set(item.nodes);
    const found = new Map();
    for (const id of item.nodes) {
      for (const user of this.users[id]) {
        if (!inside.has(user.node)) found.set(`${id}:${user.output}`, { node: id, output: user.output });
      }
      for (const [, node, output] of this.data.outputs) {
        if (node === id) found.set(`${node}:${output}`, { node, output });
      }
    }
    return [...found.values()];
  }

  /** The scopes from the network down to an item or op. */
  trail(item) {
    const found = [];
    let at = item.scope ?? this.nodes[item.nodes[0]].scope;
    if (item.kind === "shortcut") at = this.nodes[item.nodes[0]].scope;
    while (at !== null && at !== undefined) {
      found.unshift(this.scopes[at]);
      at = this.scopes[at].parent;
    }
    return found;
  }

  /** The items that a search means: by path, op, title or name of a block, in the order of the spec. */
  search(text) {
    const wanted = text.trim().toLowerCase().replaceAll(/(\d)x(?=\d)/g, "$1×");
    if (!wanted) return [];
    return this.items.filter((item) => {
      // A layer's box is found by its first op, a run by its copies.
      if (item.kind === "run" || item.kind === "cell") return false;
      const op = item.nodes.length === 1 ? this.nodes[item.nodes[0]].op : "";
      return [item.path, item.title, op].some((each) => each.toLowerCase().includes(wanted));
    });
  }

  /** A place in a spec as lines, counted in code points as Python counts them. */
  text(span, context = 2) {
    const [file, start, end] = span;
    const [name, text] = this.data.files[file];
    const points = Array.from(text);
    let line = 1, begin = 0;
    for (let at = 0; at < start && at < points.length; at++) {
      if (points[at] === "\n") { line++; begin = at + 1; }
    }
    const column = start - begin + 1;
    let first = line, from = begin;
    for (let left = context; left > 0 && from > 0; left--) {
      let at = from - 1;
      while (at > 0 && points[at - 1] !== "\n") at--;
      from = at;
      first--;
    }
    let to = Math.max(start, end);
    for (let left = context + 1; left > 0 && to < points.length; left--) {
      while (to < points.length && points[to] !== "\n") to++;
      if (left > 1) to++;
    }
    const piece = (low, high) => points.slice(low, high).join("");
    return { name, line, column, first, before: piece(from, start), marked: piece(start, end), after: piece(end, to) };
  }
}
