// The page that traces permissions works by itself; here the user gets a name in place of a number.

import {$} from '../core/dom.js';
import {t} from '../core/texts.js';
import {personField} from './people.js';

export function tracePage() {
    const form = $('#trace');
    const number = form.elements.user;
    const label = $('label[for="user"]', form);
    const name = form.dataset.username ?? '';
    const {field, list} = personField({label: label.textContent, value: name, choose(user, typed) {
        number.value = user?.id ?? 0;
        field.setCustomValidity(typed && !user ? t('trace_nobody') : '');
        field.reportValidity();
    }});
    field.removeAttribute('aria-label');
    label.htmlFor = field.id;
    number.type = 'hidden';
    number.after(field, list);
    $('#user-hint').textContent = t('trace_user_hint_name');
    field.setAttribute('aria-describedby', 'user-hint');
    number.removeAttribute('aria-describedby');
}
