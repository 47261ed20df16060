// The publisher: controls at the left, what becomes of them at the right. Every change rebuilds preview, facts, code.

import {$, absolute, h, icon, page} from '../core/dom.js';
import {copyButton} from '../core/copy.js';
import {extensionOf} from '../core/paths.js';
import {t} from '../core/texts.js';
import {BROWSER_FORMATS, imageAddress, previewParameters} from './address.js';
import {openAddress, stateAddress} from './bookmark.js';
import {control} from './controls.js';
import {CropTool} from './crop.js';
import {ParameterForm} from './form.js';
import {guideAddress, openGuide} from './guide.js';
import {Measure} from './measure.js';
import {Output} from './output.js';
import {Preview} from './preview.js';
import {Session} from './session.js';
import {parameters, plain, toTemplate} from './values.js';

const SETTLED_MS = 450;
const ORIGINAL_BOX = 1000;
const LONGEST = 6000;

export class Publisher {
    // `server`: public address of this server, with a slash at its end
    // `facts`: what the server can do
    // `bases`: see Session
    // `names`: of the parameters that can be set; all if it isn't given
    // `tools`: what stands in the bar at the top, besides undo and the like
    // `below`: what stands below the output
    // `title`: of the image, for its alternative text
    // `showed`: called after each change
    // `embed`: the page is shown within another one
    constructor(about) {
        this.about = about;
        this.src = about.src;
        this.others = [];
        this.title = about.title ?? '';
        this.check = null;
        this.session = new Session({bases: about.bases, extension: extensionOf(about.src)});
        this.crop = new CropTool({
            change: edges => this.session.set(edges),
            point: about.names && !about.names.has('focus') ? null : focus => this.session.set({focus}),
        });
        this.form = new ParameterForm({
            facts: about.facts,
            names: about.names,
            units: true,
            pick: about.pick,
            help: guideAddress,
            tools: {crop: this.crop.element},
            hints: name => this.#hint(name),
            change: values => this.session.set(values),
        });
        this.preview = new Preview({failed: () => {}});
        this.measure = new Measure({
            facts: about.facts,
            told: check => this.#told(check),
            failed: error => this.#failed(error),
            choose: format => this.session.set({format}),
        });
        this.output = new Output({change: extras => this.session.extra(extras)});
        this.#build();
        this.session.on(() => this.#changed());
    }

    // Begin with what the address says.
    start(query) {
        const {given, extras} = openAddress(query);
        this.session.open(given, extras);
    }

    refresh() {
        this.#changed();
    }

    // Show another image with the same settings.
    load(src) {
        this.src = src;
        this.title = '';
        this.session.extension = extensionOf(src);
        this.check = null;
        this.#changed();
    }

    // The address of the page as it is now. One that is too long for that leaves the other images out.
    get address() {
        const {parameters: given, state} = this.session;
        const whole = stateAddress(this.src, given, state.extras, this.others);
        const address = whole.length > LONGEST ? stateAddress(this.src, given, state.extras) : whole;
        return this.about.embed ? `${address}&embed=1` : address;
    }

    // What the code is made of.
    get result() {
        const {rotated, width, height} = this.check ?? {};
        return {
            server: this.about.server,
            src: this.src,
            parameters: this.session.parameters,
            width: width ?? 0,
            height: height ?? 0,
            images: [this.src, ...this.others].map(src => ({src})),
            title: this.title,
            before: this.#original(),
            largest: rotated?.width ?? 0,
            free: plain(control('autosizefit'), this.session.values.autosizefit) === '1',
        };
    }

    #build() {
        this.undo = this.#tool('undo', () => this.session.undo());
        this.redo = this.#tool('redo', () => this.session.redo());
        this.reset = h(
            'button',
            {type: 'button', class: 'button', on: {click: () => this.session.replace({})}},
            t('undo_changes'),
        );
        this.template = h(
            'select',
            {id: 'p-tmp', on: {change: () => this.session.replace({}, this.template.value)}},
            h('option', {value: ''}, t('template_default', {name: this.about.facts.default_template ?? '–'})),
            ...(this.about.facts.templates ?? []).map(name => h('option', {value: name.toLowerCase()}, name)),
        );
        const templated = !this.about.names || this.about.names.has('tmp');
        this.table = h(
            'details',
            {class: 'card pub-all'},
            h('summary', {}, t('all_parameters')),
            h('div', {class: 'pub-all-body'}),
        );
        const bar = h(
            'div',
            {class: 'toolbar pub-bar', role: 'toolbar', 'aria-label': t('tools')},
            ...(this.about.tools ?? []),
            h('span', {class: 'pub-space'}),
            this.undo,
            this.redo,
            copyButton(() => absolute(this.address), {label: t('copy_state')}),
        );
        const controls = h(
            'section',
            {class: 'pub-controls', 'aria-label': t('controls')},
            ...(templated
                ? [
                      h(
                          'div',
                          {class: 'pub-template'},
                          h(
                              'div',
                              {class: 'field'},
                              h(
                                  'div',
                                  {class: 'pub-label'},
                                  h('label', {for: 'p-tmp'}, t('template')),
                                  h(
                                      'a',
                                      {
                                          class: 'pub-help',
                                          href: guideAddress('tmp'),
                                          'aria-label': t('help_for', {name: t('template')}),
                                      },
                                      '?',
                                  ),
                              ),
                              this.template,
                          ),
                          this.reset,
                      ),
                  ]
                : []),
            this.form.element,
        );
        const side = h(
            'div',
            {class: 'pub-side'},
            h(
                'div',
                {class: 'pub-sticky'},
                h('section', {class: 'card', 'aria-label': t('preview')}, this.preview.element, this.measure.element),
            ),
            this.output.element,
            this.table,
            ...(this.about.below ?? []),
        );
        this.element = h('div', {class: 'pub'}, bar, h('div', {class: 'pub-columns'}, controls, side));
        this.element.addEventListener('click', event => openGuide(event));
        this.element.addEventListener('keydown', event => this.#key(event));
    }

    #tool(name, run) {
        return h(
            'button',
            {type: 'button', class: 'button icon-only', 'aria-label': t(name), title: t(name), on: {click: run}},
            icon(name),
        );
    }

