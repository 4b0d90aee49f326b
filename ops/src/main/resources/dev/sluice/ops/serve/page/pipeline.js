// The pipeline as a picture: stages one below the other, each with its layers on a rail, along which
// micro-batches go down; tokens come back up on the right. A dot is a micro-batch that was computed.

import { bytes, el, percent, rate, seconds, svg } from './format.js';

const MAX_TICKS = 40;
const MAX_DOTS = 8;
const PERIOD = 500;
const TRAVEL = 900;
const RAIL = 15;
const still = matchMedia('(prefers-reduced-motion: reduce)');

export class PipelinePicture {
  constructor(root, spares) {
    this.root = root;
    this.spares = spares;
    this.flow = svg('svg', { class: 'flow', 'aria-hidden': 'true' });
    this.dots = [];
    this.stages = [];
    this.paths = [];
    this.key = '';
    new ResizeObserver(() => this.measure()).observe(root);
  }

  show(state) {
    const key = JSON.stringify([
      state.epoch,
      state.stages.map((s) => [s.node, s.first_layer, s.end_layer]),
    ]);
    if (key !== this.key) {
      this.key = key;
      this.before = null;
      this.build(state);
    }
    state.stages.forEach((stage, index) => this.update(index, stage, state));
    state.links.forEach((link) => this.updateLink(link));
    this.showSpares(state);
    this.move(state);
    this.before = state;
  }

  build(state) {
    this.dots = [];
    this.flow.replaceChildren();
    this.stages = state.stages.map((stage, index) => card(stage, index));
    const parts = [this.flow];
    this.links = this.stages.map((_, index) => {
      const last = index === this.stages.length - 1;
      return el(last ? 'p.link.back' : 'p.link');
    });
    this.stages.forEach((stage, index) => parts.push(stage.element, this.links[index]));
    this.root.replaceChildren(...parts);
    this.measure();
  }

  update(index, stage, state) {
    const shown = this.stages[index];
    const node = state.nodes.find((n) => n.name === stage.node);
    const ready = stage.state === 'ready' && node?.state !== 'unreachable';
    shown.element.dataset.state = ready ? 'ready' : node?.state === 'unreachable' ? 'lost' : stage.state;
    shown.state.textContent = ready ? '' : words(stage, node);
    shown.node.textContent = stage.node;
    const again = index > 0 && state.stages[index - 1].node === stage.node;
    shown.roles.textContent = again ? '' : (node?.roles ?? []).join(', ');
    meter(shown.busy, stage.busy_share, percent(stage.busy_share));
    const used = stage.kv_bytes ? stage.kv_used_bytes / stage.kv_bytes : 0;
    meter(shown.kv, used, `${bytes(stage.kv_used_bytes)} of ${bytes(stage.kv_bytes)}`);
    const then = this.before?.stages[index];
    const span = this.before ? (state.time - this.before.time) / 1000 : 0;
    const done = then && span > 0 ? Math.max(0, stage.micro_batches - then.micro_batches) : 0;
    shown.rates = [...(shown.rates ?? []), span > 0 ? done / span : 0].slice(-4);
    const mean = shown.rates.reduce((a, b) => a + b, 0) / shown.rates.length;
    shown.batches.textContent = `${rate(mean)} micro-batches/s`;
    shown.done = done;
  }

  updateLink({ from, to, kind, seconds: time }) {
    const element = this.links[from];
    if (!element) {
      return;
    }
    const back = to === 0;
    const what = kind === 'round_trip' ? 'round trip' : 'hop';
    const told = time === null ? '' : `${seconds(time)} ${what}`;
    element.textContent = back ? ['tokens back', told].filter(Boolean).join(' · ') : told;
  }

  showSpares(state) {
    const busy = new Set(state.stages.map((s) => s.node));
    const spare = state.nodes.filter((n) => !busy.has(n.name));
    this.spares.replaceChildren(
      ...spare.map((node) =>
        el(
          'li',
          { title: node.roles.join(', ') },
          el('b', {}, node.name),
          ` ${node.state === 'up' ? 'spare' : node.state}`,
          node.cores ? ` · ${node.cores} cores · ${bytes(node.memory_bytes)}` : '',
        ),
      ),
    );
  }

