/** The lazy loader: `img` elements with `data-defer-src` get their picture when they come near. */

const OPTIONS = { maxLoaded: 100, scrollingSkipRate: 0.8, scrollingStopMillis: 500 };
const STOP_LEAST = 100;
const NEAR = '300px';

export class Defer {
  constructor(options) {
    this.version = 2;
    this.options = { ...OPTIONS, ...options };
    this.images = new Map();
    this.near = new Set();
    this.fast = false;
    this.last = { at: 0, x: 0, y: 0 };
    if (!this.supportedBrowser()) return;
    window.addEventListener('scroll', () => this.scrolled(), { passive: true, capture: true });
    if (document.readyState === 'loading') document.addEventListener('DOMContentLoaded', () => this.init());
    else this.init();
  }

  supportedBrowser() {
    return 'IntersectionObserver' in window;
  }

  /** Begin anew with the images that the page has now; those that were loaded stay so. */
  init() {
    if (this.observer) this.observer.disconnect();
    this.near.clear();
    this.observer = new IntersectionObserver((seen) => this.seen(seen), { rootMargin: NEAR });
    const old = this.images;
    this.images = new Map();
    for (const image of document.querySelectorAll('img[data-defer-src]')) this.watch(image, old.get(image));
  }

  /** Look again which images are near. */
  reset() {
    this.init();
  }

  watch(image, state) {
    this.images.set(image, state || { first: image.getAttribute('src'), loaded: false });
    this.observer.observe(image);
  }

  addImage(image) {
    if (image && !this.images.has(image) && image.dataset.deferSrc) this.watch(image);
  }

  removeImage(image, load) {
    if (!this.images.has(image)) return;
    if (load) this.loadImage(image);
    this.observer.unobserve(image);
    this.images.delete(image);
    this.near.delete(image);
  }

  imagesLoaded() {
    return [...this.images.values()].filter((state) => state.loaded).length;
  }

  loadImage(image) {
    const state = this.images.get(image);
    if (!state || state.loaded) return;
    state.loaded = true;
    image.addEventListener('load', () => this.call('onImageLoaded', image), { once: true });
    image.src = image.dataset.deferSrc;
    this.call('onImageRequested', image);
    this.limit();
  }

  unloadImage(image) {
    const state = this.images.get(image);
    if (!state || !state.loaded) return;
    state.loaded = false;
    if (state.first === null) image.removeAttribute('src');
    else image.src = state.first;
    this.call('onImageUnloaded', image);
  }

  call(name, image) {
    const listener = this.options[name];
    if (typeof listener === 'function') listener(image);
  }

  seen(entries) {
    for (const { target, isIntersecting } of entries) {
      if (isIntersecting) this.near.add(target);
      else this.near.delete(target);
    }
    if (!this.fast) this.loadNear();
  }

  loadNear() {
    for (const image of [...this.near]) this.loadImage(image);
  }

  /** Too many: those that are furthest away go first. */
  limit() {
    const most = this.options.maxLoaded;
    let surplus = most > 0 ? this.imagesLoaded() - most : 0;
    if (surplus <= 0) return;
    const middle = window.innerHeight / 2;
    const far = (image) => Math.abs(image.getBoundingClientRect().top - middle);
    const loaded = [...this.images].filter(([image, state]) => state.loaded && !this.near.has(image));
    loaded.sort(([one], [other]) => far(other) - far(one));
    for (const [image] of loaded) {
      if (surplus <= 0) return;
      this.unloadImage(image);
      surplus -= 1;
    }
  }

  /** While somebody scrolls past quickly nothing is loaded. */
  scrolled() {
    const now = { at: performance.now(), x: window.scrollX, y: window.scrollY };
    const millis = now.at - this.last.at;
    const far = Math.hypot(now.x - this.last.x, now.y - this.last.y);
    if (millis > 0 && millis < this.stopMillis) this.fast = far / millis > this.options.scrollingSkipRate;
    this.last = now;
    clearTimeout(this.stopping);
    this.stopping = setTimeout(() => this.stopped(), this.stopMillis);
    if (!this.fast) this.loadNear();
  }

  get stopMillis() {
    return Math.max(STOP_LEAST, this.options.scrollingStopMillis);
  }

  stopped() {
    this.fast = false;
    this.loadNear();
  }
}
