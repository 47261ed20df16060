/** The slideshow: one picture after the other. */

import { anchor, density, find, innerSize, make, merged, stillness, tell } from './base.js';
import { Collection } from './collection.js';
import { iconButton } from './icons.js';
import { picture } from './pictures.js';
import { filled, textsFor } from './texts.js';

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
  /** t: time so far, b: beginning, c: change, d: duration. */
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

  // Loading

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
      // What came before the fault is shown.
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

  /** Have a picture loaded; whether it can be shown. */
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

  /** Show the first picture that comes, by their order. */
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

  /** The next picture is loaded while this one is shown. */
  prepare() {
    const next = this.neighbour(1);
    if (next !== this.index) this.fetch(next).then((isThere) => !isThere && !this.ending.signal.aborted && this.prepare());
  }

  /** The next picture in a direction that is not known to be broken; both ends are joined. */
  neighbour(direction, from = this.index) {
    const { length } = this.slides;
    for (let step = 1; step <= length; step += 1) {
      const index = (((from + direction * step) % length) + length) % length;
      if (!this.slides[index].broken) return index;
    }
    return from;
  }

  // Controls

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

  /** A small disc in the middle of a target that fingers can hit. */
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

  // Running

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

  /** Reasons to wait; it goes on when none is left. */
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

  /** To the next picture that can be shown. */
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

  // Showing

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

  /** A movement that is under way is over. */
  finishMove() {
    cancelAnimationFrame(this.moving);
    const { end } = this;
    this.end = null;
    if (end) end();
  }

  // Keys and fingers

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

  /** Ask for pictures of the container's size, if it has another one now; those that are shown stay until these are there. */
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

/** The slideshow of a container that is given by id or as itself. */
export function slideshowOf(container) {
  const element = find(container);
  return element ? element._show : null;
}
