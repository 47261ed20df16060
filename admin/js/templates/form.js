// The form of one template: its name, all parameters with a preview, and what it does differently from the default one.

import {api} from '../core/api.js';
import {$, h, icon, page, url} from '../core/dom.js';
import {extensionOf} from '../core/paths.js';
import {pickFile} from '../core/picker.js';
import {store} from '../core/state.js';
import {t} from '../core/texts.js';
import {toast} from '../core/toast.js';
import {BROWSER_FORMATS, imageAddress} from '../publish/address.js';
import {CONTROLS, control} from '../publish/controls.js';
import {ParameterForm} from '../publish/form.js';
import {guideAddress, openGuide} from '../publish/guide.js';
import {Preview} from '../publish/preview.js';
import {loadFacts} from '../publish/facts.js';
import {Session} from '../publish/session.js';
import {loadBases, saveTemplate} from '../publish/templates.js';
import {fromTemplate, parameters, plain, same, toTemplate} from '../publish/values.js';
import {saveAsFile} from './exchange.js';

const SAMPLE = '/samples/penguin.jpg';
const BOX = 640;
const RESTED_MS = 300;

export async function show() {
    const [facts, templates, found] = await Promise.all([loadFacts(), loadBases(), load()]);
    const form = new TemplateForm({facts, standard: templates.bases(facts.default_template).get(''), ...found});
    $('#template').replaceChildren(form.element);
}

// The template of the page: {id, template, etag}; a new one may begin as a copy of another.
async function load() {
    const {id, from} = page.data;
    if (id) {
        const {data, etag} = await api.get(`admin/templates/${id}/`, {}, {full: true});
        return {id, template: data, etag};
    }
    if (from) {
        const source = await api.get(`admin/templates/${Number(from)}/`);
        return {id: null, template: {...source, name: t('copy_of', {name: source.name})}, etag: null};
    }
    return {id: null, template: {name: '', description: '', template: {record_stats: {value: true}}}, etag: null};
}

class TemplateForm {
    constructor({facts, standard, id, template, etag}) {
        Object.assign(this, {id, etag, standard, may: page.may('admin_all')});
        this.tile = template.template.tile;
        this.name = h('input', {
            id: 'tpl-name',
            type: 'text',
            required: true,
            maxlength: 120,
            value: template.name,
            disabled: !this.may,
        });
        this.description = h('textarea', {
            id: 'tpl-description',
            rows: 2,
            maxlength: 5120,
            value: template.description,
            disabled: !this.may,
        });
        this.wrong = h('p', {class: 'error', role: 'alert', id: 'tpl-wrong'});
        this.session = new Session({bases: new Map([['', {}]]), extension: ''});
        this.session.state = {tmp: '', values: fromTemplate(template.template), extras: {}};
        this.saved = {...this.session.values};
        this.form = new ParameterForm({
            facts,
            template: true,
            help: guideAddress,
            pick: () => pickFile({path: '/'}),
            change: values => this.session.set(values),
        });
        this.preview = new Preview({failed: () => {}});
        this.sample = store.get('template_sample', SAMPLE);
        this.build();
        this.session.on(() => this.changed());
        this.changed();
    }

    build() {
        this.undo = this.tool('undo', () => this.session.undo());
        this.redo = this.tool('redo', () => this.session.redo());
        this.save = h('button', {type: 'submit', class: 'button primary'}, t('save'));
        this.different = h('tbody', null);
        this.shown = h('code', null, this.sample);
        const pick = h(
            'button',
            {type: 'button', class: 'button', on: {click: () => this.choose()}},
            t('sample_choose'),
        );
        const fields = h('fieldset', {class: 'tpl-fields', disabled: !this.may}, this.form.element);
        const side = h(
            'div',
            {class: 'pub-side'},
            h(
                'div',
                {class: 'pub-sticky card stack'},
                this.preview.element,
                h('div', {class: 'row'}, pick, this.shown),
            ),
            h(
                'details',
                {class: 'card', open: true},
                h('summary', null, t('difference')),
                h(
                    'table',
                    {class: 'table'},
                    h(
                        'thead',
                        null,
                        h(
                            'tr',
                            null,
                            ['parameter', 'here', 'in_default'].map(key => h('th', {scope: 'col'}, t(key))),
                        ),
                    ),
                    this.different,
                ),
            ),
        );
        this.element = h(
            'form',
            {
                class: 'pub',
                novalidate: true,
                on: {submit: event => this.submit(event), click: event => openGuide(event)},
            },
            h(
                'div',
                {class: 'toolbar pub-bar tpl-bar'},
                this.may && this.save,
                this.undo,
                this.redo,
                h(
                    'button',
                    {
                        type: 'button',
                        class: 'button',
                        on: {click: () => saveAsFile([this.present], `${this.name.value || 'template'}.json`)},
                    },
                    icon('download'),
                    t('template_export'),
                ),
                this.id &&
                    this.may &&
                    h(
                        'a',
                        {class: 'button', href: url('admin/templates/0/', {from: this.id})},
                        icon('copy'),
                        t('template_duplicate'),
                    ),
                !this.may && h('p', {class: 'muted'}, t('only_super')),
            ),
            h(
                'div',
                {class: 'tpl-names'},
                h('div', {class: 'field'}, h('label', {for: 'tpl-name'}, t('tpl_name')), this.name, this.wrong),
                h(
                    'div',
                    {class: 'field'},
                    h('label', {for: 'tpl-description'}, t('tpl_description')),
                    this.description,
                ),
            ),
            h(
                'div',
                {class: 'pub-columns'},
                h('section', {class: 'pub-controls', 'aria-label': t('controls')}, fields),
                side,
            ),
        );
    }

