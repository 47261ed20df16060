/* A viewer of the qisd image server; MIT licence. Assembled from readable modules, see docs/viewers.md. */
(() => {
'use strict';
function encoded(text) {
return encodeURIComponent(text).replace(/%(2F|3A|2C)/g, (_, code) => String.fromCharCode(parseInt(code, 16)));
}
function queryOf(values) {
return Object.entries(values)
.filter(([, value]) => value !== null && value !== undefined)
.map(([name, value]) => `${encoded(name)}=${encoded(String(value))}`)
.join('&');
}
function valuesOf(query, keepBlanks = true) {
const values = {};
for (const [name, value] of new URLSearchParams(query)) {
if (!(name in values) && (keepBlanks || value !== '')) values[name] = value;
}
return values;
}
class ImageAddress {
constructor(url) {
const whole = new URL(url, document.baseURI);
this.path = whole.origin + whole.pathname;
this.values = valuesOf(whole.search, false);
}
get src() {
return this.values.src || '';
}
get server() {
return this.path.slice(0, this.path.lastIndexOf('/') + 1);
}
withoutAligns() {
delete this.values.halign;
delete this.values.valign;
return this;
}
with(values) {
return `${this.path}?${queryOf({ ...this.values, ...values })}`;
}
}
function serverUrl(server) {
const url = new URL(server || '/', document.baseURI);
const whole = url.origin + url.pathname;
return whole.endsWith('/') ? whole : `${whole}/`;
}
function isPlain(value) {
if (value === null || typeof value !== 'object') return false;
const prototype = Object.getPrototypeOf(value);
return prototype === null || Object.getPrototypeOf(prototype) === null;
}
function copied(value) {
if (Array.isArray(value)) return value.map(copied);
return isPlain(value) ? merged({}, value) : value;
}
function merged(defaults, options) {
const result = {};
for (const [name, value] of Object.entries(defaults)) result[name] = copied(value);
for (const [name, value] of Object.entries(options || {})) {
if (value === undefined || name === '__proto__') continue;
result[name] = isPlain(value) && isPlain(result[name]) ? merged(result[name], value) : copied(value);
}
return result;
}
function find(element) {
if (element && element.nodeType === 1) return element;
const isId = typeof element === 'string' || typeof element === 'number';
return isId ? document.getElementById(String(element)) : null;
}
function tell(viewer, listener, ...values) {
if (typeof listener === 'function') setTimeout(() => listener.apply(viewer, values), 0);
}
function make(tag, attributes = {}, ...children) {
const element = document.createElement(tag);
for (const [name, value] of Object.entries(attributes)) {
if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
else if (value === true) element.setAttribute(name, '');
else if (value !== null && value !== false && value !== undefined) element.setAttribute(name, String(value));
}
element.append(...children);
return element;
}
function innerSize(element) {
const style = getComputedStyle(element);
const across = parseFloat(style.paddingLeft) + parseFloat(style.paddingRight);
const down = parseFloat(style.paddingTop) + parseFloat(style.paddingBottom);
return { width: Math.max(0, element.clientWidth - across), height: Math.max(0, element.clientHeight - down) };
}
function density() {
return Math.min(3, Math.max(1, window.devicePixelRatio || 1));
}
function stillness() {
return matchMedia('(prefers-reduced-motion: reduce)').matches;
}
function fade(element, from, to, millis = 300) {
if (stillness() || !element.animate) return Promise.resolve();
const fading = element.animate([{ opacity: from }, { opacity: to }], { duration: millis, easing: 'ease' });
return fading.finished.catch(() => undefined);
}
function anchor(element) {
if (getComputedStyle(element).position === 'static') element.style.position = 'relative';
}
function plainText(text) {
return String(text === null || text === undefined ? '' : text)
.replace(/<br\s*\/?>/gi, '\n')
.replace(/<\/?[a-z][^<>]*>/gi, '')
.trim();
}
function shortened(text, most) {
if (text.length <= most) return text;
const cut = text.slice(0, most + 1);
const end = cut.lastIndexOf(' ');
return `${cut.slice(0, end > most / 2 ? end : most).trimEnd()}…`;
}
function outerPosition(element) {
const box = find(element).getBoundingClientRect();
return { x: box.left + window.scrollX, y: box.top + window.scrollY, width: box.width, height: box.height };
}
function innerOffsets(element) {
const style = getComputedStyle(find(element));
const side = (name) => parseFloat(style[`padding${name}`]) + parseFloat(style[`border${name}Width`]);
return { left: side('Left'), top: side('Top'), right: side('Right'), bottom: side('Bottom') };
}
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
function publish(names) {
if (!window.QU) window.QU = QU;
Object.assign(window, names);
}
publish({});
})();
