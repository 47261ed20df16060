// One change of title, description or tags for many images, with a look at what it does before.

import {batch, get} from '../core/batch.js';
import {openDialog} from '../core/dialog.js';
import {$, h} from '../core/dom.js';
import {loadStyle} from '../core/style.js';
import {loadTexts, t} from '../core/texts.js';
import {toast} from '../core/toast.js';
import {FIELDS, MOST, changes, tooLong} from './bulk_changes.js';

const SHOWN = 100; // lines of the preview
const DONE = 200;

// Asks what to change in `items`, image objects of which `src` suffices, and changes it.
// Gives {changed: [ids]}, or null when nothing was done.
export async function openBulkEdit(items) {
    await Promise.all([loadTexts('bulk_edit'), loadStyle('bulk_edit')]);
    const form = new BulkForm(items.length);
    const reading = read(items).then(images => form.fill(images, items.length));
    const answer = await openDialog({
        title: t('bulk_title', {n: items.length}),
        body: form.element,
        wide: true,
        actions: [{label: t('cancel'), value: 'no'}, {label: t('bulk_apply'), value: 'apply', kind: 'primary'}],
        onSubmit: async value => {
            await reading;
            return value === 'no' || form.complete();
        },
    });
    if (answer !== 'apply') return null;
    const list = form.changes;
    const changed = await apply(list.map(one => ({...one, field: form.wish.field})));
    if (changed.length) offerUndo(changed);
    return {changed: changed.map(one => one.image.id)};
}

class BulkForm {
    constructor(count) {
        this.images = null;
        this.changes = [];
        this.count = count;
        this.preview = h('div', {class: 'bulk-preview', tabindex: 0, role: 'region', 'aria-label': t('bulk_preview')}, h('p', {class: 'muted', role: 'status'}, t('bulk_loading')));
        this.values = h('div', {class: 'stack'});
        this.field = select('bulk-field', Object.keys(FIELDS).map(name => [name, t(`bulk_field_${name}`)]), () => this.chooseField());
        this.way = select('bulk-way', [], () => this.chooseWay());
        this.element = h('div', {class: 'stack bulk-edit'},
            h('div', {class: 'row'}, labelled('bulk_field', this.field), labelled('bulk_way', this.way)),
            this.values,
            h('h3', {}, t('bulk_preview')),
            this.preview);
        this.chooseField();
    }

    get wish() {
        const value = id => $(`#${id}`, this.values)?.value ?? '';
        return {
            field: this.field.value, way: this.way.value, text: value('bulk-text'),
            find: value('bulk-find'), with: value('bulk-with'), capitals: $('#bulk-case', this.values)?.checked ?? false,
        };
    }

    chooseField() {
        this.way.replaceChildren(...FIELDS[this.field.value].map(way => h('option', {value: way}, t(`bulk_${way}`))));
        this.chooseWay();
    }

    chooseWay() {
        const {field, way} = this.wish;
        const long = field === 'description' && way !== 'replace';
        const text = (id, key, tag = 'input') => labelled(key, h(tag, {id, autocomplete: 'off', on: {input: () => this.show()}}));
        if (way === 'replace') {
            const box = h('input', {type: 'checkbox', id: 'bulk-case', on: {change: () => this.show()}});
            this.values.replaceChildren(
                h('div', {class: 'row'}, text('bulk-find', 'bulk_find'), text('bulk-with', 'bulk_with')),
                h('label', {class: 'row'}, box, t('bulk_case')));
        } else if (way === 'iptc' || way === 'clear') this.values.replaceChildren();
        else this.values.replaceChildren(text('bulk-text', field === 'tags' ? 'bulk_tags_text' : 'bulk_text', long ? 'textarea' : 'input'));
        this.show();
    }

    fill(images, wanted) {
        this.images = images;
        this.left = wanted - images.length;
        this.show();
    }

    show() {
        if (!this.images) return;
        const {field} = this.wish;
        this.changes = changes(this.images, this.wish);
        const long = tooLong(this.changes, field);
        const shown = this.changes.slice(0, SHOWN);
        this.preview.replaceChildren(
            ...(this.left ? [h('p', {class: 'error'}, t('bulk_unreadable', {n: this.left}))] : []),
            ...(long.length ? [h('p', {class: 'error', role: 'alert'}, t('bulk_too_long', {n: long.length, most: MOST[field]}))] : []),
            h('p', {class: 'muted', role: 'status'}, this.changes.length ? t('bulk_changes', {n: this.changes.length}) : t('bulk_none')),
            shown.length ? table(shown) : '',
            this.changes.length > SHOWN ? h('p', {class: 'muted'}, t('bulk_more', {n: this.changes.length - SHOWN})) : '');
    }

    // Whether it can be done; what is wrong else stands in the preview.
    complete() {
        this.show();
        return this.changes.length > 0 && tooLong(this.changes, this.wish.field).length === 0;
    }
}

function select(id, options, changed) {
    return h('select', {id, on: {change: changed}}, ...options.map(([value, label]) => h('option', {value}, label)));
}

function labelled(key, control) {
    return h('div', {class: 'field'}, h('label', {for: control.id}, t(key)), control);
}

const told = value => (Array.isArray(value) ? value.join(', ') : value) || null;

function table(list) {
    const cell = (key, value) => h('td', {'data-label': t(key)}, told(value) ?? h('span', {class: 'muted'}, t('bulk_empty')));
    return h('table', {class: 'table'},
        h('thead', {}, h('tr', {}, h('td', {}), h('th', {scope: 'col'}, t('bulk_before')), h('th', {scope: 'col'}, t('bulk_after')))),
        h('tbody', {}, ...list.map(({image, before, after}) => h('tr', {},
            h('th', {scope: 'row'}, image.filename), cell('bulk_before', before), cell('bulk_after', after)))));
}

// Reading and writing, many images in a call

const ok = answer => answer.status === DONE;

// What is said about the images now; those that can't be read are left out.
async function read(items) {
    const details = (await batch(items.map(item => (
        item.id ? get(`admin/images/${item.id}/`) : get('details/', {src: item.src})
    )))).filter(ok).map(answer => answer.data);
    const metadata = await batch(details.map(one => get(`admin/images/${one.id}/metadata/`)));
    return details.map((one, index) => {
        const known = ok(metadata[index]) ? metadata[index].data : {tags: [], iptc: {}};
        return {
            id: one.id, filename: one.filename, title: one.title, description: one.description, tags: known.tags,
            iptc: {title: known.iptc.title || known.iptc.headline || '', description: known.iptc.description || ''},
        };
    });
}

// Writes `after` of each change; gives those that went well, and tells of the others.
async function apply(list) {
    const answers = await batch(list.map(({image, field, after}) => ({
        method: 'PATCH',
        path: `/admin/images/${image.id}/${field === 'tags' ? 'metadata/' : ''}`,
        body: {[field]: after},
    })));
    const failed = answers.filter(answer => !ok(answer));
    if (failed.length) toast(t('bulk_failed', {n: failed.length, reason: failed[0].message}), {kind: 'bad'});
    return list.filter((one, index) => ok(answers[index]));
}

function offerUndo(changed) {
    toast(t('bulk_done', {n: changed.length}), {
        action: {label: t('bulk_undo'), run: async () => {
            await apply(changed.map(one => ({...one, before: one.after, after: one.before})));
            toast(t('bulk_undone'));
            document.dispatchEvent(new CustomEvent('qis:images-changed', {detail: changed.map(one => one.image.id)}));
        }},
    });
}
