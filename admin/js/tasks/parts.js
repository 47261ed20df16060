// What the list and the page of a task have in common.

import {ApiError, api} from '../core/api.js';
import {h, icon, page} from '../core/dom.js';
import {bytes, duration} from '../core/format.js';
import {t} from '../core/texts.js';
import {toast} from '../core/toast.js';

const KINDS = {pending: '', active: 'accent', done: 'good', failed: 'bad', cancelled: 'warn'};

export function isOver(task) {
    return task.state !== 'pending' && task.state !== 'active';
}

export function stateBadge(task) {
    return h('span', {class: ['badge', KINDS[task.state]]}, t(task.cancelling ? 'cancelling' : task.state));
}

export function progressBar(task) {
    const known = task.progress !== null && task.progress > 0;
    const text = [known && `${Math.floor(task.progress * 100)} %`, task.progress_text, timeLeft(task)];
    return h('div', {class: 'task-progress'},
        h('progress', {max: 1, value: known ? task.progress : undefined, 'aria-label': t('progress_of', {name: task.name})}),
        h('span', {class: 'muted'}, text.filter(Boolean).join(' · ')));
}

function timeLeft(task) {
    const seconds = (Date.now() - new Date(task.started)) / 1000;
    if (!task.progress || task.progress < 0.02 || seconds < 3) {
        return '';
    }
    return t('left', {time: duration((seconds / task.progress) * (1 - task.progress))});
}

// How long it has run, or waited.
export function took(task) {
    if (task.started && task.finished) {
        return duration(Math.max(0, (new Date(task.finished) - new Date(task.started)) / 1000));
    }
    const since = (Date.now() - new Date(task.started && task.state === 'active' ? task.started : task.created)) / 1000;
    return isOver(task) ? '' : task.state === 'active' ? duration(since) : t('waiting_since', {time: duration(Math.max(0, since))});
}

// What became of it, in a line.
export function outcome(task) {
    const message = task.result?.exception?.message ?? task.error;
    if (task.state === 'failed' || (task.state === 'pending' && message)) {
        return message ?? '';
    }
    return task.state === 'done' ? inWords(task.result) : '';
}

// Numbers of records and moments tell people nothing here: the list has when it was, and links lead to what it was about.
const UNTOLD = /(^|_)id$/;
const MOMENT = /^\d{4}-\d\d-\d\dT/;

function inWords(result) {
    if (result === null || result === undefined) {
        return '';
    }
    if (typeof result === 'number') {
        return t('entries', {n: result});
    }
    if (typeof result !== 'object') {
        return String(result);
    }
    return Object.entries(result)
        .filter(([name, value]) => value !== null && value !== '' && !(Array.isArray(value) && !value.length)
            && !UNTOLD.test(name) && !MOMENT.test(value))
        .map(([name, value]) => `${name.replaceAll('_', ' ')}: ${told(name, value)}`)
        .join(', ');
}

function told(name, value) {
    if (typeof value === 'object') {
        return t('entries', {n: Object.keys(value).length});
    }
    return name === 'filesize' ? bytes(value) : value;
}

// The buttons of a task; `changed(task)` is called with what became of it.
export function deeds(task, changed, {quiet = false} = {}) {
    const small = quiet ? 'small' : '';
    const cancel = !isOver(task) && h('button', {
        type: 'button', class: ['button', small], disabled: task.cancelling, 'aria-label': t('cancel_task', {name: task.name}),
        on: {click: () => run(() => api.delete(`admin/tasks/${task.id}/`), changed, now =>
            (isOver(now) ? null : t('cancel_asked', {name: task.name})))},
    }, quiet ? null : icon('stop'), t('cancel'));
    const again = (task.state === 'failed' || task.state === 'cancelled' || (task.state === 'done' && startable(task)))
        && h('button', {
            type: 'button', class: ['button', small], 'aria-label': t('retry_task', {name: task.name}),
            on: {click: () => run(() => api.post(`admin/tasks/${task.id}/retry/`), changed, now =>
                t(now.id === task.id ? 'retried' : 'retried_new', {name: task.name}))},
        }, quiet ? null : icon('refresh'), t('retry'));
    return [cancel, again].filter(Boolean);
}

const BY_HAND = new Set(['purge_system_stats', 'purge_image_stats', 'purge_deleted_folder_data', 'verify_repository',
    'verify_hashes', 'read_metadata', 'empty_trash', 'flush_cache', 'uncache_folder_images', 'precache']);

function startable(task) {
    return page.may('admin_all') && BY_HAND.has(task.funcname);
}

async function run(work, changed, words) {
    try {
        const now = await work();
        const text = words(now);
        if (text) {
            toast(text);
        }
        await changed(now);
    } catch (error) {
        if (!(error instanceof ApiError)) {
            throw error;
        }
        toast(error.message, {kind: 'bad'});
    }
}
