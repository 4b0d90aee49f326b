// How tokens are drawn: a field for each parameter, kept while the tab is open.

import { el } from './format.js';

const STORE = 'sluice-sampling';

const PARAMETERS = [
  { name: 'temperature', label: 'Temperature', from: 0, to: 2, step: 0.05, usual: 0.8,
    why: '0 takes the most likely token' },
  { name: 'top_p', label: 'Top p', from: 0, to: 1, step: 0.01, usual: 0.95,
    why: 'the likeliest tokens that together have this probability' },
  { name: 'top_k', label: 'Top k', from: 0, to: 200, step: 1, usual: 0,
    why: 'so many of the likeliest; 0 for all' },
  { name: 'min_p', label: 'Min p', from: 0, to: 1, step: 0.01, usual: 0,
    why: 'none below this share of the likeliest' },
  { name: 'repetition_penalty', label: 'Repetition penalty', from: 1, to: 2, step: 0.01, usual: 1,
    why: '1 for none' },
  { name: 'max_tokens', label: 'Longest answer', from: 1, to: 2048, step: 1, usual: 256,
    why: 'in tokens' },
];

export class Controls {
  constructor(root) {
    this.values = read();
    const sliders = PARAMETERS.map((parameter) => this.slider(parameter));
    this.seed = el('input', {
      type: 'text', inputMode: 'numeric', placeholder: 'any', value: this.values.seed ?? '',
      pattern: '[0-9]{0,15}', title: 'The same seed gives the same answer',
    });
    this.system = el('textarea', {
      rows: 2, placeholder: 'What the model is told before the conversation',
      value: this.values.system ?? '',
    });
    for (const field of [this.seed, this.system]) {
      field.addEventListener('input', () => this.keep());
    }
    const usual = el('button.quiet', { type: 'button', onclick: () => this.reset() }, 'As usual');
    root.append(
      el('div.sliders', {}, ...sliders),
      el('label.wide', {}, el('span', {}, 'System message'), this.system),
      el('div.row', {}, el('label.seed', {}, el('span', {}, 'Seed'), this.seed), usual),
    );
  }

  slider(parameter) {
    const { name, label, from, to, step, why } = parameter;
    const value = this.values[name] ?? parameter.usual;
    const range = el('input', { type: 'range', min: from, max: to, step, value, title: why });
    const shown = el('output', {}, String(value));
    range.addEventListener('input', () => {
      shown.textContent = range.value;
      this.keep();
    });
    parameter.range = range;
    parameter.shown = shown;
    return el('label.slider', { title: why }, el('span', {}, label), shown, range);
  }

  /** The system message; empty for none. */
  get before() {
    return this.system.value.trim();
  }

  /** The seed that was asked for; null for any. */
  get asked() {
    return /^[0-9]{1,15}$/.test(this.seed.value) ? Number(this.seed.value) : null;
  }

  /** No answer can be longer than the model's context. */
  limit(context) {
    const longest = PARAMETERS.find(({ name }) => name === 'max_tokens');
    longest.range.max = Math.max(1, context - 1);
    longest.shown.textContent = longest.range.value;
  }

  /** As fields of a request. */
  get fields() {
    return Object.fromEntries(PARAMETERS.map(({ name, range }) => [name, Number(range.value)]));
  }

  reset() {
    for (const { range, shown, usual } of PARAMETERS) {
      range.value = usual;
      shown.textContent = String(usual);
    }
    this.seed.value = '';
    this.system.value = '';
    this.keep();
  }

  keep() {
    const all = { ...this.fields, seed: this.seed.value, system: this.system.value };
    sessionStorage.setItem(STORE, JSON.stringify(all));
  }
}

function read() {
  try {
    return JSON.parse(sessionStorage.getItem(STORE)) ?? {};
  } catch {
    return {};
  }
}
