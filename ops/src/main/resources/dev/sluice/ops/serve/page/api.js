// The server: requests with the key of this tab, and streams of events.

const KEY = 'sluice-key';
const MAX_EVENT = 1 << 20;

export const key = {
  get: () => sessionStorage.getItem(KEY) ?? '',
  set: (value) => sessionStorage.setItem(KEY, value),
  forget: () => sessionStorage.removeItem(KEY),
};

/** What the server refused, or that it cannot be reached (status 0). */
export class Refusal extends Error {
  constructor(status, message, code) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** Asks; throws a Refusal where the answer is none. */
export async function ask(path, { body, signal } = {}) {
  const headers = {};
  if (key.get()) {
    headers.Authorization = `Bearer ${key.get()}`;
  }
  if (body) {
    headers['Content-Type'] = 'application/json';
  }
  let response;
  try {
    response = await fetch(path, {
      method: body ? 'POST' : 'GET',
      headers,
      body: body && JSON.stringify(body),
      signal,
      cache: 'no-store',
    });
  } catch (failure) {
    if (failure.name === 'AbortError') {
      throw failure;
    }
    throw new Refusal(0, 'The server cannot be reached.', 'unreachable');
  }
  if (response.ok) {
    return response;
  }
  const error = (await response.json().catch(() => ({}))).error ?? {};
  const refusal = new Refusal(response.status, error.message ?? response.statusText, error.code);
  if (response.status === 401) {
    document.dispatchEvent(new CustomEvent('sluice:key-needed', { detail: refusal }));
  }
  throw refusal;
}

/** The events of an answer, one by one: {name, data}. */
export async function* events(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) {
        return;
      }
      rest += value;
      if (rest.length > MAX_EVENT) {
        throw new Refusal(0, 'The server sent an event without end.', 'too_long');
      }
      const parts = rest.split('\n\n');
      rest = parts.pop();
      for (const part of parts) {
        const event = parse(part);
        if (event) {
          yield event;
        }
      }
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

function parse(part) {
  let name = 'message';
  const data = [];
  for (const line of part.split('\n')) {
    if (line.startsWith('event: ')) {
      name = line.slice(7);
    } else if (line.startsWith('data: ')) {
      data.push(line.slice(6));
    }
  }
  return data.length ? { name, data: data.join('\n') } : null;
}
