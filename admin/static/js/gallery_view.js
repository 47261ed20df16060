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
function pictureUrl(element) {
if (element.tagName === 'IMG') return element.getAttribute('src') ? element.src : '';
const background = /url\(["']?(.*?)["']?\)/.exec(getComputedStyle(element).backgroundImage);
return background ? background[1] : '';
}
function onActivate(element, deed) {
if (element._qis_activation) element._qis_activation.abort();
element._qis_activation = new AbortController();
const { signal } = element._qis_activation;
const act = (event) => {
event.preventDefault();
deed(event);
};
element.addEventListener('click', act, { signal });
if (element.closest('a[href], button')) return;
element.tabIndex = 0;
element.setAttribute('role', 'button');
element.addEventListener('keydown', (event) => (event.key === 'Enter' || event.key === ' ') && act(event), { signal });
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
const MARGIN = 40;
class Layer {
constructor({ frame, root, zIndex, fixed = true, real = false, closeOnClick, below = 0, name, label, closed }) {
this.frame = frame;
this.fixed = fixed;
this.below = below;
this.closed = closed;
this.listening = new AbortController();
this.focused = document.activeElement;
this.remember();
this.mask = make('div', { class: 'fullscreen_mask', part: 'mask' });
this.button = iconButton('close', label, 'close_button', () => this.close());
this.button.setAttribute('part', 'close');
this.become(name);
this.dress(zIndex, root === document.body ? zIndex - 1 : -1);
document.body.prepend(frame);
root.append(this.mask, this.button);
this.sealed = [...document.body.children].filter((child) => !this.owns(child) && !child.inert);
for (const child of this.sealed) child.inert = true;
this.place();
this.listen(closeOnClick);
if (real) this.enterReal();
fade(this.mask, 0, 1);
fade(frame, 0, 1);
}
become(name) {
if (this.frame.hasAttribute('role')) return;
this.roles = { role: 'dialog', 'aria-modal': 'true', 'aria-label': name };
for (const [attribute, value] of Object.entries(this.roles)) this.frame.setAttribute(attribute, value);
}
owns(element) {
return element === this.frame || element === this.mask || element === this.button || element.tagName === 'SCRIPT';
}
remember() {
this.spot = document.createComment('');
this.frame.before(this.spot);
this.style = this.frame.getAttribute('style');
this.wasFullscreen = this.frame.classList.contains('fullscreen');
}
dress(zIndex, maskIndex) {
const position = this.fixed ? 'fixed' : 'absolute';
Object.assign(this.mask.style, { position, inset: 0, zIndex: maskIndex });
Object.assign(this.button.style, { position, zIndex: zIndex + 1 });
const plain = { margin: 0, boxSizing: 'border-box', maxWidth: 'none', transition: 'none' };
Object.assign(this.frame.style, { position, zIndex, ...plain });
this.frame.classList.add('fullscreen');
}
place() {
const { clientWidth: width, clientHeight: height } = document.documentElement;
const margin = Math.round(Math.min(width / MARGIN, height / MARGIN));
const [x, y] = this.fixed ? [0, 0] : [window.scrollX, window.scrollY];
Object.assign(this.frame.style, {
left: `${x + margin}px`,
top: `${y + margin}px`,
width: `${width - 2 * margin}px`,
height: `${height - 2 * margin - this.below}px`,
});
Object.assign(this.button.style, { left: 'auto', right: `${margin - x}px`, top: `${y + margin}px` });
if (!this.fixed) {
const { scrollWidth, scrollHeight } = document.documentElement;
Object.assign(this.mask.style, { width: `${scrollWidth}px`, height: `${scrollHeight}px` });
}
}
listen(closeOnClick) {
const { signal } = this.listening;
if (closeOnClick) this.mask.addEventListener('click', () => this.close());
window.addEventListener('resize', () => this.place(), { signal });
document.addEventListener('keydown', (event) => this.key(event), { signal });
document.addEventListener('fullscreenchange', () => this.realChanged(), { signal });
if (window.CloseWatcher) {
this.watcher = new CloseWatcher();
this.watcher.onclose = () => this.close();
}
}
key(event) {
if (event.key !== 'Escape' || event.defaultPrevented) return;
event.preventDefault();
this.close();
}
enterReal() {
const root = document.documentElement;
const mayAsk = !navigator.userActivation || navigator.userActivation.isActive;
if (!root.requestFullscreen || document.fullscreenElement || !mayAsk) return;
root.requestFullscreen().then(
() => {
this.isReal = true;
if (this.listening.signal.aborted) document.exitFullscreen();
},
() => undefined, // not allowed here: the layer does
);
}
realChanged() {
if (this.isReal && !document.fullscreenElement) this.close();
}
close() {
if (this.listening.signal.aborted) return;
this.listening.abort();
if (this.watcher) this.watcher.destroy();
if (this.isReal && document.fullscreenElement) document.exitFullscreen();
for (const child of this.sealed) child.inert = false;
this.button.remove();
fade(this.mask, 1, 0).then(() => this.mask.remove());
if (this.style === null) this.frame.removeAttribute('style');
else this.frame.style.cssText = this.style;
this.frame.classList.toggle('fullscreen', this.wasFullscreen);
for (const attribute of Object.keys(this.roles || {})) this.frame.removeAttribute(attribute);
if (this.spot.isConnected) this.spot.replaceWith(this.frame);
else this.frame.remove();
if (this.focused && this.focused.isConnected) this.focused.focus({ preventScroll: true });
this.closed();
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
const GALLERY_OPTIONS = {
folder: '',
portfolio: '',
images: [],
params: {},
thumbsize: { width: 120, height: 120 },
startImage: '',
viewer: {},
stripaligns: true,
token: null,
lang: null,
texts: {},
};
const SELECT_AFTER = 100;
const SCROLL = 500;
const GALLERY_LAYER = 1001;
const AHEAD = '400px';
const SWIPE_LEAST = 50;
class Gallery {
constructor(container, options, events, zoom, place) {
if (container._gallery) container._gallery.destroy();
container._gallery = this;
this.container = container;
this.options = merged(GALLERY_OPTIONS, options);
this.events = { ...events };
this.zoom = zoom;
this.place = { ...place };
this.texts = textsFor(container, this.options);
this.entries = [];
this.thumbs = [];
this.selected = -1;
this.ending = new AbortController();
this.build();
this.ready = this.load();
}
build() {
const { container, texts } = this;
container.textContent = '';
container.classList.add('gallery');
anchor(container);
this.main = make('div', { class: 'main_view', part: 'main' });
this.back = iconButton('previous', texts.previous, 'scroll_button back', () => this.scrollBy(-1));
this.forth = iconButton('next', texts.next, 'scroll_button forth', () => this.scrollBy(1));
this.scroller = make('div', { class: 'scroller', role: 'listbox', 'aria-label': texts.pictures });
this.scroller.setAttribute('aria-orientation', 'horizontal');
this.viewport = make('div', { class: 'scroller_viewport' }, this.scroller);
const strip = make('div', { class: 'thumbnails', part: 'thumbnails' }, this.back, this.viewport, this.forth);
this.message = make('p', { class: 'message', part: 'text message', role: 'status' }, texts.loading);
container.append(this.main, strip, this.message);
this.lazy = new IntersectionObserver((seen) => this.showThumbs(seen), {
root: this.viewport,
rootMargin: `0px ${AHEAD}`,
});
this.listen();
}
listen() {
const { signal } = this.ending;
const whole = this.place.keysEverywhere ? document : this.container;
whole.addEventListener('keydown', (event) => this.key(event), { signal });
this.viewport.addEventListener('scroll', () => this.enable(), { signal, passive: true });
for (const name of ['wheel', 'pointerdown']) {
this.viewport.addEventListener(name, () => cancelAnimationFrame(this.scrolling), { signal, passive: true });
}
this.main.addEventListener('pointerdown', (event) => this.swipeFrom(event), { signal });
this.main.addEventListener('pointerup', (event) => this.swipeTo(event), { signal });
this.observer = new ResizeObserver(() => this.enable());
this.observer.observe(this.viewport);
}
async load() {
const { thumbsize } = this.options;
const collection = new Collection(this.options, (given) => ({
width: thumbsize.width,
height: thumbsize.height,
strip: 1,
format: given.format || 'png',
fill: given.fill || 'none',
}));
try {
for await (const entries of collection.pages()) {
if (this.ending.signal.aborted) return;
entries.forEach((entry) => this.add(entry));
this.begin();
}
if (!this.ending.signal.aborted) this.finish();
} catch (failure) {
if (this.ending.signal.aborted) return;
this.begin();
this.message.textContent = failure.status === 403 ? this.texts.denied : this.texts.failed;
this.message.hidden = this.entries.length > 0;
}
}
add(entry) {
const index = this.entries.length;
const { width, height } = this.options.thumbsize;
const label = entry.title || filled(this.texts.number, { n: index + 1, all: '…' });
const thumb = make('img', { alt: label, part: 'thumbnail', role: 'option', tabindex: -1, 'aria-selected': 'false' });
Object.assign(thumb.dataset, { index, title: entry.title, description: entry.description });
if (entry.title) thumb.title = entry.title;
Object.assign(thumb.style, { width: `${width}px`, height: `${height}px` });
thumb.addEventListener('click', () => this.select(index));
thumb.addEventListener('error', () => thumb.classList.add('broken'));
this.entries.push(entry);
this.thumbs.push(thumb);
this.scroller.append(thumb);
this.lazy.observe(thumb);
}
showThumbs(seen) {
for (const { isIntersecting, target } of seen) {
if (!isIntersecting) continue;
this.lazy.unobserve(target);
target.src = this.entries[Number(target.dataset.index)].url;
}
}
begin() {
if (this.selected >= 0 || !this.entries.length) return;
const { startImage } = this.options;
const index = startImage ? this.entries.findIndex((entry) => entry.src === startImage) : 0;
if (index >= 0) this.select(index);
}
finish() {
if (this.selected < 0 && this.entries.length) this.select(0);
this.message.textContent = this.entries.length ? '' : this.texts.noImages;
this.message.hidden = this.entries.length > 0;
this.thumbs.forEach((thumb, index) => {
if (!this.entries[index].title) thumb.alt = filled(this.texts.number, { n: index + 1, all: this.thumbs.length });
});
this.enable();
}
select(index) {
if (index < 0 || index >= this.entries.length || index === this.selected) return;
const before = this.thumbs[this.selected];
const hadFocus = before !== undefined && before.matches(':focus');
if (before) this.mark(before, false);
this.selected = index;
this.mark(this.thumbs[index], true);
if (hadFocus) this.thumbs[index].focus({ preventScroll: true });
this.message.hidden = true;
clearTimeout(this.waiting);
this.waiting = setTimeout(() => this.show(index), SELECT_AFTER);
}
mark(thumb, on) {
thumb.classList.toggle('selected', on);
thumb.setAttribute('aria-selected', String(on));
thumb.tabIndex = on ? 0 : -1;
}
show(index) {
const entry = this.entries[index];
this.reveal(this.thumbs[index]);
this.viewer = this.zoom(this.main, entry.url, this.viewerOptions(entry), {
...this.events,
onload: (...values) => this.shown(index, values),
});
tell(this, this.events.onchange, entry.src);
}
viewerOptions(entry) {
const own = { token: this.options.token, lang: this.options.lang, texts: this.options.texts };
const texts = { title: entry.title || null, description: entry.description || null };
const form = this.place.frame ? { controls: { fullscreen: false } } : {};
return merged(merged({ ...own, ...texts }, form), this.options.viewer);
}
shown(index, values) {
tell(this.viewer, this.events.onload, ...values);
for (const neighbour of [index + 1, index - 1]) {
const entry = this.entries[neighbour];
if (entry && this.viewer && this.viewer.preload) this.viewer.preload(entry.url).catch(() => undefined);
}
}
key(event) {
if (event.defaultPrevented || event.altKey || event.ctrlKey || event.metaKey) return;
if (/^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName)) return;
const last = this.entries.length - 1;
const ways = {
ArrowLeft: this.selected - 1,
ArrowDown: this.selected - 1,
ArrowRight: this.selected + 1,
ArrowUp: this.selected + 1,
Home: 0,
End: last,
};
if (!(event.key in ways) || last < 0) return;
event.preventDefault();
this.select(Math.min(last, Math.max(0, ways[event.key])));
}
swipeFrom(event) {
const isZoomed = this.viewer && this.viewer.zoomed;
this.swipe = event.isPrimary && !isZoomed ? { x: event.clientX, y: event.clientY } : null;
}
swipeTo(event) {
if (!this.swipe || !event.isPrimary) return;
const [x, y] = [event.clientX - this.swipe.x, event.clientY - this.swipe.y];
this.swipe = null;
if (Math.abs(x) > SWIPE_LEAST && Math.abs(x) > 2 * Math.abs(y)) this.select(this.selected + (x < 0 ? 1 : -1));
}
scrollBy(direction) {
this.scrollTo(this.viewport.scrollLeft + direction * this.viewport.clientWidth * 0.8);
}
reveal(thumb) {
this.scrollTo(thumb.offsetLeft - (this.viewport.clientWidth - thumb.offsetWidth) / 2);
}
scrollTo(left) {
cancelAnimationFrame(this.scrolling);
const end = Math.max(0, Math.min(left, this.viewport.scrollWidth - this.viewport.clientWidth));
const [from, began] = [this.viewport.scrollLeft, performance.now()];
const millis = stillness() ? 0 : SCROLL;
const frame = (now) => {
const time = millis ? Math.min(1, Math.max(0, (now - began) / millis)) : 1;
this.viewport.scrollLeft = from + (end - from) * (1 - (1 - time) ** 2);
if (time < 1) this.scrolling = requestAnimationFrame(frame);
};
this.scrolling = requestAnimationFrame(frame);
}
enable() {
const { scrollLeft, scrollWidth, clientWidth } = this.viewport;
const set = (button, on) => {
button.disabled = !on;
button.classList.toggle('disabled', !on);
};
set(this.back, scrollLeft > 1);
set(this.forth, scrollLeft < scrollWidth - clientWidth - 1);
}
resize() {
if (this.viewer && this.viewer.resize) this.viewer.resize();
if (this.selected >= 0) this.reveal(this.thumbs[this.selected]);
this.enable();
}
destroy() {
this.ending.abort();
clearTimeout(this.waiting);
cancelAnimationFrame(this.scrolling);
this.lazy.disconnect();
this.observer.disconnect();
if (this.viewer && this.viewer.destroy) this.viewer.destroy();
this.container.textContent = '';
this.container.classList.remove('gallery');
if (this.container._gallery === this) this.container._gallery = null;
}
}
function galleryFullscreen(options, events, zoom) {
const container = make('div');
const frame = make('div', {}, container);
document.body.append(frame);
const gallery = new Gallery(container, options, events, zoom, { frame, keysEverywhere: true });
const layer = new Layer({
frame,
root: document.body,
zIndex: GALLERY_LAYER,
closeOnClick: false,
name: gallery.texts.pictures,
label: gallery.texts.close,
closed: () => {
gallery.destroy();
frame.remove();
tell(gallery, gallery.events.onfullscreen, '', false);
},
});
gallery.layer = layer;
tell(gallery, gallery.events.onfullscreen, '', true);
return gallery;
}
function galleryOnClick(element, options, events, zoom) {
element.style.cursor = 'pointer';
onActivate(element, () => {
const url = pictureUrl(element);
const own = url ? new ImageAddress(url).src : '';
galleryFullscreen(merged({ startImage: own }, options), events, zoom);
});
}
function entryOf(element) {
const url = pictureUrl(element);
const address = url ? new ImageAddress(url) : null;
if (!address || !address.src) return null;
const title = element.getAttribute('title') || element.getAttribute('alt') || '';
return { ...address.values, server: address.server, title };
}
function galleryOnClickAll(className, options, events, zoom) {
const found = [...document.getElementsByClassName(className)]
.map((element) => ({ element, entry: entryOf(element) }))
.filter(({ entry }) => entry !== null);
const listed = (options && options.images) || [];
const images = [...listed, ...found.map(({ entry }) => entry)];
const server = found.length ? found[0].entry.server : undefined;
for (const { element } of found) {
galleryOnClick(element, { ...merged({ server }, options), images }, events, zoom);
}
}
function galleryOf(container) {
const element = find(container);
return element ? element._gallery : null;
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
function zoom(container, url, options, events) {
window.canvas_view_init(container, url, options, events);
return container._cv_viewer;
}
publish({
gallery_view_init: (container, options, events) => {
const element = find(container);
if (element) new Gallery(element, options, events, zoom);
return false;
},
gallery_view_resize: (container) => {
const gallery = galleryOf(container);
if (gallery) gallery.resize();
return false;
},
gallery_view_init_fullscreen: (element, options, events) => {
const found = find(element);
if (found) galleryOnClick(found, options, events, zoom);
return false;
},
gallery_view_init_all_fullscreen: (className, options, events) => {
galleryOnClickAll(className, options, events, zoom);
return false;
},
});
})();
