// Markdown to nodes. What a model writes is not trusted: it becomes text, structure and links, and
// nothing that loads, runs or looks like a part of the page.

import { Marked } from '/assets/marked.js';
import DOMPurify from '/assets/purify.js';

const marked = new Marked({
  gfm: true,
  breaks: true,
  renderer: {
    /** HTML is shown as it was written. */
    html({ text, block }) {
      return block ? `<p>${escaped(text)}</p>` : escaped(text);
    },
  },
});

const ALLOWED = [
  'a', 'b', 'blockquote', 'br', 'code', 'del', 'em', 'h1', 'h2', 'h3', 'h4', 'h5', 'h6', 'hr', 'i',
  'li', 'ol', 'p', 'pre', 's', 'strong', 'sub', 'sup', 'table', 'tbody', 'td', 'th', 'thead', 'tr',
  'ul',
];

function escaped(text) {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/** A fragment of the page. */
export function render(text) {
  const fragment = DOMPurify.sanitize(marked.parse(text), {
    ALLOWED_TAGS: ALLOWED,
    ALLOWED_ATTR: ['href', 'start'],
    ALLOWED_URI_REGEXP: /^(https?:|mailto:|#)/i,
    RETURN_DOM_FRAGMENT: true,
  });
  for (const link of fragment.querySelectorAll('a[href]')) {
    link.target = '_blank';
    link.rel = 'noopener noreferrer';
  }
  return fragment;
}
