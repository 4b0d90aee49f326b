// One message of the conversation, as it is shown.

import { el, rate, seconds } from './format.js';
import { render } from './markdown.js';
import { wrap } from './tokens.js';

/** What the reader has said: plain text. */
export class Question {
  constructor(text) {
    this.role = 'user';
    this.text = text;
    this.element = el('li.message.user', {}, el('div.body', {}, text));
  }
}

/** What the model says, while it does and after. */
export class Answer {
  constructor(card, { onAgain }) {
    this.role = 'assistant';
    this.text = '';
    this.tokens = [];
    this.recoveries = [];
    this.card = card;
    this.began = performance.now();
    this.walked = -1;
    this.body = el('div.body', { tabIndex: 0, role: 'group' });
    this.body.setAttribute('aria-label', 'Answer. The arrow keys walk through its tokens.');
    this.facts = el('span.facts');
    this.again = el('button.quiet', { type: 'button', onclick: onAgain }, 'Regenerate');
    const copy = el('button.quiet', { type: 'button', onclick: () => this.copy(copy) }, 'Copy');
    this.foot = el('footer', { hidden: true }, this.again, copy, this.facts);
    this.element = el('li.message.assistant.busy', {}, this.body, this.foot);
    this.body.addEventListener('pointerover', (event) => this.onPoint(event));
    this.body.addEventListener('pointerleave', () => card.hide());
    this.body.addEventListener('keydown', (event) => this.onKey(event));
    this.body.addEventListener('blur', () => card.hide());
    this.draw();
  }

  add(text, probabilities) {
    this.first ??= performance.now();
    this.last = performance.now();
    this.text += text;
    if (probabilities) {
      this.tokens.push({
        text,
        token: probabilities.token,
        logprob: probabilities.logprob,
        top: probabilities.top_logprobs,
      });
    }
    this.drawSoon();
  }

  recovered(recovery) {
    this.recoveries.push(recovery);
  }

  drawSoon() {
    if (!this.frame) {
      this.frame = requestAnimationFrame(() => {
        this.frame = 0;
        this.draw();
      });
    }
  }

  draw() {
    const fragment = render(this.text);
    wrap(fragment, this.tokens);
    this.body.replaceChildren(fragment);
    this.element.dispatchEvent(new CustomEvent('sluice:grown', { bubbles: true }));
  }

  /** It is whole, or was stopped, or failed. */
  end({ reason, seed, failure }) {
    cancelAnimationFrame(this.frame);
    this.frame = 0;
    this.draw();
    this.element.classList.remove('busy');
    if (failure) {
      this.body.append(el('p.failure', { role: 'alert' }, failure));
    }
    this.foot.hidden = false;
    this.facts.replaceChildren(...this.told(reason, seed).map((fact) => el('span', {}, fact)));
  }

  told(reason, seed) {
    const facts = [];
    const count = this.tokens.length;
    if (count) {
      facts.push(`${count} ${count === 1 ? 'token' : 'tokens'}`);
      facts.push(`first after ${seconds((this.first - this.began) / 1000)}`);
    }
    if (count > 1) {
      facts.push(`${rate((count - 1) / Math.max(1e-3, (this.last - this.first) / 1000))} a second`);
    }
    for (const { token, pause_ms } of this.recoveries) {
      facts.push(`went on after a loss at token ${token}, ${seconds(pause_ms / 1000)}`);
    }
    if (reason === 'length') {
      facts.push('cut at its longest');
    } else if (reason === 'stopped') {
      facts.push('stopped');
    }
    facts.push(`seed ${seed}`);
    return facts;
  }

  async copy(button) {
    await navigator.clipboard.writeText(this.text).then(
      () => (button.textContent = 'Copied'),
      () => (button.textContent = 'Not allowed'),
    );
    setTimeout(() => (button.textContent = 'Copy'), 1500);
  }

  onPoint(event) {
    const span = event.target.closest('.token');
    if (span) {
      this.card.show(span, this.tokens[span.dataset.token]);
    } else {
      this.card.hide();
    }
  }

  onKey(event) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (event.key === 'Escape') {
      this.card.hide();
    } else if (step && event.target === this.body) {
      const spans = this.body.querySelectorAll('.token');
      this.walked = Math.min(Math.max(0, this.walked + step), spans.length - 1);
      const span = spans[this.walked];
      if (span) {
        span.scrollIntoView({ block: 'nearest' });
        this.card.show(span, this.tokens[span.dataset.token]);
      }
      event.preventDefault();
    }
  }
}
