/* A viewer of the qisd image server; MIT licence. Assembled from readable modules, see docs/viewers.md. */
import { Gallery, Slideshow } from './qis-series.js';
import { ImageAddress, Zoom, cropOf, density, find, innerSize, make, merged, queryOf, textsFor } from './qis-zoom.js';
const STYLES = {
"canvas_view": ".imageviewer{--in-panel-bg:var(--qis-panel-bg,rgb(28 32 38 / 88%));--in-panel-ink:var(--qis-panel-ink,#fff);--in-accent:var(--qis-accent,#ffd166);--in-radius:var(--qis-radius,6px);background:var(--qis-background,transparent)}.imageviewer [hidden]{display:none}.imageviewer canvas{display:block;cursor:zoom-in}.imageviewer canvas.panning{cursor:grabbing}.imageviewer :focus-visible,.close_button:focus-visible{outline:2px solid var(--qis-focus,#1a6fd4);outline-offset:-2px;box-shadow:inset 0 0 0 4px #fff}.imageviewer canvas:focus-visible{box-shadow:none}.imageviewer .progressbar{position:absolute;left:50%;bottom:12px;width:min(160px,60%);height:6px;transform:translateX(-50%);accent-color:var(--in-accent)}.imageviewer .controlpanel{position:absolute;z-index:2;top:100%;left:0;right:32px;display:flex;align-items:center;justify-content:center;gap:2px;min-height:36px;width:fit-content;max-width:calc(100% - 40px);margin:0 auto;padding:2px 8px;box-sizing:border-box;color:var(--in-panel-ink);font:13px/1.4 system-ui,sans-serif}.imageviewer .controlpanel.up{visibility:hidden}.imageviewer .panelbg{position:absolute;z-index:-1;inset:0;border-radius:0 0 var(--in-radius) var(--in-radius);background:var(--in-panel-bg)}.imageviewer button{font:inherit}.imageviewer .controltitle{overflow:hidden;min-height:32px;padding:0 8px;border:0;color:inherit;background:none;text-overflow:ellipsis;white-space:nowrap;cursor:pointer}.imageviewer .separator{flex:none;width:1px;height:16px;background:currentcolor;opacity:0.25}.imageviewer .controltitle[hidden] + .separator{display:none}.imageviewer .icon,.imageviewer .controltoggle{flex:none;width:32px;height:32px;padding:6px;border:0;border-radius:4px;box-sizing:border-box;color:inherit;background:none;cursor:pointer}.imageviewer .icon svg,.imageviewer .controltoggle svg,.close_button svg{display:block;width:100%;height:100%}.imageviewer .icon.rollover:not(.disabled){color:var(--in-accent)}.imageviewer .icon.disabled{cursor:default;opacity:0.4}.imageviewer .controltoggle{position:absolute;z-index:2;top:100%;right:0;border-radius:0 0 var(--in-radius) var(--in-radius);color:var(--in-panel-ink);background:var(--in-panel-bg)}.imageviewer .controltoggle:not(.up) svg{transform:rotate(180deg)}.imageviewer .alertpanel{position:absolute;z-index:3;inset:0;overflow:auto;width:fit-content;height:fit-content;max-width:min(100%,32em);max-height:100%;margin:auto;padding:14px 48px 14px 18px;border-radius:var(--in-radius);box-sizing:border-box;color:var(--in-panel-ink);background:var(--in-panel-bg);font:14px/1.5 system-ui,sans-serif}.imageviewer .alertpanel .icon.close{position:absolute;top:4px;right:4px}.imageviewer .alertpanel h2{margin:0 0 4px;font-size:15px;overflow-wrap:anywhere}.imageviewer .alertpanel p,.imageviewer .alertpanel ul{margin:0;padding:0;white-space:pre-line;overflow-wrap:anywhere}.imageviewer .alertpanel ul{padding-left:18px}.imageviewer .alertpanel.problem{padding:14px 18px;text-align:center}.imageviewer .alertpanel.problem.beside{inset:auto 0 0;padding:6px 12px}.imageviewer .alertpanel.problem.beside .cross{display:none}.imageviewer .cross{font-size:28px;line-height:1.2}.imageviewer .plain{position:absolute;inset:0;width:100%;height:100%;object-fit:scale-down}.imageviewer.fullscreen{background:var(--qis-background,#111)}.fullscreen_mask{background:var(--qis-mask,rgb(0 0 0 / 80%))}.close_button{width:40px;height:40px;padding:8px;border:0;border-radius:6px;box-sizing:border-box;color:var(--qis-panel-ink,#fff);background:var(--qis-panel-bg,rgb(28 32 38 / 88%));cursor:pointer}@media (forced-colors:active){.imageviewer .controlpanel,.imageviewer .alertpanel,.imageviewer .controltoggle,.close_button{border:1px solid}.imageviewer .icon.disabled{color:GrayText;opacity:1}}",
"gallery_view": ".gallery{display:flex;flex-direction:column;gap:8px;box-sizing:border-box}.gallery [hidden]{display:none}.gallery .main_view{flex:1 1 auto;min-height:160px}.gallery .main_view .controlpanel,.gallery .main_view .controltoggle{top:auto;bottom:0}.gallery .main_view .panelbg,.gallery .main_view .controltoggle{border-radius:var(--qis-radius,6px) var(--qis-radius,6px) 0 0}.gallery .main_view .controltoggle svg{transform:rotate(180deg)}.gallery .main_view .controltoggle:not(.up) svg{transform:none}.gallery .thumbnails{display:flex;flex:none;align-items:stretch;gap:4px}.gallery .scroll_button{flex:none;width:32px;padding:4px;border:0;border-radius:4px;color:inherit;background:none;cursor:pointer}.gallery .scroll_button.disabled{cursor:default;opacity:0.3}.gallery .scroll_button svg{display:block;width:100%}.gallery .scroller_viewport{flex:1 1 0;min-width:0;overflow-x:auto;overscroll-behavior-x:contain;scrollbar-width:none}.gallery .scroller{position:relative;display:flex;gap:6px;width:max-content;min-height:40px;margin:0 auto;padding:4px}.gallery .thumbnails img{display:block;object-fit:contain;border-radius:4px;outline:2px solid transparent;cursor:pointer}.gallery .thumbnails img.selected{outline-color:var(--qis-accent,#d98a00)}.gallery .thumbnails img.broken{opacity:0.5;background:rgb(128 128 128 / 20%)}.gallery .thumbnails img:focus-visible,.gallery .scroll_button:focus-visible{outline:3px solid var(--qis-focus,#1a6fd4)}.gallery .message{position:absolute;inset:0;width:fit-content;height:fit-content;margin:auto;padding:8px 14px}.fullscreen .gallery{height:100%;color:#fff}@media (forced-colors:active){.gallery .thumbnails img.selected{outline-color:Highlight}}",
"elements": ":host{display:block;position:relative;min-height:40px}:host([hidden]){display:none}.box{width:100%;height:100%}.imageviewer .controlpanel,.imageviewer .controltoggle{top:auto;bottom:0}.imageviewer .panelbg,.imageviewer .controltoggle{border-radius:var(--qis-radius,6px) var(--qis-radius,6px) 0 0}.imageviewer .controltoggle svg{transform:rotate(180deg)}.imageviewer .controltoggle:not(.up) svg{transform:none}:host(.fullscreen) .box{background:var(--qis-background,#111)}img[part='image']{display:block;width:100%;height:100%;object-fit:cover}.compare{position:relative;width:100%;height:100%;overflow:hidden}.compare img{display:block;width:100%;height:100%;object-fit:contain}.compare img[part='a']{position:absolute;inset:0}.compare .divider{position:absolute;top:0;bottom:0;width:3px;margin-left:-1.5px;background:var(--qis-accent,#ffd166);box-shadow:0 0 0 1px rgb(0 0 0 / 50%)}.compare input{position:absolute;inset:0;width:100%;height:100%;margin:0;opacity:0;cursor:ew-resize}.compare:focus-within .divider{box-shadow:0 0 0 3px var(--qis-focus,#1a6fd4)}"
};
const AS = {
text: (text) => text,
number: Number,
flag: (text) => !['false', 'no', '0'].includes(text.toLowerCase()),
};
let sheets = null;
function styleSheets() {
if (!sheets) {
sheets = [STYLES.canvas_view, STYLES.gallery_view, STYLES.elements].map((text) => {
const sheet = new CSSStyleSheet();
sheet.replaceSync(text);
return sheet;
});
}
return sheets;
}
class QisElement extends HTMLElement {
#options = {};
constructor() {
super();
this.attachShadow({ mode: 'open', delegatesFocus: true }).adoptedStyleSheets = styleSheets();
}
get options() {
return this.#options;
}
set options(options) {
this.#options = merged({}, options);
this.refresh();
}
connectedCallback() {
if (!this.viewer) this.refresh();
}
attributeChangedCallback() {
this.refresh();
}
disconnectedCallback() {
queueMicrotask(() => {
if (!this.isConnected) this.end();
});
}
refresh() {
if (this.due || !this.isConnected) return;
this.due = true;
queueMicrotask(() => {
this.due = false;
if (!this.isConnected) return;
this.end();
this.show();
});
}
end() {
if (this.viewer && this.viewer.destroy) this.viewer.destroy();
this.viewer = null;
this.shadowRoot.replaceChildren();
}
given() {
const values = {};
const marked = this.closest('[lang]');
if (marked) values.lang = marked.lang;
for (const [attribute, [option, kind]] of Object.entries(this.constructor.known)) {
const text = this.getAttribute(attribute);
if (text === null) continue;
const path = option.split('.');
const last = path.pop();
path.reduce((place, name) => (place[name] = place[name] || {}), values)[last] = AS[kind](text);
}
return merged(values, this.#options);
}
tell(name, detail) {
this.dispatchEvent(new CustomEvent(`qis-${name}`, { bubbles: true, composed: true, detail }));
}
box() {
const box = make('div', { class: 'box', part: 'viewer' });
this.shadowRoot.append(box);
return box;
}
zoomEvents() {
return {
onload: (src) => this.tell('load', { src }),
oninfo: (src) => this.tell('info', { src }),
ondownload: (src) => this.tell('download', { src }),
onfullscreen: (src, on) => this.tell('fullscreen', { src, on }),
};
}
zoomPlace() {
return { frame: this, root: this.shadowRoot, inside: true };
}
}
const TOKEN = { token: ['token', 'text'] };
const PLACE = { server: ['server', 'text'], folder: ['folder', 'text'], portfolio: ['portfolio', 'text'], ...TOKEN };
class QisZoom extends QisElement {
static known = {
caption: ['title', 'text'],
description: ['description', 'text'],
showcontrols: ['showcontrols', 'text'],
animation: ['animation', 'text'],
maxtiles: ['maxtiles', 'number'],
quality: ['quality', 'flag'],
doubleclickreset: ['doubleclickreset', 'flag'],
stripaligns: ['stripaligns', 'flag'],
format: ['format', 'text'],
download: ['controls.download', 'flag'],
...TOKEN,
};
static observedAttributes = ['src', ...Object.keys(QisZoom.known)];
show() {
const src = this.getAttribute('src');
if (src) this.viewer = new Zoom(this.box(), src, this.given(), this.zoomEvents(), this.zoomPlace());
}
zoomIn() {
if (this.viewer) this.viewer.zoomIn();
}
zoomOut() {
if (this.viewer) this.viewer.zoomOut();
}
reset() {
if (this.viewer) this.viewer.reset();
}
toggleFullscreen() {
if (this.viewer) this.viewer.toggleFullscreen();
}
}
class QisGallery extends QisElement {
static known = {
start: ['startImage', 'text'],
'thumb-width': ['thumbsize.width', 'number'],
'thumb-height': ['thumbsize.height', 'number'],
download: ['viewer.controls.download', 'flag'],
...PLACE,
};
static observedAttributes = Object.keys(QisGallery.known);
show() {
const options = merged({ server: QisElement.server }, this.given());
const events = { ...this.zoomEvents(), onchange: (src) => this.tell('change', { src }) };
const zoom = (box, url, viewer, listeners) => new Zoom(box, url, viewer, listeners, this.zoomPlace());
this.viewer = new Gallery(this.box(), options, events, zoom);
}
}
class QisSlideshow extends QisElement {
static known = {
mode: ['mode', 'text'],
delay: ['delay', 'number'],
duration: ['duration', 'number'],
controls: ['controls', 'flag'],
dots: ['dots', 'flag'],
'dot-color': ['dotColor', 'text'],
'dot-selected-color': ['dotSelectedColor', 'text'],
'pause-on-hover': ['pauseOnHover', 'flag'],
'bg-color': ['bgColor', 'text'],
...PLACE,
};
static observedAttributes = Object.keys(QisSlideshow.known);
show() {
const options = merged({ server: QisElement.server }, this.given());
this.viewer = new Slideshow(this.box(), options, {
onchange: (src, index) => this.tell('change', { src, index }),
onclick: (src, index) => this.tell('click', { src, index }),
});
}
start() {
if (this.viewer) this.viewer.start();
}
stop() {
if (this.viewer) this.viewer.stop();
}
prev() {
if (this.viewer) this.viewer.goBy(-1);
}
next() {
if (this.viewer) this.viewer.goBy(1);
}
go(index) {
if (this.viewer) this.viewer.goTo(index);
}
}
function inWidth(src, width) {
const url = new URL(src, document.baseURI);
const values = Object.fromEntries(url.searchParams);
return `${url.origin}${url.pathname}?${queryOf({ ...values, width })}`;
}
function focalPlace(text) {
const parts = text.trim().split(/[\s,]+/).map((part) => (part.endsWith('%') ? parseFloat(part) : parseFloat(part) * 100));
return parts.length === 2 && parts.every(Number.isFinite) ? `${parts[0]}% ${parts[1]}%` : '';
}
class QisImage extends QisElement {
static observedAttributes = ['src', 'alt', 'widths', 'sizes', 'focal', 'loading'];
show() {
const src = this.getAttribute('src');
if (!src) return;
const widths = (this.getAttribute('widths') || '').split(/[\s,]+/).map(Number).filter((width) => width > 0);
const image = make('img', {
part: 'image',
alt: this.getAttribute('alt') || '',
loading: this.getAttribute('loading') || 'lazy',
decoding: 'async',
sizes: this.getAttribute('sizes') || (widths.length ? '100vw' : null),
srcset: widths.length ? widths.map((width) => `${inWidth(src, width)} ${width}w`).join(', ') : null,
src: widths.length ? inWidth(src, Math.max(...widths)) : src,
onload: () => this.tell('load', { src: image.currentSrc }),
});
image.style.objectPosition = focalPlace(this.getAttribute('focal') || '');
this.shadowRoot.append(image);
}
}
class QisCompare extends QisElement {
static observedAttributes = ['a', 'b', 'at', 'label-a', 'label-b'];
show() {
const texts = textsFor(this, this.options);
const [a, b] = ['a', 'b'].map((name) => this.getAttribute(name));
if (!a || !b) return;
const picture = (name, src) => make('img', { src, part: name, alt: this.getAttribute(`label-${name}`) || '' });
const under = picture('b', b);
const over = picture('a', a);
const line = make('span', { class: 'divider', part: 'divider', 'aria-hidden': 'true' });
const slider = make('input', { type: 'range', min: 0, max: 100, step: 1, 'aria-label': texts.divider });
const divide = () => {
over.style.clipPath = `inset(0 ${100 - slider.value}% 0 0)`;
line.style.left = `${slider.value}%`;
};
slider.value = this.getAttribute('at') || '50';
slider.addEventListener('input', () => {
divide();
this.tell('change', { at: Number(slider.value) });
});
divide();
this.shadowRoot.append(make('div', { class: 'compare', part: 'viewer' }, under, over, line, slider));
}
}
const ELEMENTS = {
'qis-zoom': QisZoom,
'qis-gallery': QisGallery,
'qis-slideshow': QisSlideshow,
'qis-image': QisImage,
'qis-compare': QisCompare,
};
function define(server) {
QisElement.server = server;
for (const [name, element] of Object.entries(ELEMENTS)) {
if (!customElements.get(name)) customElements.define(name, element);
}
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
const zoom = (container, url, options, events) => new Zoom(container, url, options, events);
class ZoomGallery extends Gallery {
constructor(container, options, events) {
super(container, options, events, zoom);
}
}
define(new URL('../../', import.meta.url).href);
export { ZoomGallery as Gallery, Simple, Slideshow, Zoom };
