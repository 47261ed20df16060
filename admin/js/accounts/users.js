// The list of users.

import {api} from '../core/api.js';
import {$, h, icon, page} from '../core/dom.js';
import {time} from '../core/format.js';
import {menuButton} from '../core/menu.js';
import {urlState} from '../core/state.js';
import {t} from '../core/texts.js';
import {LDAP, deedsOf, fullName, stateOf} from './user_deeds.js';

const AT_ONCE = 100;
const TYPING = 200;

export function usersPage() {
    const form = $('#filter');
    const list = $('#list');
    const state = {q: '', status: '1', sort: 'username', ...urlState.get()};
    let asked = null;
    form.elements.q.value = state.q;
    form.elements.status.value = state.status;

    async function load({focus} = {}) {
        asked?.abort();
        asked = new AbortController();
        const {signal} = asked;
        urlState.set({q: state.q, status: state.status === '1' ? null : state.status,
            sort: state.sort === 'username' ? null : state.sort});
        const {items, total} = await part(0, signal);
        $('#count').textContent = t('users_count', {n: total});
        list.replaceChildren(total ? table(items, total) : nobody());
        if (focus) {
            $(`[data-user="${focus}"] button`, list)?.focus();
        }
    }

    function part(start, signal) {
        return api.page('admin/users/',
            {q: state.q, status: state.status, sort: state.sort, details: 1, start, limit: AT_ONCE}, {signal});
    }

    function table(items, total) {
        const body = h('tbody', null, items.map(row));
        const more = h('button', {type: 'button', class: 'button', hidden: items.length >= total, on: {click: async () => {
            const next = await part(body.rows.length);
            body.append(...next.items.map(row));
            more.hidden = body.rows.length >= next.total;
        }}}, t('load_more'));
        return h('div', {class: 'stack'},
            h('table', {class: 'table users'},
                h('thead', null, h('tr', null,
                    head('username', t('user_column')), head('email', t('email')),
                    h('th', {scope: 'col'}, t('groups_column')), h('th', {scope: 'col'}, t('last_login')),
                    h('th', {scope: 'col'}, t('state')), h('th', {scope: 'col'}, h('span', {class: 'visually-hidden'}, t('edit'))))),
                body),
            more);
    }

    function head(key, label) {
        const up = state.sort === key;
        const down = state.sort === `-${key}`;
        return h('th', {scope: 'col', 'aria-sort': up ? 'ascending' : down ? 'descending' : null},
            h('button', {type: 'button', class: 'sort', title: t('sort_by', {column: label}), on: {click: () => {
                state.sort = up ? `-${key}` : key;
                load();
            }}}, label, (up || down) && icon(up ? 'up' : 'down')));
    }

    function row(user) {
        const changed = () => load({focus: user.id});
        const name = fullName(user);
        const href = `${page.root}admin/users/${user.id}/`;
        const more = h('button', {type: 'button', class: 'button quiet icon-only',
            'aria-label': t('user_more', {name: user.username})}, icon('more'));
        return h('tr', {dataset: {user: user.id}, class: user.status ? null : 'gone'},
            h('td', {class: 'middling', 'data-label': t('user_column')}, h('span', {class: 'who'}, h('a', {href}, user.username),
                name && h('span', {class: 'muted second'}, name))),
            h('td', {class: 'broad', 'data-label': t('email')}, breakable(user.email)),
            h('td', {'data-label': t('groups_column')}, h('span', {class: 'badges'}, user.member_of.map(group =>
                h('a', {class: 'badge', href: `${page.root}admin/groups/${group.id}/`}, group.name)))),
            h('td', {'data-label': t('last_login')},
                user.last_login ? time(user.last_login, 'relative') : h('span', {class: 'muted'}, t('never'))),
            h('td', {'data-label': t('state')}, h('span', {class: 'badges'}, marks(user))),
            h('td', {class: 'deeds'}, menuButton(more, () => deedsOf(user, changed))));
    }

    function nobody() {
        return h('div', {class: 'empty'}, h('p', null, t('users_none')), h('p', {class: 'muted'}, t('users_none_text')));
    }

    let timer;
    form.addEventListener('input', event => {
        state[event.target.name] = event.target.value.trim();
        clearTimeout(timer);
        timer = setTimeout(() => load(), event.target.name === 'q' ? TYPING : 0);
    });
    form.addEventListener('submit', event => event.preventDefault());
    return load();
}

// What is special about an account, as badges.
export function marks(user) {
    const state = stateOf(user);
    return [
        h('span', {class: ['badge', state === 'active' ? 'good' : 'bad']}, t(state)),
        user.must_change && h('span', {class: 'badge warn'}, t('must_change_mark')),
        user.auth_type === LDAP && h('span', {class: 'badge'}, t('directory')),
        user.allow_api && h('span', {class: 'badge', title: t('api_may')}, t('api')),
    ].filter(Boolean);
}

// An e-mail address that is broken before its @, if at all.
function breakable(email) {
    const at = email.lastIndexOf('@');
    return at < 0 ? email : h('span', null, email.slice(0, at), h('wbr'), email.slice(at));
}
