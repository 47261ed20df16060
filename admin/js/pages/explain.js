// Why an image request is answered as it is.

import {api} from '../core/api.js';
import {$, h, page} from '../core/dom.js';
import {t} from '../core/texts.js';
import {explanation} from '../explain/sections.js';

const FORMATS = ['avif', 'webp', 'jpg', 'png'];

const field = $('#query');
const host = $('#explained');
let round = null;

field.value = page.data.query;
$('#ask').addEventListener('submit', event => {
    event.preventDefault();
    history.pushState(null, '', `?${queryOf(field.value)}`);
    explain();
});
addEventListener('popstate', () => {
    field.value = location.search.slice(1);
    explain();
});
explain();

// What stands behind the question mark of an address, or the text itself.
function queryOf(text) {
    const typed = text.trim();
    return typed.slice(typed.indexOf('?') + 1);
}

async function explain(measured = {}) {
    round?.abort();
    round = new AbortController();
    const {signal} = round;
    const query = queryOf(field.value);
    host.setAttribute('aria-busy', 'true');
    if (!host.querySelector('.explain-grid')) host.replaceChildren(h('p', {class: 'muted'}, t('explain_loading')));
    try {
        const found = await api.get('admin/explain/', {query, ...measured}, {signal});
        host.replaceChildren(explanation(found, query, {
            measure: () => explain({measure: 1}),
            formats: () => explain({measure: 1, formats: JSON.stringify(FORMATS)}),
        }));
    } catch (error) {
        if (signal.aborted) return; // something else was asked meanwhile
        host.replaceChildren(h('p', {class: 'error', role: 'alert'}, error.message));
    }
    host.removeAttribute('aria-busy');
}
