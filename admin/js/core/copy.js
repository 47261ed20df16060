// The one button that copies.

import {h, icon} from './dom.js';
import {t} from './texts.js';
import {toast} from './toast.js';

// A button that copies what `text()` gives. `label`: what it copies, for those who don't see it; `words`: shown beside
// the icon. `source`: an element that shows the text, which is selected where the clipboard is barred.
export function copyButton(text, {label = t('copy'), words = '', source} = {}) {
    const button = h('button', {
        type: 'button', class: ['button', words ? '' : 'quiet icon-only'], title: label,
        'aria-label': words ? null : label,
        on: {click: () => copy(text(), {button, source})},
    }, icon('copy'), words);
    return button;
}

export async function copy(text, {button, source} = {}) {
    try {
        await navigator.clipboard.writeText(text);
    } catch {
        if (!copyBySelection(text, source)) {
            toast(t('copy_barred'), {kind: 'info'});
            return;
        }
    }
    if (!button) {
        toast(t('copied'));
        return;
    }
    button.replaceChild(icon('check'), button.firstElementChild);
    announce(t('copied'));
    setTimeout(() => button.replaceChild(icon('copy'), button.firstElementChild), 1600);
}

// Whether the text could be copied the old way; where it can't, it is selected at least.
function copyBySelection(text, source) {
    if (source) {
        const range = document.createRange();
        range.selectNodeContents(source);
        const selection = getSelection();
        selection.removeAllRanges();
        selection.addRange(range);
        return document.execCommand('copy');
    }
    const before = document.activeElement;
    const field = h('textarea', {value: text, class: 'visually-hidden', readonly: true});
    (before?.closest('dialog') ?? document.body).append(field);
    field.select();
    const done = document.execCommand('copy');
    field.remove();
    before?.focus();
    return done;
}

function announce(text) {
    const line = h('p', {class: 'visually-hidden', role: 'status'});
    document.body.append(line);
    setTimeout(() => {
        line.textContent = text;
    }, 50);
    setTimeout(() => line.remove(), 3000);
}
