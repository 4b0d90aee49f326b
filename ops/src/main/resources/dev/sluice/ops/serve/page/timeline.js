// Three minutes of tokens a second, and what happened meanwhile.

import { clock, el, seconds, svg } from './format.js';

const WIDTH = 400;
const HEIGHT = 96;
const FOOT = 16;
const MAX_LINES = 5;

export class Timeline {
  constructor(root, list) {
    this.root = root;
    this.list = list;
  }

  show(state) {
    const counts = state.tokens_each_second;
    const most = nice(Math.max(4, ...counts));
    const span = counts.length;
    const x = (i) => (WIDTH * i) / (span - 1);
    const y = (value) => 6 + (HEIGHT - 6) * (1 - value / most);
    const line = counts.map((value, i) => `${i ? 'L' : 'M'}${x(i).toFixed(1)} ${y(value).toFixed(1)}`);
    const begin = state.time - 1000 * span;
    const moments = state.moments.filter((moment) => moment.time >= begin);
    const total = counts.reduce((a, b) => a + b, 0);
    const chart = svg(
      'svg',
      {
        viewBox: `0 0 ${WIDTH} ${HEIGHT + FOOT}`,
        role: 'img',
        'aria-label': `${total} tokens in three minutes, at most ${Math.max(...counts)} in a second; ${moments.length} events`,
      },
      ...[0.5, 1].map((share) =>
        svg('path', { class: 'grid', d: `M0 ${y(share * most)}H${WIDTH}` }),
      ),
      svg('path', { class: 'area', d: `${line.join('')}L${WIDTH} ${HEIGHT}L0 ${HEIGHT}Z` }),
      svg('path', { class: 'line', d: line.join('') }),
      svg('path', { class: 'base', d: `M0 ${HEIGHT}H${WIDTH}` }),
      label(0, y(most) + 11, String(most), 'start'),
      label(0, HEIGHT + 12, '3 min ago', 'start'),
      label(WIDTH / 3, HEIGHT + 12, '2', 'middle'),
      label((2 * WIDTH) / 3, HEIGHT + 12, '1', 'middle'),
      label(WIDTH, HEIGHT + 12, 'now', 'end'),
      ...moments.map((moment) => mark(moment, (WIDTH * (moment.time - begin)) / (1000 * span))),
    );
    this.root.replaceChildren(chart);
    const lines = state.moments.slice(-MAX_LINES).reverse();
    const key = JSON.stringify(lines);
    if (key !== this.key) {
      this.key = key;
      this.list.replaceChildren(...lines.map(entry));
    }
  }
}

function label(x, y, text, anchor) {
  return svg('text', { x, y, 'text-anchor': anchor }, text);
}

function mark(moment, x) {
  const d =
    moment.kind === 'recovery'
      ? `M${x} 4V${HEIGHT}M${x - 5} 9l5 -5l5 5l-5 5z`
      : `M${x} 4V${HEIGHT}`;
  return svg('path', { class: `mark ${moment.kind}`, d }, svg('title', {}, told(moment)));
}

function entry(moment) {
  return el(`li.${moment.kind}`, {}, el('time', {}, clock(moment.time)), el('span', {}, told(moment)));
}

function told(moment) {
  if (moment.kind === 'recovery') {
    const streams = moment.streams === 1 ? 'a stream' : `${moment.streams} streams`;
    return `A loss was overcome: ${streams} went on after ${seconds(moment.pause_seconds)}`;
  }
  return `Pipeline ${moment.epoch} was built${moment.why ? `: ${moment.why}` : ''}`;
}

/** The next of 4, 5, 10, 20, 40, 50, 100 … */
function nice(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 4, 5, 10].map((step) => step * power).find((step) => step >= value);
}