    tool(name, run) {
        return h(
            'button',
            {type: 'button', class: 'button icon-only', 'aria-label': t(name), title: t(name), on: {click: run}},
            icon(name),
        );
    }

    get present() {
        const document = toTemplate(this.session.values);
        if (this.tile) {
            document.tile = this.tile;
        }
        return {name: this.name.value.trim(), description: this.description.value, template: document};
    }

    changed() {
        this.form.show(this.session.values, {});
        this.undo.disabled = !this.session.canUndo;
        this.redo.disabled = !this.session.canRedo;
        this.showDifference();
        clearTimeout(this.timer);
        this.timer = setTimeout(() => this.showPreview(), RESTED_MS);
    }

    // The sample as the template would make it, over the default one, which it takes the place of.
    showPreview() {
        const given = parameters(this.session.values, this.standard, {extension: extensionOf(this.sample)});
        delete given.attach;
        const original = parameters(
            {width: String(BOX), height: String(BOX), autosizefit: '1', format: 'jpg'},
            this.standard,
        );
        this.preview.result(
            imageAddress(page.root, this.sample, {...given, ...shownAs(this.session.values), stats: '0', cache: '0'}),
            imageAddress(page.root, this.sample, {...original, stats: '0'}),
        );
    }

    showDifference() {
        const {values} = this.session;
        const rows = CONTROLS.filter(one => !same(one, values[one.name], this.standard[one.name]));
        const cell = (one, value) => plain(one, value) || '–';
        this.different.replaceChildren(
            ...(rows.length
                ? rows.map(one =>
                      h(
                          'tr',
                          null,
                          h('th', {scope: 'row'}, t(`label_${one.name}`)),
                          h('td', {dataset: {label: t('here')}}, cell(one, values[one.name])),
                          h('td', {dataset: {label: t('in_default')}}, cell(one, this.standard[one.name])),
                      ),
                  )
                : [h('tr', null, h('td', {colspan: 3, class: 'muted'}, t('no_difference')))]),
        );
    }

    async choose() {
        const chosen = await pickFile({path: '/samples'});
        if (chosen) {
            this.sample = chosen;
            this.shown.textContent = chosen;
            store.set('template_sample', chosen);
            this.showPreview();
        }
    }

    async submit(event) {
        event.preventDefault();
        if (!this.may) {
            return;
        }
        this.wrong.textContent = '';
        const {name, description, template} = this.present;
        if (!name) {
            this.refuse(t('name_missing'));
            return;
        }
        this.save.disabled = true;
        try {
            const before = this.id ? {...this.saved} : null;
            const made = await saveTemplate({id: this.id, name, description, document: template, etag: this.etag});
            this.done(made, before);
        } catch (error) {
            if (!this.form.refuse(nameOf(error.parameter), error.message)) {
                this.refuse(error.message);
            }
        }
        this.save.disabled = false;
    }

    refuse(text) {
        this.wrong.textContent = text;
        this.name.setAttribute('aria-invalid', 'true');
        this.name.focus();
    }

    async done(made, before) {
        this.name.removeAttribute('aria-invalid');
        if (page.data.onClose) {
            leave(page.data.onClose);
            return;
        }
        if (this.id === null) {
            location.replace(url(`admin/templates/${made.id}/`, page.data.embed ? {embed: 1} : {}));
            return;
        }
        $('#template-title').textContent = made.name;
        ({etag: this.etag} = await api.get(`admin/templates/${made.id}/`, {}, {full: true}));
        this.saved = {...this.session.values};
        toast(t('template_saved', {name: made.name}), {
            action: before && {
                label: t('undo'),
                run: () => {
                    this.session.replace(before);
                    this.element.requestSubmit();
                },
            },
        });
    }
}

// Browsers show only some formats; the size is for a look.
function shownAs(values) {
    const shown = {};
    const format = plain(control('format'), values.format);
    if (format && !BROWSER_FORMATS.has(format)) {
        shown.format = 'png';
    }
    if (plain(control('colorspace'), values.colorspace) === 'cmyk') {
        shown.colorspace = 'rgb';
    }
    return shown;
}

// The parameter that an error about a field of the template is about.
function nameOf(field) {
    return CONTROLS.find(one => one.field === field || one.twin === field)?.name ?? field;
}

function leave(how) {
    if (how === 'backrefresh' && document.referrer) {
        location.replace(document.referrer);
    } else {
        history.back();
    }
}
