/** Full screen: a layer over the page, and the real thing where the browser allows it. */

import { fade, make } from './base.js';
import { iconButton } from './icons.js';

const MARGIN = 40;

export class Layer {
  /**
   * `frame` is moved to the start of the body and laid over the page; `root` is where mask and button are put, the body
   * or the frame's own shadow root. `below` is the room that is left under the frame.
   */
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

  /** A dialog for those who can't see that it lies over the page. */
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

  /** In a shadow root the frame itself is what the mask's place is counted from. */
  dress(zIndex, maskIndex) {
    const position = this.fixed ? 'fixed' : 'absolute';
    Object.assign(this.mask.style, { position, inset: 0, zIndex: maskIndex });
    Object.assign(this.button.style, { position, zIndex: zIndex + 1 });
    const plain = { margin: 0, boxSizing: 'border-box', maxWidth: 'none', transition: 'none' };
    Object.assign(this.frame.style, { position, zIndex, ...plain });
    this.frame.classList.add('fullscreen');
  }

  /** Lay it out for the window as it is now. */
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

  /** Put everything back to where and how it was. */
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
