// Buttons for how far back one looks.

import {h} from '../core/dom.js';
import {t} from '../core/texts.js';
import {RANGES} from './feed.js';

// A group of buttons; `choose(name)` is called with one of RANGES. `.show(name)` marks another one, or none.
export function rangeButtons(chosen, choose) {
    return choiceButtons(Object.keys(RANGES).map(name => [name, t(`range_${name}`)]), chosen, choose, t('range'));
}

export function choiceButtons(choices, chosen, choose, label) {
    const buttons = choices.map(([value, text]) => h('button', {
        type: 'button', 'aria-pressed': String(value === chosen),
        on: {click: () => {
            group.show(value);
            choose(value);
        }},
    }, text));
    const group = h('div', {class: 'choice', role: 'group', 'aria-label': label}, buttons);
    group.show = value => {
        for (const [place, [one]] of choices.entries()) {
            buttons[place].setAttribute('aria-pressed', String(one === value));
        }
    };
    return group;
}
