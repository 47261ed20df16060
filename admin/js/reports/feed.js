// The numbers behind charts. What can't be had is an error, never a quiet line of zeros.

import {encodeQuery, page} from '../core/dom.js';
import {t} from '../core/texts.js';

export const HOUR = 3_600_000;
export const DAY = 24 * HOUR;

export const RANGES = {hour: HOUR, day: DAY, week: 7 * DAY, month: 30 * DAY, year: 365 * DAY};

// What each type of chart shows. Those of one unit can be in one chart.
export const TYPES = {
    1: 'count', 2: 'count', 3: 'count', 4: 'percent', 5: 'count', 6: 'bytes', 7: 'seconds', 8: 'seconds',
    100: 'percent', 101: 'percent', 102: 'percent', 103: 'seconds', 104: 'seconds', 105: 'seconds',
};

export async function feed(name, query, {signal} = {}) {
    const answer = await fetch(`${page.root}reports/datafeed/${name}?${encodeQuery(query)}`, {
        headers: {Accept: 'application/json'}, credentials: 'same-origin', signal, redirect: 'error',
    });
    if (!answer.ok) {
        const text = await answer.json().then(one => one.detail ?? one.message, () => answer.statusText);
        throw new Error(text || t('no_data'));
    }
    return answer.json();
}

// The points of one type in [from, to), milliseconds; `shift` moves those of an earlier period. `running`: with what there
// is so far of the period that isn't over, at `to`.
export async function series(subject, {id, type, from, to, shift = 0, running = false}, options) {
    const query = {
        from: new Date(from - shift).toISOString(), to: new Date(to - shift).toISOString(), data_type: type, id: id || null,
        running: running ? 1 : null,
    };
    const {data} = await feed(subject, query, options);
    return data.map(([at, value]) => [running ? Math.min(at, to) : at + shift, value]);
}

// What was counted in [from, to).
export async function summary(from, to, options) {
    const query = {from: new Date(from).toISOString(), to: new Date(to).toISOString()};
    return (await feed('summary', query, options)).data;
}
