// The colour of the padding: a picker, the image's own, none at all, or any name that CSS knows.

import {h} from '../core/dom.js';
import {t} from '../core/texts.js';
import {plain} from './values.js';

const HEX = /^#[0-9a-f]{6}$/;

export function fillField(one, about) {
    const picker = h('input', {
        type: 'color',
        'aria-label': t('fill_picker'),
        on: {input: () => about.change(picker.value)},
    });
    const text = h('input', {
        id: about.id,
        type: 'text',
        autocomplete: 'off',
        spellcheck: 'false',
        maxlength: '32',
        placeholder: 'white',
        'aria-describedby': about.describedby,
        on: {change: () => about.change(text.value)},
    });
    const [auto, none] = ['auto', 'none'].map(word =>
        h('input', {
            type: 'checkbox',
            on: {change: event => about.change(event.target.checked ? word : '')},
        }),
    );
    const reset = h(
        'button',
        {type: 'button', class: 'button quiet', on: {click: () => about.change('')}},
        t('fill_reset'),
    );
    return {
        element: h(
            'div',
            {class: 'pub-fill'},
            h('div', {class: 'pub-pair'}, picker, text, reset),
            h('div', {class: 'pub-pair'}, h('label', {}, auto, t('fill_auto')), h('label', {}, none, t('fill_none'))),
        ),
        inputs: [text, picker, auto, none],
        show(value) {
            const colour = plain(one, value);
            auto.checked = colour === 'auto';
            none.checked = colour === 'none';
            if (document.activeElement !== text) text.value = auto.checked || none.checked ? '' : colour;
            picker.value = HEX.test(colour) ? colour : (hexOf(colour) ?? '#ffffff');
            text.classList.toggle('pub-unset', auto.checked || none.checked);
        },
    };
}

// `#rrggbb` of a colour in any spelling that the browser knows.
function hexOf(text) {
    if (!text || text === 'auto' || text === 'none') return null;
    const context = document.createElement('canvas').getContext('2d');
    context.fillStyle = '#123456';
    context.fillStyle = text;
    const first = context.fillStyle;
    context.fillStyle = '#654321';
    context.fillStyle = text;
    return first === context.fillStyle && HEX.test(first) ? first : null;
}
