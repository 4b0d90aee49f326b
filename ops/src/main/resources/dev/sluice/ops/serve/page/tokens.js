// Tokens under the words of an answer: what each of them could have been.

import { el, percent } from './format.js';

/** How far ahead a character of the page is looked for among those that markdown has taken away. */
const LOOK_AHEAD = 200;

/**
 * Wraps the text of each token. The page shows the answer's characters in their order, less the
 * signs of markdown, so walking through both finds which token a character came from.
 */
export function wrap(root, tokens) {
  const text = tokens.map((t) => t.text).join('');
  const owner = new Uint32Array(text.length);
  let at = 0;
  tokens.forEach((token, index) => {
    owner.fill(index, at, at + token.text.length);
    at += token.text.length;
  });
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  const nodes = [];
  while (walker.nextNode()) {
    nodes.push(walker.currentNode);
  }
  let place = 0;
  for (const node of nodes) {
    const runs = [];
    for (const character of node.data) {
      const found = text.indexOf(character, place);
      const known = found >= 0 && found - place < LOOK_AHEAD;
      if (known) {
        place = found + character.length;
      }
      const index = known ? owner[found] : -1;
      const last = runs.at(-1);
      if (last && (last.index === index || (index < 0 && character.trim() === ''))) {
        last.text += character;
      } else {
        runs.push({ index, text: character });
      }
    }
    node.replaceWith(...runs.map((run) => piece(run, tokens)));
  }
}

function piece(run, tokens) {
  if (run.index < 0) {
    return document.createTextNode(run.text);
  }
  const span = el('span.token', {}, run.text);
  span.dataset.token = run.index;
  span.dataset.certainty = certainty(Math.exp(tokens[run.index].logprob));
  return span;
}

/** 0, a wild guess, to 4, sure. */
function certainty(probability) {
  return [0.1, 0.3, 0.6, 0.9].filter((limit) => probability >= limit).length;
}

/** The card beside a token: one for the page. */
export class TokenCard {
  constructor(card) {
    this.card = card;
    this.marked = null;
    addEventListener('scroll', () => this.hide(), { capture: true, passive: true });
  }

  show(span, token) {
    this.hide();
    this.marked = span;
    span.classList.add('active');
    this.card.replaceChildren(...content(token));
    this.card.hidden = false;
    const box = span.getClientRects()[0] ?? span.getBoundingClientRect();
    const { width, height } = this.card.getBoundingClientRect();
    const left = Math.min(Math.max(8, box.left), innerWidth - width - 8);
    const above = box.top - height - 8;
    this.card.style.left = `${left}px`;
    this.card.style.top = `${above > 8 ? above : box.bottom + 8}px`;
  }

  hide() {
    this.marked?.classList.remove('active');
    this.marked = null;
    this.card.hidden = true;
  }
}

function content(token) {
  const rows = [...token.top];
  if (!rows.some((other) => other.token === token.token)) {
    rows.push(token);
  }
  const most = Math.max(...rows.map((row) => Math.exp(row.logprob)));
  const list = el('ul', {}, ...rows.map((row) => bar(row, row.token === token.token, most)));
  const title = el(
    'p',
    {},
    el('code', {}, visible(token.token)),
    ` drawn at ${percent(Math.exp(token.logprob))}`,
  );
  return [title, list];
}

function bar(row, chosen, most) {
  const probability = Math.exp(row.logprob);
  const fill = el('i');
  fill.style.width = `${(100 * probability) / most}%`;
  return el(
    chosen ? 'li.chosen' : 'li',
    {},
    el('code', {}, visible(row.token)),
    el('span.track', {}, fill),
    el('span.share', {}, percent(probability)),
  );
}

/** White space that can be seen. */
function visible(text) {
  return text === '' ? '∅' : text.replaceAll(' ', '␣').replaceAll('\n', '⏎').replaceAll('\t', '⇥');
}
