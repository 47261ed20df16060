// The images that were asked for most.

import {saveCsv} from '../core/csv.js';
import {$, h, page, url} from '../core/dom.js';
import {bytes, duration, number} from '../core/format.js';
import {urlState} from '../core/state.js';
import {t} from '../core/texts.js';
import {thumb} from '../core/thumb.js';
import {draw, failure} from './chart_page.js';
import {feed} from './feed.js';
import {choiceButtons} from './ranges.js';

const FIELDS = {
    1: 'requests', 2: 'views', 3: 'cached_views', 4: 'downloads', 5: 'total_bytes', 6: 'request_seconds', 7: 'max_request_seconds',
};
const SHOWN = [2, 4, 5, 6, 7, 1, 3];

export function topPage() {
    const state = {days: page.data.days, number: page.data.number, data_type: page.data.data_type};
    const list = $('#report');
    let asked = null;
    let rows = [];
    const choose = changes => {
        Object.assign(state, changes);
        load();
    };

    $('#controls').replaceChildren(
        h('div', {class: 'field'}, h('label', {for: 'data_type'}, t('ranked_by')),
            h('select', {id: 'data_type', on: {change: event => choose({data_type: Number(event.target.value)})}},
                SHOWN.map(type => h('option', {value: type, selected: type === state.data_type}, t(`order_${type}`))))),
        field(t('range'), choiceButtons([1, 7, 30].map(n => [n, t('days_n', {n})]), state.days, days => choose({days}), t('range'))),
        field(t('how_many'), choiceButtons([10, 20, 50, 100].map(n => [n, number(n)]), state.number, n => choose({number: n}), t('how_many'))),
        h('button', {type: 'button', class: 'button', on: {click: () => save()}}, t('csv')));

    async function load() {
        asked?.abort();
        asked = new AbortController();
        urlState.set(state);
        try {
            const query = {days: state.days, order: state.data_type, limit: state.number};
            rows = (await feed('top', query, {signal: asked.signal})).data;
        } catch (error) {
            if (error.name !== 'AbortError') {
                draw(list, failure(error, load));
            }
            return;
        }
        draw(list, [rows.length ? table() : h('p', {class: 'empty'}, t('top_empty'))]);
    }

    function table() {
        const name = FIELDS[state.data_type];
        const most = Math.max(...rows.map(row => row[name])) || 1;
        return h('table', {class: 'table top-images'},
            h('thead', null, h('tr', null,
                h('th', {scope: 'col', class: 'number'}, t('rank')), h('th', {scope: 'col'}, t('image')),
                h('th', {scope: 'col'}, t(`order_${state.data_type}`)))),
            h('tbody', null, rows.map((row, place) => h('tr', null,
                h('td', {class: 'number', 'data-label': t('rank')}, number(place + 1)),
                h('td', {'data-label': t('image')}, h('span', {class: 'top-image'}, pictureOf(row),
                    h('a', {href: url('details/', {src: `/${row.src}`})}, `/${row.src}`),
                    row.status ? h('a', {class: 'button small quiet', href: url('reports/imagestats/', {id: row.id})}, t('chart')) : h('span', {class: 'badge bad'}, t('deleted')))),
                h('td', {'data-label': t(`order_${state.data_type}`)}, h('span', {class: 'bar'},
                    h('span', {class: 'bar-fill', style: {'--share': row[name] / most}}), h('b', null, shown(row[name]))))))));
    }

    function pictureOf(row) {
        return row.status ? thumb(`/${row.src}`, 48, {class: 'top-thumb'}) : h('span', {class: 'top-thumb no'});
    }

    function shown(value) {
        return state.data_type === 5 ? bytes(value) : state.data_type >= 6 ? duration(value) : number(value);
    }

    function save() {
        saveCsv('top-images.csv', [['rank', 'path', ...Object.values(FIELDS)],
            ...rows.map((row, place) => [place + 1, `/${row.src}`, ...Object.values(FIELDS).map(one => row[one])])]);
    }

    return load();
}

function field(label, control) {
    return h('div', {class: 'field'}, h('span', {class: 'label'}, label), control);
}
