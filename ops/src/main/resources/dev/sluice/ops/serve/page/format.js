// Numbers for people, and elements in one expression.

export function seconds(value) {
  if (value === null || value === undefined) {
    return '–';
  }
  if (value < 1e-3) {
    return `${(value * 1e6).toFixed(0)} µs`;
  }
  if (value < 1) {
    return `${(value * 1e3).toFixed(value < 0.01 ? 1 : 0)} ms`;
  }
  return `${value.toFixed(value < 10 ? 2 : 0)} s`;
}

export function bytes(value) {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${value.toFixed(value < 10 && unit > 0 ? 1 : 0)} ${units[unit]}`;
}

export function percent(share) {
  const value = 100 * share;
  if (value > 0 && value < 0.1) {
    return '< 0.1 %';
  }
  return `${value > 0 && value < 1 ? value.toFixed(1) : value.toFixed(0)} %`;
}

export function rate(value) {
  return value < 10 ? value.toFixed(1) : value.toFixed(0);
}

export function clock(millis) {
  return new Date(millis).toLocaleTimeString([], { hour12: false });
}

/** el('p.note', {title: '…'}, 'text', child, …) */
export function el(what, properties = {}, ...children) {
  const [tag, ...classes] = what.split('.');
  const element = document.createElement(tag);
  element.className = classes.join(' ');
  for (const [name, value] of Object.entries(properties)) {
    if (name in element) {
      element[name] = value;
    } else {
      element.setAttribute(name, value);
    }
  }
  element.append(...children);
  return element;
}

const SVG = 'http://www.w3.org/2000/svg';

export function svg(tag, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) {
    element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}
