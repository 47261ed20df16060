// Single keys as short cuts. In text fields they are letters; '?' lists them all.

import {h} from './dom.js';
import {openDialog} from './dialog.js';
import {t} from './texts.js';

const known = new Map();

// `keys({'n': newFolder, 'F2': {run: rename, text: 'Rename'}})`: what keys do from now on. What has a text stands in the
// list. Returns a function that ends it.
export function keys(table) {
    for (const [key, entry] of Object.entries(table)) {
        known.set(key, typeof entry === 'function' ? {run: entry, text: null} : entry);
    }
    return () => {
        for (const key of Object.keys(table)) {
            known.delete(key);
        }
    };
}

document.addEventListener('keydown', event => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) {
        return;
    }
    const field = event.target.closest?.('input, textarea, select, [contenteditable], [role="menu"], dialog');
    if (field && !(field.type === 'checkbox' && event.key !== ' ')) {
        return;
    }
    if (event.key === '?') {
        event.preventDefault();
        list();
        return;
    }
    const entry = known.get(event.key);
    // Where Enter and Space do what the element itself is for, they are not ours.
    const own = (event.key === 'Enter' || event.key === ' ') && event.target.closest?.('a, button, summary, input');
    if (entry && !own && entry.run(event) !== false) {
        event.preventDefault();
    }
});

function list() {
    const rows = [...known].filter(([, entry]) => entry.text)
        .map(([key, entry]) => h('div', null, h('dt', null, h('kbd', null, key === ' ' ? t('key_space') : key)),
            h('dd', null, entry.text)));
    openDialog({
        title: t('keys_title'),
        body: h('dl', {class: 'facts'}, rows, h('div', null, h('dt', null, h('kbd', null, '?')), h('dd', null, t('keys_list')))),
        actions: [{label: t('close'), value: null, kind: 'primary'}],
    });
}
