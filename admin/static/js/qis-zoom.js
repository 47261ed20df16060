/* A viewer of the qisd image server; MIT licence. Assembled from readable modules, see docs/viewers.md. */
export function pictureUrl(element) {
if (element.tagName === 'IMG') return element.getAttribute('src') ? element.src : '';
const background = /url\(["']?(.*?)["']?\)/.exec(getComputedStyle(element).backgroundImage);
return background ? background[1] : '';
}
export function onActivate(element, deed) {
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
export function encoded(text) {
return encodeURIComponent(text).replace(/%(2F|3A|2C)/g, (_, code) => String.fromCharCode(parseInt(code, 16)));
}
export function queryOf(values) {
return Object.entries(values)
.filter(([, value]) => value !== null && value !== undefined)
.map(([name, value]) => `${encoded(name)}=${encoded(String(value))}`)
.join('&');
}
export function valuesOf(query, keepBlanks = true) {
const values = {};
for (const [name, value] of new URLSearchParams(query)) {
if (!(name in values) && (keepBlanks || value !== '')) values[name] = value;
}
return values;
}
export class ImageAddress {
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
export function serverUrl(server) {
const url = new URL(server || '/', document.baseURI);
const whole = url.origin + url.pathname;
return whole.endsWith('/') ? whole : `${whole}/`;
}
export function isPlain(value) {
if (value === null || typeof value !== 'object') return false;
const prototype = Object.getPrototypeOf(value);
return prototype === null || Object.getPrototypeOf(prototype) === null;
}
export function copied(value) {
if (Array.isArray(value)) return value.map(copied);
return isPlain(value) ? merged({}, value) : value;
}
export function merged(defaults, options) {
const result = {};
for (const [name, value] of Object.entries(defaults)) result[name] = copied(value);
for (const [name, value] of Object.entries(options || {})) {
if (value === undefined || name === '__proto__') continue;
result[name] = isPlain(value) && isPlain(result[name]) ? merged(result[name], value) : copied(value);
}
return result;
}
export function find(element) {
if (element && element.nodeType === 1) return element;
const isId = typeof element === 'string' || typeof element === 'number';
return isId ? document.getElementById(String(element)) : null;
}
export function tell(viewer, listener, ...values) {
if (typeof listener === 'function') setTimeout(() => listener.apply(viewer, values), 0);
}
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
export function innerSize(element) {
const style = getComputedStyle(element);
const across = parseFloat(style.paddingLeft) + parseFloat(style.paddingRight);
const down = parseFloat(style.paddingTop) + parseFloat(style.paddingBottom);
return { width: Math.max(0, element.clientWidth - across), height: Math.max(0, element.clientHeight - down) };
}
export function density() {
return Math.min(3, Math.max(1, window.devicePixelRatio || 1));
}
export function stillness() {
return matchMedia('(prefers-reduced-motion: reduce)').matches;
}
export function fade(element, from, to, millis = 300) {
if (stillness() || !element.animate) return Promise.resolve();
const fading = element.animate([{ opacity: from }, { opacity: to }], { duration: millis, easing: 'ease' });
return fading.finished.catch(() => undefined);
}
export function anchor(element) {
if (getComputedStyle(element).position === 'static') element.style.position = 'relative';
}
export function plainText(text) {
return String(text === null || text === undefined ? '' : text)
.replace(/<br\s*\/?>/gi, '\n')
.replace(/<\/?[a-z][^<>]*>/gi, '')
.trim();
}
export function shortened(text, most) {
if (text.length <= most) return text;
const cut = text.slice(0, most + 1);
const end = cut.lastIndexOf(' ');
return `${cut.slice(0, end > most / 2 ? end : most).trimEnd()}…`;
}
const BACK = 1.70158;
const BACK_BOTH = BACK * 1.525;
const EASINGS = {
linear: (t) => t,
'in-out-back': (t) =>
t < 0.5
? (4 * t * t * ((BACK_BOTH + 1) * 2 * t - BACK_BOTH)) / 2
: ((2 * t - 2) ** 2 * ((BACK_BOTH + 1) * (2 * t - 2) + BACK_BOTH) + 2) / 2,
'in-out-quadratic': (t) => (t < 0.5 ? 2 * t * t : 1 - 2 * (1 - t) ** 2),
'in-out-sine': (t) => (1 - Math.cos(Math.PI * t)) / 2,
'out-back': (t) => 1 + (BACK + 1) * (t - 1) ** 3 + BACK * (t - 1) ** 2,
'out-quadratic': (t) => 1 - (1 - t) ** 2,
'out-sine': (t) => Math.sin((Math.PI * t) / 2),
};
export function easing(name) {
return EASINGS[name] || EASINGS.linear;
}
const MOVED = 3;
const DOUBLE = 300;
const NEARBY = 20;
const HELD = 100;
const SLOW = 0.05;
const GLIDE = 180;
const WHEEL_MOST = 60;
const WHEEL = 0.006;
const LINE = 16;
export class Gestures {
constructor(element, deeds, signal) {
this.element = element;
this.deeds = deeds;
this.pointers = new Map();
this.trail = [];
this.lastClick = null;
const on = (name, listener, options) => element.addEventListener(name, listener, { signal, ...options });
on('pointerdown', (event) => this.down(event));
on('pointermove', (event) => this.move(event));
on('pointerup', (event) => this.up(event));
on('pointercancel', (event) => this.leave(event));
on('wheel', (event) => this.turn(event), { passive: false });
on('dragstart', (event) => event.preventDefault());
signal.addEventListener('abort', () => this.halt());
}
point(event) {
const box = this.element.getBoundingClientRect();
return { x: event.clientX - box.left, y: event.clientY - box.top };
}
down(event) {
if (event.pointerType === 'mouse' && event.button !== 0) return;
this.halt();
try {
this.element.setPointerCapture(event.pointerId);
} catch {
}
const point = this.point(event);
this.pointers.set(event.pointerId, point);
if (this.pointers.size === 1) this.start = { ...point, moved: false, fingers: 1 };
else this.start.fingers = this.pointers.size;
this.trail = [];
}
move(event) {
const before = this.pointers.get(event.pointerId);
if (!before) return;
const now = this.point(event);
if (this.pointers.size === 1) this.drag(before, now, event);
else this.pinch(event.pointerId, before, now);
if (this.start.moved || this.pointers.size > 1) this.pointers.set(event.pointerId, now);
}
drag(before, now, event) {
if (!this.start.moved && Math.hypot(now.x - this.start.x, now.y - this.start.y) <= MOVED) return;
this.start.moved = true;
this.element.classList.add('panning');
this.trail.push({ ...now, at: event.timeStamp });
this.deeds.drag(now.x - before.x, now.y - before.y);
}
pinch(id, before, now) {
const other = [...this.pointers].find(([key]) => key !== id)[1];
const [was, is] = [before, now].map((point) => Math.hypot(point.x - other.x, point.y - other.y));
this.start.moved = true;
const middle = { x: (now.x + other.x) / 2, y: (now.y + other.y) / 2 };
this.deeds.drag((now.x - before.x) / 2, (now.y - before.y) / 2);
if (was > 0 && is > 0) this.deeds.pinch(is / was, middle);
}
up(event) {
if (!this.pointers.has(event.pointerId)) return;
const point = this.point(event);
this.leave(event);
if (this.pointers.size) return;
if (!this.start.moved) this.click(point, event);
else if (this.start.fingers === 1) this.glide(this.speedAt(event.timeStamp));
}
leave(event) {
this.pointers.delete(event.pointerId);
if (!this.pointers.size) this.element.classList.remove('panning');
}
click(point, event) {
const last = this.lastClick;
const isSecond = last && event.timeStamp - last.at < DOUBLE && Math.hypot(point.x - last.x, point.y - last.y) < NEARBY;
this.lastClick = isSecond ? null : { ...point, at: event.timeStamp };
if (!isSecond || !this.deeds.double(point)) this.deeds.click(point, event);
}
speedAt(time) {
const recent = this.trail.filter((point) => time - point.at < HELD);
const [first, last] = [recent[0], recent[recent.length - 1]];
if (recent.length < 2 || last.at === first.at) return { x: 0, y: 0 };
const millis = last.at - first.at;
return { x: (last.x - first.x) / millis, y: (last.y - first.y) / millis };
}
glide(start) {
if (stillness()) return;
let speed = start;
let last = performance.now();
const step = (now) => {
const millis = now - last;
last = now;
const slower = Math.exp(-millis / GLIDE);
this.deeds.drag(speed.x * millis, speed.y * millis);
speed = { x: speed.x * slower, y: speed.y * slower };
this.gliding = Math.hypot(speed.x, speed.y) > SLOW ? requestAnimationFrame(step) : 0;
};
this.gliding = requestAnimationFrame(step);
}
halt() {
cancelAnimationFrame(this.gliding);
}
turn(event) {
if (!this.deeds.takesWheel(event)) return;
event.preventDefault();
this.halt();
const delta = event.deltaY * (event.deltaMode ? LINE : 1);
const bounded = Math.max(-WHEEL_MOST, Math.min(WHEEL_MOST, delta));
this.deeds.wheel(Math.exp(-bounded * WHEEL), this.point(event));
}
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
export function cropOf(values) {
const [top, bottom] = [numberOr(values.top, 0), numberOr(values.bottom, 1)];
const [left, right] = [numberOr(values.left, 0), numberOr(values.right, 1)];
return top < bottom && left < right ? { top, left, bottom, right } : { top: 0, left: 0, bottom: 1, right: 1 };
}
export function fullSize(size, values) {
const turned = Math.abs(Number.parseFloat(values.angle)) % 180 === 90;
const [width, height] = turned ? [size.height, size.width] : [size.width, size.height];
const crop = cropOf(values);
return {
width: Math.max(1, Math.round(width * (crop.right - crop.left))),
height: Math.max(1, Math.round(height * (crop.bottom - crop.top))),
};
}
export function fitted(size, box) {
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
export function levelsOf(full, view, maxtiles) {
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
export function tileBox(level, number) {
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
export function levelValues(level, index, number, format) {
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
export const ICONS = {
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
export function drawn(name) {
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
export function iconButton(name, label, className, pressed) {
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
export class Layer {
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
const TITLE_MOST = 24;
const BUTTONS = [
['download', 'download', 'download', 'download', 'download'],
['help', 'help', 'help', 'help', 'toggleHelp'],
['reset', 'reset', 'reset', 'reset', 'reset'],
['zoomin', 'zoomIn', 'zoom-in', 'zoomin', 'zoomIn'],
['zoomout', 'zoomOut', 'zoom-out', 'zoomout', 'zoomOut'],
['fullscreen', 'fullscreen', 'fullscreen', 'fulltoggle', 'toggleFullscreen'],
];
export class Panel {
constructor(viewer) {
this.viewer = viewer;
this.texts = viewer.texts;
this.icons = {};
this.element = make('div', {
class: 'controlpanel',
part: 'panel',
role: 'toolbar',
'aria-label': this.texts.controls,
});
this.element.append(make('div', { class: 'panelbg' }));
this.fill(viewer.options.controls);
this.parts = [this.element];
if (viewer.options.showcontrols === 'auto') this.addToggle();
viewer.container.append(...this.parts);
}
fill(wanted) {
if (wanted.title) {
this.title = make('button', { type: 'button', class: 'controltitle', part: 'title' });
this.title.addEventListener('click', () => this.viewer.toggleInfo());
this.title.hidden = true;
this.element.append(this.title);
}
for (const [option, text, icon, className, deed] of BUTTONS) {
if (!wanted[option]) continue;
if (this.element.children.length > 1) this.element.append(make('span', { class: 'separator' }));
const button = iconButton(icon, this.texts[text], `icon ${className}`, () => this.viewer[deed]());
button.setAttribute('part', `button ${option}`);
for (const [name, on] of [['pointerenter', true], ['pointerleave', false]]) {
button.addEventListener(name, () => button.classList.toggle('rollover', on));
}
this.icons[option] = button;
this.element.append(button);
}
}
addToggle() {
this.toggle = iconButton('down', this.texts.controls, 'controltoggle', () => this.fold(!this.folded));
this.toggle.setAttribute('part', 'toggle');
this.parts.push(this.toggle);
this.fold(true);
}
fold(folded) {
this.folded = folded;
this.element.classList.toggle('up', folded);
this.toggle.classList.toggle('up', folded);
this.toggle.setAttribute('aria-expanded', String(!folded));
}
get height() {
return this.element.offsetHeight;
}
setTitle(title) {
if (!this.title || !title) return;
this.title.textContent = shortened(title.replace(/\s+/g, ' '), TITLE_MOST);
this.title.title = this.texts.info;
this.title.hidden = false;
}
enable(option, on) {
const button = this.icons[option];
if (!button || button.disabled === !on) return;
const hadFocus = button.matches(':focus');
button.disabled = !on;
button.classList.toggle('disabled', !on);
if (hadFocus && !on) this.viewer.canvas.focus({ preventScroll: true });
}
setFullscreen(on) {
const button = this.icons.fullscreen;
if (!button) return;
button.title = on ? this.texts.leaveFullscreen : this.texts.fullscreen;
button.setAttribute('aria-label', button.title);
button.setAttribute('aria-pressed', String(on));
if (on && this.toggle) this.fold(false);
}
}
export function alertPanel(kind, label, lines, closeLabel, closed) {
const panel = make('div', { class: `alertpanel ${kind}`, part: `text ${kind}`, role: 'group', 'aria-label': label });
for (const line of lines) panel.append(line);
panel.prepend(iconButton('close', closeLabel, 'icon close', closed));
return panel;
}
export function helpLines(texts) {
return [make('ul', {}, ...texts.helpLines.map((line) => make('li', {}, line)))];
}
export function infoLines(title, description) {
return [make('h2', {}, plainText(title)), make('p', {}, plainText(description))];
}
const RETRIES = [600, 2000];
const PAGE = 1000;
export class Failure extends Error {
constructor(status) {
super(`status ${status}`);
this.status = status;
}
get passing() {
return this.status === 0 || this.status === 429 || this.status >= 500;
}
}
export function pause(millis) {
return new Promise((resolve) => setTimeout(resolve, millis));
}
function headers(token, accept) {
const wanted = accept ? { Accept: accept } : {};
return token ? { ...wanted, Authorization: `Bearer ${token}` } : wanted;
}
export async function patiently(deed) {
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
export async function blobOf(url, token, signal) {
return (await answer(url, token, null, signal)).blob();
}
const known = new Map();
export function details(address, token) {
const url = `${address.server}api/v1/details/?${queryOf({ src: address.src })}`;
const key = `${token || ''} ${url}`;
if (!known.has(key)) {
const asked = patiently(() => dataOf(url, token));
known.set(key, asked);
asked.catch(() => known.delete(key));
}
return known.get(key);
}
export async function* filesOf(server, folder, token) {
const path = `${folder.replace(/\/+$/, '')}/`;
for (let start = 0; ; start += PAGE) {
const query = queryOf(start ? { path, start, limit: PAGE } : { path });
const entries = await patiently(() => dataOf(`${server}api/v1/list/?${query}`, token));
yield entries.filter((entry) => entry.supported).map((entry) => ({ src: path + entry.filename }));
if (entries.length < PAGE) return;
}
}
export async function imagesOf(server, portfolio, token) {
const query = queryOf({ human_id: portfolio });
const data = await patiently(() => dataOf(`${server}api/v1/portfolios/?${query}`, token));
return data.images.map((entry) => ({
...Object.fromEntries(new URL(entry.url, document.baseURI).searchParams),
title: entry.image.title,
description: entry.image.description,
}));
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
export function picture(url, token, signal) {
return patiently(async () => {
if (signal && signal.aborted) throw new Failure(410);
return once(url, token, signal);
});
}
export class Wishes {
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
export function textsFor(element, options) {
const marked = element.closest('[lang]');
const language = String(options.lang || (marked && marked.lang) || 'en').toLowerCase().split('-')[0];
return { ...TEXTS, ...(window.QIS_TEXTS || {})[language], ...options.texts };
}
export function filled(text, values) {
return text.replace(/\{(\w+)\}/g, (_, name) => String(values[name]));
}
export const ZOOM_OPTIONS = {
title: null,
description: null,
showcontrols: 'auto',
quality: true,
animation: 'out-quadratic',
maxtiles: 256,
doubleclickreset: true,
controls: { title: true, download: false, help: true, reset: true, fullscreen: true, zoomin: true, zoomout: true },
stripaligns: false,
fullScreenFixed: true,
fullScreenCloseOnClick: true,
fullScreenReal: true,
format: 'jpg',
token: null,
lang: null,
texts: {},
};
const FRAMES = 20;
const FRAME = 1000 / 60;
const BAR_AFTER = 500;
const ZOOM_LAYER = 1101;
const KEY_STEP = 60;
const TILES_KEPT = 256;
const CLOSE_TO = 1.02;
const SHARP = 0.95;
export class Zoom {
constructor(container, url, options, events, place) {
if (container._cv_viewer) container._cv_viewer.destroy();
container._cv_viewer = this;
this.container = container;
this.options = merged(ZOOM_OPTIONS, options);
this.events = { ...events };
this.place = { frame: container, root: document.body, ...place };
this.address = new ImageAddress(url);
if (this.options.stripaligns) this.address.withoutAligns();
this.src = this.address.src;
this.texts = textsFor(container, this.options);
this.ending = new AbortController();
this.tiles = new Map();
this.levels = [];
this.view = { width: 0, height: 0 };
this.at = { x: 0, y: 0, width: 0 };
this.firstView = innerSize(container);
this.build();
this.ready = this.start();
}
build() {
const { container } = this;
container.textContent = '';
container.classList.add('imageviewer');
anchor(container);
this.canvas = make('canvas', { role: 'img', tabindex: 0, part: 'canvas', 'aria-label': this.texts.loading });
Object.assign(this.canvas.style, { touchAction: 'pan-y', transition: 'none' });
this.pen = this.canvas.getContext('2d');
this.bar = make('progress', { class: 'progressbar', part: 'progress', 'aria-label': this.texts.loading });
this.bar.hidden = true;
container.append(this.canvas, this.bar);
this.panel = this.options.showcontrols === 'no' ? null : new Panel(this);
this.wishes = new Wishes({
token: this.options.token,
got: (key, image) => this.keep(key, image),
changed: () => this.showProgress(),
});
const { signal } = this.ending;
this.gestures = new Gestures(this.canvas, this.deeds(), signal);
this.canvas.addEventListener('keydown', (event) => this.key(event), { signal });
this.observer = new ResizeObserver(() => this.resize());
this.observer.observe(container);
this.enable();
}
deeds() {
return {
click: (point, event) => (event.shiftKey ? this.step(-1, point) : this.step(1, point)),
double: () => this.doubleClick(),
drag: (dx, dy) => this.moveTo({ ...this.at, x: this.at.x + dx, y: this.at.y + dy }),
pinch: (factor, point) => this.zoomBy(factor, point),
wheel: (factor, point) => this.zoomBy(factor, point),
takesWheel: (event) => event.ctrlKey || event.metaKey || Boolean(this.layer),
};
}
doubleClick() {
if (this.options.doubleclickreset) this.reset();
return this.options.doubleclickreset;
}
async start() {
try {
const facts = await details(this.address, this.options.token);
if (!facts.width || !facts.height) throw new Failure(415);
await this.begin(facts);
} catch (failure) {
if (!this.ending.signal.aborted) this.fail(failure);
}
}
async begin(facts) {
if (this.ending.signal.aborted) return;
this.title = plainText(this.options.title === null ? facts.title : this.options.title);
this.description = plainText(this.options.description === null ? facts.description : this.options.description);
this.mayDownload = facts.download;
this.full = fullSize(facts, this.address.values);
this.describe();
await this.measurable();
if (this.ending.signal.aborted) return;
this.measure();
this.levels = levelsOf(this.full, this.pixels(this.firstView), this.options.maxtiles);
this.at = this.rested({ x: 0, y: 0, width: this.fitWidth() });
const first = await picture(this.urlOf(0, 1), this.options.token, this.ending.signal);
this.tiles.set('0/1', first);
this.loaded = true;
this.resize();
tell(this, this.events.onload, this.src);
}
measurable() {
if (this.firstView.width && this.firstView.height) return Promise.resolve();
return new Promise((resolve) => {
this.gotSize = resolve;
});
}
urlOf(index, number) {
return this.address.with(levelValues(this.levels[index], index, number, this.options.format));
}
async preload(url) {
const address = new ImageAddress(url);
const facts = await details(address, this.options.token);
const full = fullSize(facts, address.values);
const [first] = levelsOf(full, this.pixels(this.view), 1);
await picture(address.with(levelValues(first, 0, 1, this.options.format)), this.options.token);
}
describe() {
const name = this.title || this.src.split('/').pop() || this.texts.picture;
this.canvas.setAttribute('aria-label', this.description ? `${name}. ${this.description}` : name);
if (!this.panel) return;
this.panel.setTitle(this.title);
this.enable();
}
fail(failure) {
const reasons = { 401: 'denied', 403: 'denied', 404: 'missing', 415: 'unsupported' };
const reason = this.texts[reasons[failure.status] || 'failed'];
this.failed = true;
this.bar.hidden = true;
this.canvas.setAttribute('aria-label', reason);
const message = make('div', { class: 'alertpanel problem', part: 'text problem', role: 'alert' });
message.append(make('span', { class: 'cross', 'aria-hidden': 'true' }, '✕'), make('p', {}, reason));
this.container.append(message);
if (!reasons[failure.status] && !this.options.token) this.showPlainly(message);
}
showPlainly(message) {
const { width, height } = this.pixels(innerSize(this.container));
if (!width || !height) return;
const url = this.address.with({ width: Math.round(width), height: Math.round(height), autosizefit: 1, tile: null });
const plain = make('img', { class: 'plain', alt: this.options.title || '', src: url, onerror: () => plain.remove() });
plain.addEventListener('load', () => message.classList.add('beside'));
this.container.insertBefore(plain, message);
}
pixels(size) {
return { width: size.width * density(), height: size.height * density() };
}
measure() {
const size = innerSize(this.container);
this.view = size;
const pixels = this.pixels(size);
const [width, height] = [Math.round(pixels.width), Math.round(pixels.height)];
if (this.canvas.width !== width) this.canvas.width = width;
if (this.canvas.height !== height) this.canvas.height = height;
Object.assign(this.canvas.style, { width: `${size.width}px`, height: `${size.height}px` });
}
fitWidth() {
return fitted(this.full, this.view).width;
}
stops() {
const fit = this.fitWidth();
const widths = this.levels.map((level) => level.width / density()).filter((width) => width > fit * CLOSE_TO);
return [fit, ...widths];
}
heightOf(width) {
return (width * this.full.height) / this.full.width;
}
get zoomed() {
return this.loaded === true && this.at.width > this.fitWidth() * CLOSE_TO;
}
rested({ x, y, width }) {
const stops = this.stops();
const bounded = Math.min(Math.max(width, stops[0]), stops[stops.length - 1]);
const hold = (value, size, room) => (size <= room ? (room - size) / 2 : Math.min(0, Math.max(room - size, value)));
return {
x: hold(x, bounded, this.view.width),
y: hold(y, this.heightOf(bounded), this.view.height),
width: bounded,
};
}
moveTo(place) {
if (!this.loaded) return;
this.at = this.rested(place);
this.changed();
}
around(width, point) {
const stops = this.stops();
const bounded = Math.min(Math.max(width, stops[0]), stops[stops.length - 1]);
const factor = bounded / this.at.width;
return {
x: point.x - (point.x - this.at.x) * factor,
y: point.y - (point.y - this.at.y) * factor,
width: bounded,
};
}
middle() {
return { x: this.view.width / 2, y: this.view.height / 2 };
}
zoomBy(factor, point) {
if (!this.loaded) return;
this.halt();
this.moveTo(this.around(this.at.width * factor, point));
}
step(direction, point = this.middle()) {
if (!this.loaded) return;
const from = this.target ? this.target.width : this.at.width;
const stops = this.stops();
const next = direction > 0 ? stops.find((width) => width > from * CLOSE_TO) : stops.filter((width) => width < from / CLOSE_TO).pop();
if (next) this.glideTo(this.rested(this.around(next, point)));
}
zoomIn() {
this.step(1);
}
zoomOut() {
this.step(-1);
}
reset() {
if (this.loaded) this.glideTo(this.rested({ x: 0, y: 0, width: this.fitWidth() }));
}
halt() {
cancelAnimationFrame(this.moving);
this.target = null;
}
glideTo(target) {
this.halt();
this.gestures.halt();
if (stillness()) {
this.moveTo(target);
return;
}
const [from, ease, began] = [this.at, easing(this.options.animation), performance.now()];
this.target = target;
const frame = (now) => {
const time = Math.min(1, (now - began) / (FRAMES * FRAME));
const part = ease(Math.max(0, time));
const between = (name) => from[name] + (target[name] - from[name]) * part;
this.at = time < 1 ? { x: between('x'), y: between('y'), width: between('width') } : target;
if (time < 1) this.moving = requestAnimationFrame(frame);
else this.target = null;
this.changed();
};
this.moving = requestAnimationFrame(frame);
}
changed() {
this.canvas.style.touchAction = this.zoomed || this.layer ? 'none' : 'pan-y';
this.wish();
this.draw();
this.enable();
}
enable() {
if (!this.panel) return;
const stops = this.loaded ? this.stops() : [0];
const width = this.target ? this.target.width : this.at.width;
this.panel.enable('zoomin', width * CLOSE_TO < stops[stops.length - 1]);
this.panel.enable('zoomout', this.zoomed || Boolean(this.target));
this.panel.enable('reset', this.zoomed || Boolean(this.target));
this.panel.enable('download', this.mayDownload === true);
}
levelFor(width) {
const index = this.levels.findIndex((level) => level.width >= width * density() * SHARP);
return index < 0 ? this.levels.length - 1 : index;
}
boxOf(level, number, place = this.at) {
const tile = tileBox(level, number);
const [scaleX, scaleY] = [place.width / level.width, this.heightOf(place.width) / level.height];
const pixel = (value) => Math.round(value * density());
const left = pixel(place.x + tile.left * scaleX);
const top = pixel(place.y + tile.top * scaleY);
return {
left,
top,
width: pixel(place.x + tile.right * scaleX) - left,
height: pixel(place.y + tile.bottom * scaleY) - top,
};
}
isSeen(box) {
const { width, height } = this.canvas;
return box.left < width && box.top < height && box.left + box.width > 0 && box.top + box.height > 0;
}
wish() {
const place = this.target || this.at;
const index = this.levelFor(place.width);
const level = this.levels[index];
const { width, height } = this.canvas;
const list = [];
for (let number = 1; number <= level.tiles; number += 1) {
const key = `${index}/${number}`;
const box = this.boxOf(level, number, place);
if (this.tiles.has(key) || !this.isSeen(box)) continue;
const [x, y] = [box.left + box.width / 2 - width / 2, box.top + box.height / 2 - height / 2];
list.push({ key, url: this.urlOf(index, number), far: Math.hypot(x, y) });
}
this.wishes.want(list.sort((one, other) => one.far - other.far));
}
keep(key, image) {
this.tiles.set(key, image);
if (this.tiles.size > TILES_KEPT) this.forget();
this.draw();
}
forget() {
for (const key of this.tiles.keys()) {
if (this.tiles.size <= TILES_KEPT / 2) return;
const [index, number] = key.split('/').map(Number);
if (index > 0 && !this.isSeen(this.boxOf(this.levels[index], number))) this.tiles.delete(key);
}
}
draw() {
if (!this.loaded || this.drawing) return;
this.drawing = requestAnimationFrame(() => {
this.drawing = 0;
this.paint();
});
}
paint() {
const { pen, canvas } = this;
pen.clearRect(0, 0, canvas.width, canvas.height);
pen.imageSmoothingEnabled = this.options.quality;
pen.imageSmoothingQuality = 'high';
const last = this.levelFor(this.at.width);
const keys = [...this.tiles.keys()].map((key) => key.split('/').map(Number)).filter(([index]) => index <= last);
for (const [index, number] of keys.sort((one, other) => one[0] - other[0])) {
const box = this.boxOf(this.levels[index], number);
if (!this.isSeen(box)) continue;
pen.clearRect(box.left, box.top, box.width, box.height);
pen.drawImage(this.tiles.get(`${index}/${number}`), box.left, box.top, box.width, box.height);
}
}
showProgress() {
const busy = this.wishes.busy;
if (!busy) {
clearTimeout(this.barTimer);
this.barTimer = 0;
this.bar.hidden = true;
} else if (!this.barTimer) {
this.barTimer = setTimeout(() => {
this.bar.hidden = false;
}, BAR_AFTER);
}
}
key(event) {
if (event.altKey || event.ctrlKey || event.metaKey) return;
const deed = this.keyDeed(event.key);
if (!deed) return;
event.preventDefault();
event.stopPropagation();
deed();
}
keyDeed(key) {
const always = {
'+': () => this.zoomIn(),
'=': () => this.zoomIn(),
'-': () => this.zoomOut(),
0: () => this.reset(),
i: () => this.toggleInfo(),
'?': () => this.toggleHelp(),
};
if (key === 'f' && this.options.controls.fullscreen) return () => this.toggleFullscreen();
if (key === 'Escape' && this.alert) return () => this.closeAlert();
if (always[key]) return always[key];
return this.zoomed ? this.panDeed(key) : null;
}
panDeed(key) {
const far = this.at.width;
const ways = {
ArrowLeft: [KEY_STEP, 0],
ArrowRight: [-KEY_STEP, 0],
ArrowUp: [0, KEY_STEP],
ArrowDown: [0, -KEY_STEP],
Home: [far, far],
End: [-far, -this.heightOf(far)],
};
const way = ways[key];
if (!way) return null;
return () => this.glideTo(this.rested({ ...this.at, x: this.at.x + way[0], y: this.at.y + way[1] }));
}
toggleHelp() {
this.toggleAlert('help', this.texts.help, () => helpLines(this.texts));
}
toggleInfo() {
const shown = this.toggleAlert('info', this.texts.info, () => infoLines(this.title || this.src, this.description));
if (shown) tell(this, this.events.oninfo, this.src);
}
toggleAlert(kind, label, lines) {
const isSame = this.alert && this.alert.classList.contains(kind);
this.closeAlert();
if (isSame || this.failed) return false;
this.alert = alertPanel(kind, label, lines(), this.texts.close, () => this.closeAlert());
this.alert.addEventListener('keydown', (event) => {
if (event.key === 'Escape') this.key(event);
});
this.container.append(this.alert);
return true;
}
closeAlert() {
if (!this.alert) return;
const hadFocus = this.alert.matches(':focus-within');
this.alert.remove();
this.alert = null;
if (hadFocus) this.canvas.focus({ preventScroll: true });
}
async download() {
if (!this.mayDownload) return;
tell(this, this.events.ondownload, this.src);
let href = `${this.address.server}original?${queryOf({ src: this.src, attach: 1 })}`;
if (this.options.token) href = URL.createObjectURL(await blobOf(href, this.options.token));
make('a', { href, download: this.src.split('/').pop() }).click();
}
toggleFullscreen() {
if (this.layer) this.layer.close();
else this.openLayer();
}
openLayer() {
if (this.panel) this.panel.setFullscreen(true);
this.layer = new Layer({
frame: this.place.frame,
root: this.place.root,
zIndex: ZOOM_LAYER,
fixed: this.options.fullScreenFixed,
real: this.options.fullScreenReal,
closeOnClick: this.options.fullScreenCloseOnClick,
below: this.panel && !this.place.inside ? this.panel.height : 0,
name: this.title || this.texts.picture,
label: this.texts.leaveFullscreen,
closed: () => this.layerClosed(),
});
this.resize();
this.canvas.focus({ preventScroll: true });
tell(this, this.events.onfullscreen, this.src, true);
}
layerClosed() {
this.layer = null;
if (this.panel) this.panel.setFullscreen(false);
this.resize();
if (this.loaded) this.moveTo({ x: 0, y: 0, width: this.fitWidth() });
tell(this, this.events.onfullscreen, this.src, false);
if (this.place.closed) this.place.closed();
}
resize() {
const size = innerSize(this.container);
if (!size.width || !size.height) return;
if (!this.firstView.width || !this.firstView.height) this.firstView = size;
if (this.gotSize) this.gotSize();
if (!this.loaded) return;
this.halt();
const [wasWhole, before, at] = [!this.zoomed, this.middle(), this.at];
this.measure();
const after = this.middle();
const moved = { ...at, x: at.x + after.x - before.x, y: at.y + after.y - before.y };
this.moveTo(wasWhole ? { x: 0, y: 0, width: this.fitWidth() } : moved);
}
destroy() {
if (this.ending.signal.aborted) return;
this.ending.abort();
this.halt();
cancelAnimationFrame(this.drawing);
if (this.layer) this.layer.close();
this.wishes.end();
clearTimeout(this.barTimer);
this.observer.disconnect();
this.container.textContent = '';
this.container.classList.remove('imageviewer');
if (this.container._cv_viewer === this) this.container._cv_viewer = null;
}
}
const HOST = '_cv_fs_zoom_click_el';
const HOST_SIZE = '500px';
function zoomHost() {
const old = document.getElementById(HOST);
if (old) old.remove();
const host = make('div', { id: HOST });
const style = { position: 'absolute', left: '-9999px', top: '0', width: HOST_SIZE, height: HOST_SIZE };
Object.assign(host.style, style);
document.body.append(host);
return host;
}
export function zoomFullscreen(url, options, events) {
const defaults = { stripaligns: true, fullScreenReal: false };
const host = zoomHost();
const closed = () => {
viewer.destroy();
host.remove();
};
const viewer = new Zoom(host, url, merged(defaults, options), events, { closed });
viewer.openLayer();
return viewer;
}
export function zoomOnClick(element, options, events) {
element.style.cursor = 'pointer';
onActivate(element, () => {
const url = pictureUrl(element);
const title = element.getAttribute('title') || element.getAttribute('alt') || null;
if (url) zoomFullscreen(url, merged({ title }, options), events);
});
}
export function zoomOf(container) {
const element = find(container);
return element ? element._cv_viewer : null;
}
