/** The gallery: a strip of thumbnails under a zoom viewer. */

import { onActivate, pictureUrl } from './activation.js';
import { ImageAddress } from './address.js';
import { anchor, find, make, merged, stillness, tell } from './base.js';
import { Collection } from './collection.js';
import { iconButton } from './icons.js';
import { Layer } from './layer.js';
import { filled, textsFor } from './texts.js';

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
  /** `zoom(container, url, options, events)` makes the viewer of the main view and returns it. */
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

  // Loading

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

  /** Show the start image as soon as it is known; without one the first. */
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

  // Choosing

  /** Choose a picture; it is shown unless another one is chosen at once. */
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

  /** The picture is there: time for its neighbours. */
  shown(index, values) {
    tell(this.viewer, this.events.onload, ...values);
    for (const neighbour of [index + 1, index - 1]) {
      const entry = this.entries[neighbour];
      if (entry && this.viewer && this.viewer.preload) this.viewer.preload(entry.url).catch(() => undefined);
    }
  }

  // Moving along

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

// The gallery as a layer

/** Open a gallery over the page; it ends with the layer. */
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

/** A click on the element opens the gallery, beginning with the element's own picture. */
export function galleryOnClick(element, options, events, zoom) {
  element.style.cursor = 'pointer';
  onActivate(element, () => {
    const url = pictureUrl(element);
    const own = url ? new ImageAddress(url).src : '';
    galleryFullscreen(merged({ startImage: own }, options), events, zoom);
  });
}

/** An element's picture as an entry of a gallery; null if it is none of an image server. */
function entryOf(element) {
  const url = pictureUrl(element);
  const address = url ? new ImageAddress(url) : null;
  if (!address || !address.src) return null;
  const title = element.getAttribute('title') || element.getAttribute('alt') || '';
  return { ...address.values, server: address.server, title };
}

/** A click on any element of a class opens the gallery of them all. */
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

/** The gallery of a container that is given by id or as itself. */
export function galleryOf(container) {
  const element = find(container);
  return element ? element._gallery : null;
}
