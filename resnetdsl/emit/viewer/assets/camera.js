// Where one looks: pan and zoom by mouse, wheel, pinch and keys.

const ZOOM = { least: 0.02, most: 4 };

class Camera {
  constructor(canvas, world, onMove) {
    Object.assign(this, { canvas, world, onMove, x: 0, y: 0, scale: 1, moved: false });
    this.pointers = new Map();
    canvas.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    canvas.addEventListener("pointerdown", (event) => this.#down(event));
    canvas.addEventListener("pointermove", (event) => this.#move(event));
    for (const name of ["pointerup", "pointercancel"]) canvas.addEventListener(name, (event) => this.#up(event));
    // What is in the middle stays there when the window changes; when a panel opens, nothing moves.
    let before = 0;
    new ResizeObserver(() => { before = this.size.width; }).observe(canvas);
    window.addEventListener("resize", () => this.pan((this.size.width - before) / 2, 0));
  }

  get size() {
    return { width: this.canvas.clientWidth, height: this.canvas.clientHeight };
  }

  apply() {
    this.world.setAttribute("transform", `translate(${this.x} ${this.y}) scale(${this.scale})`);
    this.onMove?.();
  }

  pan(dx, dy) {
    this.x += dx;
    this.y += dy;
    this.apply();
  }

  zoom(factor, at = { x: this.size.width / 2, y: this.size.height / 2 }) {
    const scale = Math.min(Math.max(this.scale * factor, ZOOM.least), ZOOM.most);
    this.x = at.x - ((at.x - this.x) * scale) / this.scale;
    this.y = at.y - ((at.y - this.y) * scale) / this.scale;
    this.scale = scale;
    this.apply();
  }

  /** All of it, no larger than life. */
  fit(box) {
    const { width, height } = this.size;
    this.scale = Math.min(Math.max(Math.min(width / box.width, height / box.height, 1.25), ZOOM.least), ZOOM.most);
    this.x = (width - box.width * this.scale) / 2;
    this.y = (height - box.height * this.scale) / 2;
    this.apply();
  }

  /** All of it if that is legible, else its beginning. */
  open(box, direction) {
    this.fit(box);
    if (this.scale >= 0.45) return;
    const { width, height } = this.size;
    if (direction === "DOWN") {
      this.scale = Math.min(0.9, Math.max(0.3, (width - 24) / box.width));
      this.x = (width - box.width * this.scale) / 2;
      this.y = 0;
    } else {
      this.scale = Math.min(0.9, Math.max(0.3, (height - 24) / box.height));
      this.x = 0;
      this.y = (height - box.height * this.scale) / 2;
    }
    this.apply();
  }

  /** Bring a place into view, and closer if it could not be read. */
  reveal(place, center = false) {
    const { width, height } = this.size;
    if (this.scale < 0.45) {
      this.scale = 0.9;
      center = true;
    }
    const box = { x: place.x * this.scale + this.x, y: place.y * this.scale + this.y, width: place.width * this.scale, height: place.height * this.scale };
    const margin = 40;
    const far = box.x < margin || box.y < margin || box.x + box.width > width - margin || box.y + box.height > height - margin;
    if (center || (far && (box.x > width || box.y > height || box.x + box.width < 0 || box.y + box.height < 0))) {
      this.x += width / 2 - (box.x + Math.min(box.width, width) / 2);
      this.y += height / 2 - (box.y + Math.min(box.height, height - 2 * margin) / 2);
    } else if (far) {
      const into = (low, size, room) => (size > room - 2 * margin ? 0 : Math.max(margin - low, 0) || Math.min(room - margin - (low + size), 0));
      this.x += into(box.x, box.width, width);
      this.y += into(box.y, box.height, height);
    }
    this.apply();
  }

  #point(event) {
    const box = this.canvas.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  }

  #wheel(event) {
    event.preventDefault();
    const unit = event.deltaMode === 1 ? 16 : event.deltaMode === 2 ? this.size.height : 1;
    if (event.shiftKey) this.pan(-(event.deltaX || event.deltaY) * unit, 0);
    else this.zoom(Math.exp((-event.deltaY * unit * (event.ctrlKey ? 8 : 1)) / 800), this.#point(event));
  }

  #down(event) {
    if (event.button > 1) return;
    this.pointers.set(event.pointerId, this.#point(event));
    this.moved = false;
  }

  #move(event) {
    const before = this.pointers.get(event.pointerId);
    if (!before) return;
    const now = this.#point(event);
    if (!this.moved && Math.hypot(now.x - before.x, now.y - before.y) < 4 && this.pointers.size === 1) return;
    this.moved = true;
    this.canvas.setPointerCapture(event.pointerId);
    this.canvas.classList.add("dragging");
    if (this.pointers.size === 2) {
      const [other] = [...this.pointers].filter(([id]) => id !== event.pointerId).map(([, point]) => point);
      const middle = { x: (now.x + other.x) / 2, y: (now.y + other.y) / 2 };
      const was = { x: (before.x + other.x) / 2, y: (before.y + other.y) / 2 };
      this.zoom(Math.hypot(now.x - other.x, now.y - other.y) / (Math.hypot(before.x - other.x, before.y - other.y) || 1), middle);
      this.pan(middle.x - was.x, middle.y - was.y);
    } else {
      this.pan(now.x - before.x, now.y - before.y);
    }
    this.pointers.set(event.pointerId, now);
  }

  #up(event) {
    this.pointers.delete(event.pointerId);
    if (!this.pointers.size) this.canvas.classList.remove("dragging");
  }
}
