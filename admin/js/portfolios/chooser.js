// Images to be put into a portfolio: found by words, given by path, or picked from folders.

import {api} from '../core/api.js';
import {openDialog} from '../core/dialog.js';
import {h, icon} from '../core/dom.js';
import {pickFile} from '../core/picker.js';
import {t} from '../core/texts.js';
import {thumb} from '../core/thumb.js';

const PAUSE = 250;
const FOUND = 60;

// Resolves to a list of {id, src} or {src}; null when it was left.
export async function chooseImages() {
    const chosen = new Map();
    const note = h('p', {class: 'muted', role: 'status'});
    const results = h('ul', {class: 'choose-results'});
    const search = h('input', {type: 'search', id: 'choose-search', autocomplete: 'off', autofocus: true});
    const path = h('input', {id: 'choose-path', autocomplete: 'off', spellcheck: 'false', placeholder: '/folder/picture.jpg'});
    const tell = () => {
        note.textContent = chosen.size ? t('chosen_n', {n: chosen.size}) : '';
    };
    const finder = new Finder(results, chosen, tell);
    let timer = null;
    search.addEventListener('input', () => {
        clearTimeout(timer);
        timer = setTimeout(() => finder.find(search.value), PAUSE);
    });
    finder.find('');
    const pick = h(
        'button',
        {
            type: 'button',
            class: 'button',
            on: {
                click: async () => {
                    const picked = await pickFile({path: '/', multiple: true});
                    for (const src of [picked ?? []].flat()) {
                        chosen.set(src, {src});
                    }
                    tell();
                },
            },
        },
        icon('folder'),
        t('choose_pick'),
    );
    const value = await openDialog({
        title: t('add_images'),
        className: 'choose',
        wide: true,
        body: h(
            'div',
            {class: 'stack'},
            h('div', {class: 'field'}, h('label', {for: search.id}, t('choose_search')), search),
            results,
            h('div', {class: 'field'}, h('label', {for: path.id}, t('choose_path')), h('div', {class: 'row'}, path, pick)),
            note,
        ),
        actions: [
            {label: t('cancel'), value: null},
            {label: t('choose_add'), value: 'add', kind: 'primary'},
        ],
    });
    if (value !== 'add') {
        return null;
    }
    const typed = path.value.trim();
    return [...chosen.values(), ...(typed ? [{src: typed}] : [])];
}

class Finder {
    #control = null;

    constructor(results, chosen, tell) {
        this.results = results;
        this.chosen = chosen;
        this.tell = tell;
    }

    // The newest images without words.
    async find(words) {
        this.#control?.abort();
        this.#control = new AbortController();
        try {
            const found = await api.get('search/images/', {q: words.trim(), limit: FOUND}, {signal: this.#control.signal});
            const images = found.filter(image => image.supported);
            this.results.replaceChildren(...images.map(image => this.#tile(image)));
            if (!images.length) {
                this.results.append(h('li', {class: 'muted'}, t('choose_none')));
            }
        } catch (error) {
            if (error.name !== 'AbortError') {
                throw error;
            }
        }
    }

    #tile(image) {
        const box = h('input', {type: 'checkbox', checked: this.chosen.has(image.id)});
        box.addEventListener('change', () => {
            if (box.checked) {
                this.chosen.set(image.id, {id: image.id, src: `/${image.src}`});
            } else {
                this.chosen.delete(image.id);
            }
            this.tell();
        });
        return h('li', {}, h('label', {title: `/${image.src}`}, thumb(image.src, 120), box, h('span', {}, image.title || image.filename)));
    }
}
