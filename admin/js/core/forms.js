// What all forms of administration share: faults beside the fields, and where one goes when one is done.

import {ApiError} from './api.js';
import {$, $$, h, page} from './dom.js';
import {t} from './texts.js';
import {toast} from './toast.js';

function clearFaults(form) {
    for (const field of $$('[aria-invalid]', form)) {
        field.removeAttribute('aria-invalid');
        field.removeAttribute('aria-errormessage');
    }
    for (const line of $$('.error', form)) {
        line.remove();
    }
    const whole = $('#fault', form);
    if (whole) {
        whole.hidden = true;
    }
}

// Says beside a field what is wrong with it. The first one that gets a fault gets the focus.
export function faultAt(form, name, text) {
    const field = form.elements.namedItem(name);
    const place = field?.closest?.('.field');
    if (!place) {
        return false;
    }
    const first = !$('[aria-invalid]', form);
    const id = `${field.id}-fault`;
    field.setAttribute('aria-invalid', 'true');
    field.setAttribute('aria-errormessage', id);
    place.append(h('p', {class: 'error', id, role: 'alert'}, text));
    if (first) {
        field.focus();
    }
    return true;
}

// What the API says is wrong: at its fields; what belongs to none stands on top of the form.
function showError(form, error) {
    const faults = error.faults?.length
        ? error.faults
        : [{parameter: error.parameter, reason: error.message}];
    const others = faults.filter(({parameter, reason}) => !(parameter && faultAt(form, parameter, reason)));
    const whole = $('#fault', form);
    if (others.length && whole) {
        whole.textContent = others.map(one => one.reason).join(' ');
        whole.hidden = false;
        whole.scrollIntoView({block: 'nearest'});
    } else if (others.length) {
        toast(others.map(one => one.reason).join(' '), {kind: 'bad'});
    }
}

// Checks what must be given, runs `save`, and tells what it met.
export function onSubmit(form, save) {
    let busy = false;
    form.addEventListener('submit', async event => {
        event.preventDefault();
        clearFaults(form);
        for (const field of form.elements) {
            if (field.required && !field.value.trim()) {
                faultAt(form, field.name, t('must_be_given'));
            }
        }
        if (busy || $('[aria-invalid]', form)) {
            return;
        }
        busy = true;
        try {
            await save();
        } catch (error) {
            if (!(error instanceof ApiError)) {
                throw error;
            }
            showError(form, error);
        } finally {
            busy = false;
        }
    });
}

// Where Close and success lead: `onClose=back` and `backrefresh` to the page before, a page within another one closes,
// all others go to `list`.
function leave(list) {
    const {close} = page.data;
    if (close === 'backrefresh' && document.referrer) {
        location.replace(document.referrer);
    } else if (close === 'back' || close === 'backrefresh') {
        history.back();
    } else if (document.documentElement.classList.contains('embedded')) {
        $('[data-close]')?.click();
    } else {
        location.assign(list);
    }
}

// Makes the links that leave a form do that.
export function leavingLinks(list) {
    if (!page.data.close && !document.documentElement.classList.contains('embedded')) {
        return;
    }
    for (const link of $$('[data-leave]')) {
        link.addEventListener('click', event => {
            event.preventDefault();
            leave(list);
        });
    }
}
