// One image of a portfolio: its name in zips, and the options that it is made with.

import {api} from '../core/api.js';
import {openDialog} from '../core/dialog.js';
import {h, icon} from '../core/dom.js';
import {t} from '../core/texts.js';
import {editParameters} from '../publish/parameters.js';

const SHOWN = 3;

// Options in a line, such as "width 500, format png"; empty where there are none.
export function summaryOf(parameters) {
    const given = Object.entries(parameters).filter(([, one]) => one?.value !== null && one?.value !== '' && one?.value !== undefined);
    const text = given.slice(0, SHOWN).map(([name, one]) => `${name} ${one.value}`);
    return [...text, given.length > SHOWN ? `+${given.length - SHOWN}` : ''].filter(Boolean).join(', ');
}

// Options that are shown as text, with a button that leads to the controls of the publisher.
export class ParametersField {
    constructor({src, parameters, title}) {
        this.value = parameters;
        this.text = h('span', {class: 'muted'});
        this.element = h(
            'div',
            {class: 'row'},
            h(
                'button',
                {
                    type: 'button',
                    class: 'button',
                    on: {
                        click: async () => {
                            const chosen = await editParameters({src, values: this.value, title});
                            if (chosen) {
                                this.value = chosen;
                                this.draw();
                            }
                        },
                    },
                },
                icon('settings'),
                t('parameters_choose'),
            ),
            h('button', {type: 'button', class: 'button quiet', on: {click: () => this.clear()}}, t('parameters_clear')),
            this.text,
        );
        this.draw();
    }

    clear() {
        this.value = {};
        this.draw();
    }

    draw() {
        this.text.textContent = summaryOf(this.value) || t('parameters_none');
        this.element.children[1].hidden = !summaryOf(this.value);
    }
}

// Ask for them and save; the entry as it is then, or null.
export async function editEntry(portfolioId, entry) {
    const name = h('input', {id: 'entry-name', maxlength: 255, autocomplete: 'off', value: entry.filename, placeholder: entry.image.filename});
    const fault = h('p', {class: 'error', role: 'alert', hidden: true});
    const field = new ParametersField({src: `/${entry.image.src}`, parameters: entry.parameters, title: entry.image.filename});
    return openDialog({
        title: entry.image.filename,
        body: h(
            'div',
            {class: 'stack'},
            h('div', {class: 'field'}, h('label', {for: name.id}, t('entry_name')), name, h('p', {class: 'hint'}, t('entry_name_how')), fault),
            h('fieldset', {}, h('legend', {}, t('parameters')), field.element),
        ),
        actions: [
            {label: t('cancel'), value: null},
            {label: t('save'), value: 'save', kind: 'primary'},
        ],
        async onSubmit(value) {
            if (value !== 'save') {
                return true;
            }
            try {
                return await api.put(`portfolios/${portfolioId}/images/${entry.image_id}/`, {
                    filename: name.value.trim(),
                    image_parameters: field.value,
                });
            } catch (error) {
                fault.textContent = error.message;
                fault.hidden = false;
                return false;
            }
        },
    });
}
