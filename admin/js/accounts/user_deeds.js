// What can be done with an account from its row and from its page: passwords, disabling, deleting, bringing back.

import {ApiError, api} from '../core/api.js';
import {copyButton} from '../core/copy.js';
import {openDialog} from '../core/dialog.js';
import {h, page} from '../core/dom.js';
import {t} from '../core/texts.js';
import {toast} from '../core/toast.js';

export const ADMIN = 1;
export const LDAP = 2;

export function stateOf(user) {
    if (user.status) {
        return 'active';
    }
    return user.deleted ? 'deleted' : 'disabled';
}

export function fullName(user) {
    return `${user.first_name} ${user.last_name}`.trim();
}

// Runs a call, and tells what it met; `done` is called when it went well.
export async function attempt(work, done) {
    try {
        await work();
    } catch (error) {
        if (!(error instanceof ApiError)) {
            throw error;
        }
        toast(error.message, {kind: 'bad'});
        return;
    }
    await done();
}

function setStatus(user, status, changed) {
    const before = stateOf(user);
    return attempt(() => api.patch(`admin/users/${user.id}/`, {status}), async () => {
        const key = status ? (before === 'deleted' ? 'user_restored' : 'user_enabled') : 'user_disabled';
        await changed();
        toast(t(key, {name: user.username}), {
            action: {label: t('undo'), run: () => undoTo(user, before, changed)},
        });
    });
}

function deleteUser(user, changed) {
    const before = stateOf(user);
    return attempt(() => api.delete(`admin/users/${user.id}/`), async () => {
        await changed();
        toast(t('user_deleted', {name: user.username}), {
            action: {label: t('undo'), run: () => undoTo(user, before, changed)},
        });
    });
}

function undoTo(user, state, changed) {
    const call = state === 'deleted'
        ? () => api.delete(`admin/users/${user.id}/`)
        : () => api.patch(`admin/users/${user.id}/`, {status: state === 'active' ? 1 : 0});
    return attempt(call, changed);
}

// Asks, then shows the new password, this once.
async function oneTimePassword(user, changed) {
    const answer = await openDialog({
        title: t('one_time_title', {name: user.username}),
        body: h('p', null, t('one_time_warning', {name: user.username})),
        actions: [{label: t('cancel'), value: null}, {label: t('one_time_make'), value: 'make', kind: 'primary'}],
    });
    if (answer === 'make') {
        await makePassword(user, changed);
    }
}

export async function makePassword(user, changed) {
    let made;
    await attempt(async () => {
        made = await api.post(`admin/users/${user.id}/password/`);
    }, changed);
    if (made) {
        await showPassword(user, made.password);
    }
}

function showPassword(user, password) {
    const text = h('code', {class: 'secret'}, password);
    return openDialog({
        title: t('one_time_title', {name: user.username}),
        body: [
            h('p', null, t('one_time_text')),
            h('p', {class: 'row'}, text,
                copyButton(() => password, {label: t('one_time_copy'), words: t('one_time_copy'), source: text})),
        ],
        actions: [{label: t('done'), value: 'done', kind: 'primary'}],
    });
}

// The entries of the menu of a user.
export function deedsOf(user, changed) {
    const own = user.id === page.user.id;
    const fixed = user.id === ADMIN || own;
    const state = stateOf(user);
    return [
        {label: t('edit'), icon: 'edit', href: `${page.root}admin/users/${user.id}/`},
        user.status === 1 && user.auth_type !== LDAP && !own
            && {label: t('one_time'), icon: 'key', run: () => oneTimePassword(user, changed)},
        page.may('admin_permissions') && {
            label: t('trace_user'), icon: 'lock', href: `${page.root}admin/trace_permissions/?path=/&user=${user.id}`,
        },
        !fixed && state === 'active' && {label: t('disable'), icon: 'stop', run: () => setStatus(user, 0, changed)},
        state === 'disabled' && {label: t('enable'), icon: 'check', run: () => setStatus(user, 1, changed)},
        state === 'deleted' && {label: t('restore'), icon: 'restore', run: () => setStatus(user, 1, changed)},
        !fixed && state !== 'deleted'
            && {label: t('delete_user'), icon: 'trash', danger: true, run: () => deleteUser(user, changed)},
    ].filter(Boolean);
}
