// The list of groups.

import {api} from '../core/api.js';
import {confirmDeed} from '../core/dialog.js';
import {$, h, icon, page} from '../core/dom.js';
import {number} from '../core/format.js';
import {menuButton} from '../core/menu.js';
import {urlState} from '../core/state.js';
import {t} from '../core/texts.js';
import {toast} from '../core/toast.js';
import {attempt} from './user_deeds.js';

const PUBLIC = 1;
const SYSTEM = 1;
const LDAP = 3;

export function groupsPage() {
    const form = $('#filter');
    form.elements.q.value = urlState.get().q ?? '';
    let all = [];

    async function load() {
        all = await api.get('admin/groups/');
        show();
    }

    function show() {
        const q = form.elements.q.value.trim().toLowerCase();
        urlState.set({q});
        const found = all.filter(group => `${group.name} ${group.description}`.toLowerCase().includes(q));
        $('#count').textContent = t('groups_count', {n: found.length});
        $('#list').replaceChildren(found.length ? table(found) : h('p', {class: 'empty'}, t('groups_none')));
    }

    function table(found) {
        return h('table', {class: 'table groups'},
            h('thead', null, h('tr', null, [t('group_column'), t('members'), t('system_permissions')].map(text =>
                h('th', {scope: 'col'}, text)), h('th', {scope: 'col'}, h('span', {class: 'visually-hidden'}, t('edit'))))),
            h('tbody', null, found.map(row)));
    }

    function row(group) {
        const flags = Object.entries(group.permissions).filter(([, given]) => given === true).map(([flag]) => flag);
        const more = h('button', {type: 'button', class: 'button quiet icon-only',
            'aria-label': t('group_more', {name: group.name})}, icon('more'));
        const members = page.data.members[group.id] ?? 0;
        return h('tr', {dataset: {group: group.id}},
            h('td', {'data-label': t('group_column')},
                h('span', {class: 'who'}, h('a', {href: `${page.root}admin/groups/${group.id}/`}, group.name), ' ',
                    group.group_type === SYSTEM && h('span', {class: 'badge'}, t('system_group')),
                    group.group_type === LDAP && h('span', {class: 'badge'}, t('ldap_group')),
                    group.description && h('span', {class: 'muted second'}, group.description))),
            h('td', {class: 'whole', 'data-label': t('members')}, group.id === PUBLIC ? t('everybody') : number(members)),
            h('td', {'data-label': t('system_permissions')},
                flags.length > 0 && h('span', {class: 'badges'}, flags.map(flag => h('span', {class: 'badge'}, t(`flag_${flag}`))))),
            h('td', {class: 'deeds'}, menuButton(more, () => deeds(group, members))));
    }

    function deeds(group, members) {
        return [
            {label: t('edit'), icon: 'edit', href: `${page.root}admin/groups/${group.id}/`},
            page.may('admin_permissions') && {
                label: t('folder_permissions'), icon: 'lock', href: `${page.root}admin/permissions/?path=/&group=${group.id}`,
            },
            page.may('admin_permissions') && group.group_type !== SYSTEM && {
                label: t('delete_group'), icon: 'trash', danger: true, run: () => remove(group, members),
            },
        ].filter(Boolean);
    }

    async function remove(group, n) {
        const sure = await confirmDeed({
            title: t('group_delete_title', {name: group.name}),
            text: t('group_delete_text', {n}),
            deed: t('group_delete_deed'),
            type: group.name,
            count: n,
        });
        if (sure) {
            await attempt(() => api.delete(`admin/groups/${group.id}/`), async () => {
                await load();
                toast(t('group_deleted', {name: group.name}));
            });
        }
    }

    form.addEventListener('input', show);
    form.addEventListener('submit', event => event.preventDefault());
    return load();
}
