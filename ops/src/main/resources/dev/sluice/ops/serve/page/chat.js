// The conversation.

import { ask, events } from './api.js';
import { Answer, Question } from './message.js';

const ALTERNATIVES = 5;
const MAX_SEED = 2 ** 32;

export class Chat {
  constructor({ log, list, welcome, form, field, send, clear, controls, card }) {
    Object.assign(this, { log, list, welcome, field, send, clear, controls, card });
    this.messages = [];
    this.running = null;
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      if (this.running) {
        this.stop();
      } else {
        this.say(field.value);
      }
    });
    field.addEventListener('keydown', (event) => {
      if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) {
        event.preventDefault();
        if (!this.running) {
          this.say(field.value);
        }
      }
    });
    field.addEventListener('input', () => this.fit());
    clear.addEventListener('click', () => this.forget());
    addEventListener('keydown', (event) => {
      if (event.key === 'Escape' && this.running && !document.querySelector('dialog[open]')) {
        this.stop();
      }
    });
    list.addEventListener('sluice:grown', () => this.follow());
    log.addEventListener('scroll', () => {
      this.away = log.scrollHeight - log.scrollTop - log.clientHeight > 60;
    });
  }

  say(text) {
    if (!text.trim() || this.running) {
      return;
    }
    this.away = false;
    this.field.value = '';
    this.fit();
    this.add(new Question(text.trim()));
    this.answer(0);
  }

  again() {
    if (!this.running && this.messages.at(-1)?.role === 'assistant') {
      const old = this.messages.pop();
      old.element.remove();
      this.card.hide();
      this.answer((old.tries ?? 0) + 1);
    }
  }

  stop() {
    this.running?.abort();
  }

  forget() {
    this.stop();
    this.messages = [];
    this.list.replaceChildren();
    this.card.hide();
    this.show();
    this.field.focus();
  }

  /** Asks for an answer to what has been said; a seed that was asked for goes up with each try. */
  async answer(tries) {
    const abort = new AbortController();
    this.running = abort;
    const answer = new Answer(this.card, { onAgain: () => this.again() });
    answer.tries = tries;
    const asked = this.controls.asked;
    const seed = asked === null ? Math.floor(Math.random() * MAX_SEED) : asked + tries;
    const body = this.body(seed);
    this.add(answer);
    let reason = '';
    let failure = '';
    try {
      const response = await ask('/v1/chat/completions', { body, signal: abort.signal });
      for await (const { name, data } of events(response)) {
        reason = this.on(answer, name, data) ?? reason;
      }
      failure = reason ? '' : 'The connection ended before the answer did.';
    } catch (error) {
      if (abort.signal.aborted) {
        reason = 'stopped';
      } else {
        failure = error.message;
      }
    }
    answer.end({ reason, seed, failure });
    if (this.running === abort) {
      this.running = null;
      this.show();
    }
  }

  /** Takes an event; gives why the answer ended, if it says so. */
  on(answer, name, data) {
    if (data === '[DONE]') {
      return undefined;
    }
    const event = JSON.parse(data);
    if (event.error) {
      throw new Error(event.error.message);
    }
    if (name === 'sluice.recovery') {
      answer.recovered(event);
      return undefined;
    }
    const choice = event.choices?.[0];
    const probabilities = choice?.logprobs?.content?.[0];
    if (choice?.delta?.content || probabilities) {
      answer.add(choice.delta.content ?? '', probabilities);
    }
    return choice?.finish_reason ?? undefined;
  }

  body(seed) {
    const before = this.controls.before;
    return {
      messages: [
        ...(before ? [{ role: 'system', content: before }] : []),
        ...this.messages.filter((m) => m.text).map(({ role, text }) => ({ role, content: text })),
      ],
      ...this.controls.fields,
      seed,
      stream: true,
      logprobs: true,
      top_logprobs: ALTERNATIVES,
      recovery_events: true,
    };
  }

  add(message) {
    this.messages.push(message);
    this.list.append(message.element);
    this.show();
    this.follow();
  }

  show() {
    const busy = this.running !== null;
    this.welcome.hidden = this.messages.length > 0;
    this.clear.disabled = this.messages.length === 0;
    this.send.classList.toggle('stop', busy);
    this.send.firstElementChild.textContent = busy ? 'Stop' : 'Send';
    this.send.setAttribute('aria-label', busy ? 'Stop' : 'Send');
    this.list.setAttribute('aria-busy', String(busy));
    for (const message of this.messages) {
      if (message.again) {
        message.again.hidden = busy || message !== this.messages.at(-1);
      }
    }
  }

  /** Stays at the end, unless the reader has gone up. */
  follow() {
    if (!this.away) {
      this.log.scrollTop = this.log.scrollHeight;
    }
  }

  fit() {
    this.field.style.height = 'auto';
    this.field.style.height = `${Math.min(this.field.scrollHeight, 220)}px`;
  }
}
