// The trash: restoring and removing without a new page for each.

import {api} from '../core/api.js';
import {batch} from '../core/batch.js';
import {confirmDeed} from '../core/dialog.js';
import {$, $$, url} from '../core/dom.js';
import {time} from '../core/format.js';
import {nameOf, parentOf} from '../core/paths.js';
import {followTask} from '../core/tasks.js';
import {t} from '../core/texts.js';
import {toast} from '../core/toast.js';

const place = $('#trash');

function rows() {
    return $$('#rows tr');
}

function chosen() {
    return rows().filter(row => $('input[type="checkbox"]', row).checked);
}

function count() {
    const n = chosen().length;
    $('#count').textContent = n ? t('trash_chosen', {n}) : '';
    $('#all').checked = n > 0 && n === rows().length;
    $('#all').indeterminate = n > 0 && n < rows().length;
}

// Does the same to several rows; those with which it went well go. Gives the data of their answers.
async function each(list, operation) {
    const answers = await batch(list.map(operation));
    const failed = answers.filter(answer => answer.status >= 400);
    const done = [];
    answers.forEach((answer, number) => {
        if (answer.status < 400) {
            done.push({row: list[number], data: answer.data});
            list[number].remove();
        }
    });
    if (failed.length) {
        toast(t('trash_failed', {n: failed.length, message: failed[0].message}), {kind: 'bad'});
    }
    if (!rows().length) {
        location.reload();
    } else {
        count();
        const total = $('#total');
        total.dataset.n -= done.length;
        total.textContent = t('trash_total', {n: Number(total.dataset.n)});
    }
    return done;
}

async function restore(list) {
    const body = {on_clash: 'rename'};
    const done = await each(list, row => ({method: 'POST', path: `/admin/trash/${row.dataset.id}/restore/`, body}));
    if (!done.length) {
        return;
    }
    const {path} = done[0].data;
    const other = done.find(one => one.data.path !== one.row.dataset.path);
    const href = `${url('list/', {path: parentOf(path)})}#${encodeURIComponent(nameOf(path))}`;
    toast(t('trash_restored', {n: done.length, path}), {kind: 'good', action: {label: t('trash_show'), href}});
    if (other) {
        toast(t('trash_renamed', {path: other.data.path}), {kind: 'info'});
    }
}

async function remove(list) {
    const title = list.length === 1 ? t('trash_remove_title', {name: nameOf(list[0].dataset.path)}) : t('trash_remove_many_title', {n: list.length});
    if (await confirmDeed({title, text: t('trash_remove_text'), deed: t('trash_remove'), count: list.length})) {
        const done = await each(list, row => ({method: 'DELETE', path: `/admin/trash/${row.dataset.id}/`}));
        if (done.length) {
            toast(t('trash_removed', {n: done.length}), {kind: 'good'});
        }
    }
}

async function empty() {
    if (await confirmDeed({title: t('trash_empty_title'), text: t('trash_empty_text'), deed: t('trash_empty_it'), type: t('trash_title')})) {
        await followTask(await api.delete('admin/trash/'), {title: t('trash_emptying')});
        location.reload();
    }
}

async function tried(deed) {
    try {
        await deed();
    } catch (error) {
        toast(error.message, {kind: 'bad'});
    }
}

function start() {
    for (const element of $$('time', place)) {
        element.replaceWith(time(element.getAttribute('datetime')));
    }
    const deeds = {restore, remove};
    place.addEventListener('click', event => {
        const button = event.target.closest('[data-deed]');
        if (!button) {
            return;
        }
        event.preventDefault();
        const row = button.closest('tr');
        const list = row ? [row] : chosen();
        if (list.length) {
            tried(() => deeds[button.dataset.deed](list));
        } else {
            toast(t('trash_none_chosen'), {kind: 'info'});
        }
    });
    $('#empty')?.addEventListener('click', () => tried(empty));
    $('#all').addEventListener('change', event => {
        for (const row of rows()) {
            $('input[type="checkbox"]', row).checked = event.target.checked;
        }
        count();
    });
    $('#rows').addEventListener('change', count);
}

if (place && $('#rows')) {
    start();
}
