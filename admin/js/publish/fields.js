// How each kind of value is entered. A field is {element, inputs, show(value, base)}; values are texts as in values.js,
// and each change is told to `about.change(value)`.

import {h, icon} from '../core/dom.js';
import {t} from '../core/texts.js';
import {plain, rounded, ticked} from './values.js';
import {fillField} from './colour.js';

// `one`: a row of the table of controls
export function makeField(one, about) {
    return (KINDS[one.kind] ?? numberField)(one, about);
}

const SPACES = new Set(['RGB', 'CMYK', 'GRAY', 'LAB']);

const KINDS = {
    number: numberField,
    fraction: numberField,
    level: levelField,
    angle: angleField,
    flag: flagField,
    choice: (one, about) => selectField(one, about, options(one)),
    position: (one, about) => selectField(one, about, options(one)),
    format: formatField,
    profile: profileField,
    compass: compassField,
    focus: focusField,
    fill: fillField,
    file: fileField,
};

// The text of the choice that means nothing.
function nothingText(one, base) {
    return plain(one, base) === '' ? t(`nothing_${one.name}`) : t('as_original');
}

function input(one, about, attributes = {}) {
    return h('input', {
        id: about.id,
        type: 'number',
        step: one.decimals ? 'any' : String(one.step ?? 1),
        inputmode: one.decimals ? 'decimal' : 'numeric',
        min: String(one.length ? 0 : one.low),
        max: one.length ? null : String(one.high),
        autocomplete: 'off',
        'aria-describedby': about.describedby,
        ...attributes,
    });
}

// Put a text in without moving the cursor of somebody who is typing the same number.
function fill(element, text) {
    if (
        element.value !== text &&
        !(document.activeElement === element && Number(element.value) === Number(text) && text !== '')
    )
        element.value = text;
}

function numberField(one, about) {
    const box = input(one, about, {on: {input: () => about.change(box.value)}});
    return {
        element: box,
        inputs: [box],
        show(value, base) {
            fill(box, value ?? '');
            box.placeholder = one.name === 'quality' ? String(base ?? '') : '';
        },
    };
}

function levelField(one, about) {
    const middle = one.low < 0 ? 0 : 80;
    const slide = h('input', {
        type: 'range',
        min: String(one.low),
        max: String(one.high),
        step: String(one.step),
        'aria-label': t(`label_${one.name}`),
        on: {input: () => about.change(plain(one, slide.value))},
    });
    const box = input(one, about, {on: {input: () => about.change(box.value)}});
    return {
        element: h('div', {class: 'pub-level'}, slide, box),
        inputs: [box, slide],
        show(value, base) {
            fill(box, value ?? '');
            slide.value = value || base || String(middle);
        },
    };
}

function angleField(one, about) {
    const box = input(one, about, {on: {input: () => about.change(box.value)}});
    const buttons = ['', ...one.quick].map(value =>
        h(
            'button',
            {
                type: 'button',
                class: 'button pub-quick',
                dataset: {value},
                'aria-label': t(`angle_${value || 'none'}`),
                title: t(`angle_${value || 'none'}`),
                on: {click: () => about.change(value)},
            },
            value ? `${value}°` : '0°',
        ),
    );
    return {
        element: h(
            'div',
            {class: 'pub-angle'},
            h('div', {class: 'pub-segments', role: 'group', 'aria-label': t('label_angle')}, ...buttons),
            box,
        ),
        inputs: [box, ...buttons],
        show(value) {
            fill(box, value ?? '');
            for (const button of buttons)
                button.setAttribute('aria-pressed', String(plain(one, value) === button.dataset.value));
        },
    };
}

function flagField(one, about) {
    const box = h('input', {
        type: 'checkbox',
        id: about.id,
        'aria-describedby': about.describedby,
        on: {change: () => about.change(box.checked ? '1' : '0')},
    });
    return {
        element: box,
        inputs: [box],
        show: value => {
            box.checked = ticked(one, value ?? '');
        },
    };
}

function options(one) {
    return () =>
        one.choices.map(value =>
            h('option', {value: plain(one, value)}, t(`${one.name}_${value.toLowerCase().replace('.', '_')}`)),
        );
}

