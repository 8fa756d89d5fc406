// Who has which key group, from top to bottom. Where several have it, each has a share of its column.
function paintMap(here) {
  const map = columns.map;
  if (!map) return;
  const group = map.width / data.key_groups, bottom = Math.min(view.height, y(last));
  pen.strokeStyle = colours.line;
  pen.lineWidth = 1;
  pen.setLineDash([2, 3]);
  pen.strokeRect(map.x + 0.5, Math.max(HEAD, y(0)), map.width - 1, Math.max(1, bottom - Math.max(HEAD, y(0))));
  pen.setLineDash([]);
  data.held.forEach((held, index) => {
    if (!crosses(held.from, held.to, here)) return;
    const top = Math.max(HEAD - 4, y(held.from)), end = Math.min(view.height + 4, Math.max(top + 1, y(held.to)));
    if (end < HEAD || top > view.height) return;
    const x = map.x + held.groups[0] * group, width = (held.groups[1] - held.groups[0] + 1) * group;
    pen.fillStyle = colours.tasks[held.subtask % 8];
    pen.globalAlpha = held.processes ? 1 : 0.32;
    const [mine, count] = held.share, gap = width > 3 ? 1 : 0;
    if (count === 1) {
      box(x, top, width - gap, end, 3);
      pen.fill();
    } else {
      // No narrower than can be seen.
      const period = Math.max(group, 3 * count);
      for (let at = 0; at < width - 0.1; at += period) {
        const slice = Math.min(period, width - at) / count;
        pen.fillRect(x + at + mine * slice, top, slice, Math.max(1, end - top));
      }
    }
    if (selected?.type === "held" && selected.index === index) {
      pen.globalAlpha = 1;
      pen.strokeStyle = colours.ink;
      pen.lineWidth = 2;
      box(x, top, width - gap, end, 3);
      pen.stroke();
    }
    targets.push({ type: "held", index, box: [x, top, x + width, end], share: held.share, period: Math.max(group, 3 * count) });
  });
  pen.globalAlpha = 1;
}
