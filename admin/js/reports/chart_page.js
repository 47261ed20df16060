// Charts of the server, or of an image.

import {lineChart} from '../core/chart.js';
import {$, h, icon, page} from '../core/dom.js';
import {bytes, number, percent} from '../core/format.js';
import {urlState} from '../core/state.js';
import {t} from '../core/texts.js';
import {RANGES, TYPES, series, summary} from './feed.js';
import {rangeButtons} from './ranges.js';

export function chartPage() {
    const {subject, id, types, frequency} = page.data;
    const address = urlState.get();
    const state = {
        type: page.data.data_type,
        also: new Set((address.also ?? '').split(',').map(Number).filter(type => types.includes(type))),
        compare: address.compare === '1',
        range: page.data.chosen ? null : RANGES[address.range] ? address.range : 'week',
        from: Date.parse(page.data.from),
        to: Date.parse(page.data.to),
    };
    let asked = null;
    const ranges = rangeButtons(state.range, range => {
        state.range = range;
        load();
    });
    const from = day('from', t('from'));
    const until = day('until', t('until'));
    const others = h('div', {class: 'row also'});
    const types_ = h('select', {id: 'data_type', on: {change: event => {
        state.type = Number(event.target.value);
        state.also.clear();
        load();
    }}}, types.map(type => h('option', {value: type, selected: type === state.type}, t(`type_${type}`))));
    const compare = h('input', {type: 'checkbox', id: 'compare', checked: state.compare, on: {change: event => {
        state.compare = event.target.checked;
        load();
    }}});
    const reset = h('button', {type: 'button', class: 'button quiet small', hidden: true, on: {click: () => {
        state.range = 'week';
        ranges.show('week');
        load();
    }}}, t('zoom_reset'));
    const stage = h('div', {id: 'chart', class: 'card', 'aria-busy': 'true'});
    const parts = h('div', {class: 'breakdowns'});

    $('#controls').replaceChildren(
        h('div', {class: 'field'}, h('label', {for: 'data_type'}, t('shows')), types_),
        h('div', {class: 'field'}, h('span', {class: 'label'}, t('range')), ranges),
        from.element, until.element,
        h('button', {type: 'button', class: 'button', on: {click: () => load()}}, icon('refresh'), t('refresh')), reset);
    $('#report').replaceChildren(h('div', {class: 'split'}, others, h('label', {class: 'check'}, compare, t('compare'))), stage, parts);

    function day(name, label) {
        const field = h('input', {type: 'date', id: name, on: {change: () => chooseDays()}});
        return {field, element: h('div', {class: 'field'}, h('label', {for: name}, label), field)};
    }

    function chooseDays() {
        const begin = dayOf(from.field.value);
        const end = dayOf(until.field.value, 1);
        if (begin && end && begin < end) {
            zoom(begin, end);
        }
    }

    function zoom(begin, end) {
        Object.assign(state, {range: null, from: begin, to: Math.max(end, begin + frequency * 60_000)});
        ranges.show(null);
        load();
    }

    async function load() {
        asked?.abort();
        asked = new AbortController();
        if (state.range) {
            state.to = Date.now();
            state.from = state.to - RANGES[state.range];
        }
        from.field.value = dayText(state.from);
        until.field.value = dayText(state.to - 1);
        reset.hidden = state.range !== null;
        remember();
        draw(others, alsoBoxes());
        stage.setAttribute('aria-busy', 'true');
        try {
            await Promise.all([show(asked.signal), subject === 'system' ? breakdown(asked.signal) : null]);
        } catch (error) {
            if (error.name !== 'AbortError') {
                draw(stage, failure(error, load));
            }
            return;
        }
        stage.removeAttribute('aria-busy');
    }

    function remember() {
        urlState.set({
            data_type: state.type, also: [...state.also].join(','), compare: state.compare ? 1 : null, range: state.range,
            from: state.range ? null : new Date(state.from).toISOString(), to: state.range ? null : new Date(state.to).toISOString(),
        });
    }

    function alsoBoxes() {
        const same = types.filter(type => type !== state.type && TYPES[type] === TYPES[state.type]);
        return same.length ? [h('span', {class: 'muted'}, t('also')), same.map(type => h('label', {class: 'check'},
            h('input', {type: 'checkbox', checked: state.also.has(type), on: {change: event => {
                state.also[event.target.checked ? 'add' : 'delete'](type);
                load();
            }}}), t(`type_${type}`)))] : [];
    }

    async function show(signal) {
        const {from: begin, to: end} = state;
        const wanted = [state.type, ...state.also];
        const length = end - begin;
        const now = await Promise.all(wanted.map(type => series(subject, {id, type, from: begin, to: end}, {signal})));
        const before = state.compare
            ? await Promise.all(wanted.map(type => series(subject, {id, type, from: begin, to: end, shift: length}, {signal})))
            : [];
        draw(stage, [lineChart({
            title: t(`type_${state.type}`), unit: TYPES[state.type], from: begin, to: end, onZoom: zoom, height: 320,
            name: `${subject}-${state.type}`,
            series: [
                ...now.map((points, place) => ({name: t(`type_${wanted[place]}`), points})),
                ...before.map((points, place) => ({name: t('before', {name: t(`type_${wanted[place]}`)}), points, before: true, of: place})),
            ],
        }), h('p', {class: 'muted'}, t('zone', {zone: Intl.DateTimeFormat().resolvedOptions().timeZone, minutes: frequency}))]);
    }

    async function breakdown(signal) {
        const found = await summary(state.from, state.to, {signal});
        draw(parts, [partTable(t('by_template'), found.templates), partTable(t('by_format'), found.formats)]);
    }

    return load();
}

function partTable(title, rows) {
    const all = rows.reduce((sum, row) => sum + row.requests, 0);
    return h('section', {class: 'card stack'}, h('h2', null, title), rows.length
        ? h('table', {class: 'table'},
            h('thead', null, h('tr', null, [t('name'), t('type_1'), t('share'), t('type_6')].map((text, place) =>
                h('th', {scope: 'col', class: place ? 'number' : null}, text)))),
            h('tbody', null, rows.map(row => h('tr', null,
                h('td', {'data-label': t('name')}, row.name || t('no_template')),
                h('td', {'data-label': t('type_1'), class: 'number'}, number(row.requests)),
                h('td', {'data-label': t('share'), class: 'number'}, percent(row.requests / all)),
                h('td', {'data-label': t('type_6'), class: 'number'}, bytes(row.total_bytes))))))
        : h('p', {class: 'muted'}, t('nothing_counted')));
}

export function failure(error, again) {
    return [h('div', {class: 'empty', role: 'alert'}, icon('broken'), h('p', null, t('no_data')), h('p', null, error.message),
        h('button', {type: 'button', class: 'button', on: {click: again}}, t('again')))];
}

export function draw(element, children) {
    element.replaceChildren(...children.flat(Infinity).filter(Boolean));
}

function dayText(at) {
    const moment = new Date(at);
    return [moment.getFullYear(), moment.getMonth() + 1, moment.getDate()].map(one => String(one).padStart(2, '0')).join('-');
}

// Midnight in the zone of whoever looks, some days later.
function dayOf(text, later = 0) {
    const [year, month, date] = text.split('-').map(Number);
    return year ? new Date(year, month - 1, date + later).getTime() : null;
}