  /** Where the rail and the way back run, by where the cards stand. */
  measure() {
    const box = this.root.getBoundingClientRect();
    if (this.stages.length === 0 || box.height === 0) {
      return;
    }
    this.flow.setAttribute('viewBox', `0 0 ${box.width} ${box.height}`);
    const boxes = this.stages.map(({ element }) => {
      const b = element.getBoundingClientRect();
      return { top: b.top - box.top, bottom: b.bottom - box.top };
    });
    const right = box.width - 9;
    const first = boxes[0].top;
    const end = boxes.at(-1).bottom;
    const ways = boxes.map(
      ({ top }, i) => `M${RAIL} ${top}V${i + 1 < boxes.length ? boxes[i + 1].top : end}`,
    );
    const back =
      `M${RAIL} ${end}v6q0 10 10 10H${right - 10}q10 0 10 -10V${first - 4}q0 -8 -8 -8` +
      `H${RAIL + 8}q-8 0 -8 8V${first}`;
    this.paths = [...ways, back].map((d, i) =>
      svg('path', { d, class: i < boxes.length ? 'rail' : 'way-back' }),
    );
    const ticks = this.stages.flatMap(({ layers }, i) => tickMarks(boxes[i], layers));
    this.flow.replaceChildren(...this.paths, ...ticks, ...this.dots.map((dot) => dot.element));
  }

  /** A dot for each micro-batch since the last state, or a few where there were many. */
  move(state) {
    if (still.matches || document.hidden) {
      return;
    }
    const now = performance.now();
    const send = (path, count) => {
      const many = Math.min(count, MAX_DOTS);
      for (let i = 0; i < many; i++) {
        const back = path === state.stages.length;
        const element = svg('circle', { r: back ? 2.2 : 3.4, class: back ? 'dot token-dot' : 'dot' });
        this.dots.push({ path, element, begins: now + (i * PERIOD) / many });
        this.flow.append(element);
      }
    };
    this.stages.forEach(({ done }, index) => send(index, done));
    send(this.stages.length, this.stages.at(-1)?.done ?? 0);
    if (this.dots.length && !this.frame) {
      this.frame = requestAnimationFrame((at) => this.step(at));
    }
  }

  step(now) {
    this.frame = 0;
    this.dots = this.dots.filter(({ element, path, begins }) => {
      const way = this.paths[path];
      const share = (now - begins) / (path === this.stages.length ? 1.4 * TRAVEL : TRAVEL);
      if (!way || share >= 1) {
        element.remove();
        return false;
      }
      if (share >= 0) {
        const { x, y } = way.getPointAtLength(share * way.getTotalLength());
        element.setAttribute('cx', x);
        element.setAttribute('cy', y);
        element.classList.add('seen');
      }
      return true;
    });
    if (this.dots.length) {
      this.frame = requestAnimationFrame((at) => this.step(at));
    }
  }
}

function card(stage, index) {
  const layers = stage.end_layer - stage.first_layer;
  const parts = {
    layers,
    state: el('span.state'),
    node: el('b'),
    roles: el('span.roles'),
    busy: meterElement('busy'),
    kv: meterElement('KV cache'),
    batches: el('span.batches'),
  };
  const range =
    layers === 1 ? `layer ${stage.first_layer}` : `layers ${stage.first_layer}–${stage.end_layer - 1}`;
  parts.element = el(
    'article.stage',
    {},
    el('header', {}, el('h3', {}, `Stage ${index + 1}`), el('span.range', {}, range), parts.state),
    el('p.node', {}, parts.node, parts.roles),
    parts.busy.element,
    parts.kv.element,
    parts.batches,
  );
  return parts;
}

function words(stage, node) {
  if (node?.state === 'unreachable' || stage.state === 'lost') {
    return 'lost';
  }
  return stage.fetch_bytes
    ? `fetching ${percent(stage.fetched_bytes / stage.fetch_bytes)}`
    : stage.state;
}

function meterElement(label) {
  const fill = el('i');
  const value = el('span.value');
  const track = el('span.track', { role: 'meter', 'aria-label': label }, fill);
  track.setAttribute('aria-valuemin', '0');
  track.setAttribute('aria-valuemax', '100');
  return { fill, value, track, element: el('div.meter', {}, el('span.label', {}, label), track, value) };
}

function meter(shown, share, text) {
  shown.fill.style.width = `${100 * Math.min(1, share)}%`;
  shown.track.setAttribute('aria-valuenow', Math.round(100 * share));
  shown.value.textContent = text;
}

function tickMarks({ top, bottom }, layers) {
  const count = Math.min(layers, MAX_TICKS);
  const room = bottom - top - 20;
  return Array.from({ length: count }, (_, i) => {
    const y = top + 10 + (room * (i + 0.5)) / count;
    return svg('path', { d: `M${RAIL - 5} ${y}h10`, class: 'tick' });
  });
}
