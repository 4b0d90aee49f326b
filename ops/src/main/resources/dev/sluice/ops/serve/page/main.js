// Puts the page together.

import { ask, key } from './api.js';
import { Chat } from './chat.js';
import { Controls } from './controls.js';
import { percent, rate, seconds } from './format.js';
import { LiveFeed } from './live.js';
import { PipelinePicture } from './pipeline.js';
import { Timeline } from './timeline.js';
import { TokenCard } from './tokens.js';

const $ = (id) => document.getElementById(id);

const controls = new Controls($('controls'));
const chat = new Chat({
  log: $('log'),
  list: $('messages'),
  welcome: $('welcome'),
  form: $('composer'),
  field: $('prompt'),
  send: $('send'),
  clear: $('clear'),
  controls,
  card: new TokenCard($('token-card')),
});
for (const idea of document.querySelectorAll('.idea')) {
  idea.addEventListener('click', () => chat.say(idea.textContent));
}

$('controls-button').addEventListener('click', () => {
  const closed = $('controls').toggleAttribute('hidden');
  $('controls-button').setAttribute('aria-expanded', String(!closed));
});
$('tint').addEventListener('change', ({ target }) => {
  $('messages').classList.toggle('tinted', target.checked);
});

// Views of a narrow screen.
for (const button of document.querySelectorAll('[data-show]')) {
  button.addEventListener('click', () => {
    document.body.dataset.view = button.dataset.show;
    for (const other of document.querySelectorAll('[data-show]')) {
      other.setAttribute('aria-pressed', String(other === button));
    }
  });
}

$('theme').addEventListener('click', () => {
  const now = document.documentElement.dataset.theme;
  const dark = now ? now === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
  document.documentElement.dataset.theme = dark ? 'light' : 'dark';
  localStorage.setItem('sluice-theme', document.documentElement.dataset.theme);
});

// The pipeline.
let described = false;
const picture = new PipelinePicture($('pipeline'), $('spares'));
const timeline = new Timeline($('timeline'), $('moments'));

const feed = new LiveFeed({
  onState(state) {
    status(state.state);
    $('live').dataset.stale = 'false';
    $('model').textContent = state.model ?? 'no model yet';
    if (state.model) {
      describe();
    }
    $('reason').hidden = state.reason === '';
    $('reason').textContent = state.reason;
    $('epoch').textContent = state.epoch ? `epoch ${state.epoch}` : '';
    $('epoch').title = state.why;
    figures(state);
    picture.show(state);
    timeline.show(state);
  },
  onTrouble(refusal) {
    $('live').dataset.stale = 'true';
    if (refusal?.status === 401 || refusal?.status === 403) {
      status('no key');
      $('reason').hidden = false;
      $('reason').textContent = refusal.message;
      if (refusal.status === 403) {
        describe();
      }
    } else {
      status('disconnected');
    }
  },
});

function status(state) {
  const shown = $('status');
  if (shown.dataset.state !== state) {
    shown.dataset.state = state;
    shown.textContent = state;
  }
}

function figures(state) {
  const last = state.tokens_each_second.slice(-2);
  $('rate').textContent = rate(last.reduce((a, b) => a + b, 0) / last.length);
  $('first').textContent = seconds(state.first_token_seconds);
  $('step').textContent = seconds(state.between_tokens_seconds);
  const { running, waiting, slots } = state.requests;
  $('requests').textContent = `${running} of ${slots}${waiting ? `, ${waiting} wait` : ''}`;
  const fullest = state.stages
    .filter((stage) => stage.kv_bytes > 0)
    .map((stage) => stage.kv_used_bytes / stage.kv_bytes);
  $('kv').textContent = fullest.length ? percent(Math.max(...fullest)) : '–';
}

// The key.
const dialog = $('key-dialog');
document.addEventListener('sluice:key-needed', ({ detail }) => {
  $('key-button').hidden = false;
  if (detail.code === 'invalid_api_key') {
    $('key-why').textContent = 'This key is not known here. Give another one.';
  }
  if (!dialog.open) {
    dialog.showModal();
  }
});
$('key-button').addEventListener('click', () => dialog.showModal());
$('key-form').addEventListener('submit', () => {
  key.set($('key-field').value.trim());
  begin();
});
$('key-forget').addEventListener('click', () => {
  key.forget();
  location.reload();
});

function begin() {
  $('key-button').hidden = key.get() === '';
  feed.wake();
}

/** What is served; asked once, when it is there. */
async function describe() {
  if (described) {
    return;
  }
  described = true;
  try {
    const { data } = await (await ask('/v1/models')).json();
    $('model').textContent = data[0].id;
    controls.limit(data[0].max_model_len);
  } catch {
    described = false;
  }
}

begin();
$('prompt').focus();
