/** What hands do on a picture, told as few deeds: click, drag, glide, pinch, wheel. */

import { stillness } from './base.js';

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
  /**
   * `deeds` has `click(point, event)`, `double(point)`, `drag(dx, dy)`, `pinch(factor, point)`, `wheel(factor, point)`
   * and `takesWheel(event)`; points are in the element's pixels.
   */
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
      // A pointer that is gone already needs no capture.
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

  /** How fast the last moments' movement was, in pixels per millisecond. */
  speedAt(time) {
    const recent = this.trail.filter((point) => time - point.at < HELD);
    const [first, last] = [recent[0], recent[recent.length - 1]];
    if (recent.length < 2 || last.at === first.at) return { x: 0, y: 0 };
    const millis = last.at - first.at;
    return { x: (last.x - first.x) / millis, y: (last.y - first.y) / millis };
  }

  /** Let go while moving: on for a while, slower and slower. */
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
