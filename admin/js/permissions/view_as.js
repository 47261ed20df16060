// "View as": a column with what one user may in each folder.

import {h, icon} from '../core/dom.js';
import {t} from '../core/texts.js';
import {toast} from '../core/toast.js';
import {personField} from './people.js';

export function viewAs(container, choose) {
    const clear = h('button', {type: 'button', class: 'button quiet icon-only', hidden: true, 'aria-label': t('view_as_clear'),
        on: {click: () => {
            field.value = '';
            clear.hidden = true;
            choose(null);
        }}}, icon('close'));
    const {field, list} = personField({label: t('view_as_label'), choose(user, typed) {
        if (typed && !user) {
            toast(t('view_as_unknown'), {kind: 'info'});
        }
        clear.hidden = !user;
        choose(user);
    }});
    container.replaceChildren(h('label', {for: field.id}, t('view_as')), field, list, clear);
}
