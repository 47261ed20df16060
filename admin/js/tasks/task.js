// One task: how it gets on, what became of it, and what happened when.

import {ApiError, api} from '../core/api.js';
import {$, h, page} from '../core/dom.js';
import {time} from '../core/format.js';
import {t} from '../core/texts.js';
import {TaskStreams} from './live.js';
import {deeds, isOver, outcome, progressBar, stateBadge, took} from './parts.js';

export async function taskPage() {
    const {id} = page.data;
    const seen = []; // texts of the progress, as they came
    let user = null;
    const streams = new TaskStreams(show);

    function show(task) {
        user = task.user ?? user;
        const known = seen.at(-1)?.text;
        if (task.progress_text && task.progress_text !== known) {
            seen.push({at: new Date(), text: task.progress_text});
        }
        const changed = now => (now.id === id ? show(now) : location.assign(`${page.root}tasks/${now.id}/`));
        const standing = `${task.state} ${task.cancelling}`;
        if ($('#deeds').dataset.standing !== standing) { // else the buttons stay: somebody may be about to press one
            $('#deeds').dataset.standing = standing;
            $('#deeds').replaceChildren(...deeds(task, changed));
        }
        $('#task').replaceChildren(summary(task), facts(task, user), log(task, seen));
        streams.follow(isOver(task) ? [] : [id]);
    }

    try {
        show(await api.get(`admin/tasks/${id}/`));
    } catch (error) {
        if (!(error instanceof ApiError) || error.status !== 404) {
            throw error;
        }
        $('#task').replaceChildren(h('p', {class: 'empty'}, t('gone')));
    }
    window.addEventListener('pagehide', () => streams.close());
}

function summary(task) {
    return h('section', {class: 'card stack', 'aria-live': 'polite'},
        h('p', {class: 'row'}, stateBadge(task), h('span', {class: 'muted'}, took(task))),
        task.state === 'active' && progressBar(task),
        outcome(task) && h('p', {class: task.state === 'failed' ? 'notice bad' : null}, outcome(task)),
        task.result && typeof task.result === 'object' && task.state === 'done'
            && h('pre', {tabindex: 0, 'aria-label': t('result')}, JSON.stringify(task.result, null, 2)));
}

function facts(task, user) {
    const rows = [
        [t('kind'), h('code', null, task.funcname)],
        [t('started_by'), user?.username ?? (task.user_id === null ? t('system') : '')],
        [t('attempts'), String(task.attempts)],
        Object.keys(task.params).length > 0 && [t('parameters'), h('code', null, JSON.stringify(task.params))],
    ].filter(Boolean);
    return h('section', {class: 'card stack'}, h('h2', null, t('facts')),
        h('dl', {class: 'facts'}, rows.map(([name, value]) => h('div', null, h('dt', null, name), h('dd', null, value)))));
}

function log(task, seen) {
    const lines = [
        {at: task.created, text: t('log_created')},
        task.started && {at: task.started, text: t('log_started', {n: Math.max(1, task.attempts)})},
        ...seen.map(one => ({at: one.at, text: one.text})),
        task.state === 'pending' && task.error && {at: new Date(), text: `${t('log_retry')}: ${task.error}`},
        task.finished && {at: task.finished, text: [t(`log_${task.state}`), outcome(task)].filter(Boolean).join(': ')},
    ].filter(Boolean);
    return h('section', {class: 'card stack'},
        h('h2', null, t('log_title'), ' ', !isOver(task) && h('span', {class: 'badge accent'}, t('live'))),
        h('ol', {class: 'log'}, lines.map(line => h('li', null, time(line.at), h('span', null, line.text)))));
}
