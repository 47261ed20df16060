// The publisher's page.

import {$, h, page, url} from '../core/dom.js';
import {openDialog} from '../core/dialog.js';
import {parentOf} from '../core/paths.js';
import {pickFile} from '../core/picker.js';
import {t} from '../core/texts.js';
import {toast} from '../core/toast.js';
import {Many, pathsOf} from '../publish/many.js';
import {presetsMenu} from '../publish/presets_menu.js';
import {loadFacts} from '../publish/facts.js';
import {Publisher} from '../publish/publisher.js';
import {loadBases, saveTemplate} from '../publish/templates.js';

const main = $('#publisher');
let list = [page.data.src, ...pathsOf(page.data.more ?? '').filter(src => src !== page.data.src)];

const [facts, templates] = await Promise.all([loadFacts(), loadBases()]);
const bases = templates.bases(facts.default_template);

const many = new Many({
    change: paths => {
        list = paths.length ? paths : [publisher.src];
        if (list.includes(publisher.src)) publisher.refresh();
        else choose(list[0]);
    },
    choose,
});

const save =
    page.may('admin_all') && h('button', {type: 'button', class: 'button', on: {click: keep}}, t('save_template'));

const publisher = new Publisher({
    src: page.data.src,
    title: page.data.title,
    server: page.data.server,
    facts,
    bases,
    pick: path => pickFile({path: parentOf(`/${path.replace(/^\//, '')}`)}),
    tools: [
        presetsMenu({take: values => publisher.session.replace(values), present: () => publisher.session.values}),
        ...(save ? [save] : []),
    ],
    below: [many.element],
    showed,
    embed: page.data.embed,
});

publisher.start(location.search);
main.replaceChildren(publisher.element);

function choose(src) {
    publisher.load(src);
    $('#publish-src').textContent = src;
    $('#publish-back')?.setAttribute('href', `${page.root}details/?src=${encodeURIComponent(src)}`);
}

function showed() {
    publisher.others = list.filter(src => src !== publisher.src);
    many.show(list, publisher.src, publisher.result);
}

async function keep() {
    const name = h('input', {type: 'text', id: 'tpl-name', maxlength: '120', required: true});
    const description = h('input', {type: 'text', id: 'tpl-description', maxlength: '5120'});
    const wrong = h('p', {class: 'error', role: 'alert'});
    let made = null;
    await openDialog({
        title: t('save_template'),
        body: [
            h('div', {class: 'field'}, h('label', {for: 'tpl-name'}, t('template_name')), name, wrong),
            h('div', {class: 'field'}, h('label', {for: 'tpl-description'}, t('template_description')), description),
        ],
        actions: [
            {label: t('cancel'), value: 'no'},
            {label: t('save'), value: 'save', kind: 'primary'},
        ],
        onSubmit: async value => {
            if (value !== 'save') {
                return true;
            }
            try {
                made = await saveTemplate({
                    name: name.value,
                    description: description.value,
                    document: publisher.document,
                });
                return true;
            } catch (error) {
                wrong.textContent = error.message;
                name.setAttribute('aria-invalid', 'true');
                name.focus();
                return false;
            }
        },
    });
    if (made) {
        toast(t('template_saved', {name: made.name}), {
            action: {label: t('show'), href: url(`admin/templates/${made.id}/`)},
        });
    }
}
