// The tables of metadata: filter, long values on demand, copies.

import {$, $$, h} from '../core/dom.js';
import {copyButton} from '../core/copy.js';
import {t} from '../core/texts.js';

const LONG = 140;

export function enhanceMetadata(image) {
    const section = $('#metadata');
    const rows = $$('tbody tr', section);
    $('#metadata-json').setAttribute('download', `${image.filename}.json`);
    if (!rows.length) return;
    for (const value of $$('.metadata-value', section)) shorten(value);
    $('#metadata-json').before(copyButton(() => asText(section), {words: t('image_metadata_copy')}));
    $('#metadata-filter').replaceWith(filter(section, rows));
}

function filter(section, rows) {
    const found = h('span', {class: 'muted', 'aria-live': 'polite'});
    const box = h('input', {
        type: 'search', id: 'metadata-words', placeholder: t('image_metadata_filter'),
        'aria-label': t('image_metadata_filter'), autocomplete: 'off',
        on: {input: apply},
    });
    function apply() {
        const words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
        let count = 0;
        for (const row of rows) {
            const text = `${row.textContent} ${row.firstElementChild.title}`.toLowerCase();
            row.hidden = !words.every(word => text.includes(word));
            if (!row.hidden) count += 1;
        }
        for (const table of $$('.metadata-table', section)) table.hidden = !$('tbody tr:not([hidden])', table);
        found.textContent = words.length ? t('image_metadata_found', {n: count}) : '';
    }
    return h('span', {class: 'row'}, box, found);
}

function shorten(value) {
    const whole = value.textContent;
    if (whole.length <= LONG) return;
    const cut = `${whole.slice(0, LONG)}…`;
    const button = h('button', {
        type: 'button', class: 'button quiet', 'aria-expanded': 'false',
        on: {click: () => {
            const open = button.getAttribute('aria-expanded') === 'true';
            value.firstChild.data = open ? cut : whole;
            button.setAttribute('aria-expanded', String(!open));
            button.textContent = t(open ? 'image_metadata_all' : 'image_metadata_less');
        }},
    }, t('image_metadata_all'));
    value.dataset.whole = whole;
    value.replaceChildren(cut, ' ', button);
}

function asText(section) {
    return $$('.metadata-table', section).map(table => [
        $('h3', table).textContent,
        ...$$('tbody tr', table).map(row => {
            const value = $('.metadata-value', row);
            return `${row.firstElementChild.textContent}: ${value.dataset.whole ?? value.textContent}`;
        }),
    ].join('\n')).join('\n\n');
}