function selectField(one, about, make) {
    const nothing = h('option', {value: ''});
    const list = h(
        'select',
        {id: about.id, 'aria-describedby': about.describedby, on: {change: () => about.change(list.value)}},
        nothing,
        ...make(),
    );
    return {
        element: list,
        inputs: [list],
        show(value, base) {
            nothing.textContent = nothingText(one, base);
            const wanted = plain(one, value);
            if (![...list.options].some(option => option.value === wanted))
                list.append(h('option', {value: wanted}, wanted));
            list.value = wanted;
        },
    };
}

function formatField(one, about) {
    const written = about.facts.formats.filter(format => format.write);
    return selectField(one, about, () => [
        h('option', {value: 'auto'}, t('format_auto')),
        ...written.map(format => h('option', {value: format.name}, `${format.title} (${format.name})`)),
    ]);
}

function profileField(one, about) {
    const spaces = new Map();
    for (const profile of about.facts.profiles)
        spaces.set(profile.space, [...(spaces.get(profile.space) ?? []), profile.name]);
    return selectField(one, about, () =>
        [...spaces].map(([space, names]) =>
            h(
                'optgroup',
                {label: t(SPACES.has(space) ? `space_${space}` : 'space_other')},
                ...names.map(name => h('option', {value: name}, name)),
            ),
        ),
    );
}

// Nine places, as they lie on the picture.
function compassField(one, about) {
    const places = one.choices.map(value =>
        h(
            'label',
            {title: t(`ovpos_${value}`)},
            h('input', {
                type: 'radio',
                name: about.id,
                value: plain(one, value),
                'aria-label': t(`ovpos_${value}`),
                on: {change: () => about.change(plain(one, value))},
            }),
            h('span', {'aria-hidden': 'true'}),
        ),
    );
    const inputs = places.map(place => place.firstChild);
    return {
        element: h(
            'div',
            {class: 'pub-compass', role: 'radiogroup', id: about.id, 'aria-label': t('label_ovpos')},
            ...places,
        ),
        inputs,
        show(value) {
            for (const place of inputs) place.checked = place.value === plain(one, value);
        },
    };
}

// Off, around the image's own point, or around one that is set here.
function focusField(one, about) {
    const list = h(
        'select',
        {
            id: about.id,
            'aria-describedby': about.describedby,
            on: {change: () => about.change(list.value === 'point' ? point() : list.value)},
        },
        h('option', {value: ''}),
        h('option', {value: 'auto'}, t('focus_auto')),
        h('option', {value: 'point'}, t('focus_point')),
    );
    const part = label =>
        h('input', {
            type: 'number',
            min: '0',
            max: '100',
            step: 'any',
            'aria-label': label,
            on: {input: () => about.change(point())},
        });
    const across = part(t('focus_x'));
    const down = part(t('focus_y'));
    const parts = h('div', {class: 'pub-pair', hidden: true}, across, down, '%');
    function point() {
        const share = box => rounded(Math.min(100, Math.max(0, Number(box.value || 50))) / 100, 5);
        return `${share(across)},${share(down)}`;
    }
    return {
        element: h('div', {class: 'pub-focus'}, list, parts),
        inputs: [list, across, down],
        show(value, base) {
            list.options[0].textContent = nothingText(one, base);
            const wanted = plain(one, value);
            const place = /^([\d.]+),([\d.]+)$/.exec(wanted);
            list.value = place ? 'point' : wanted;
            parts.hidden = !place;
            if (place) {
                fill(across, rounded(place[1] * 100, 2));
                fill(down, rounded(place[2] * 100, 2));
            }
        },
    };
}

function fileField(one, about) {
    const box = h('input', {
        id: about.id,
        type: 'text',
        autocomplete: 'off',
        spellcheck: 'false',
        'aria-describedby': about.describedby,
        on: {change: () => about.change(box.value)},
    });
    const pick =
        about.pick &&
        h(
            'button',
            {
                type: 'button',
                class: 'button',
                on: {
                    click: async () => {
                        const chosen = await about.pick(box.value);
                        if (chosen) about.change(chosen);
                    },
                },
            },
            icon('folder'),
            t('choose_file'),
        );
    return {
        element: h('div', {class: 'pub-file'}, box, ...(pick ? [pick] : [])),
        inputs: [box],
        show: value => fill(box, value ?? ''),
    };
}
