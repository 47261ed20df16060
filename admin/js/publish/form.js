// The form of all parameters: groups that fold, fields with labels, help marks, and what is wrong beside them.

import {h, icon} from '../core/dom.js';
import {t} from '../core/texts.js';
import {CONTROLS, GROUPS} from './controls.js';
import {makeField} from './fields.js';
import {rounded, fault, plain, same} from './values.js';

const OPEN = new Set(['size', 'crop', 'file']);
const PER_INCH = {px: 1, mm: 25.4, in: 1};

export class ParameterForm {
    #rows = new Map();
    #groups = new Map();
    #warned = [];
    #values = {};
    #base = {};

    // `facts`: what the server can do
    // `change`: told what somebody has entered, by name
    // `names`: of the parameters to be shown; all of the URL if it isn't given
    // `template`: with what only a template has
    // `units`: sizes can be entered in other units
    // `help`: the address of a parameter's explanation
    // `tools`: what stands at the head of a group, by its name
    // `pick`: lets a file be chosen
    constructor(about) {
        this.about = about;
        this.unit = 'px';
        this.element = h('div', {class: 'pub-form'}, ...GROUPS.map(group => this.#group(group)).filter(Boolean));
    }

    // Show values over those of a template.
    show(values, base) {
        this.#values = values;
        this.#base = base;
        for (const [name, row] of this.#rows) this.#showRow(name, row);
        for (const [name, group] of this.#groups) {
            const set = group.names.filter(one => !same(one, values[one.name], base[one.name])).length;
            group.count.textContent = set ? t(this.about.template ? 'n_set' : 'n_changes', {n: set}) : '';
            if (!group.touched && (OPEN.has(name) || set)) group.element.open = true;
        }
        this.#showUnits();
    }

    // Show what the server has to say, each beside its field.
    warn(warnings) {
        this.#warned = warnings;
        for (const [name, row] of this.#rows) this.#showNotes(name, row);
    }

    // Show an error beside its field; false if it has none here.
    refuse(name, text) {
        const row = this.#rows.get(name);
        if (!row) return false;
        row.error.textContent = text;
        row.error.hidden = false;
        for (const input of row.field.inputs) mark(input, true);
        return true;
    }

    #group(name) {
        const rows = CONTROLS.filter(one => one.group === name && this.#wanted(one));
        if (!rows.length) return null;
        const count = h('span', {class: 'badge pub-count'});
        const tool = this.about.tools?.[name];
        const element = h(
            'details',
            {class: 'pub-group', dataset: {group: name}},
            h('summary', {}, h('span', {}, t(`group_${name}`)), count),
            h(
                'div',
                {class: 'pub-fields'},
                ...(tool ? [tool] : []),
                ...rows.flatMap(one =>
                    one.name === 'dpi' ? [...this.#unitsFor(name), this.#row(one)] : [this.#row(one)],
                ),
            ),
        );
        element.querySelector('summary').addEventListener('click', () => {
            this.#groups.get(name).touched = true;
        });
        this.#groups.set(name, {element, count, names: rows, touched: false});
        return element;
    }

    #wanted(one) {
        const {names, template} = this.about;
        if (one.only === 'template' && !template) return false;
        return !names || names.has(one.name);
    }

    #row(one) {
        const id = `p-${one.name}`;
        const hint = h('div', {class: 'hint', id: `${id}-hint`});
        const error = h('div', {class: 'error', id: `${id}-error`, hidden: true});
        const notes = h('ul', {class: 'pub-notes', 'aria-live': 'polite'});
        const field = makeField(one, {
            id,
            facts: this.about.facts,
            pick: this.about.pick,
            describedby: `${id}-hint ${id}-error`,
            change: value => this.#entered(one, value),
        });
        const label = h('label', {for: id}, t(`label_${one.name}`));
        const mark = h(
            'span',
            {class: 'pub-mark', hidden: true, title: t('own_change')},
            '•',
            h('span', {class: 'visually-hidden'}, t('own_change')),
        );
        const help =
            this.about.help &&
            h(
                'a',
                {
                    class: 'pub-help',
                    href: this.about.help(one.name),
                    target: 'qis-guide',
                    'aria-label': t('help_for', {name: t(`label_${one.name}`)}),
                    title: t('help_for', {name: t(`label_${one.name}`)}),
                },
                '?',
            );
        const head = h('div', {class: 'pub-label'}, label, mark, ...(help ? [help] : []));
        const element =
            one.kind === 'flag'
                ? h(
                      'div',
                      {class: 'field pub-row pub-flag', dataset: {name: one.name}},
                      h('div', {class: 'pub-label'}, field.element, label, mark, ...(help ? [help] : [])),
                      hint,
                      error,
                      notes,
                  )
                : h(
                      'div',
                      {class: `field pub-row pub-${one.kind}-row`, dataset: {name: one.name}},
                      head,
                      field.element,
                      hint,
                      error,
                      notes,
                  );
        this.#rows.set(one.name, {one, field, element, hint, error, notes, mark});
        return element;
    }

    #entered(one, value) {
        const text = one.length ? this.#pixels(value) : value;
        const wrong = fault(one, text, this.about.facts.limits);
        const row = this.#rows.get(one.name);
        row.error.hidden = !wrong;
        row.error.textContent = wrong ? t(wrong.key, wrong.values) : '';
        for (const input of row.field.inputs) mark(input, Boolean(wrong));
        if (!wrong) this.about.change({[one.name]: text});
    }

    #showRow(name, row) {
        const {one} = row;
        const value = this.#values[name] ?? '';
        row.field.show(one.length ? this.#inUnit(value) : value, this.#base[name] ?? '');
        row.mark.hidden = Boolean(this.about.template) || same(one, value, this.#base[name]);
        row.element.hidden = Boolean(one.needs) && !this.#values[one.needs];
        row.error.hidden = true;
        for (const input of row.field.inputs) mark(input, false);
        this.#showNotes(name, row);
    }

    #showNotes(name, row) {
        const base = this.#base[name];
        const named = plain(row.one, base) !== '';
        row.hint.textContent =
            named && !same(row.one, base, this.#values[name])
                ? t('template_says', {value: String(base)})
                : this.#hint(name);
        row.notes.replaceChildren(
            ...this.#warned.filter(one => one.parameter === name).map(one => h('li', {}, icon('warning'), one.text)),
        );
    }

    #hint(name) {
        return this.about.hints?.(name) ?? '';
    }

    // Units. Values are pixels; only what is shown and entered is converted.

    #unitsFor(group) {
        if (group !== 'size' || !this.about.units) return [];
        const list = h(
            'select',
            {
                id: 'p-units',
                on: {
                    change: () => {
                        this.unit = list.value;
                        for (const name of ['width', 'height']) this.#showRow(name, this.#rows.get(name));
                    },
                },
            },
            ...Object.keys(PER_INCH).map(unit => h('option', {value: unit}, t(`unit_${unit}`))),
        );
        this.units = list;
        return [
            h(
                'div',
                {class: 'field pub-row'},
                h('div', {class: 'pub-label'}, h('label', {for: 'p-units'}, t('units'))),
                list,
            ),
        ];
    }

    #showUnits() {
        if (this.units) this.units.value = this.unit;
    }

    get #dpi() {
        return Number(this.#values.dpi) || 600;
    }

    #inUnit(pixels) {
        if (this.unit === 'px' || pixels === '') return pixels;
        return rounded((Number(pixels) * PER_INCH[this.unit]) / this.#dpi, 3);
    }

    #pixels(text) {
        if (this.unit === 'px' || text === '' || !Number.isFinite(Number(text))) return text;
        return String(Math.round((Number(text) * this.#dpi) / PER_INCH[this.unit]));
    }
}

function mark(input, wrong) {
    if (wrong) input.setAttribute('aria-invalid', 'true');
    else input.removeAttribute('aria-invalid');
}
