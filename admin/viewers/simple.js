/** The simple viewer: an image that is asked for anew, as a smaller part of the picture, with each click. */

import { ImageAddress } from './address.js';
import { density, find, innerSize, make } from './base.js';
import { cropOf } from './ladder.js';
import { textsFor } from './texts.js';

const CLOSER = 0.7;
const CLICKS_MOST = 9;
const SLACK = 2;
const DIGITS = 8;
const PAN = 0.25;

function rounded(value) {
  return Number(value.toFixed(DIGITS));
}

/** A part of this size around a point, kept inside bounds. */
function partAround(point, width, height, bounds) {
  const left = Math.min(Math.max(point.x - width / 2, bounds.left), bounds.right - width);
  const top = Math.min(Math.max(point.y - height / 2, bounds.top), bounds.bottom - height);
  return { top, left, bottom: top + height, right: left + width };
}

/** The part in the middle of which this one lies, as much wider or higher as the factor says, within the picture. */
function grown(low, high, factor) {
  const size = Math.min(1, (high - low) * factor);
  const start = Math.min(Math.max((low + high - size) / 2, 0), 1 - size);
  return [start, start + size];
}

export class Simple {
  /** `image` is an element that is there already: it stays as it is until it is zoomed. */
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

  /** The proportions of the whole part tell, later, how much the server has widened a smaller one to fill the box. */
  came() {
    const { naturalWidth: width, naturalHeight: height } = this.image;
    if (this.steps === 0 && width && height) this.proportion = width / height;
  }

  // Requests

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

  /** The part of the picture that is seen: not smaller than the one that was asked for. */
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

  /** Whether more of it can be had: not if the whole picture is smaller than its box. */
  get zoomable() {
    if (this.steps) return this.steps < CLICKS_MOST;
    const { width, height } = this.size;
    const { naturalWidth, naturalHeight } = this.image;
    return naturalWidth >= width * density() - SLACK || naturalHeight >= height * density() - SLACK;
  }

  // Deeds

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

/** The simple viewer of a container or image that is given by id or as itself. */
export function simpleOf(element) {
  const found = find(element);
  return found ? found._viewer : null;
}
