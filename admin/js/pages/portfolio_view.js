// The public page of a portfolio: the gallery or the slideshow, where one of them was asked for.

import {copyButton} from '../core/copy.js';
import {$, $$, h, page} from '../core/dom.js';
import {t} from '../core/texts.js';

const {view, images} = page.data;

// The viewers' scripts come after this one.
if (view && document.readyState !== 'complete') {
    await new Promise(resolve => window.addEventListener('load', resolve));
}
if (view === 'gallery') {
    globalThis.gallery_view_init('stage', {server: page.root, images});
} else if (view === 'slideshow') {
    globalThis.slideshow_view_init('stage', {server: page.root, images, mode: 'fade', bgColor: 'transparent'});
}

for (const area of $$('textarea[data-copied]')) {
    area.after(h('div', {class: 'row'}, copyButton(() => area.value, {words: t('copy_code')})));
}

// A click anywhere in the code means all of it.
$('.folio-embed')?.addEventListener('focusin', event => event.target.select?.());
