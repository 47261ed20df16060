// The list of tasks.

import {ApiError, api} from '../core/api.js';
import {$, h, page} from '../core/dom.js';
import {number, time} from '../core/format.js';
import {urlState} from '../core/state.js';
import {t} from '../core/texts.js';
import {toast} from '../core/toast.js';
import {TaskStreams, poll} from './live.js';
import {deeds, outcome, progressBar, stateBadge, took} from './parts.js';

const STATES = ['all', 'active', 'pending', 'failed', 'done', 'cancelled'];
const AT_ONCE = 50;

export async function tasksPage() {
    const form = $('#filter');
    const shown = new Map(); // id -> {row, text}
    const state = {status: 'all', kind: '', mine: '', ...urlState.get()};
    let limit = AT_ONCE;
    const body = h('tbody');
    const more = h('button', {type: 'button', class: 'button', hidden: true, on: {click: () => {
        limit += AT_ONCE;
        return look();
    }}}, t('load_more'));
    const table = h('table', {class: 'table tasks'},
        h('thead', null, h('tr', null, ['state', 'task', 'who', 'when', 'took', 'result'].map(key =>
            h('th', {scope: 'col'}, t(key))), h('th', {scope: 'col'}, h('span', {class: 'visually-hidden'}, t('log'))))), body);
    const empty = h('div', {class: 'empty', hidden: true});
    const streams = new TaskStreams(task => {
        const known = shown.get(task.id);
        if (known) {
            put({...task, user: known.task.user});
            if (task.finished) {
                look();
            }
        }
    });
    form.elements.kind.value = state.kind;
    if (form.elements.mine) {
        form.elements.mine.checked = Boolean(state.mine);
    }
    $('#list').replaceChildren(h('div', {class: 'stack'}, table, empty, more));

    let asked = 0;

    async function look() {
        const turn = ++asked;
        const query = {
            status: state.status === 'all' ? null : state.status, funcname: state.kind || null,
            mine: state.mine ? 1 : null,
        };
        try {
            const [{items, total}, summary] = await Promise.all([
                api.page('admin/tasks/', {...query, start: 0, limit}), api.get('admin/tasks/summary/', {mine: query.mine}),
            ]);
            if (turn === asked) { // nothing else was chosen meanwhile
                count(summary);
                kinds(summary.kinds);
                show(items, total, summary);
            }
        } catch (error) {
            if (!(error instanceof ApiError)) {
                throw error;
            }
            toast(error.message, {kind: 'bad'});
        }
    }

    function show(items, total, summary) {
        const ids = new Set(items.map(task => task.id));
        for (const [id, {row}] of shown) {
            if (!ids.has(id)) {
                row.remove();
                shown.delete(id);
            }
        }
        items.forEach((task, place) => {
            put(task);
            const {row} = shown.get(task.id);
            if (body.rows[place] !== row) {
                body.insertBefore(row, body.rows[place] ?? null);
            }
        });
        const all = summary.pending + summary.active + summary.done + summary.failed + summary.cancelled;
        table.hidden = !items.length;
        empty.hidden = items.length > 0;
        empty.replaceChildren(h('p', null, t(all ? 'none_of' : 'none')), all ? '' : h('p', {class: 'muted'}, t('none_text')));
        more.hidden = items.length >= total;
        $('#forget').hidden = !(summary.done + summary.failed + summary.cancelled);
        streams.follow(items.filter(task => task.state === 'active').map(task => task.id));
    }

    // Makes the row of a task, or makes it anew if something of it is another; what has the focus keeps it.
    function put(task) {
        const text = JSON.stringify(task);
        const known = shown.get(task.id);
        if (known?.text === text && task.state !== 'pending') {
            return;
        }
        const row = rowOf(task);
        if (known && known.task.state === task.state && known.task.cancelling === task.cancelling) {
            // The buttons stay: somebody may be about to press one.
            [...row.cells].slice(0, -1).forEach((cell, place) => {
                if (known.row.cells[place].textContent !== cell.textContent || cell.querySelector('progress')) {
                    known.row.cells[place].replaceWith(cell);
                }
            });
            shown.set(task.id, {row: known.row, text, task});
            return;
        }
        if (known) {
            const focused = known.row.contains(document.activeElement);
            known.row.replaceWith(row);
            if (focused) {
                $('.deeds a', row).focus();
            }
        }
        shown.set(task.id, {row, text, task});
    }

    function rowOf(task) {
        const who = task.user ? task.user.username : task.user_id === null ? t('system') : '';
        const told = outcome(task);
        return h('tr', {dataset: {task: task.id, state: task.state}},
            h('td', {'data-label': t('state')}, stateBadge(task)),
            h('td', {'data-label': t('task')}, h('span', {class: 'task-name'}, h('a', {href: `${page.root}tasks/${task.id}/`}, task.name),
                task.state === 'active' && progressBar(task))),
            h('td', {'data-label': t('who')}, who),
            h('td', {'data-label': t('when')}, time(task.started ?? task.created, 'relative')),
            h('td', {'data-label': t('took')}, took(task)),
            h('td', {'data-label': t('result'), class: 'outcome'}, told && h('span', {class: 'clipped'}, told)),
            h('td', {class: 'deeds'}, h('span', {class: 'row'},
                h('a', {class: 'button small quiet', href: `${page.root}tasks/${task.id}/`, 'aria-label': t('log_task', {name: task.name})},
                    t('log')),
                deeds(task, now => {
                    put({...now, user: now.user ?? task.user});
                    return look();
                }, {quiet: true}))));
    }

    const counters = Object.fromEntries(STATES.map(name => [name, h('span', {class: 'badge'}, '–')]));
    const tabs = STATES.map(name => h('button', {
        type: 'button', dataset: {state: name}, on: {click: () => choose({status: name})},
    }, t(name), ' ', counters[name]));
    $('#states').replaceChildren(...tabs);

    function count(summary) {
        const counts = {...summary, all: STATES.slice(1).reduce((sum, name) => sum + summary[name], 0)};
        for (const [place, name] of STATES.entries()) {
            counters[name].textContent = number(counts[name]);
            tabs[place].setAttribute('aria-pressed', String(state.status === name));
            tabs[place].classList.toggle('chosen', state.status === name);
        }
    }

    function kinds(names) {
        const select = form.elements.kind;
        const known = new Set([...select.options].map(option => option.value));
        for (const name of [...names, state.kind]) {
            if (name && !known.has(name)) {
                select.append(h('option', {value: name}, name.replaceAll('_', ' ')));
            }
        }
        select.value = state.kind;
    }

    function choose(changes) {
        Object.assign(state, changes);
        limit = AT_ONCE;
        urlState.set({status: state.status === 'all' ? null : state.status, kind: state.kind, mine: state.mine});
        return look();
    }

    form.addEventListener('change', () => choose({
        kind: form.elements.kind.value, mine: form.elements.mine?.checked ? '1' : '',
    }));
    $('#forget').addEventListener('click', async () => {
        const status = ['failed', 'done', 'cancelled'].includes(state.status) ? state.status : 'over';
        const {removed} = await api.post('admin/tasks/over/forget/', {status, mine: state.mine ? 1 : 0});
        toast(t('forgotten', {n: removed}));
        await look();
    });
    window.addEventListener('pagehide', () => streams.close());
    await look();
    poll(look);
}
