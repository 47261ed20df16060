// Long work of the server: a card in the corner for each task that this user follows, on whatever page they are.

import {$, h, icon, page, setText, url} from './dom.js';
import {api} from './api.js';
import {duration} from './format.js';
import {store} from './state.js';
import {t} from './texts.js';

const NAME = 'tasks';
const OVER = new Set(['done', 'failed', 'cancelled']);
const STAYS = 5000;

const cards = new Map(); // id → {promise, element}
const listeners = new Set();

// Follows a task that a call has answered with (an object with `id`), and shows its card. Gives the task's result;
// rejects with a TaskFailed when it came to nothing or was cancelled.
export function followTask(task, {title} = {}) {
    remember(task.id, title ?? task.name);
    return card(task.id, title ?? task.name, task).promise;
}

export class TaskFailed extends Error {
    constructor(task) {
        super(task.error || t(task.state === 'cancelled' ? 'task_cancelled' : 'task_failed'));
        this.name = 'TaskFailed';
        this.task = task;
    }
}

// Goes on with the cards of tasks that were begun on other pages.
export function resumeTasks() {
    for (const {id, title} of followed()) {
        card(id, title).promise.catch(() => {});
    }
}

// Calls `change(number)` now and whenever the number of tasks under way changes.
export function onTasks(change) {
    listeners.add(change);
    change(cards.size);
    return () => listeners.delete(change);
}

function followed() {
    return store.get(NAME, []);
}

function remember(id, title) {
    if (!followed().some(one => one.id === id)) {
        store.set(NAME, [...followed(), {id, title}].slice(-20));
    }
}

function forget(id) {
    store.set(NAME, followed().filter(one => one.id !== id));
}

function card(id, title, task = null) {
    if (!cards.has(id)) {
        const element = draw(id, title);
        const promise = watch(id, element, task);
        cards.set(id, {element, promise});
        count();
    }
    return cards.get(id);
}

function count() {
    for (const listener of listeners) {
        listener(cards.size);
    }
}

function draw(id, title) {
    const element = h('section', {class: 'toast task', 'aria-label': title},
        h('div', {class: 'task-head'},
            h('a', {href: url(`tasks/${id}/`)}, title),
            h('button', {type: 'button', class: 'button quiet icon-only', 'aria-label': t('task_hide'),
                on: {click: () => element.remove()}}, icon('close'))),
        h('progress', {max: 1, 'aria-label': title}),
        h('div', {class: 'task-foot'},
            h('span', {class: 'muted', role: 'status'}, t('task_waiting')),
            h('button', {type: 'button', class: 'button quiet', dataset: {cancel: ''}, on: {click: () => cancel(id, element)}},
                t('cancel'))));
    ($('#toasts') ?? document.body).append(element);
    return element;
}

async function cancel(id, element) {
    $('[data-cancel]', element).disabled = true;
    try {
        await api.delete(`admin/tasks/${id}/`);
        tell(element, t('task_cancelling'));
    } catch (error) {
        tell(element, error.message);
    }
}

async function watch(id, element, task) {
    let pause = 400;
    let seen = task;
    try {
        while (!seen || !OVER.has(seen.state)) {
            if (seen) {
                show(element, seen);
            }
            await new Promise(resolve => setTimeout(resolve, seen ? pause : 0));
            pause = Math.min(3000, pause * 1.4);
            seen = await api.get(`admin/tasks/${id}/`);
        }
    } catch (error) {
        over(id, element);
        element.remove();
        throw error;
    }
    over(id, element);
    return ended(element, seen);
}

function over(id, element) {
    cards.delete(id);
    forget(id);
    count();
    $('[data-cancel]', element)?.remove();
}

function ended(element, task) {
    const bar = $('progress', element);
    if (task.state === 'done') {
        bar.value = 1;
        element.classList.add('good');
        tell(element, t('task_done'));
        setTimeout(() => element.remove(), STAYS);
        return task.result;
    }
    element.classList.add('bad');
    bar.remove();
    const failure = new TaskFailed(task);
    tell(element, failure.message);
    throw failure;
}

function show(element, task) {
    const bar = $('progress', element);
    if (task.state !== 'active') {
        bar.removeAttribute('value');
        tell(element, t('task_waiting'));
        return;
    }
    if (task.progress === null || task.progress === undefined) {
        bar.removeAttribute('value');
        tell(element, task.progress_text || t('task_running'));
        return;
    }
    bar.value = task.progress;
    const left = remaining(task);
    tell(element, [task.progress_text || `${Math.floor(task.progress * 100)} %`, left].filter(Boolean).join(' · '));
}

// About how long it still takes, once that can be said.
function remaining(task) {
    const seconds = (Date.now() - new Date(task.started).getTime()) / 1000;
    if (!(seconds > 3) || task.progress < 0.02) {
        return '';
    }
    return t('task_left', {time: duration((seconds / task.progress) * (1 - task.progress))});
}

function tell(element, text) {
    setText($('[role="status"]', element), text);
}

if (page.user) {
    store.on(NAME, () => resumeTasks());
}
