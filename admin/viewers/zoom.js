/** The zoom viewer: a picture on a canvas, in as many pieces and sizes as are looked at. */

import { onActivate, pictureUrl } from './activation.js';
import { ImageAddress, queryOf } from './address.js';
import { anchor, density, find, innerSize, make, merged, plainText, stillness, tell } from './base.js';
import { easing } from './easing.js';
import { Gestures } from './gestures.js';
import { fitted, fullSize, levelValues, levelsOf, tileBox } from './ladder.js';
import { Layer } from './layer.js';
import { Panel, alertPanel, helpLines, infoLines } from './panel.js';
import { Wishes, picture } from './pictures.js';
import { Failure, blobOf, details } from './requests.js';
import { textsFor } from './texts.js';

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
  /**
   * `place.frame` is what goes full screen and `place.root` where its mask is put: the container and the body if not
   * given. `place.inside` says that the panel lies over the picture; `place.closed` is called when full screen has been
   * left.
   */
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
    // A page may have a transition for everything, and sizes are measured as soon as they are set.
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

  /** Whether it did something: else it is a click like others. */
  doubleClick() {
    if (this.options.doubleclickreset) this.reset();
    return this.options.doubleclickreset;
  }

  // Loading

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

  /** Resolves when the container has had a size: it may be hidden yet. */
  measurable() {
    if (this.firstView.width && this.firstView.height) return Promise.resolve();
    return new Promise((resolve) => {
      this.gotSize = resolve;
    });
  }

  urlOf(index, number) {
    return this.address.with(levelValues(this.levels[index], index, number, this.options.format));
  }

  /** Have the first picture of another image loaded, for one who is going to look at it. */
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

  /** Say why there is no picture, and leave the browser to try it plainly where that may do. */
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

  // Sizes

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

  /** Width of the picture when all of it is seen. */
  fitWidth() {
    return fitted(this.full, this.view).width;
  }

  /** The widths to which one comes step by step. */
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

  /** The same place, with the picture held at the view's edges, and centred where it fits. */
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

  // Moving

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

  /** One stop nearer or further away. */
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

  /** What is seen is another part, or another size. */
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

  // Tiles

  /** The first level that is sharp at a width. */
  levelFor(width) {
    const index = this.levels.findIndex((level) => level.width >= width * density() * SHARP);
    return index < 0 ? this.levels.length - 1 : index;
  }

  /** Where on the canvas a tile lies, in its pixels, when the picture is at a place. */
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

  /** Wish for what is seen where the picture is, or will be in a moment. */
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

  /** Drop what is not seen, the oldest first; never the whole picture. */
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

  /** From the smallest level up, so that what is missing yet shows the one below. */
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

  // Keys

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

  // Texts and download

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

  // Full screen

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

  /** The container may have another size: measure again; what was in the middle stays there. */
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

  /** End it: nothing is left in the container, nothing goes on. */
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

// Pictures of a page that open full screen

const HOST = '_cv_fs_zoom_click_el';
const HOST_SIZE = '500px';

/** A hidden element of the same size for all, so that everybody asks for the same sizes. */
function zoomHost() {
  const old = document.getElementById(HOST);
  if (old) old.remove();
  const host = make('div', { id: HOST });
  const style = { position: 'absolute', left: '-9999px', top: '0', width: HOST_SIZE, height: HOST_SIZE };
  Object.assign(host.style, style);
  document.body.append(host);
  return host;
}

/** Open a picture full screen; the viewer ends with it. */
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

/** A click on the picture opens it full screen. */
export function zoomOnClick(element, options, events) {
  element.style.cursor = 'pointer';
  onActivate(element, () => {
    const url = pictureUrl(element);
    const title = element.getAttribute('title') || element.getAttribute('alt') || null;
    if (url) zoomFullscreen(url, merged({ title }, options), events);
  });
}

/** The viewer of a container that is given by id or as itself. */
export function zoomOf(container) {
  const element = find(container);
  return element ? element._cv_viewer : null;
}
