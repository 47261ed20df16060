// A large look at one image after the other, over the page.

import {imageUrl} from '../core/api.js';
import {h, icon, url} from '../core/dom.js';
import {openDialog} from '../core/dialog.js';
import {t} from '../core/texts.js';

const LARGE = {width: 1200, height: 900, autosizefit: 1, format: 'jpg', colorspace: 'srgb', strip: 1, stats: 0};

// Shows the entry at the place of `entries` where the keyboard is.
export function openPreview(entries) {
    const {source} = entries;
    const image = h('img', {alt: '', class: 'preview-image'});
    const name = h('a', {dir: 'auto'});
    let at = entries.current;
    if (!source.item(at)?.supported) {
        return;
    }

    function show(index) {
        const item = source.item(index);
        at = index;
        image.src = imageUrl(item.path, LARGE);
        image.alt = item.title || item.name;
        name.textContent = item.name;
        name.href = url('details/', {src: item.path});
        entries.reveal(index);
    }

    function step(by) {
        for (let index = at + by; source.item(index); index += by) {
            if (source.item(index).supported) {
                show(index);
                return;
            }
        }
    }

    const button = (sign, label, by) =>
        h('button', {type: 'button', class: 'button icon-only', 'aria-label': label, on: {click: () => step(by)}}, icon(sign));
    const body = h('div', {class: 'preview', tabindex: 0, autofocus: true, on: {keydown: key}},
        image, h('div', {class: 'row preview-steps'}, button('previous', t('browse_previous'), -1), name, button('next', t('browse_next'), 1)));

    function key(event) {
        const by = {ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1}[event.key];
        if (by) {
            event.preventDefault();
            step(by);
        } else if (event.key === ' ' && !event.target.matches('button, a')) {
            event.preventDefault();
            opened.close();
        }
    }

    show(at);
    const opened = openDialog({title: t('browse_preview'), body, wide: true, className: 'preview-dialog'});
    opened.then(() => entries.reveal(at, {focus: true}));
}
