// The crop tool: a small picture with a frame on it, for pointers and for keys.

import {h, icon} from '../core/dom.js';
import {t} from '../core/texts.js';
import {WHOLE, drawn, fitted, fromEdges, moved, resized, toEdges} from './rectangle.js';

const HANDLES = ['nw', 'n', 'ne', 'e', 'se', 's', 'sw', 'w'];
const LEAST = 10;
const RATIOS = {'': 0, '1:1': 1, '4:3': 4 / 3, '3:4': 3 / 4, '3:2': 1.5, '16:9': 16 / 9, '9:16': 9 / 16};
const ARROWS = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]};

export class CropTool {
    #box = {...WHOLE};
    #ratio = 0;
    #drag = null;

    // `change`: told the values of the four edges
    // `point`: told where somebody has pointed to
    constructor({change, point}) {
        this.change = change;
        this.point = point;
        this.img = h('img', {alt: '', draggable: 'false', on: {load: () => this.#place()}});
        this.frame = h(
            'div',
            {
                class: 'crop-frame',
                tabindex: '0',
                role: 'group',
                'aria-label': t('crop_frame'),
                'aria-describedby': 'crop-keys crop-state',
            },
            ...HANDLES.map(handle => h('span', {class: `crop-handle crop-${handle}`, dataset: {handle}})),
        );
        this.spot = h('span', {class: 'crop-spot', hidden: true, 'aria-hidden': 'true'});
        this.shade = h('div', {class: 'crop-shade'});
        this.stage = h(
            'div',
            {class: 'crop-stage'},
            h('div', {class: 'crop-picture'}, this.img, this.shade),
            this.frame,
            this.spot,
        );
        this.state = h('p', {class: 'hint', id: 'crop-state', role: 'status'});
        this.shape = h(
            'select',
            {id: 'crop-ratio', on: {change: () => this.#force(RATIOS[this.shape.value])}},
            ...Object.keys(RATIOS).map(name => h('option', {value: name}, name || t('ratio_free'))),
        );
        const all = h(
            'button',
            {type: 'button', class: 'button', on: {click: () => this.#take({...WHOLE})}},
            t('crop_all'),
        );
        this.pointer =
            point &&
            h(
                'button',
                {
                    type: 'button',
                    class: 'button',
                    'aria-pressed': 'false',
                    on: {click: () => this.#pointing(this.pointer.getAttribute('aria-pressed') !== 'true')},
                },
                icon('focus'),
                t('crop_point'),
            );
        this.element = h(
            'div',
            {class: 'crop-tool'},
            this.stage,
            this.state,
            h('p', {class: 'visually-hidden', id: 'crop-keys'}, t('crop_keys')),
            h(
                'div',
                {class: 'row pub-crop-tools'},
                h('label', {for: 'crop-ratio'}, t('ratio')),
                this.shape,
                all,
                ...(point ? [this.pointer] : []),
            ),
        );
        this.#listen();
    }

    // `address`: of the picture that is cropped, already turned
    // `values`: of the edges
    // `size`: of the whole in pixels
    // `focus`: "0.5,0.4" or anything else
    show(address, values, size, focus = '') {
        this.size = size;
        if (this.img.getAttribute('src') !== address) this.img.src = address;
        if (!this.#drag) this.#box = fromEdges(values);
        const place = /^([\d.]+),([\d.]+)$/.exec(focus);
        this.spot.hidden = !place;
        if (place) {
            this.spot.style.left = `${place[1] * 100}%`;
            this.spot.style.top = `${place[2] * 100}%`;
        }
        this.#place();
    }

    get #rules() {
        const {width, height} = this.stage.getBoundingClientRect();
        return {
            ratio: this.#ratio ? (this.#ratio * this.size.height) / this.size.width : 0,
            least: {x: LEAST / (width || 320), y: LEAST / (height || 320)},
        };
    }

    #listen() {
        this.stage.addEventListener('pointerdown', event => this.#begin(event));
        this.stage.addEventListener('pointermove', event => this.#go(event));
        for (const name of ['pointerup', 'pointercancel']) this.stage.addEventListener(name, () => this.#end());
        this.frame.addEventListener('keydown', event => this.#key(event));
    }

    #begin(event) {
        if (event.button !== 0) return;
        event.preventDefault();
        const at = this.#at(event);
        if (this.pointer?.getAttribute('aria-pressed') === 'true') {
            this.point(`${at.x.toFixed(4)},${at.y.toFixed(4)}`);
            this.#pointing(false);
            return;
        }
        const handle = event.target.dataset?.handle;
        const whole = Object.keys(WHOLE).every(edge => this.#box[edge] === WHOLE[edge]);
        const inside = event.target === this.frame && !whole;
        this.#drag = {what: handle ?? (inside ? 'move' : 'draw'), at, from: {...this.#box}};
        this.stage.setPointerCapture(event.pointerId);
        this.frame.focus({preventScroll: true});
    }

    #go(event) {
        if (!this.#drag) return;
        const at = this.#at(event);
        const {what, from} = this.#drag;
        if (what === 'move') this.#box = moved(from, at.x - this.#drag.at.x, at.y - this.#drag.at.y);
        else if (what === 'draw') this.#box = this.#farEnough(at) ? drawn(this.#drag.at, at, this.#rules) : from;
        else this.#box = resized(from, what, at, this.#rules);
        this.#place();
    }

    // A mere click draws nothing.
    #farEnough(at) {
        const {least} = this.#rules;
        return Math.abs(at.x - this.#drag.at.x) >= least.x / 2 || Math.abs(at.y - this.#drag.at.y) >= least.y / 2;
    }

    #end() {
        if (!this.#drag) return;
        this.#drag = null;
        this.change(toEdges(this.#box));
    }

    #key(event) {
        const arrow = ARROWS[event.key];
        if (!arrow) {
            if (event.key === 'Escape' && this.#drag) this.#cancel();
            return;
        }
        event.preventDefault();
        const step = event.ctrlKey || event.metaKey ? 0.001 : 0.01;
        const [x, y] = arrow.map(way => way * step);
        if (!event.shiftKey) this.#take(moved(this.#box, x, y));
        else if (arrow[0]) this.#take(resized(this.#box, 'e', {x: this.#box.right + x, y: 0}, this.#rules));
        else this.#take(resized(this.#box, 's', {x: 0, y: this.#box.bottom + y}, this.#rules));
    }

    #cancel() {
        this.#box = this.#drag.from;
        this.#drag = null;
        this.#place();
    }

    #take(box) {
        this.#box = box;
        this.#place();
        this.change(toEdges(box));
    }

    #force(ratio) {
        this.#ratio = ratio;
        if (ratio) this.#take(fitted(this.#box, this.#rules.ratio));
    }

    #pointing(on) {
        this.pointer.setAttribute('aria-pressed', String(on));
        this.stage.classList.toggle('crop-pointing', on);
    }

    #at(event) {
        const {left, top, width, height} = this.stage.getBoundingClientRect();
        return {
            x: Math.min(1, Math.max(0, (event.clientX - left) / width)),
            y: Math.min(1, Math.max(0, (event.clientY - top) / height)),
        };
    }

    #place() {
        const {left, top, right, bottom} = this.#box;
        for (const {style} of [this.frame, this.shade]) {
            style.left = `${left * 100}%`;
            style.top = `${top * 100}%`;
            style.width = `${(right - left) * 100}%`;
            style.height = `${(bottom - top) * 100}%`;
        }
        if (!this.size) return;
        const width = Math.round((right - left) * this.size.width);
        const height = Math.round((bottom - top) * this.size.height);
        this.state.textContent = t('crop_state', {width, height, ratio: ratioText(width, height)});
    }
}

// "4:3" where it is one of the usual ones, else "1.52:1".
function ratioText(width, height) {
    if (!width || !height) return '–';
    const ratio = width / height;
    const known = Object.entries(RATIOS).find(([, value]) => value && Math.abs(value - ratio) < 0.008);
    if (known) return known[0];
    return ratio >= 1 ? `${ratio.toFixed(2)}:1` : `1:${(1 / ratio).toFixed(2)}`;
}
