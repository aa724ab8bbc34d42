// Boxes that lie on one another, and texts that leave their box.
() => {
  const found = [];
  const boxes = [...document.querySelectorAll(".shown:not(.trio):not(.frame)")];
  const areas = boxes.map((box) => box.querySelector(".shape-of").getBoundingClientRect());
  boxes.forEach((box, at) => {
    const area = areas[at];
    for (const text of box.querySelectorAll(":scope > text")) {
      const own = text.getBoundingClientRect();
      const inside = own.left > area.left - 1 && own.right < area.right + 1 && own.bottom < area.bottom + 1;
      if (!inside) found.push(`cut: ${text.textContent}`);
    }
    for (let other = at + 1; other < boxes.length; other++) {
      const theirs = areas[other];
      const across = Math.min(area.right, theirs.right) - Math.max(area.left, theirs.left);
      const down = Math.min(area.bottom, theirs.bottom) - Math.max(area.top, theirs.top);
      if (across > 1 && down > 1) found.push(`overlap: ${box.dataset.path} and ${boxes[other].dataset.path}`);
    }
  });
  return found;
}
