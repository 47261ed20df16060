// The list of the templates: which one is the default, who uses them, and what can be done with them.

import {api} from '../core/api.js';
import {$, fill, h, icon, page, url} from '../core/dom.js';
import {confirmDeed, openDialog} from '../core/dialog.js';
import {menuButton} from '../core/menu.js';
import {t} from '../core/texts.js';
import {toast} from '../core/toast.js';
import {loadFacts} from '../publish/facts.js';
import {loadBases, saveTemplate} from '../publish/templates.js';
import {bringIn, saveAsFile} from './exchange.js';

const PROPERTY = 'admin/properties/pubimage_default_template/';

export async function show() {
    const place = $('#templates');
    const [facts, {list}] = await Promise.all([loadFacts(), loadBases()]);
    const may = page.may('admin_all');
    const again = () => show();
    const isDefault = template => template.name === facts.default_template;
    fill(place,
        may && toolbar(list, again),
        list.length
            ? table(list.map(template => row(template, {may, again, standard: isDefault(template)})))
            : h('p', {class: 'empty'}, t('templates_none')),
    );
    tellUsage(list);
}

function toolbar(list, again) {
    const file = h('input', {
        type: 'file',
        accept: '.json,application/json',
        hidden: true,
        on: {change: () => read(file, again)},
    });
    return h(
        'div',
        {class: 'toolbar'},
        h('a', {class: 'button primary', href: url('admin/templates/0/')}, icon('plus'), t('template_new')),
        h('button', {type: 'button', class: 'button', on: {click: () => file.click()}}, t('template_import')),
        file,
        h(
            'button',
            {
                type: 'button',
                class: 'button',
                disabled: !list.length,
                on: {click: () => saveAsFile(list, 'templates.json')},
            },
            t('template_export_all'),
        ),
    );
}

function table(rows) {
    const heads = ['name', 'description', 'usage', 'deeds'];
    return h(
        'table',
        {class: 'table tpl-list'},
        h(
            'thead',
            null,
            h(
                'tr',
                null,
                heads.map(key => h('th', {scope: 'col'}, t(`tpl_${key}`))),
            ),
        ),
        h('tbody', null, rows),
    );
}

function row(template, {may, again, standard}) {
    const address = url(`admin/templates/${template.id}/`);
    const more = h(
        'button',
        {type: 'button', class: 'button quiet icon-only', 'aria-label': t('tpl_more', {name: template.name})},
        icon('more'),
    );
    menuButton(more, [
        {label: t('template_open'), icon: 'edit', href: address},
        {
            label: t('template_duplicate'),
            icon: 'copy',
            href: url('admin/templates/0/', {from: template.id}),
            disabled: !may,
            why: t('only_super'),
        },
        {
            label: t('template_make_default'),
            icon: 'check',
            run: () => makeDefault(template, again),
            disabled: !may || standard,
            why: t(standard ? 'is_default' : 'only_super'),
        },
        {label: t('template_export'), icon: 'download', run: () => saveAsFile([template], `${template.name}.json`)},
        null,
        {
            label: t('template_delete'),
            icon: 'trash',
            danger: true,
            run: () => remove(template, again),
            disabled: !may || standard,
            why: t(standard ? 'default_stays' : 'only_super'),
        },
    ]);
    return h(
        'tr',
        {dataset: {id: template.id}},
        h(
            'th',
            {scope: 'row', dataset: {label: t('tpl_name')}},
            h('a', {href: address}, template.name),
            ' ',
            standard && h('span', {class: 'badge'}, t('default')),
        ),
        h('td', {dataset: {label: t('tpl_description')}}, template.description || h('span', {class: 'muted'}, '–')),
        h('td', {class: 'tpl-usage', dataset: {label: t('tpl_usage')}}, '…'),
        h('td', {dataset: {label: t('tpl_deeds')}}, more),
    );
}

async function makeDefault(template, again) {
    const sure = await confirmDeed({
        title: t('template_make_default'),
        text: t('default_sure', {name: template.name}),
        deed: t('template_make_default'),
    });
    if (!sure) {
        return;
    }
    const before = (await api.get(PROPERTY)).value;
    await attempt(async () => {
        await api.put(PROPERTY, {value: template.name});
        toast(t('default_changed', {name: template.name}), {
            action: {
                label: t('undo'),
                run: () =>
                    attempt(async () => {
                        await api.put(PROPERTY, {value: before});
                        await again();
                    }),
            },
        });
        await again();
    });
}

async function remove(template, again) {
    const sure = await confirmDeed({
        title: t('template_delete'),
        text: t('delete_sure', {name: template.name}),
        deed: t('template_delete'),
    });
    if (!sure) {
        return;
    }
    await attempt(async () => {
        await api.delete(`admin/templates/${template.id}/`);
        toast(t('template_deleted', {name: template.name}), {
            action: {
                label: t('undo'),
                run: () =>
                    attempt(async () => {
                        await saveTemplate({
                            name: template.name,
                            description: template.description,
                            document: template.template,
                        });
                        await again();
                    }),
            },
        });
        await again();
    });
}

async function read(file, again) {
    const [chosen] = file.files;
    file.value = '';
    if (!chosen) {
        return;
    }
    await attempt(async () => {
        const done = await bringIn(await chosen.text());
        if (done.refused.length) {
            await openDialog({
                title: t('import_partly'),
                body: h(
                    'ul',
                    null,
                    done.refused.map(one => h('li', null, `${one.name}: ${one.reason}`)),
                ),
                actions: [{label: t('ok'), value: 'ok', kind: 'primary'}],
            });
        }
        if (done.made) {
            toast(t('n_imported', {n: done.made}));
        }
        await again();
    });
}

// How often each was asked for, and in which portfolios it is; those who may not know see a dash.
async function tellUsage(list) {
    for (const template of list) {
        const cell = $(`tr[data-id="${template.id}"] .tpl-usage`);
        try {
            const usage = await api.get(`admin/templates/${template.id}/usage/`, {}, {quiet: true});
            cell.replaceChildren(
                t('n_requests', {n: usage.requests}),
                ...usage.portfolios.flatMap(one => [
                    h('br'),
                    h('a', {href: url(`portfolios/${one.human_id}/`)}, one.name),
                ]),
                ...(usage.portfolios_hidden ? [h('br'), t('n_portfolios', {n: usage.portfolios_hidden})] : []),
            );
        } catch {
            cell.textContent = '–';
        }
    }
}

async function attempt(work) {
    try {
        await work();
    } catch (error) {
        toast(error.message, {kind: 'bad'});
    }
}
