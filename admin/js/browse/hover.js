// A preview beside what the mouse rests on.

import {imageUrl, THUMB} from '../core/api.js';
import {h} from '../core/dom.js';

const AFTER = 500;
const ROOM = 12;

export class Hover {
    #timer = null;
    #box = null;

    wait(item, element) {
        this.hide();
        this.#timer = setTimeout(() => this.#show(item, element), AFTER);
    }

    hide() {
        clearTimeout(this.#timer);
        this.#box?.remove();
        this.#box = null;
    }

    #show(item, element) {
        const {right, top} = element.getBoundingClientRect();
        if (!element.isConnected) {
            return;
        }
        const {width, height} = THUMB;
        this.#box = h('div', {class: 'entry-hover', 'aria-hidden': 'true'},
            h('img', {src: imageUrl(item.path, THUMB), alt: '', width, height}));
        this.#box.style.left = `${Math.min(right + ROOM, window.innerWidth - width - 2 * ROOM)}px`;
        this.#box.style.top = `${Math.min(Math.max(ROOM, top - height / 2), window.innerHeight - height - 2 * ROOM)}px`;
        document.body.append(this.#box);
    }
}