    #key(event) {
        if (!(event.ctrlKey || event.metaKey) || event.target.matches('input[type="text"], textarea')) return;
        const key = event.key.toLowerCase();
        const run = {z: event.shiftKey ? 'redo' : 'undo', y: 'redo'}[key];
        if (!run) return;
        event.preventDefault();
        event.stopPropagation();
        this.session[run]();
    }

    #changed() {
        const {state} = this.session;
        this.form.show(state.values, this.session.base());
        this.template.value = state.tmp.toLowerCase();
        this.undo.disabled = !this.session.canUndo;
        this.redo.disabled = !this.session.canRedo;
        this.reset.disabled = this.session.changed.length === 0;
        this.output.show(this.result, state.extras, page.root);
        this.#showCrop();
        this.measure.ask(this.src, this.session.parameters);
        this.preview.draft(this.#draft());
        this.#showTable();
        clearTimeout(this.timer);
        this.timer = setTimeout(() => this.#settled(), SETTLED_MS);
        this.about.showed?.();
    }

    #settled() {
        const shown = this.session.parameters;
        history.replaceState(history.state, '', this.address);
        this.measure.ask(this.src, shown, {measure: true});
    }

    // The server has said what the image will be.
    #told(check) {
        const first = !this.check;
        this.check = check;
        this.form.warn(check.warnings.map(one => ({...one, text: t(`warning_${one.code}`, one.values)})));
        this.output.show(this.result, this.session.state.extras, page.root);
        this.#showCrop();
        if (first) this.form.show(this.session.values, this.session.base());
        if (check.bytes !== undefined) this.preview.result(this.#real(check), this.#original());
    }

    #failed(error) {
        this.form.warn([]);
        this.form.refuse(error.parameter, error.message);
    }

    #draft() {
        const size = this.check ?? {width: 0, height: 0};
        return imageAddress(page.root, this.src, previewParameters(this.session.parameters, this.session.values, size));
    }

    // The image itself, where a browser can show it.
    #real(check) {
        const shown = {...this.session.parameters, stats: '0'};
        delete shown.attach;
        if (!BROWSER_FORMATS.has(check.format)) return this.#draft();
        return imageAddress(page.root, this.src, shown);
    }

    #original() {
        return this.#bare({width: String(ORIGINAL_BOX), height: String(ORIGINAL_BOX)});
    }

    // The image with nothing but what is given, whatever the template says.
    #bare(more) {
        const values = {
            autosizefit: '1',
            format: 'jpg',
            colorspace: 'rgb',
            strip: '1',
            quality: '85',
            page: this.session.values.page,
            ...more,
        };
        return imageAddress(page.root, this.src, {
            ...parameters(values, this.session.base(), {tmp: this.session.state.tmp}),
            stats: '0',
        });
    }

    #showCrop() {
        const {flip, angle, focus} = this.session.values;
        const size = this.check?.rotated ?? {width: 4, height: 3};
        this.crop.show(this.#bare({width: '640', height: '640', flip, angle}), this.session.values, size, focus ?? '');
    }

    #hint(name) {
        if (!this.check) return '';
        const {rotated, source} = this.check;
        if (name === 'width') return t('original_size', {size: rotated.width});
        if (name === 'height') return t('original_size', {size: rotated.height});
        if (name === 'page' && source.pages > 1) return t('n_pages', {n: source.pages});
        return '';
    }

    // All parameters, as they will hold, and where each comes from.
    #showTable() {
        const given = this.session.parameters;
        const base = this.session.base();
        const names = [
            ...new Set([...Object.keys(base).filter(name => base[name] !== ''), ...Object.keys(given)]),
        ].sort();
        const row = name =>
            h(
                'tr',
                {},
                h('th', {scope: 'row'}, h('code', {}, name)),
                h('td', {dataset: {label: t('value')}}, String(given[name] ?? base[name])),
                h('td', {dataset: {label: t('from')}}, name in given ? t('from_address') : t('from_template')),
            );
        $('.pub-all-body', this.table).replaceChildren(
            h(
                'table',
                {class: 'table'},
                h(
                    'thead',
                    {},
                    h('tr', {}, ...['parameter', 'value', 'from'].map(key => h('th', {scope: 'col'}, t(key)))),
                ),
                h('tbody', {}, ...names.map(row)),
            ),
        );
    }

    // As a template would say it.
    get document() {
        return toTemplate(this.session.values);
    }
}
