/** The viewers as elements: attributes are options, events are the page's own kind. */

import { queryOf } from './address.js';
import { make, merged } from './base.js';
import { Gallery } from './gallery.js';
import { Slideshow } from './slideshow.js';
import { STYLES } from './styles.js';
import { textsFor } from './texts.js';
import { Zoom } from './zoom.js';

/** What an attribute's text means as an option. */
const AS = {
  text: (text) => text,
  number: Number,
  flag: (text) => !['false', 'no', '0'].includes(text.toLowerCase()),
};

let sheets = null;

/** Styles that pages need not allow by their policy; made once for all elements. */
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

/** An element that shows something according to its attributes, and again when they change. */
class QisElement extends HTMLElement {
  #options = {};

  constructor() {
    super();
    this.attachShadow({ mode: 'open', delegatesFocus: true }).adoptedStyleSheets = styleSheets();
  }

  /** Options by script, over those of the attributes. */
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

  /** Going full screen moves the element: only one that stays away has ended. */
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

  /** The options of the attributes that this kind of element knows, then those by script. */
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

/** The same image in another width. */
function inWidth(src, width) {
  const url = new URL(src, document.baseURI);
  const values = Object.fromEntries(url.searchParams);
  return `${url.origin}${url.pathname}?${queryOf({ ...values, width })}`;
}

/** "62% 40%" or "0.62 0.4" as a place for the style sheet. */
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

/** Two pictures in one frame, with a divider that is dragged or moved by keys. */
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

/** Make the elements known. `server` is the one they ask unless they say another. */
export function define(server) {
  QisElement.server = server;
  for (const [name, element] of Object.entries(ELEMENTS)) {
    if (!customElements.get(name)) customElements.define(name, element);
  }
}
