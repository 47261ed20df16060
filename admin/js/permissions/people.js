// Finding a user by name, also for those who may not see accounts.

import {api} from '../core/api.js';
import {h} from '../core/dom.js';

const TYPING = 150;
let number = 0;

// A field with proposals; `choose(user)` is called with {id, username}, or null when it is empty or nobody's name.
export function personField({label, value = '', choose}) {
    const id = `person-${++number}`;
    const list = h('datalist', {id: `${id}-list`});
    const field = h('input', {id, list: `${id}-list`, value, autocomplete: 'off', spellcheck: 'false', 'aria-label': label, on: {
        input: () => {
            clearTimeout(timer);
            timer = setTimeout(propose, TYPING);
        },
        change: async () => {
            clearTimeout(timer);
            const name = field.value.trim().toLowerCase();
            const found = name ? await search(name) : [];
            if (field.value.trim().toLowerCase() !== name) {
                return;
            }
            choose(found.find(user => user.username.toLowerCase() === name) ?? null, Boolean(name));
        },
    }});
    let timer;

    async function propose() {
        const q = field.value.trim();
        const found = await search(q);
        if (q === field.value.trim()) {
            list.replaceChildren(...found.map(user => h('option', {value: user.username})));
        }
    }

    return {field, list};
}

function search(q) {
    return api.get('admin/permissions/people/', {q});
}
