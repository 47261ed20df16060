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
const STEPS = [500, 960, 1728, 3120, 5600, 10240, 18432, 33024, 59392, 107008];
const TILES = [1, 1, 16, 64, 64, 256, 1024, 1024, 1024, 1024];
const NEARLY_FULL = 0.85;
const LEAST_ZOOM = 1.1;
const LEVELS_MOST = 10;
const MOVES_MOST = 10;
const LEAST_MULTIPLE = 4;
const PIECE_MOST = 1000;
function numberOr(text, other) {
const number = Number.parseFloat(text);
return Number.isFinite(number) ? Math.min(1, Math.max(0, number)) : other;
}
function cropOf(values) {
const [top, bottom] = [numberOr(values.top, 0), numberOr(values.bottom, 1)];
const [left, right] = [numberOr(values.left, 0), numberOr(values.right, 1)];
return top < bottom && left < right ? { top, left, bottom, right } : { top: 0, left: 0, bottom: 1, right: 1 };
}
function fullSize(size, values) {
const turned = Math.abs(Number.parseFloat(values.angle)) % 180 === 90;
const [width, height] = turned ? [size.height, size.width] : [size.width, size.height];
const crop = cropOf(values);
return {
width: Math.max(1, Math.round(width * (crop.right - crop.left))),
height: Math.max(1, Math.round(height * (crop.bottom - crop.top))),
};
}
function fitted(size, box) {
const scale = Math.min(1, box.width / size.width, box.height / size.height);
return {
width: Math.max(1, Math.round(size.width * scale)),
height: Math.max(1, Math.round(size.height * scale)),
};
}
function even(size, full, multiple) {
let best = size;
let least = Infinity;
const start = Math.round(size.width / multiple) * multiple;
for (let move = 0; move < MOVES_MOST && start > move * multiple; move += 1) {
const width = start - move * multiple;
const exact = (width * full.height) / full.width;
const height = Math.max(multiple, Math.round(exact / multiple) * multiple);
const error = Math.abs(height / exact - 1);
if (error < least) [best, least] = [{ width, height }, error];
if (error === 0) break;
}
return best;
}
function levelOf(full, longer, tiles) {
const scale = longer / Math.max(full.width, full.height);
const size = { width: Math.round(full.width * scale), height: Math.max(1, Math.round(full.height * scale)) };
const multiple = Math.max(Math.sqrt(tiles), LEAST_MULTIPLE);
return { ...(tiles > 1 ? even(size, full, multiple) : size), tiles };
}
function affordable(tiles, size) {
return Math.sqrt(tiles) <= Math.min(size.width, size.height) ? tiles : 1;
}
function levelsOf(full, view, maxtiles) {
const most = [1, 4, 16, 64, 256].filter((count) => count <= maxtiles).pop() || 1;
const longest = Math.max(full.width, full.height);
const levels = [{ ...fitted(full, view), tiles: 1 }];
const least = Math.max(levels[0].width, levels[0].height);
let step = STEPS.findIndex((longer) => longer >= least * LEAST_ZOOM);
if (least >= longest) return levels;
for (; step >= 0 && step < STEPS.length && levels.length < LEVELS_MOST - 1; step += 1) {
if (STEPS[step] > longest * NEARLY_FULL) break;
const tiles = affordable(Math.min(TILES[step], most), full);
levels.push(levelOf(full, STEPS[step], tiles));
}
const steps = step < 0 ? STEPS.length - 1 : Math.min(step, STEPS.length - 1);
const tiles = Math.max(TILES[steps], longest > PIECE_MOST ? LEAST_MULTIPLE : 1);
levels.push({ ...full, tiles: affordable(Math.min(tiles, most), full) });
return levels;
}
function tileBox(level, number) {
const side = Math.sqrt(level.tiles);
const [across, down] = [Math.floor(level.width / side), Math.floor(level.height / side)];
const [column, row] = [(number - 1) % side, Math.floor((number - 1) / side)];
return {
left: column * across,
top: row * down,
right: column === side - 1 ? level.width : (column + 1) * across,
bottom: row === side - 1 ? level.height : (row + 1) * down,
};
}
function levelValues(level, index, number, format) {
return {
format,
autosizefit: 0,
strip: 1,
stats: index === 0 ? 1 : 0,
width: level.width,
height: level.height,
tile: level.tiles > 1 ? `${number}:${level.tiles}` : null,
};
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
const CLOSER = 0.7;
const CLICKS_MOST = 9;
const SLACK = 2;
const DIGITS = 8;
const PAN = 0.25;
function rounded(value) {
return Number(value.toFixed(DIGITS));
}
function partAround(point, width, height, bounds) {
const left = Math.min(Math.max(point.x - width / 2, bounds.left), bounds.right - width);
const top = Math.min(Math.max(point.y - height / 2, bounds.top), bounds.bottom - height);
return { top, left, bottom: top + height, right: left + width };
}
function grown(low, high, factor) {
const size = Math.min(1, (high - low) * factor);
const start = Math.min(Math.max((low + high - size) / 2, 0), 1 - size);
return [start, start + size];
}
class Simple {
constructor(container, url, image) {
this.container = container;
this.holder = image || container;
if (this.holder._viewer) this.holder._viewer.destroy();
this.holder._viewer = this;
this.address = new ImageAddress(url);
this.bounds = cropOf(this.address.values);
this.part = this.bounds;
this.steps = 0;
this.ending = new AbortController();
this.isOwn = !image;
this.texts = textsFor(container, {});
this.image = image || this.newImage();
this.original = image ? image.src : '';
this.listen();
if (this.isOwn) this.ask();
}
newImage() {
const image = make('img', { alt: this.address.src.split('/').pop() });
this.container.textContent = '';
this.container.classList.add('imageviewer', 'simple');
this.container.append(image);
return image;
}
listen() {
const { signal } = this.ending;
const on = (name, listener) => this.image.addEventListener(name, listener, { signal });
on('click', (event) => this.click(event));
on('keydown', (event) => this.key(event));
on('load', () => this.came());
on('dragstart', (event) => event.preventDefault());
on('error', () => this.isOwn && this.fail());
Object.assign(this.image.style, { userSelect: 'none', cursor: 'zoom-in' });
this.image.tabIndex = 0;
if (!this.isOwn && this.image.complete) this.came();
}
fail() {
this.image.alt = this.texts.failed;
}
came() {
const { naturalWidth: width, naturalHeight: height } = this.image;
if (this.steps === 0 && width && height) this.proportion = width / height;
}
get size() {
return innerSize(this.container);
}
ask() {
const { width, height } = this.size;
const { top, left, bottom, right } = this.part;
const values = {
width: Math.round(width * density()),
height: Math.round(height * density()),
top: rounded(top),
left: rounded(left),
bottom: rounded(bottom),
right: rounded(right),
format: 'jpeg',
};
this.image.src = this.address.with(this.steps ? { ...values, autocropfit: 1, stats: 0 } : values);
}
seen() {
const { naturalWidth, naturalHeight } = this.image;
if (!this.steps || !this.proportion || !naturalHeight) return this.part;
const wider = naturalWidth / naturalHeight / this.proportion;
const { top, left, bottom, right } = this.part;
if (wider >= 1) {
const [from, to] = grown(left, right, wider);
return { top, left: from, bottom, right: to };
}
const [from, to] = grown(top, bottom, 1 / wider);
return { top: from, left, bottom: to, right };
}
get zoomable() {
if (this.steps) return this.steps < CLICKS_MOST;
const { width, height } = this.size;
const { naturalWidth, naturalHeight } = this.image;
return naturalWidth >= width * density() - SLACK || naturalHeight >= height * density() - SLACK;
}
pointOf(event) {
const box = this.image.getBoundingClientRect();
const seen = this.seen();
return {
x: seen.left + ((event.clientX - box.left) / box.width) * (seen.right - seen.left),
y: seen.top + ((event.clientY - box.top) / box.height) * (seen.bottom - seen.top),
};
}
middle() {
return { x: (this.part.left + this.part.right) / 2, y: (this.part.top + this.part.bottom) / 2 };
}
click(event) {
event.preventDefault();
const point = this.pointOf(event);
if (event.altKey) this.show(this.steps, point);
else this.zoom(event.shiftKey ? -1 : 1, point);
}
zoom(direction, point) {
if (direction > 0 ? this.zoomable : this.steps > 0) this.show(this.steps + direction, point);
}
show(steps, point) {
const { bounds } = this;
const scale = CLOSER ** steps;
const part = partAround(point, (bounds.right - bounds.left) * scale, (bounds.bottom - bounds.top) * scale, bounds);
const isSame = steps === this.steps && part.left === this.part.left && part.top === this.part.top;
this.steps = steps;
this.part = steps ? part : bounds;
if (!isSame) this.ask();
}
pan(x, y) {
const { part } = this;
const middle = this.middle();
middle.x += x * (part.right - part.left);
middle.y += y * (part.bottom - part.top);
this.show(this.steps, middle);
}
key(event) {
if (event.altKey || event.ctrlKey || event.metaKey) return;
const always = {
'+': () => this.zoom(1, this.middle()),
'=': () => this.zoom(1, this.middle()),
'-': () => this.zoom(-1, this.middle()),
0: () => this.reset(),
};
const zoomed = {
ArrowLeft: () => this.pan(-PAN, 0),
ArrowRight: () => this.pan(PAN, 0),
ArrowUp: () => this.pan(0, -PAN),
ArrowDown: () => this.pan(0, PAN),
Home: () => this.show(this.steps, { x: 0, y: 0 }),
End: () => this.show(this.steps, { x: 1, y: 1 }),
};
const deed = always[event.key] || (this.steps && zoomed[event.key]);
if (!deed) return;
event.preventDefault();
deed();
}
reset() {
if (!this.steps) return;
this.steps = 0;
this.part = this.bounds;
if (this.isOwn) this.ask();
else this.image.src = this.original;
}
destroy() {
this.ending.abort();
if (this.isOwn) {
this.container.textContent = '';
this.container.classList.remove('imageviewer', 'simple');
}
if (this.holder._viewer === this) this.holder._viewer = null;
}
}
function simpleOf(element) {
const found = find(element);
return found ? found._viewer : null;
}
function reset(element) {
const viewer = simpleOf(element);
if (viewer) viewer.reset();
return false;
}
publish({
simple_view_init: (container, url) => {
const element = find(container);
if (element && url) new Simple(element, url);
return false;
},
simple_view_init_image: (image) => {
const element = find(image);
if (element && element.src) new Simple(element.parentElement, element.src, element);
return false;
},
simple_view_reset: reset,
simple_view_reset_image: reset,
});
})();
