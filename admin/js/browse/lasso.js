// Choosing by a frame that is drawn with the mouse over free ground.

import {h} from '../core/dom.js';

const LEAST = 4;
const EDGE = 40;
const STEP = 16;

// `cells(box)`: what a box, in pixels of the container, touches. `choose(items, more)`, `clear()`.
export class Lasso {
    #container;
    #calls;
    #frame = null;
    #start = null;
    #last = null;

    constructor(container, calls) {
        this.#container = container;
        this.#calls = calls;
        container.addEventListener('pointerdown', event => this.#begin(event));
    }

    #begin(event) {
        const free = !event.target.closest('a, button, label, input, [draggable="true"]');
        if (event.pointerType !== 'mouse' || event.button !== 0 || !free) {
            return;
        }
        this.#start = this.#place(event);
        this.#last = event;
        this.more = event.ctrlKey || event.metaKey || event.shiftKey;
        const move = one => this.#move(one);
        const end = one => {
            window.removeEventListener('pointermove', move);
            window.removeEventListener('pointerup', end);
            this.#end(one);
        };
        window.addEventListener('pointermove', move);
        window.addEventListener('pointerup', end);
    }

    #place(event) {
        const box = this.#container.getBoundingClientRect();
        return {x: event.clientX - box.left, y: event.clientY - box.top};
    }

    #move(event) {
        this.#last = event;
        const {x, y} = this.#place(event);
        if (!this.#frame) {
            if (Math.abs(x - this.#start.x) + Math.abs(y - this.#start.y) < LEAST) {
                return;
            }
            this.#frame = h('div', {class: 'lasso', 'aria-hidden': 'true'});
            this.#container.append(this.#frame);
            this.#container.classList.add('drawing');
            this.#scroll();
        }
        event.preventDefault();
        this.#draw();
    }

    #box() {
        const {x, y} = this.#place(this.#last);
        return {
            left: Math.min(x, this.#start.x),
            top: Math.min(y, this.#start.y),
            right: Math.max(x, this.#start.x),
            bottom: Math.max(y, this.#start.y),
        };
    }

    #draw() {
        const {left, top, right, bottom} = this.#box();
        Object.assign(this.#frame.style, {
            left: `${left}px`,
            top: `${top}px`,
            width: `${right - left}px`,
            height: `${bottom - top}px`,
        });
        this.#calls.choose(this.#calls.cells({left, top, right, bottom}), this.more);
    }

    // At the edges of the window the page goes on.
    #scroll() {
        if (!this.#frame) {
            return;
        }
        const y = this.#last.clientY;
        const by = y < EDGE ? -STEP : y > window.innerHeight - EDGE ? STEP : 0;
        if (by) {
            window.scrollBy(0, by);
            this.#draw();
        }
        requestAnimationFrame(() => this.#scroll());
    }

    #end(event) {
        if (this.#frame) {
            this.#frame.remove();
            this.#frame = null;
            this.#container.classList.remove('drawing');
            // What follows a press and a release at one place is not meant as a click.
            const stop = one => one.stopPropagation();
            window.addEventListener('click', stop, {capture: true, once: true});
            setTimeout(() => window.removeEventListener('click', stop, {capture: true}), 0);
        } else if (!this.more && !event.target.closest?.('.entry, a, button, label, input')) {
            this.#calls.clear();
        }
    }
}
