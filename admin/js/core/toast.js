// Short messages in the corner. Good news goes after five seconds, what offers an undo after ten, errors stay.

import {$, h, icon} from './dom.js';
import {t} from './texts.js';

const ICONS = {good: 'check', bad: 'alert', info: 'info'};
const undoable = [];

// `kind`: 'good', 'bad' or 'info'. `action`: {label, run, href}; with `undo: true` it is what Ctrl+Z does.
// `seconds`: how long it stays; 0: until it is closed. Returns a function that takes it away.
export function toast(text, {kind = 'good', action, seconds} = {}) {
    const lasting = seconds ?? (kind === 'bad' ? 0 : action?.run ? 10 : 5);
    const undo = action?.run && action.undo !== false;
    const element = h('div', {class: ['toast', kind], role: kind === 'bad' ? 'alert' : 'status'},
        icon(ICONS[kind] ?? 'info'),
        h('p', null, text),
        action?.href && h('a', {class: 'button', href: action.href}, action.label),
        action?.run && h('button', {type: 'button', class: 'button', on: {click: act}}, action.label),
        h('button', {type: 'button', class: 'button quiet icon-only', 'aria-label': t('close'), on: {click: close}},
            icon('close')));
    let left = lasting * 1000;
    let timer = null;
    let since = 0;

    async function act() {
        close();
        await action.run();
    }

    function close() {
        clearTimeout(timer);
        element.remove();
        const place = undoable.indexOf(act);
        if (place >= 0) {
            undoable.splice(place, 1);
        }
    }

    function run() {
        if (lasting) {
            since = Date.now();
            timer = setTimeout(close, left);
        }
    }

    function hold() {
        if (lasting) {
            clearTimeout(timer);
            left = Math.max(1000, left - (Date.now() - since));
        }
    }

    for (const [event, listener] of [['mouseenter', hold], ['focusin', hold], ['mouseleave', run], ['focusout', run]]) {
        element.addEventListener(event, listener);
    }
    if (undo) {
        undoable.push(act);
    }
    // Inside of an open dialog, since nothing below it can be reached.
    ($('dialog[open]') ?? $('#toasts') ?? document.body).append(element);
    run();
    return close;
}

document.addEventListener('keydown', event => {
    const typing = event.target.closest?.('input, textarea, select, [contenteditable]');
    if (event.key === 'z' && (event.ctrlKey || event.metaKey) && !event.shiftKey && !typing && undoable.length) {
        event.preventDefault();
        undoable.at(-1)();
    }
});
