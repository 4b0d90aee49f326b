// What the server tells of itself, twice a second, while the page is seen.

import { ask, events } from './api.js';

const FIRST_PAUSE = 1000;
const LONGEST_PAUSE = 8000;

/**
 * Follows the server's state.
 *
 * onState(state) gets each one; onTrouble(refusal) is told why there is none. It tries again until
 * the key is refused, and after wake() at once.
 */
export class LiveFeed {
  constructor({ onState, onTrouble }) {
    this.onState = onState;
    this.onTrouble = onTrouble;
    this.pause = FIRST_PAUSE;
    document.addEventListener('visibilitychange', () => {
      if (document.hidden) {
        this.abort?.abort();
      } else {
        this.wake();
      }
    });
  }

  wake() {
    clearTimeout(this.timer);
    this.pause = FIRST_PAUSE;
    if (!this.abort && !document.hidden) {
      this.run();
    }
  }

  async run() {
    const abort = new AbortController();
    this.abort = abort;
    let refusal = null;
    try {
      const response = await ask('/live', { signal: abort.signal });
      for await (const { name, data } of events(response)) {
        if (name === 'state') {
          this.pause = FIRST_PAUSE;
          this.onState(JSON.parse(data));
        }
      }
    } catch (failure) {
      refusal = failure;
    }
    this.abort = null;
    if (document.hidden) {
      return;
    }
    this.onTrouble(refusal);
    if (refusal?.status !== 401 && refusal?.status !== 403) {
      this.timer = setTimeout(() => this.run(), this.pause);
      this.pause = Math.min(LONGEST_PAUSE, 2 * this.pause);
    }
  }
}
