// Who can see a folder: groups and users, and all of them as CSV.

import {ACCESS} from '../core/access.js';
import {ApiError, api} from '../core/api.js';
import {saveCsv} from '../core/csv.js';
import {openDialog} from '../core/dialog.js';
import {h} from '../core/dom.js';
import {t} from '../core/texts.js';
import {toast} from '../core/toast.js';
import {PUBLIC, levelName} from './levels.js';

const SHOWN = 200;

export async function showWho(path) {
    let found;
    try {
        found = await api.get('admin/permissions/who/', {path});
    } catch (error) {
        if (!(error instanceof ApiError)) {
            throw error;
        }
        toast(error.message, {kind: 'bad'});
        return;
    }
    await openDialog({
        title: t('who_title', {path: found.folder}),
        wide: true,
        className: 'who',
        body: body(found),
        actions: [{label: t('who_csv'), value: 'csv'}, {label: t('close'), value: null, kind: 'primary'}],
        onSubmit(value) {
            if (value === 'csv') {
                download(found);
                return false;
            }
            return true;
        },
    });
}

function body({public: open, groups, users}) {
    const shown = users.slice(0, SHOWN);
    return [
        open >= ACCESS.view
            ? h('p', {class: 'notice info'}, h('span', null, t('who_public'), ': ', h('b', null, levelName(open))))
            : null,
        h('h3', null, t('who_groups')),
        groups.length
            ? table([t('group'), t('level'), t('set_at'), t('members')], groups.map(one => [
                one.name, one.bypass ? t('all') : levelName(one.access), one.folder ?? t('bypass'),
                one.group_id === PUBLIC ? t('everybody') : String(one.members),
            ]))
            : h('p', {class: 'muted'}, t('who_nobody')),
        h('h3', null, t('who_users')),
        shown.length
            ? table([t('who_user'), t('level'), t('who_by')],
                shown.map(user => [user.username, levelName(user.access), user.groups.join(', ')]))
            : h('p', {class: 'muted'}, t('who_nobody')),
        users.length > shown.length && h('p', {class: 'muted'}, t('who_more', {n: users.length - shown.length})),
    ];
}

function table(heads, rows) {
    return h('table', {class: 'table'},
        h('thead', null, h('tr', null, heads.map(text => h('th', {scope: 'col'}, text)))),
        h('tbody', null, rows.map(row => h('tr', null, row.map((text, place) => h('td', {'data-label': heads[place]}, text))))));
}

function download({folder, public: open, groups, users}) {
    saveCsv(`who-can-see${folder.replaceAll('/', '-')}.csv`, [
        ['kind', 'name', 'level', 'by'],
        ['everybody', '', open, ''],
        ...groups.map(one => ['group', one.name, one.access, one.folder ?? '']),
        ...users.map(user => ['user', user.username, user.access, user.groups.join('; ')]),
    ]);
}
