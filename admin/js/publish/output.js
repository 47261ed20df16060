// The code to paste: which kind, what goes into it, and the text itself with its colours.

import {h, page, url} from '../core/dom.js';
import {copyButton} from '../core/copy.js';
import {t} from '../core/texts.js';
import {DESCRIBED, OUTPUTS, PICTURE_WIDTHS, RESPONSIVE, SRCSET_WIDTHS, code, download, original} from './codes.js';
import {coloured} from './highlight.js';
import {START} from './output_choices.js';

const GROUPS = {
    pages: ['plain', 'img_tag', 'img_srcset_tag', 'picture_tag', 'picture_formats', 'img_tag_lazy', 'css'],
    viewers: ['img_tag_zoom', 'img_tag_gallery', 'canvas_zoom', 'slideshow', 'element_image', 'element_zoom'],
    texts: ['markdown', 'bbcode', 'curl'],
};
const IN_HTML = new Set([...GROUPS.pages.slice(1, -1), ...GROUPS.viewers]);
const FORMATS = ['avif', 'webp', 'jpg', 'png'];

export class Output {
    // `change`: told what was chosen
    constructor({change}) {
        this.change = change;
        this.kind = h(
            'select',
            {id: 'pub-output', on: {change: () => change({output: this.kind.value})}},
            ...Object.entries(GROUPS).map(([group, kinds]) =>
                h(
                    'optgroup',
                    {label: t(`outputs_${group}`)},
                    ...kinds.map(kind => h('option', {value: kind}, t(`output_${kind}`))),
                ),
            ),
        );
        this.fields = this.#fields();
        this.text = h('code', {tabindex: '0', 'aria-label': t('code')});
        this.hint = h('p', {class: 'hint'});
        this.links = {
            download: h('a', {class: 'button', download: ''}, t('download')),
            open: h('a', {class: 'button', target: '_blank', rel: 'noopener'}, t('open')),
            original: h('a', {class: 'button quiet', download: ''}, t('download_original')),
            compare: h('a', {class: 'button quiet', hidden: !page.user}, t('compare_closely')),
        };
        const copy = copyButton(() => this.code, {label: t('copy_code'), words: t('copy_code'), source: this.text});
        copy.classList.add('primary');
        this.element = h(
            'section',
            {class: 'card pub-output', 'aria-labelledby': 'pub-output-title'},
            h('h2', {id: 'pub-output-title'}, t('output')),
            h(
                'div',
                {class: 'pub-choices'},
                h('div', {class: 'field'}, h('label', {for: 'pub-output'}, t('output_kind')), this.kind, this.hint),
                ...Object.values(this.fields).map(field => field.element),
            ),
            h('pre', {class: 'pub-code'}, this.text),
            h('div', {class: 'row pub-actions'}, copy, ...Object.values(this.links)),
        );
    }

    // `about`: as codes.js wants it, without what is chosen here
    // `extras`: what was chosen
    // `root`: of this very server, for links
    show(about, extras, root) {
        const chosen = {...START, alt: about.title ?? '', ...extras};
        const kind = chosen.output in OUTPUTS ? chosen.output : START.output;
        this.kind.value = kind;
        this.hint.textContent = t(`output_hint_${kind}`);
        for (const field of Object.values(this.fields)) {
            field.element.hidden = !field.for(kind);
            field.show(chosen);
        }
        this.code = code(kind, {
            ...about,
            alt: chosen.alt,
            sizes: chosen.sizes,
            widths: widthsOf(chosen.widths),
            loading: chosen.loading,
            decoding: chosen.decoding,
            priority: chosen.priority,
            formats: chosen.formats.split(',').filter(Boolean),
        });
        this.text.replaceChildren(...(IN_HTML.has(kind) ? coloured(this.code) : [this.code]));
        const here = {...about, server: root};
        this.links.download.href = download(here);
        this.links.open.href = code('plain', here);
        this.links.original.href = original(here);
        this.links.compare.href = url('compare/', {a: about.before, b: code('plain', here)});
    }

    #fields() {
        return {
            alt: this.#text('alt', kind => DESCRIBED.has(kind)),
            widths: this.#text(
                'widths',
                kind => RESPONSIVE.has(kind),
                kind => (kind === 'picture_tag' ? PICTURE_WIDTHS : SRCSET_WIDTHS).join(' '),
            ),
            sizes: this.#text(
                'sizes',
                kind => ['img_srcset_tag', 'picture_formats', 'element_image'].includes(kind),
                null,
                [
                    '100vw',
                    '50vw',
                    '(min-width: 60rem) 50vw, 100vw',
                    '(min-width: 60rem) 33vw, (min-width: 40rem) 50vw, 100vw',
                    '(min-width: 48rem) 720px, 100vw',
                ],
            ),
            formats: this.#formats(),
            loading: this.#loading(),
        };
    }

    #text(name, wanted, placeholder = null, suggestions = []) {
        const box = h('input', {
            type: 'text',
            id: `pub-${name}`,
            autocomplete: 'off',
            list: suggestions.length ? `pub-${name}-list` : null,
            on: {input: () => this.change({[name]: box.value})},
        });
        const list = suggestions.length
            ? [h('datalist', {id: `pub-${name}-list`}, ...suggestions.map(value => h('option', {value})))]
            : [];
        const hint = h('p', {class: 'hint'}, t(`hint_${name}`));
        return {
            element: h('div', {class: 'field'}, h('label', {for: `pub-${name}`}, t(name)), box, ...list, hint),
            for: wanted,
            show: chosen => {
                if (document.activeElement !== box) box.value = chosen[name];
                if (placeholder) box.placeholder = placeholder(chosen.output);
            },
        };
    }

    #formats() {
        const boxes = FORMATS.map(format =>
            h('input', {
                type: 'checkbox',
                value: format,
                on: {
                    change: () => {
                        const taken = boxes.filter(box => box.checked).map(box => box.value);
                        this.change({formats: (taken.length ? taken : ['jpg']).join(',')});
                    },
                },
            }),
        );
        return {
            element: h(
                'fieldset',
                {class: 'field pub-boxes'},
                h('legend', {}, t('formats_offered')),
                ...boxes.map(box => h('label', {}, box, box.value.toUpperCase())),
            ),
            for: kind => kind === 'picture_formats' || kind === 'css',
            show: chosen => {
                for (const box of boxes) box.checked = chosen.formats.split(',').includes(box.value);
            },
        };
    }

    #loading() {
        const box = (name, on, off = '') => {
            const input = h('input', {
                type: 'checkbox',
                on: {change: () => this.change({[name]: input.checked ? on : off})},
            });
            return {name, on, input, element: h('label', {}, input, t(`use_${name}`))};
        };
        const boxes = [box('loading', 'lazy', 'eager'), box('decoding', 'async'), box('priority', 'high')];
        return {
            element: h(
                'fieldset',
                {class: 'field pub-boxes'},
                h('legend', {}, t('loading')),
                ...boxes.map(one => one.element),
            ),
            for: kind =>
                [
                    'img_tag',
                    'img_srcset_tag',
                    'picture_tag',
                    'picture_formats',
                    'img_tag_zoom',
                    'img_tag_gallery',
                ].includes(kind),
            show: chosen => {
                for (const one of boxes) one.input.checked = chosen[one.name] === one.on;
            },
        };
    }
}

// "480, 800 1200w" → [480, 800, 1200]
function widthsOf(text) {
    return (String(text).match(/\d+/g) ?? []).map(Number).filter(width => width > 0 && width <= 100000);
}
