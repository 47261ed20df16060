/* A viewer of the qisd image server; MIT licence. Assembled from readable modules, see docs/viewers.md. */
import { ImageAddress, Layer, anchor, density, filesOf, filled, find, iconButton, imagesOf, innerSize, make, merged, onActivate, picture, pictureUrl, queryOf, serverUrl, stillness, tell, textsFor } from './qis-zoom.js';
const NOT_PARAMETERS = ['server', 'title', 'description', 'url'];
export class Collection {
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
export const GALLERY_OPTIONS = {
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
export class Gallery {
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
export function galleryFullscreen(options, events, zoom) {
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
export function galleryOnClick(element, options, events, zoom) {
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
export function galleryOnClickAll(className, options, events, zoom) {
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
export function galleryOf(container) {
const element = find(container);
return element ? element._gallery : null;
}
export const SLIDESHOW_OPTIONS = {
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
export class Slideshow {
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
export function slideshowOf(container) {
const element = find(container);
return element ? element._show : null;
}
