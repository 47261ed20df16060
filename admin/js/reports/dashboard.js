// How the server fares, on one screen; it is looked at again every half minute.

import {api} from '../core/api.js';
import {lineChart} from '../core/chart.js';
import {$, h, icon, page, url} from '../core/dom.js';
import {bytes, duration, number, percent, relative} from '../core/format.js';
import {urlState} from '../core/state.js';
import {t} from '../core/texts.js';
import {thumb} from '../core/thumb.js';
import {progressBar, stateBadge} from '../tasks/parts.js';
import {draw, failure} from './chart_page.js';
import {RANGES, feed, series, summary} from './feed.js';
import {rangeButtons} from './ranges.js';

const EVERY = 30_000;
const FULL = 0.85;
const NEARLY = 0.7;
const TOP_DAYS = {hour: 1, day: 1, week: 7, month: 30, year: 30};

export function dashboardPage() {
    let range = RANGES[urlState.get().range] ? urlState.get().range : 'day';
    let asked = null;
    if (page.data.reports) {
        $('#controls').replaceChildren(rangeButtons(range, chosen => {
            range = chosen;
            urlState.set({range: range === 'day' ? null : range});
            load();
        }));
    }

    async function load() {
        asked?.abort();
        asked = new AbortController();
        const {signal} = asked;
        const to = Date.now();
        const from = to - RANGES[range];
        await Promise.all([
            part($('#health'), () => health(signal)),
            part($('#tasks-now'), () => tasksNow(signal)),
            ...page.data.reports ? [
                part($('#numbers'), () => numbers(from, to, signal)),
                part($('#served'), () => served(from, to, signal)),
                part($('#response'), () => response(from, to, signal)),
                part($('#top'), () => top(TOP_DAYS[range], signal)),
            ] : [],
        ]);
    }

    async function part(element, make) {
        try {
            draw(element, [await make()]);
        } catch (error) {
            if (error.name !== 'AbortError') {
                draw(element, failure(error, load));
            }
        }
    }

    setInterval(() => {
        if (!document.hidden) {
            load();
        }
    }, EVERY);
    return load();
}

// Whether it can do its work, and how much room there is.
async function health(signal) {
    const [ready, disks] = await Promise.all([
        fetch(`${page.root}ready`, {signal}).then(answer => answer.json()), page.data.reports ? api.get('admin/space/', null, {signal}) : [],
    ]);
    const bad = Object.entries(ready.checks).filter(([, good]) => !good).map(([name]) => name);
    return [
        h('p', {class: ['notice', bad.length || ready.status !== 'ready' ? 'bad' : 'good']},
            icon(bad.length ? 'alert' : 'check'),
            h('span', null, bad.length ? t('unhealthy', {what: bad.join(', ')}) : t('healthy', {version: ready.version}))),
        h('ul', {class: 'disks'}, disks.map(disk => {
            const used = 1 - disk.free / disk.total;
            return h('li', null,
                h('span', {class: 'split'}, h('span', null, disk.names.map(name => t(`place_${name}`)).join(', ')),
                    h('span', {class: used > NEARLY ? 'nearly' : 'muted'}, used > FULL && icon('alert'),
                        t('disk_used', {used: percent(used), free: bytes(disk.free)}))),
                h('progress', {max: 1, value: used, class: used > FULL ? 'full' : used > NEARLY ? 'nearly-full' : null, 'aria-label': t('disk_label')}));
        })),
    ];
}

