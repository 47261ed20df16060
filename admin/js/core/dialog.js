// Dialogs over the page: <dialog>, modal, with the focus kept inside and given back at the end.

import {$, h, icon} from './dom.js';
import {t} from './texts.js';

let number = 0;

// Shows a dialog, and gives the `value` of the action that was chosen, or null when it was left.
//
// `body`: a node, a text or a list of them. `actions`: [{label, value, kind}], kind 'primary', 'danger' or ''; the first
// primary or danger one is what Enter does. `onSubmit(value, dialog)`: called before the end; false keeps it open, any
// other answer but true and undefined becomes the value. `wide`: for much content. `className`: of the dialog.
export function openDialog({title, body, actions = [], onSubmit, wide = false, className = ''}) {
    const id = `dialog-${++number}`;
    const before = document.activeElement;
    const form = h('form', {method: 'dialog', class: 'stack', novalidate: false},
        h('header', {class: 'dialog-head'},
            h('h2', {id}, title),
            h('button', {type: 'button', class: 'button quiet icon-only', 'aria-label': t('close'),
                on: {click: () => end(null)}}, icon('close'))),
        h('div', {class: 'dialog-body'}, body),
        actions.length > 0 && h('footer', {class: 'dialog-actions'}, actions.map(action => buttonOf(action))));
    const dialog = h('dialog', {class: ['dialog', wide && 'wide', className], 'aria-labelledby': id}, form);
    let finish;
    const result = new Promise(resolve => {
        finish = resolve;
    });
    let busy = false;

    function buttonOf(action) {
        const main = action === (actions.find(one => one.kind === 'primary' || one.kind === 'danger') ?? null);
        return h('button', {
            type: main ? 'submit' : 'button',
            class: ['button', action.kind],
            disabled: action.disabled,
            on: main ? {} : {click: () => submit(action.value)},
        }, action.label);
    }

    async function submit(value) {
        if (busy) {
            return;
        }
        busy = true;
        dialog.setAttribute('aria-busy', 'true');
        try {
            const answer = onSubmit ? await onSubmit(value, dialog) : true;
            if (answer !== false) {
                end(answer === true || answer === undefined ? value : answer);
            }
        } finally {
            busy = false;
            dialog.removeAttribute('aria-busy');
        }
    }

    function end(value) {
        if (dialog.isConnected) {
            dialog.close();
            dialog.remove();
            if (before?.isConnected) {
                before.focus({preventScroll: true});
            }
            finish(value);
        }
    }

    form.addEventListener('submit', event => {
        event.preventDefault();
        const main = actions.find(one => one.kind === 'primary' || one.kind === 'danger');
        if (main) {
            submit(main.value);
        }
    });
    dialog.addEventListener('cancel', event => {
        event.preventDefault();
        end(null);
    });
    dialog.addEventListener('mousedown', event => {
        if (event.target === dialog && !outgrown(form)) {
            end(null);
        }
    });
    document.body.append(dialog);
    dialog.showModal();
    ($('[autofocus]', dialog) ?? $('.dialog-body :is(input, select, textarea)', dialog)
        ?? $('.dialog-actions .primary', dialog) ?? $('.dialog-actions button', dialog))?.focus();
    result.close = () => end(null);
    return result;
}

// Whether something was typed that a click beside the dialog must not throw away.
function outgrown(form) {
    return [...form.elements].some(field => 'defaultValue' in field && field.type !== 'hidden'
        && field.value !== field.defaultValue && !field.readOnly);
}

export const MANY = 100; // what is done to more than that at once is confirmed by typing

// Asks before something that can't be undone. `text` says what, how many and where; `deed` names the button. With
// `type` that word must be typed first; with `count` too, only where so many are many, and else their number.
export async function confirmDeed({title, text, deed, type, count}) {
    const word = wordToType(type, count);
    const field = word && h('input', {id: 'deed-name', autocomplete: 'off', spellcheck: 'false', autofocus: true});
    const fault = h('p', {class: 'error', role: 'alert'});
    const body = [
        text instanceof Node ? text : h('p', null, text),
        field && h('div', {class: 'field'},
            h('label', {for: 'deed-name'}, t('type_to_confirm', {name: word})), field, fault),
    ];
    const value = await openDialog({
        title,
        body,
        actions: [{label: t('cancel'), value: 'no'}, {label: deed, value: 'yes', kind: 'danger'}],
        onSubmit(value) {
            if (value === 'yes' && field && field.value.trim() !== word) {
                fault.textContent = t('type_differs');
                field.focus();
                return false;
            }
            return true;
        },
    });
    return value === 'yes';
}

function wordToType(type, count) {
    if (count === undefined) {
        return type;
    }
    return count > MANY ? type ?? String(count) : undefined;
}

// Asks for a line of text; null when it was left. `check(text)`: says what is wrong with it, or nothing.
export async function promptText({title, label, value = '', deed, check, hint}) {
    const field = h('input', {
        id: 'prompt-text', value, autocomplete: 'off', autofocus: true, required: true, maxlength: 1024,
        'aria-describedby': 'prompt-fault',
    });
    const fault = h('p', {class: 'error', id: 'prompt-fault', role: 'alert'});
    const opened = openDialog({
        title,
        body: h('div', {class: 'field'}, h('label', {for: 'prompt-text'}, label), field,
            hint && h('p', {class: 'hint'}, hint), fault),
        actions: [{label: t('cancel'), value: 'no'}, {label: deed ?? t('ok'), value: 'yes', kind: 'primary'}],
        async onSubmit(answer) {
            const wrong = answer === 'yes' && check ? await check(field.value) : '';
            if (wrong) {
                fault.textContent = wrong;
                field.setAttribute('aria-invalid', 'true');
                field.focus();
                return false;
            }
            return true;
        },
    });
    field.select();
    return (await opened) === 'yes' ? field.value : null;
}
