// What is to be said of the chosen cell: the level, what it allows, where it comes from.

import {fill, h, page} from '../core/dom.js';
import {t} from '../core/texts.js';
import {PUBLIC, isFixed, levelName, whatItAllows} from './levels.js';
import {levelChoice} from './matrix.js';

export function showInspector(container, {settings, path, group, change, go}) {
    const {level, from} = settings.inForce(path, group.id);
    const own = settings.ownLevel(path, group.id) !== null;
    const choice = !group.bypass && levelChoice(settings, path, group, change);
    if (choice) {
        choice.id = 'inspector-level';
    }
    container.hidden = false;
    fill(container,
        h('h2', null, group.name, ' ', h('span', {class: 'muted'}, path)),
        choice && h('div', {class: 'field'}, h('label', {for: 'inspector-level'}, t('level')), choice),
        h('p', null, h('b', null, group.bypass ? t('all') : levelName(level ?? 0)), h('br'), whatItAllows(group.bypass ? 70 : level ?? 0)),
        h('p', {class: 'muted'}, origin()),
        own && !isFixed(path, group.id) && h('button', {type: 'button', class: 'button small', on: {click: () => change(null)}}, t('reset')),
        h('p', {class: 'muted'}, group.id === PUBLIC ? t('everybody') : t('members_n', {n: group.members}),
            page.may('admin_users') && group.id !== PUBLIC
                && [' · ', h('a', {href: `${page.root}admin/groups/${group.id}/`}, t('edit_members'))]));

    function origin() {
        if (group.bypass) {
            return t('from_bypass');
        }
        if (own) {
            return isFixed(path, group.id) ? `${t('from_here')} ${t('root_fixed')}` : t('from_here');
        }
        return from
            ? [t('from_folder', {path: from}), ' ', h('button', {type: 'button', class: 'button small', on: {click: () => go(from)}}, t('go'))]
            : t('from_nowhere');
    }
}
