// The picture of what one is working on: a small one at once after each change, the real one when the hand rests, and
// both beside the original.

import {h} from '../core/dom.js';
import {t} from '../core/texts.js';
import {OneAtATime} from './once.js';

export class Preview {
    // `failed`: told when a picture does not come
    constructor({failed}) {
        this.failed = failed;
        this.view = 'result';
        this.img = h('img', {class: 'pub-picture', alt: t('preview_alt')});
        this.before = h('img', {class: 'pub-picture', alt: t('before_alt')});
        this.after = h('img', {class: 'pub-picture', alt: t('after_alt')});
        this.slide = h('input', {
            type: 'range',
            min: '0',
            max: '100',
            value: '50',
            'aria-label': t('compare_slide'),
            on: {input: () => this.#split()},
        });
        this.single = h('div', {class: 'pub-stage'}, this.img);
        this.pair = h(
            'div',
            {class: 'pub-stage pub-compare', hidden: true},
            h('div', {class: 'pub-stack'}, this.before, this.after),
        );
        this.slideRow = h('div', {class: 'pub-slide', hidden: true}, this.slide);
        this.tabs = h(
            'div',
            {class: 'pub-segments', role: 'group', 'aria-label': t('view')},
            ...['result', 'compare'].map(view =>
                h(
                    'button',
                    {
                        type: 'button',
                        class: 'button',
                        dataset: {view},
                        'aria-pressed': String(view === 'result'),
                        on: {click: () => this.#look(view)},
                    },
                    t(`view_${view}`),
                ),
            ),
        );
        this.element = h('div', {class: 'pub-preview'}, this.tabs, this.single, this.pair, this.slideRow);
        this.loader = new OneAtATime(wish => this.#load(wish));
    }

    // The small picture.
    draft(address) {
        this.loader.ask({address, draft: true});
    }

    // The real one, where browsers show its format.
    result(address, original) {
        this.original = original;
        this.loader.ask({address, draft: false});
    }

    async #load({address, draft}) {
        this.element.classList.add('pub-loading');
        const image = new Image();
        image.src = address;
        try {
            await image.decode();
            this.img.src = address;
            this.after.src = address;
            this.img.classList.toggle('pub-draft', draft);
            this.shown = {width: image.naturalWidth, height: image.naturalHeight};
            if (this.view === 'compare') this.#compare();
        } catch {
            this.failed(address);
        }
        this.element.classList.remove('pub-loading');
    }

    #look(view) {
        this.view = view;
        for (const button of this.tabs.children)
            button.setAttribute('aria-pressed', String(button.dataset.view === view));
        const compared = view === 'compare';
        this.single.hidden = compared;
        this.pair.hidden = !compared;
        if (compared) this.#compare();
        else this.slideRow.hidden = true;
    }

    // One over the other where they have the same shape, else side by side.
    #compare() {
        const place = () => {
            const alike = sameShape(this.before, this.after);
            this.pair.classList.toggle('pub-over', alike);
            this.slideRow.hidden = !alike || this.view !== 'compare';
            this.#split();
        };
        this.before.onload = place;
        this.after.onload = place;
        if (this.original && this.before.getAttribute('src') !== this.original) this.before.src = this.original;
        place();
    }

    #split() {
        const over = this.pair.classList.contains('pub-over');
        this.after.style.clipPath = over ? `inset(0 0 0 ${this.slide.value}%)` : '';
    }
}

function sameShape(first, second) {
    if (!first.naturalWidth || !second.naturalWidth) return false;
    const a = first.naturalWidth / first.naturalHeight;
    const b = second.naturalWidth / second.naturalHeight;
    return Math.abs(a / b - 1) < 0.02;
}
