// The form of one user.

import {api} from '../core/api.js';
import {$, h, icon, page} from '../core/dom.js';
import {time} from '../core/format.js';
import {faultAt, leavingLinks, onSubmit} from '../core/forms.js';
import {t} from '../core/texts.js';
import {toast} from '../core/toast.js';
import {ADMIN, LDAP, attempt, deedsOf, makePassword} from './user_deeds.js';
import {marks} from './users.js';

const NORMAL_USERS = 2;
const SHORTEST = 8;
const TEXTS = ['username', 'email', 'first_name', 'last_name'];

const list = `${page.root}admin/users/`;

export async function userPage() {
    const form = $('#user');
    leavingLinks(list);
    if (page.data.id) {
        await editing(form, page.data.id);
    } else {
        making(form);
    }
}

function making(form) {
    const ways = form.elements.way;
    form.addEventListener('change', event => {
        if (event.target.name === 'way') {
            $('#passwords').hidden = ways.value !== 'password';
        }
    });
    onSubmit(form, async () => {
        const way = ways.value;
        if (way === 'password' && !passwordIsRight(form, {needed: true})) {
            return;
        }
        const user = await api.post('admin/users/', {
            ...texts(form),
            allow_api: form.elements.allow_api.checked,
            auth_type: way === 'directory' ? LDAP : 1,
            password: way === 'password' ? form.elements.password.value : way === 'once' ? random() : null,
        });
        if (way === 'password' && form.elements.must_change.checked) {
            await api.patch(`admin/users/${user.id}/`, {must_change: 1});
        }
        if (way === 'once') {
            await makePassword(user, () => {});
        }
        toast(t('user_made', {name: user.username}));
        location.assign(`${list}${user.id}/`);
    });
}

async function editing(form, id) {
    let user;

    async function show() {
        user = await api.get(`admin/users/${id}/`, {details: 1});
        for (const name of TEXTS) {
            form.elements[name].value = user[name];
        }
        form.elements.allow_api.checked = user.allow_api;
        form.elements.must_change.checked = user.must_change;
        $('#heading').textContent = user.username;
        $('#marks').replaceChildren(...marks(user));
        const directory = user.auth_type === LDAP;
        const own = user.id === page.user.id;
        form.elements.username.readOnly = directory;
        $('#passwords').hidden = directory || own;
        $('#more').replaceChildren(
            directory ? h('p', {class: 'hint'}, t('directory_locked')) : '',
            own ? h('p', {class: 'hint'}, t('own_account'), ' ', h('a', {href: `${page.root}account/`}, t('own_account_link'))) : '',
            await groupsCard(user, show), accountCard(user, show));
    }

    onSubmit(form, async () => {
        if (!passwordIsRight(form, {needed: false})) {
            return;
        }
        const changes = {...texts(form), allow_api: Number(form.elements.allow_api.checked)};
        if (!$('#passwords').hidden) {
            const must = form.elements.must_change.checked;
            Object.assign(changes, {password: form.elements.password.value || null});
            if (must !== user.must_change || form.elements.password.value) {
                changes.must_change = Number(must);
            }
        }
        await api.patch(`admin/users/${id}/`, changes);
        form.elements.password.value = form.elements.again.value = '';
        await show();
        toast(t('user_saved', {name: user.username}));
    });
    await show();
}

async function groupsCard(user, changed) {
    const others = (await api.get('admin/groups/')).filter(group =>
        group.id > 1 && !user.member_of.some(one => one.id === group.id));
    const choice = h('select', {id: 'group'}, h('option', {value: ''}, t('choose_group')),
        others.map(group => h('option', {value: group.id}, group.name)));

    function change(group, add) {
        const call = wanted => api.post(`admin/groups/${group.id}/members/change/`,
            {add: JSON.stringify(wanted ? [user.id] : []), remove: JSON.stringify(wanted ? [] : [user.id])});
        return attempt(() => call(add), async () => {
            await changed();
            toast(t(add ? 'member_added' : 'member_removed', {name: user.username, group: group.name}), {
                action: {label: t('undo'), run: () => attempt(() => call(!add), changed)},
            });
        });
    }

    return h('section', {class: 'card stack', 'aria-labelledby': 'groups-head'},
        h('h2', {id: 'groups-head'}, t('user_groups')),
        user.member_of.length
            ? h('ul', {class: 'plain rows'}, user.member_of.map(group => h('li', {class: 'row'},
                h('a', {class: 'grow', href: `${page.root}admin/groups/${group.id}/`}, group.name),
                group.id !== NORMAL_USERS && h('button', {type: 'button', class: 'button quiet icon-only',
                    'aria-label': t('take_out_of', {group: group.name}), on: {click: () => change(group, false)}}, icon('close')))))
            : h('p', {class: 'muted'}, t('user_groups_none')),
        others.length > 0 && h('div', {class: 'row add'},
            h('div', {class: 'field grow'}, h('label', {for: 'group'}, t('add_to_group')), choice),
            h('button', {type: 'button', class: 'button', on: {click: () => {
                const group = others.find(one => String(one.id) === choice.value);
                return group ? change(group, true) : choice.focus();
            }}}, t('add'))));
}

function accountCard(user, changed) {
    const facts = [
        [t('made_on'), time(user.created)],
        [t('last_login'), user.last_login ? time(user.last_login) : t('never')],
        user.deleted && [t('deleted_on'), time(user.deleted)],
    ].filter(Boolean);
    const deeds = deedsOf(user, changed).slice(1);
    return h('section', {class: 'card stack', 'aria-labelledby': 'account-head'},
        h('h2', {id: 'account-head'}, t('account_deeds')),
        h('dl', {class: 'facts'}, facts.map(([name, value]) => h('div', null, h('dt', null, name), h('dd', null, value)))),
        user.id !== ADMIN && h('div', {class: 'row'}, deeds.map(deed => deed.href
            ? h('a', {class: 'button', href: deed.href}, icon(deed.icon), deed.label)
            : h('button', {type: 'button', class: ['button', deed.danger && 'danger'], on: {click: deed.run}},
                icon(deed.icon), deed.label))));
}

function texts(form) {
    return Object.fromEntries(TEXTS.map(name => [name, form.elements[name].value.trim()]));
}

function passwordIsRight(form, {needed}) {
    const {password, again} = form.elements;
    if (!password.value && !again.value && !needed) {
        return true;
    }
    if (password.value.length < SHORTEST) {
        return !faultAt(form, 'password', t('too_short'));
    }
    return password.value === again.value || !faultAt(form, 'again', t('passwords_differ'));
}

// One that nobody ever sees: it is replaced at once.
function random() {
    return Array.from(crypto.getRandomValues(new Uint8Array(24)), byte => byte.toString(36).padStart(2, '0')).join('');
}
