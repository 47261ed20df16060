/** What all viewers share: options, elements, callbacks, motion. */

/** Whether a value is a plain object, of this page or of a frame's. */
export function isPlain(value) {
  if (value === null || typeof value !== 'object') return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** A deep copy of plain objects and arrays; functions and elements in them stay what they are. */
export function copied(value) {
  if (Array.isArray(value)) return value.map(copied);
  return isPlain(value) ? merged({}, value) : value;
}

/** A new object: the defaults with the options deeply over them. Neither is changed. */
export function merged(defaults, options) {
  const result = {};
  for (const [name, value] of Object.entries(defaults)) result[name] = copied(value);
  for (const [name, value] of Object.entries(options || {})) {
    if (value === undefined || name === '__proto__') continue;
    result[name] = isPlain(value) && isPlain(result[name]) ? merged(result[name], value) : copied(value);
  }
  return result;
}

/** The element itself, or the one with this id (text or number); null if there is none. */
export function find(element) {
  if (element && element.nodeType === 1) return element;
  const isId = typeof element === 'string' || typeof element === 'number';
  return isId ? document.getElementById(String(element)) : null;
}

/** Call an event's function after the current script, with the viewer as `this`. */
export function tell(viewer, listener, ...values) {
  if (typeof listener === 'function') setTimeout(() => listener.apply(viewer, values), 0);
}

/** A new element. Names beginning with "on" are listeners, others attributes; null and false are left out. */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, '');
    else if (value !== null && value !== false && value !== undefined) element.setAttribute(name, String(value));
  }
  element.append(...children);
  return element;
}

/** Room for content inside an element's padding. */
export function innerSize(element) {
  const style = getComputedStyle(element);
  const across = parseFloat(style.paddingLeft) + parseFloat(style.paddingRight);
  const down = parseFloat(style.paddingTop) + parseFloat(style.paddingBottom);
  return { width: Math.max(0, element.clientWidth - across), height: Math.max(0, element.clientHeight - down) };
}

/** Pixels of the screen for one of the page's. More than three nobody sees. */
export function density() {
  return Math.min(3, Math.max(1, window.devicePixelRatio || 1));
}

/** Whether the visitor wants as little motion as possible. */
export function stillness() {
  return matchMedia('(prefers-reduced-motion: reduce)').matches;
}

/** Let an element appear or go; resolves when it has. */
export function fade(element, from, to, millis = 300) {
  if (stillness() || !element.animate) return Promise.resolve();
  const fading = element.animate([{ opacity: from }, { opacity: to }], { duration: millis, easing: 'ease' });
  return fading.finished.catch(() => undefined);
}

/** Elements that are positioned against their parent need one that is positioned. */
export function anchor(element) {
  if (getComputedStyle(element).position === 'static') element.style.position = 'relative';
}

/** Text without tags: what old pages wrote as HTML is shown as text. Line breaks stay. */
export function plainText(text) {
  return String(text === null || text === undefined ? '' : text)
    .replace(/<br\s*\/?>/gi, '\n')
    .replace(/<\/?[a-z][^<>]*>/gi, '')
    .trim();
}

/** What fits into so many characters, cut at a word. */
export function shortened(text, most) {
  if (text.length <= most) return text;
  const cut = text.slice(0, most + 1);
  const end = cut.lastIndexOf(' ');
  return `${cut.slice(0, end > most / 2 ? end : most).trimEnd()}…`;
}
