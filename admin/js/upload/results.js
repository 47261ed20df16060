// What has come: pictures, and links that can be copied.

import {THUMB, imageUrl} from '../core/api.js';
import {basket} from '../core/basket.js';
import {batch, get} from '../core/batch.js';
import {copyButton} from '../core/copy.js';
import {$, absolute, h, page, url} from '../core/dom.js';
import {extensionOf, nameOf, parentOf} from '../core/paths.js';
import {t} from '../core/texts.js';
import {toast} from '../core/toast.js';
import {places} from './checks.js';
import {queue} from './queue.js';

const SHOWN = 200;

export class Results {
    #section;
    #cards = new Map();
    #previewed = null;

    constructor(section) {
        this.#section = section;
        $('#results-tools').append(
            copyButton(() => this.#done().map(item => absolute(imageUrl(item.src))).join('\n'), {words: t('copy_all')}),
            tool('add-basket', t('add_basket'), () => this.#intoBasket()),
            tool('clear-results', t('clear_results'), () => queue.clearResults()),
        );
        places().then(({previewed}) => {
            this.#previewed = new Set(previewed);
            queue.addEventListener('change', () => this.draw());
            this.draw();
        });
    }

    #done() {
        return queue.items
            .filter(item => item.state === 'done' && item.src)
            .sort((a, b) => b.finished - a.finished)
            .slice(0, SHOWN);
    }

    draw() {
        const items = this.#done();
        this.#section.hidden = !items.length;
        $('#nothing')?.toggleAttribute('hidden', items.length > 0);
        const ids = new Set(items.map(item => item.id));
        for (const [id, card] of this.#cards) {
            if (!ids.has(id)) {
                card.remove();
                this.#cards.delete(id);
            }
        }
        for (const item of items.toReversed()) {
            if (!this.#cards.has(item.id)) {
                const card = this.#card(item);
                this.#cards.set(item.id, card);
                $('#results-list').prepend(card);
            }
        }
    }

    #card(item) {
        const extension = extensionOf(item.src);
        const shown = this.#previewed.has(extension);
        const details = url('details/', {src: `/${item.src}`});
        const name = nameOf(item.src);
        const folder = parentOf(`/${item.src}`);
        const card = h(
            'li',
            {class: 'card upload-result', dataset: {src: item.src}},
            h('a', {class: 'upload-result-picture', href: details, tabindex: -1, 'aria-hidden': 'true'}, shown ? picture(item.src) : null),
            h(
                'div',
                {class: 'stack'},
                h('a', {class: 'upload-result-name', href: details}, name),
                h('a', {class: 'muted upload-result-folder', href: url('list/', {path: folder})}, folder),
                shown ? h('div', {class: 'row'}, ...links(item.src, name)) : null,
                shown ? h('a', {href: url('publish/', {src: `/${item.src}`})}, t('publish')) : null,
            ),
        );
        if (item.duplicates.length) {
            tellSame(item, card);
        }
        return card;
    }

    async #intoBasket() {
        const items = this.#done().filter(item => this.#previewed.has(extensionOf(item.src)));
        const answers = await batch(items.map(({src}) => get('details/', {src: `/${src}`})));
        basket.add(answers.filter(answer => answer.status === 200).map(answer => answer.data));
        toast(t('basket_added', {n: basket.size}), {kind: 'good'});
    }
}

function tool(id, label, run) {
    return h('button', {type: 'button', class: 'button', id, on: {click: run}}, label);
}

function picture(src) {
    const how = page.data.template ? {tmp: page.data.template, stats: 0} : THUMB;
    return h('img', {src: imageUrl(src, how), alt: '', loading: 'lazy'});
}

function links(src, name) {
    const image = absolute(imageUrl(src));
    const code = `<img src="${image.replaceAll('&', '&amp;')}" alt="">`;
    const original = absolute(url('original', {src}));
    return [
        copyButton(() => image, {words: t('link_image'), label: t('copy_link', {name})}),
        copyButton(() => code, {words: t('link_embed'), label: t('copy_code', {name})}),
        copyButton(() => original, {words: t('link_original'), label: t('copy_original', {name})}),
    ];
}

// Found out only after the file had come: it was too large to be looked for before.
async function tellSame(item, card) {
    const answers = await batch(item.duplicates.slice(0, 10).map(id => get(`admin/images/${id}/`)));
    const there = answers.filter(answer => answer.status === 200).map(answer => `/${answer.data.src}`);
    if (there.length) {
        card.lastChild.append(h('p', {class: 'hint'}, t('same_content', {places: there.join(', ')})));
    }
}