async function numbers(from, to, signal) {
    const length = to - from;
    const [now, before] = await Promise.all([summary(from, to, {signal}), summary(from - length, from, {signal})]);
    const seconds = length / 1000;
    const errors = one => (one.requests ? one.server_errors / one.requests : 0);
    const cached = one => (one.views ? one.cached_views / one.views : 0);
    return [
        tile(t('requests'), number(now.requests), t('per_second', {n: (now.requests / seconds).toFixed(2)}), change(now.requests, before.requests)),
        tile(t('from_cache'), percent(cached(now)), t('of_served'), change(cached(now), cached(before))),
        tile(t('p95'), duration(now.p95), t('p50_is', {time: duration(now.p50)}), change(now.p95, before.p95, {less: true})),
        tile(t('errors'), percent(errors(now)), t('server_errors', {n: now.server_errors}), change(errors(now), errors(before), {less: true})),
        tile(t('sent'), bytes(now.total_bytes), t('sent_text'), change(now.total_bytes, before.total_bytes)),
    ];
}

function tile(name, value, text, change) {
    return h('div', {class: 'card tile'}, h('span', {class: 'muted'}, name), h('b', null, value),
        h('span', {class: 'muted'}, change, ' ', text));
}

// How it has changed against the period before; `less`: less is better.
function change(now, before, {less = false} = {}) {
    if (!before || !Number.isFinite(now / before)) {
        return '';
    }
    const share = now / before - 1;
    if (Math.abs(share) < 0.005) {
        return h('span', {class: 'badge'}, '±0 %');
    }
    const good = share > 0 !== less;
    return h('span', {class: ['badge', good ? 'good' : 'warn'], title: t('against_before')}, `${share > 0 ? '+' : '−'}${percent(Math.abs(share))}`);
}

async function served(from, to, signal) {
    const length = to - from;
    const [now, cached, before] = await Promise.all([
        series('system', {type: 2, from, to, running: true}, {signal}),
        series('system', {type: 3, from, to, running: true}, {signal}),
        series('system', {type: 2, from, to, shift: length}, {signal}),
    ]);
    return lineChart({title: t('type_2'), from, to, name: 'served', height: 220, series: [
        {name: t('type_2'), points: now, running: true}, {name: t('type_3'), points: cached, running: true},
        {name: t('before', {name: t('type_2')}), points: before, before: true, of: 0},
    ]});
}

async function response(from, to, signal) {
    const types = [103, 104];
    const found = await Promise.all(types.map(type => series('system', {type, from, to, running: true}, {signal})));
    return lineChart({
        title: t('response'), unit: 'seconds', from, to, name: 'response', height: 220,
        series: types.map((type, place) => ({name: t(`type_${type}`), points: found[place]})),
    });
}

async function top(days, signal) {
    const {data} = await feed('top', {days, order: 2, limit: 10}, {signal});
    if (!data.length) {
        return h('p', {class: 'muted'}, t('top_empty'));
    }
    return h('ol', {class: 'top-list'}, data.slice(0, 8).map(row => h('li', null,
        row.status ? thumb(`/${row.src}`, 36, {class: 'top-thumb'}) : '',
        h('a', {href: url('details/', {src: `/${row.src}`})}, `/${row.src}`), h('b', null, number(row.views)))));
}

async function tasksNow(signal) {
    const [counts, active, failed] = await Promise.all([
        api.get('admin/tasks/summary/', null, {signal}),
        api.get('admin/tasks/', {status: 'active', limit: 5}, {signal}),
        api.get('admin/tasks/', {status: 'failed', limit: 3}, {signal}),
    ]);
    const rows = [...active, ...failed];
    return [
        h('p', {class: 'row'}, ['active', 'pending', 'failed', 'done'].map(state =>
            h('a', {class: 'badge', href: url('tasks/', {status: state})}, `${t(`tasks_${state}`)} ${number(counts[state])}`))),
        rows.length ? h('ul', {class: 'task-list'}, rows.map(task => h('li', null,
            h('span', {class: 'split'}, h('a', {href: url(`tasks/${task.id}/`)}, task.name),
                h('span', {class: 'row'}, stateBadge(task), h('span', {class: 'muted'}, relative(task.started ?? task.created)))),
            task.state === 'active' && progressBar(task)))) : h('p', {class: 'muted'}, t('tasks_quiet')),
    ];
}
