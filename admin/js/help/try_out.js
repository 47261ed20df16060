// One parameter to try: its control, the sample as it is with it, and the address.

import {h, page} from '../core/dom.js';
import {copyButton} from '../core/copy.js';
import {t} from '../core/texts.js';
import {imageAddress} from '../publish/address.js';
import {control} from '../publish/controls.js';
import {makeField} from '../publish/fields.js';
import {OneAtATime} from '../publish/once.js';
import {loadFacts} from '../publish/facts.js';
import {parameters, plain} from '../publish/values.js';

let facts = null;

// Fills a place of the guide, whose example is where the trying begins.
export async function tryOut(place) {
    facts ??= loadFacts();
    const known = await facts;
    const {name} = place.closest('.option').dataset;
    const values = Object.fromEntries(new URLSearchParams(place.dataset.try));
    const picture = h('img', {alt: t('try_alt')});
    const address = h('code', null);
    const loader = new OneAtATime(async wish => {
        picture.src = wish;
        await picture.decode().catch(() => {});
    });
    const show = () => {
        const given = asked(values);
        address.textContent = imageAddress(page.data.server, page.data.sample, given);
        loader.ask(imageAddress(page.root, page.data.sample, {...given, stats: '0'}));
    };
    const row = control(name) ?? {name, kind: 'text', nothing: []};
    const change = value => {
        values[name] = value;
        field.show(value, '');
        show();
    };
    const about = {id: `try-${name}`, facts: known, change, pick: null};
    const field = row.kind === 'text' ? textField(row, about) : makeField(row, about);
    field.show(plain(row, values[name]), '');
    const id = `try-title-${name}`;
    place.append(
        h(
            'div',
            {class: 'card try-card', role: 'group', 'aria-labelledby': id},
            h('p', {class: 'label', id}, t('try_title')),
            h('div', {class: 'field'}, h('label', {for: about.id}, t('try_value', {name})), field.element),
            h('div', {class: 'pub-stage'}, picture),
            h(
                'div',
                {class: 'try-address'},
                address,
                copyButton(() => address.textContent, {label: t('try_copy'), source: address}),
            ),
        ),
    );
    show();
}

// The parameters of the address; those that have no control go as they are.
function asked(values) {
    const others = Object.entries(values).filter(([name, value]) => !control(name) && value);
    return {...parameters(values), ...Object.fromEntries(others)};
}

function textField(row, about) {
    const box = h('input', {type: 'text', id: about.id, on: {change: () => about.change(box.value.trim())}});
    return {
        element: box,
        inputs: [box],
        show: value => {
            box.value = value;
        },
    };
}
