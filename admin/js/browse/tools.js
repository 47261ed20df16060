// The tools above the entries of a folder: order, type, filter.

import {$, $$, h} from '../core/dom.js';
import {t} from '../core/texts.js';

const PAUSE = 200;

// `change(changes, push)`: other entries are wanted.
export class Tools {
    #root;
    #calls;
    #timer = null;

    constructor(root, calls) {
        this.#root = root;
        this.#calls = calls;
        this.#on('#sort', 'change', event => calls.change({sort: event.target.value}));
        this.#on('#direction', 'click', () => calls.change({descending: !this.descending}));
        this.#on('#type', 'change', event => calls.change({type: event.target.value}));
        this.#on('#filter', 'input', event => this.#filter(event.target.value));
        for (const button of $$('#columns [data-sort]')) {
            button.addEventListener('click', () => this.#sortBy(button.dataset.sort));
        }
    }

    // The state as it is now. `types`: how many files there are of each.
    show({sort, descending, type, q, view}, {types = {}} = {}) {
        this.sort = sort;
        this.descending = descending;
        this.#set('#sort', sort);
        const direction = $('#direction', this.#root);
        direction?.setAttribute('aria-pressed', String(descending));
        direction?.classList.toggle('descending', descending);
        const select = $('#type', this.#root);
        if (select) {
            const known = Object.entries(types).filter(([name]) => name).sort((one, other) => other[1] - one[1]);
            select.replaceChildren(h('option', {value: ''}, t('browse_all_types')),
                ...known.map(([name, n]) => h('option', {value: name}, `${name} (${n})`)));
            if (type && !types[type]) {
                select.append(h('option', {value: type}, type));
            }
            select.value = type;
        }
        const field = $('#filter', this.#root);
        if (field && document.activeElement !== field) {
            field.value = q;
        }
        this.#columns(view);
    }

    #columns(view) {
        const row = $('#columns');
        if (row) {
            row.hidden = view !== 'list';
            for (const button of $$('[data-sort]', row)) {
                const mine = button.dataset.sort === this.sort;
                button.classList.toggle('sorted', mine);
                button.classList.toggle('descending', mine && this.descending);
                button.setAttribute('aria-pressed', String(mine));
            }
        }
    }

    #sortBy(sort) {
        this.#calls.change({sort, descending: sort === this.sort ? !this.descending : false});
    }

    #filter(text) {
        clearTimeout(this.#timer);
        this.#timer = setTimeout(() => this.#calls.change({q: text.trim()}), PAUSE);
    }

    #on(selector, event, listener) {
        $(selector, this.#root)?.addEventListener(event, listener);
    }

    #set(selector, value) {
        const field = $(selector, this.#root);
        if (field) {
            field.value = value;
        }
    }
}
