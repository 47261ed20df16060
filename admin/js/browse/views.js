// How entries are seen: as a grid or a list, and how large. The size is kept for this browser, the view in the address.

import {$, $$} from '../core/dom.js';
import {store, urlState} from '../core/state.js';

const SIZE = 'thumb_size';

export class Views {
    #root;
    #entries;
    #size;

    // `changed(view)`: somebody has chosen another one.
    constructor(root, entries, {changed = () => {}} = {}) {
        this.#root = root;
        this.#entries = entries;
        this.#size = $('#size', root);
        this.#size.value = store.get(SIZE) ?? entries.size;
        this.#size.addEventListener('input', () => {
            store.set(SIZE, Number(this.#size.value));
            this.show(entries.view);
        });
        for (const button of $$('[data-view]', root)) {
            button.addEventListener('click', () => {
                const {first} = entries;
                urlState.set({view: button.dataset.view});
                this.show(button.dataset.view);
                entries.reveal(first);
                changed(button.dataset.view);
            });
        }
    }

    show(view) {
        this.#entries.show(view, Number(this.#size.value));
        for (const button of $$('[data-view]', this.#root)) {
            button.setAttribute('aria-pressed', String(button.dataset.view === view));
        }
        $('.tools-size', this.#root).hidden = view !== 'grid';
    }
}
