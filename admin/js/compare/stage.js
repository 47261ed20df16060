// Where both pictures are seen, with the same zoom and the same part in view.

import {h} from '../core/dom.js';
import {t} from '../core/texts.js';

const MOST = 16;
const FACTOR = 1.25;
const STEP = 40;
const FLICKER_MS = 700;

export const MODES = ['side', 'slider', 'flicker', 'difference'];

export class Stage {
    // `changed` is called when zoom or the picture shown have changed.
    constructor(a, b, {changed = () => {}} = {}) {
        this.zoom = 1;
        this.x = 0;
        this.y = 0;
        this.shown = 'a';
        this.changed = changed;
        this.panes = {a: pane('a', a), b: pane('b', b)};
        this.line = h('div', {class: 'compare-line', 'aria-hidden': 'true'});
        this.element = h('div', {
            class: 'compare-stage', tabindex: 0, role: 'group', 'aria-label': t('compare_stage'),
            on: {
                keydown: event => this.keyed(event),
                pointerdown: event => this.grabbed(event),
                wheel: event => this.wheeled(event),
            },
        }, this.panes.a, this.panes.b, this.line);
        this.setMode('side');
    }

    setMode(mode) {
        this.mode = mode;
        this.element.dataset.mode = mode;
        this.setFlicker(mode === 'flicker' && !matchMedia('(prefers-reduced-motion: reduce)').matches);
        this.show('a');
        this.divide(50);
        this.draw();
    }

    // Zoom and place

    zoomBy(factor, at = {x: 0, y: 0}) {
        const before = this.zoom;
        this.zoom = Math.min(MOST, Math.max(1, this.zoom * factor));
        const grown = this.zoom / before;
        this.x = at.x - (at.x - this.x) * grown;
        this.y = at.y - (at.y - this.y) * grown;
        this.draw();
    }

    zoomIn() { this.zoomBy(FACTOR); }

    zoomOut() { this.zoomBy(1 / FACTOR); }

    reset() {
        this.zoom = 1;
        this.draw();
    }

    moveBy(x, y) {
        this.x += x;
        this.y += y;
        this.draw();
    }

    draw() {
        const box = this.panes.a.getBoundingClientRect();
        const bound = (value, size) => Math.min(1, Math.max(-1, value / (((this.zoom - 1) * size) / 2 || Infinity))) * (((this.zoom - 1) * size) / 2);
        this.x = bound(this.x, box.width);
        this.y = bound(this.y, box.height);
        for (const {firstElementChild: picture} of Object.values(this.panes)) {
            picture.style.transform = `translate(${this.x}px, ${this.y}px) scale(${this.zoom})`;
            picture.classList.toggle('compare-close', this.zoom > 2);
        }
        this.changed();
    }

    // What the modes have of their own

    divide(percent) {
        const slider = this.mode === 'slider';
        this.panes.b.style.clipPath = slider ? `inset(0 0 0 ${percent}%)` : '';
        this.line.style.left = `${percent}%`;
    }

    show(name) {
        this.shown = name;
        this.panes.b.classList.toggle('compare-away', this.mode === 'flicker' && name === 'a');
        this.changed();
    }

    turn() { this.show(this.shown === 'a' ? 'b' : 'a'); }

    setFlicker(on) {
        clearInterval(this.timer);
        this.timer = on ? setInterval(() => this.turn(), FLICKER_MS) : null;
    }

    get flickers() { return this.timer !== null; }

    amplify(on) { this.element.classList.toggle('compare-amplified', on); }

    close() { this.setFlicker(false); }

    // Input

    keyed(event) {
        const deed = {
            '+': () => this.zoomIn(), '=': () => this.zoomIn(), '-': () => this.zoomOut(), 0: () => this.reset(),
            ArrowLeft: () => this.moveBy(STEP, 0), ArrowRight: () => this.moveBy(-STEP, 0),
            ArrowUp: () => this.moveBy(0, STEP), ArrowDown: () => this.moveBy(0, -STEP),
        }[event.key];
        if (!deed || event.ctrlKey || event.metaKey || event.altKey) return;
        event.preventDefault();
        event.stopPropagation();
        deed();
    }

    wheeled(event) {
        if (!event.ctrlKey) return; // the page scrolls
        event.preventDefault();
        const box = this.element.getBoundingClientRect();
        this.zoomBy(event.deltaY < 0 ? FACTOR : 1 / FACTOR, {
            x: event.clientX - box.left - box.width / 2, y: event.clientY - box.top - box.height / 2,
        });
    }

    grabbed(event) {
        if (this.zoom === 1 || event.button) return;
        let last = event;
        const move = now => {
            this.moveBy(now.clientX - last.clientX, now.clientY - last.clientY);
            last = now;
        };
        const end = () => {
            this.element.removeEventListener('pointermove', move);
            this.element.classList.remove('compare-grabbed');
        };
        this.element.setPointerCapture(event.pointerId);
        this.element.classList.add('compare-grabbed');
        this.element.addEventListener('pointermove', move);
        for (const name of ['pointerup', 'pointercancel']) this.element.addEventListener(name, end, {once: true});
    }
}

function pane(name, side) {
    side.picture.alt = name.toUpperCase();
    side.picture.draggable = false;
    return h('div', {class: `compare-pane compare-${name}`}, side.picture, h('span', {class: 'badge compare-name', 'aria-hidden': 'true'}, name.toUpperCase()));
}
