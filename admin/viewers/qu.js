/** `QU`, the helper that pages written for the viewers use. */

import { queryOf, valuesOf } from './address.js';
import { copied, find, innerSize, merged } from './base.js';

function outerPosition(element) {
  const box = find(element).getBoundingClientRect();
  return { x: box.left + window.scrollX, y: box.top + window.scrollY, width: box.width, height: box.height };
}

function innerOffsets(element) {
  const style = getComputedStyle(find(element));
  const side = (name) => parseFloat(style[`padding${name}`]) + parseFloat(style[`border${name}Width`]);
  return { left: side('Left'), top: side('Top'), right: side('Right'), bottom: side('Bottom') };
}

/** Ask for JSON: `ok(xhr, object)` or `error(xhr, message)`. */
function jsonRequest(url, method, ok, error) {
  const request = new XMLHttpRequest();
  const fail = (message) => error && error(request, message);
  request.open(method || 'GET', url);
  request.setRequestHeader('Accept', 'application/json');
  request.onerror = () => fail('no answer');
  request.onload = () => {
    let object = null;
    try {
      object = JSON.parse(request.responseText);
    } catch {
      fail('the answer is no JSON');
      return;
    }
    if (request.status >= 200 && request.status < 300) ok(request, object);
    else fail((object && object.message) || `status ${request.status}`);
  };
  request.send();
}

function splitURL(url) {
  const parts = new URL(url, document.baseURI);
  return {
    protocol: parts.protocol,
    server: parts.host,
    origin: parts.origin,
    path: parts.pathname,
    query: parts.search.slice(1),
    hash: parts.hash.slice(1),
  };
}

const QU = {
  version: 1,
  supported: () => true,
  id: find,
  whenReady: (deed) => {
    if (document.readyState === 'loading') document.addEventListener('DOMContentLoaded', () => deed());
    else setTimeout(deed, 0);
  },
  clone: copied,
  merge: (one, other) => merged(one || {}, other),
  elClear: (element) => find(element).replaceChildren(),
  elRemove: (element) => find(element).remove(),
  elOuterPosition: outerPosition,
  elInnerSize: (element) => innerSize(find(element)),
  elInnerOffsets: innerOffsets,
  elSetClass: (element, name, on = true) => find(element).classList.toggle(name, Boolean(on)),
  elHasClass: (element, name) => find(element).classList.contains(name),
  elGetStyles: (element, names) => {
    const { style } = find(element);
    return Object.fromEntries(names.map((name) => [name, style[name]]));
  },
  elSetStyles: (element, styles) => Object.assign(find(element).style, styles),
  evPosition: (event) => {
    const { pageX: x, pageY: y } = event.touches && event.touches.length ? event.touches[0] : event;
    return { x, y };
  },
  jsonRequest,
  splitURL,
  ObjectToQueryString: queryOf,
  QueryStringToObject: (text, keepBlanks = true) => valuesOf(text.replace(/^\?/, ''), keepBlanks),
};

/** Make names global; the helper only if no other viewer's script has done so. */
export function publish(names) {
  if (!window.QU) window.QU = QU;
  Object.assign(window, names);
}
