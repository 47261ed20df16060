/* A viewer of the qisd image server; MIT licence. Assembled from readable modules, see docs/viewers.md. */
(() => {
'use strict';
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
const RETRIES = [600, 2000];
const PAGE = 1000;
class Failure extends Error {
constructor(status) {
super(`status ${status}`);
this.status = status;
}
get passing() {
return this.status === 0 || this.status === 429 || this.status >= 500;
}
}
function pause(millis) {
return new Promise((resolve) => setTimeout(resolve, millis));
}
function headers(token, accept) {
const wanted = accept ? { Accept: accept } : {};
return token ? { ...wanted, Authorization: `Bearer ${token}` } : wanted;
}
async function patiently(deed) {
for (const wait of RETRIES) {
try {
return await deed();
} catch (failure) {
if (failure instanceof Failure && !failure.passing) throw failure;
await pause(wait);
}
}
return deed();
}
async function answer(url, token, accept, signal) {
let response;
try {
response = await fetch(url, { headers: headers(token, accept), credentials: 'same-origin', signal });
} catch (error) {
if (error.name === 'AbortError') throw error;
throw new Failure(0);
}
if (!response.ok) throw new Failure(response.status);
return response;
}
async function dataOf(url, token) {
const response = await answer(url, token, 'application/json');
return (await response.json()).data;
}
async function blobOf(url, token, signal) {
return (await answer(url, token, null, signal)).blob();
}
const known = new Map();
function details(address, token) {
const url = `${address.server}api/v1/details/?${queryOf({ src: address.src })}`;
const key = `${token || ''} ${url}`;
if (!known.has(key)) {
const asked = patiently(() => dataOf(url, token));
known.set(key, asked);
asked.catch(() => known.delete(key));
}
return known.get(key);
}
async function* filesOf(server, folder, token) {
const path = `${folder.replace(/\/+$/, '')}/`;
for (let start = 0; ; start += PAGE) {
const query = queryOf(start ? { path, start, limit: PAGE } : { path });
const entries = await patiently(() => dataOf(`${server}api/v1/list/?${query}`, token));
yield entries.filter((entry) => entry.supported).map((entry) => ({ src: path + entry.filename }));
if (entries.length < PAGE) return;
}
}
async function imagesOf(server, portfolio, token) {
const query = queryOf({ human_id: portfolio });
const data = await patiently(() => dataOf(`${server}api/v1/portfolios/?${query}`, token));
return data.images.map((entry) => ({
...Object.fromEntries(new URL(entry.url, document.baseURI).searchParams),
title: entry.image.title,
description: entry.image.description,
}));
}
const NOT_PARAMETERS = ['server', 'title', 'description', 'url'];
class Collection {
constructor(options, extra) {
this.options = options;
this.extra = extra;
this.server = serverUrl(options.server);
this.seen = new Set();
}
async *pages() {
const { folder, portfolio, token, images } = this.options;
if (images.length) yield this.entries(images);
if (folder) for await (const files of filesOf(this.server, folder, token)) yield this.entries(files);
if (portfolio) yield this.entries(await imagesOf(this.server, portfolio, token));
}
entries(images) {
return images.map((image) => this.entry(image)).filter((entry) => {
const isNew = !this.seen.has(entry.url);
this.seen.add(entry.url);
return isNew;
});
}
entry(image) {
return {
src: image.src,
url: this.urlOf(image),
title: image.title || '',
description: image.description || '',
link: image.url,
image,
};
}
urlOf(image) {
const own = Object.fromEntries(Object.entries(image).filter(([name]) => !NOT_PARAMETERS.includes(name)));
const values = { ...this.options.params, ...own };
if (this.options.stripaligns) {
delete values.halign;
delete values.valign;
}
const server = image.server ? serverUrl(image.server) : this.server;
return `${server}image?${queryOf({ ...values, ...this.extra(values) })}`;
}
}
const ICONS = {
"close": "M6 6L18 18M18 6L6 18",
"down": "M6 9L12 15L18 9",
"download": "M12 4L12 15M7 10L12 15L17 10M5 19L19 19",
"fullscreen": "M4 9L4 4L9 4M15 4L20 4L20 9M20 15L20 20L15 20M9 20L4 20L4 15",
"help": "M8.5 8.5A3.5 3.5 0 1 1 12 12L12 14.5M12 18.5L12 18.6",
"next": "M9 6L15 12L9 18",
"pause": "M9 6L9 18M15 6L15 18",
"play": "M8 5L19 12L8 19L8 5",
"previous": "M15 6L9 12L15 18",
"reset": "M5 12A7 7 0 1 0 8 6.26M8 2.5L8 6.5L12 6.5",
"up": "M6 15L12 9L18 15",
"zoom-in": "M4 10.5A6.5 6.5 0 1 1 17 10.5A6.5 6.5 0 1 1 4 10.5M15.3 15.3L20 20M10.5 8L10.5 13M8 10.5L13 10.5",
"zoom-out": "M4 10.5A6.5 6.5 0 1 1 17 10.5A6.5 6.5 0 1 1 4 10.5M15.3 15.3L20 20M8 10.5L13 10.5"
};
const SVG = 'http://www.w3.org/2000/svg';
function drawn(name) {
const svg = document.createElementNS(SVG, 'svg');
const path = document.createElementNS(SVG, 'path');
svg.setAttribute('viewBox', '0 0 24 24');
svg.setAttribute('aria-hidden', 'true');
for (const [attribute, value] of Object.entries({
d: ICONS[name],
fill: 'none',
stroke: 'currentColor',
'stroke-width': '2',
'stroke-linecap': 'round',
'stroke-linejoin': 'round',
})) {
path.setAttribute(attribute, value);
}
svg.append(path);
return svg;
}
function iconButton(name, label, className, pressed) {
const button = document.createElement('button');
button.type = 'button';
button.className = className;
button.title = label;
button.setAttribute('aria-label', label);
button.append(drawn(name));
button.addEventListener('click', (event) => {
event.stopPropagation();
pressed(event);
});
return button;
}
const AT_ONCE = 6;
function loadedImage(url, signal) {
return new Promise((resolve, reject) => {
const image = new Image();
const stop = () => {
image.src = '';
reject(new DOMException('not wanted any more', 'AbortError'));
};
if (signal) signal.addEventListener('abort', stop);
const settle = (deed) => () => {
if (signal) signal.removeEventListener('abort', stop);
deed();
};
image.onload = settle(() => resolve(image));
image.onerror = settle(() => reject(new Failure(0)));
image.src = url;
});
}
async function once(url, token, signal) {
if (!token) return loadedImage(url, signal);
const local = URL.createObjectURL(await blobOf(url, token, signal));
try {
return await loadedImage(local, signal);
} finally {
URL.revokeObjectURL(local);
}
}
function picture(url, token, signal) {
return patiently(async () => {
if (signal && signal.aborted) throw new Failure(410);
return once(url, token, signal);
});
}
class Wishes {
constructor({ token, got, changed }) {
this.token = token;
this.got = got;
this.changed = changed;
this.waiting = [];
this.running = new Map();
this.failed = new Set();
}
get busy() {
return this.running.size > 0;
}
want(list) {
const keys = new Set(list.map((wish) => wish.key));
for (const [key, control] of this.running) {
if (!keys.has(key)) {
this.running.delete(key);
control.abort();
}
}
this.waiting = list.filter((wish) => !this.running.has(wish.key) && !this.failed.has(wish.key));
this.next();
}
next() {
while (this.running.size < AT_ONCE && this.waiting.length) this.start(this.waiting.shift());
this.changed();
}
async start({ key, url }) {
const control = new AbortController();
this.running.set(key, control);
let image = null;
try {
image = await picture(url, this.token, control.signal);
} catch {
if (!control.signal.aborted) this.failed.add(key);
}
if (this.running.get(key) !== control) return;
this.running.delete(key);
if (image) this.got(key, image);
this.next();
}
end() {
this.want([]);
}
}
const TEXTS = {
zoomIn: 'Zoom in',
zoomOut: 'Zoom out',
reset: 'Whole picture',
fullscreen: 'Full screen',
leaveFullscreen: 'Leave full screen',
help: 'Help',
info: 'About this picture',
download: 'Download',
close: 'Close',
controls: 'Controls',
picture: 'Picture',
loading: 'Loading …',
noImages: 'There are no pictures here.',
denied: 'This picture is not public.',
missing: 'There is no such picture.',
unsupported: 'This file is no picture that can be shown.',
failed: 'The picture could not be loaded.',
previous: 'Previous',
next: 'Next',
pause: 'Pause',
play: 'Play',
pictures: 'Pictures',
number: 'Picture {n} of {all}',
divider: 'Divider between the two pictures',
helpLines: [
'Click or tap: closer; with Shift: further away',
'Drag: move the picture',
'Double click: the whole picture again',
'Two fingers, or Ctrl and wheel: zoom',
'+ and −: zoom; 0: whole picture; arrows: move',
'f: full screen; i: about this picture; Esc: back',
],
};
function textsFor(element, options) {
const marked = element.closest('[lang]');
const language = String(options.lang || (marked && marked.lang) || 'en').toLowerCase().split('-')[0];
return { ...TEXTS, ...(window.QIS_TEXTS || {})[language], ...options.texts };
}
function filled(text, values) {
return text.replace(/\{(\w+)\}/g, (_, name) => String(values[name]));
}
const SLIDESHOW_OPTIONS = {
mode: 'slide',
folder: '',
portfolio: '',
images: [],
params: {},
controls: true,
dots: true,
dotColor: '#666666',
dotSelectedColor: '#dddddd',
delay: 5,
duration: 1000,
pauseOnHover: true,
bgColor: 'white',
stripaligns: false,
token: null,
lang: null,
texts: {},
easeFn: (t, b, c, d) => {
const half = t / (d / 2);
return half < 1 ? b + (c / 2) * half * half : b - (c / 2) * ((half - 1) * (half - 3) - 1);
},
};
const FLICK_LEAST = 50;
const RESIZE_AFTER = 300;
const ARROW = { width: 32, height: 56 };
const TARGET = '24px';
class Slideshow {
constructor(container, options, events) {
if (container._show) container._show.destroy();
container._show = this;
this.container = container;
this.options = merged(SLIDESHOW_OPTIONS, options);
this.events = { ...events };
this.texts = textsFor(container, this.options);
this.slides = [];
this.index = -1;
this.running = !stillness();
this.holds = new Set();
this.ending = new AbortController();
this.build();
this.ready = this.load();
}
build() {
const { container, texts } = this;
container.textContent = '';
anchor(container);
container.style.overflow = 'hidden';
container.style.touchAction = 'pan-y';
this.before = { role: container.getAttribute('role'), label: container.getAttribute('aria-label') };
container.setAttribute('role', 'region');
container.setAttribute('aria-roledescription', 'carousel');
if (!this.before.label) container.setAttribute('aria-label', texts.pictures);
this.stage = make('div', { part: 'stage' });
Object.assign(this.stage.style, { position: 'absolute', inset: '0', overflow: 'hidden' });
container.append(this.stage);
this.size = this.measured();
this.listen();
}
listen() {
const { signal } = this.ending;
const on = (target, name, listener) => target.addEventListener(name, listener, { signal });
if (this.options.pauseOnHover) {
on(this.container, 'mouseenter', () => this.hold('hover', true));
on(this.container, 'mouseleave', () => this.hold('hover', false));
}
on(this.container, 'focusin', (event) => this.hold('focus', event.target.matches(':focus-visible')));
on(this.container, 'focusout', () => this.hold('focus', false));
on(document, 'visibilitychange', () => this.hold('hidden', document.hidden));
on(this.container, 'keydown', (event) => this.key(event));
on(this.container, 'pointerdown', (event) => this.swipeFrom(event));
on(this.container, 'pointerup', (event) => this.swipeTo(event));
on(this.container, 'dragstart', (event) => event.preventDefault());
this.observer = new ResizeObserver(() => {
clearTimeout(this.resizing);
this.resizing = setTimeout(() => this.resize(), RESIZE_AFTER);
});
this.observer.observe(this.container);
}
measured() {
const { width, height } = innerSize(this.container);
return { width: Math.round(width * density()), height: Math.round(height * density()) };
}
async load() {
this.collection = new Collection(this.options, (given) => ({
width: this.size.width,
height: this.size.height,
autosizefit: 1,
strip: 1,
format: given.format || 'jpg',
}));
try {
for await (const entries of this.collection.pages()) {
if (this.ending.signal.aborted) return;
entries.forEach((entry) => this.add(entry));
}
} catch {
}
if (this.ending.signal.aborted) return;
if (this.slides.length) await this.begin();
else this.say(this.texts.noImages);
}
say(text) {
const message = make('p', { role: 'status' }, text);
Object.assign(message.style, { position: 'absolute', inset: '0', margin: 'auto', height: '1.5em', textAlign: 'center' });
this.container.append(message);
}
add(entry) {
const number = this.slides.length + 1;
const frame = entry.link ? make('a', { href: entry.link }) : make('div');
frame.setAttribute('part', 'slide');
const place = { position: 'absolute', inset: '0', visibility: 'hidden' };
Object.assign(frame.style, place, this.options.mode === 'stack' ? { background: this.options.bgColor } : {});
frame.addEventListener('click', (event) => this.clicked(event, number - 1));
this.stage.append(frame);
this.slides.push({ entry, frame, loading: null, broken: false });
}
dress(image, index) {
const { title } = this.slides[index].entry;
image.alt = title || filled(this.texts.number, { n: index + 1, all: this.slides.length });
image.draggable = false;
Object.assign(image.style, { width: '100%', height: '100%', objectFit: 'scale-down', display: 'block' });
this.slides[index].frame.replaceChildren(image);
}
clicked(event, index) {
if (this.swiped) event.preventDefault();
else tell(this, this.events.onclick, this.slides[index].entry.src, index);
}
fetch(index) {
const slide = this.slides[index];
if (!slide.loading) {
const url = slide.entry.url;
slide.loading = picture(url, this.options.token, this.ending.signal).then(
(image) => {
if (slide.entry.url === url) this.dress(image, index);
return true;
},
() => {
slide.broken = true;
this.markDots();
return false;
},
);
}
return slide.loading;
}
async begin() {
this.addControls();
for (let index = 0; index < this.slides.length; index += 1) {
const isThere = await this.fetch(index);
if (this.ending.signal.aborted || this.index >= 0) return;
if (!isThere) continue;
this.settle(index);
this.prepare();
this.schedule();
return;
}
this.say(this.texts.failed);
}
prepare() {
const next = this.neighbour(1);
if (next !== this.index) this.fetch(next).then((isThere) => !isThere && !this.ending.signal.aborted && this.prepare());
}
neighbour(direction, from = this.index) {
const { length } = this.slides;
for (let step = 1; step <= length; step += 1) {
const index = (((from + direction * step) % length) + length) % length;
if (!this.slides[index].broken) return index;
}
return from;
}
addControls() {
if (this.slides.length < 2) return;
if (this.options.controls) {
this.addArrow('left', this.texts.previous, () => this.goBy(-1));
this.addArrow('right', this.texts.next, () => this.goBy(1));
}
this.addPause();
if (this.options.dots) this.addDots();
}
addArrow(side, label, deed) {
const url = `${this.collection.server}static/images/slideshow/arrow-${side}.png`;
const button = make('button', { type: 'button', 'aria-label': label, part: `arrow ${side}` });
button.append(make('img', { src: url, alt: '', ...ARROW }));
Object.assign(button.style, {
position: 'absolute',
[side]: '8px',
top: '0',
bottom: '0',
margin: 'auto 0',
height: `${ARROW.height}px`,
padding: '0',
border: '0',
background: 'none',
cursor: 'pointer',
zIndex: 2,
});
button.addEventListener('click', deed);
this.container.append(button);
}
addPause() {
this.button = iconButton('pause', this.texts.pause, '_sls_pause', () => (this.running ? this.stop() : this.start()));
this.button.setAttribute('part', 'pause');
Object.assign(this.button.style, {
position: 'absolute',
right: '8px',
bottom: '8px',
width: TARGET,
height: TARGET,
padding: '4px',
border: '0',
borderRadius: '4px',
color: 'white',
background: 'rgb(0 0 0 / 60%)',
cursor: 'pointer',
zIndex: 2,
});
this.container.append(this.button);
this.markRunning();
}
addDots() {
const row = make('div', { part: 'dots', role: 'group', 'aria-label': this.texts.pictures });
const place = { position: 'absolute', left: '40px', right: '40px', bottom: '4px', textAlign: 'center', zIndex: 1 };
Object.assign(row.style, place, { pointerEvents: 'none' });
this.dots = this.slides.map((slide, index) => this.dot(index));
row.append(...this.dots);
this.container.append(row);
this.markDots();
}
dot(index) {
const label = filled(this.texts.number, { n: index + 1, all: this.slides.length });
const dot = make('button', { type: 'button', class: '_sls_dot', part: 'dot', 'aria-label': label });
Object.assign(dot.style, {
width: TARGET,
height: TARGET,
padding: '6px',
border: '0',
borderRadius: '50%',
backgroundClip: 'content-box',
cursor: 'pointer',
pointerEvents: 'auto',
});
dot.addEventListener('click', () => this.goTo(index));
return dot;
}
markDots() {
(this.dots || []).forEach((dot, index) => {
const isCurrent = index === this.index;
dot.style.backgroundColor = isCurrent ? this.options.dotSelectedColor : this.options.dotColor;
dot.hidden = this.slides[index].broken;
if (isCurrent) dot.setAttribute('aria-current', 'true');
else dot.removeAttribute('aria-current');
});
}
markRunning() {
if (!this.button) return;
const [name, label] = this.running ? ['pause', this.texts.pause] : ['play', this.texts.play];
const fresh = iconButton(name, label, '', () => undefined);
this.button.replaceChildren(...fresh.children);
this.button.title = label;
this.button.setAttribute('aria-label', label);
}
start() {
this.running = true;
this.markRunning();
this.schedule();
}
stop() {
this.running = false;
this.markRunning();
clearTimeout(this.timer);
}
hold(reason, on) {
if (on) this.holds.add(reason);
else this.holds.delete(reason);
this.schedule();
}
schedule() {
clearTimeout(this.timer);
if (!this.running || this.holds.size || this.index < 0 || this.slides.length < 2) return;
this.timer = setTimeout(() => this.advance(1), Math.max(0, this.options.delay) * 1000);
}
async advance(direction) {
let index = this.neighbour(direction, this.going === undefined ? this.index : this.going);
this.going = index;
while (index !== this.index && !(await this.fetch(index))) {
if (this.ending.signal.aborted || this.going !== index) return;
index = this.neighbour(direction, index);
this.going = index;
}
if (this.ending.signal.aborted || this.going !== index) return;
this.going = undefined;
if (index !== this.index) this.change(index, direction);
this.schedule();
}
goBy(direction) {
this.stop();
return this.slides.length ? this.advance(direction) : undefined;
}
async goTo(wanted) {
this.stop();
const index = Math.min(this.slides.length - 1, Math.max(0, Math.round(Number(wanted)) || 0));
if (index < 0 || index === this.index) return;
this.going = index;
const isThere = await this.fetch(index);
if (this.ending.signal.aborted || this.going !== index) return;
this.going = undefined;
if (isThere) this.change(index, index > this.index ? 1 : -1);
}
settle(index) {
this.slides.forEach(({ frame }, other) => {
const isShown = other === index;
Object.assign(frame.style, { visibility: isShown ? 'visible' : 'hidden', transform: '', opacity: '', zIndex: '' });
});
this.index = index;
this.markDots();
tell(this, this.events.onchange, this.slides[index].entry.src, index);
}
change(index, direction) {
const [old, fresh] = [this.slides[this.index], this.slides[index]];
this.finishMove();
if (!old || stillness() || !(this.options.duration > 0)) {
this.settle(index);
this.prepare();
return;
}
Object.assign(fresh.frame.style, { visibility: 'visible', zIndex: 1 });
const began = performance.now();
const { duration, easeFn } = this.options;
const frame = (now) => {
const time = Math.max(0, now - began);
if (time >= duration) {
this.finishMove();
return;
}
this.blend(old.frame, fresh.frame, easeFn(time, 0, 1, duration), direction);
this.moving = requestAnimationFrame(frame);
};
this.end = () => {
this.settle(index);
this.prepare();
};
this.blend(old.frame, fresh.frame, 0, direction);
this.moving = requestAnimationFrame(frame);
}
blend(old, fresh, part, direction) {
if (this.options.mode === 'fade') {
fresh.style.opacity = part;
old.style.opacity = 1 - part;
return;
}
fresh.style.transform = `translateX(${direction * (1 - part) * 100}%)`;
if (this.options.mode !== 'stack') old.style.transform = `translateX(${-direction * part * 100}%)`;
}
finishMove() {
cancelAnimationFrame(this.moving);
const { end } = this;
this.end = null;
if (end) end();
}
key(event) {
const ways = { ArrowLeft: () => this.goBy(-1), ArrowRight: () => this.goBy(1) };
if (!ways[event.key] || event.altKey || event.ctrlKey || event.metaKey) return;
event.preventDefault();
ways[event.key]();
}
swipeFrom(event) {
this.swiped = false;
this.swipe = event.isPrimary ? { x: event.clientX, y: event.clientY } : null;
}
swipeTo(event) {
if (!this.swipe) return;
const [x, y] = [event.clientX - this.swipe.x, event.clientY - this.swipe.y];
this.swipe = null;
if (Math.abs(x) < FLICK_LEAST || Math.abs(x) < 2 * Math.abs(y)) return;
this.swiped = true;
this.goBy(x < 0 ? 1 : -1);
}
resize() {
const size = this.measured();
const isSame = size.width === this.size.width && size.height === this.size.height;
if (isSame || !size.width || !size.height || this.ending.signal.aborted) return;
this.size = size;
for (const slide of this.slides) {
slide.entry.url = this.collection.urlOf(slide.entry.image);
slide.loading = null;
slide.broken = false;
}
if (this.index < 0) return;
this.fetch(this.index);
this.prepare();
}
destroy() {
this.ending.abort();
clearTimeout(this.timer);
clearTimeout(this.resizing);
cancelAnimationFrame(this.moving);
this.observer.disconnect();
this.container.textContent = '';
this.container.removeAttribute('aria-roledescription');
for (const [name, value] of [['role', this.before.role], ['aria-label', this.before.label]]) {
if (value === null) this.container.removeAttribute(name);
else this.container.setAttribute(name, value);
}
if (this.container._show === this) this.container._show = null;
}
}
function slideshowOf(container) {
const element = find(container);
return element ? element._show : null;
}
function withShow(deed) {
return (container, ...values) => {
const show = slideshowOf(container);
if (!show) return undefined;
deed(show, ...values);
return false;
};
}
publish({
slideshow_view_init: (container, options, events) => {
const element = find(container);
if (element) new Slideshow(element, options, events);
return false;
},
slideshow_view_start: withShow((show) => show.start()),
slideshow_view_stop: withShow((show) => show.stop()),
slideshow_view_prev: withShow((show) => show.goBy(-1)),
slideshow_view_next: withShow((show) => show.goBy(1)),
slideshow_view_index: withShow((show, index) => show.goTo(index)),
slideshow_view_resize: withShow((show) => show.resize()),
});
})();
