// Line charts as inline SVG: several series, a cross hair for mouse, finger and arrow keys, a part chosen by dragging,
// and the same numbers as a table and as CSV.

import {saveCsv} from './csv.js';
import {h, page} from './dom.js';
import {bytes, dateTime, duration, number} from './format.js';
import {loadStyle} from './style.js';
import {loadTexts, t} from './texts.js';

await Promise.all([loadTexts('chart'), loadStyle('chart')]);

const SVG = 'http://www.w3.org/2000/svg';
const LEFT = 60;
const RIGHT = 12;
const TOP = 10;
const BOTTOM = 26;
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const STEPS = [
    MINUTE, 5 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 7 * DAY, 14 * DAY, 30 * DAY,
    91 * DAY, 365 * DAY,
];
const LABEL_ROOM = 84;
const WEEKENDS_UP_TO = 70 * DAY;
const ROWS_MOST = 5000;
const DRAG = 6;

const compact = new Intl.NumberFormat(page.lang || 'en', {notation: 'compact', maximumFractionDigits: 1});
const clock = new Intl.DateTimeFormat(page.lang || 'en', {hour: '2-digit', minute: '2-digit'});
const day = new Intl.DateTimeFormat(page.lang || 'en', {month: 'short', day: 'numeric'});
const month = new Intl.DateTimeFormat(page.lang || 'en', {month: 'short', year: '2-digit'});

const UNITS = {
    count: {axis: value => compact.format(value), text: number},
    percent: {axis: value => `${number(value)} %`, text: value => `${number(Math.round(value * 10) / 10)} %`, most: 100},
    bytes: {axis: bytes, text: bytes},
    seconds: {axis: value => duration(value), text: value => duration(value)},
    rate: {axis: value => compact.format(value), text: value => number(Math.round(value * 100) / 100)},
};

// A figure with the chart. `series`: [{name, points: [[milliseconds, value], …], before, running}], where `before` marks
// numbers of an earlier period, moved to this one, and `running` that a point at `to` is of what isn't over yet. `unit`: 'count', 'percent', 'bytes', 'seconds' or 'rate'. `from`, `to`:
// milliseconds. `onZoom(from, to)`: a part was chosen. `name`: of the CSV file.
export function lineChart(options) {
    return new Chart(options).element;
}

class Chart {
    constructor({title, series, unit = 'count', from, to, onZoom, name = 'chart', height = 260}) {
        Object.assign(this, {title, from, to, onZoom, name, height, unit: UNITS[unit]});
        this.series = series.map(one => ({...one, points: one.points.filter(([at]) => at >= from && at <= to)}));
        this.times = [...new Set(this.series.filter(one => !one.before).flatMap(one => one.points.map(([at]) => at)))].sort((a, b) => a - b);
        this.values = this.series.map(one => new Map(one.points));
        this.most = this.highest();
        this.place = null;
        this.svg = make('svg', {'aria-hidden': 'true', height});
        this.tip = h('div', {class: 'chart-tip', hidden: true});
        this.said = h('p', {class: 'visually-hidden', role: 'status'});
        this.stage = h('div', {class: 'chart-stage', tabindex: 0, role: 'group', 'aria-label': this.summary(), on: {
            pointermove: event => this.moved(event), pointerleave: () => this.unpoint(), pointerdown: event => this.pressed(event),
            pointerup: event => this.released(event), keydown: event => this.steer(event), blur: () => this.unpoint(),
        }}, this.svg, this.tip);
        this.element = h('figure', {class: 'chart'}, this.head(), this.stage, this.said, this.table());
        new ResizeObserver(() => this.draw()).observe(this.stage);
    }

    // Parts around it

    head() {
        return h('figcaption', {class: 'chart-head'},
            h('ul', {class: 'chart-legend'}, this.series.map((one, place) =>
                h('li', {class: ['series', `s${this.colour(place)}`, one.before && 'before']}, h('span', {class: 'swatch'}), one.name))),
            h('button', {type: 'button', class: 'button small quiet', on: {click: () => this.save()}}, t('chart_csv')));
    }

    table() {
        const details = h('details', {class: 'chart-table'}, h('summary', null, t('chart_table')));
        details.addEventListener('toggle', () => {
            if (details.open && details.children.length === 1) {
                details.append(h('div', {class: 'chart-rows', tabindex: 0, role: 'region', 'aria-label': t('chart_table')},
                    h('table', {class: 'table keep'},
                        h('caption', {class: 'visually-hidden'}, this.title),
                        h('thead', null, h('tr', null, [t('chart_time'), ...this.series.map(one => one.name)].map((text, place) =>
                            h('th', {scope: 'col', class: place ? 'number' : null}, text)))),
                        h('tbody', null, this.times.slice(-ROWS_MOST).reverse().map(at => h('tr', null,
                            h('th', {scope: 'row'}, dateTime(at / 1000)),
                            this.values.map(known => h('td', {class: 'number'}, known.has(at) ? this.unit.text(known.get(at)) : '–'))))))));
            }
        });
        return details;
    }

    save() {
        saveCsv(`${this.name}.csv`, [
            ['time (UTC)', ...this.series.map(one => one.name)],
            ...this.times.map(at => [new Date(at).toISOString(), ...this.values.map(known => known.get(at) ?? '')]),
        ]);
    }

    summary() {
        const parts = this.series.map(({name, points}) => {
            const values = points.map(([, value]) => value);
            return values.length
                ? t('chart_summary', {name, least: this.unit.text(Math.min(...spread(values))), most: this.unit.text(Math.max(...spread(values)))})
                : t('chart_nothing', {name});
        });
        return `${this.title}. ${parts.join(' ')} ${t('chart_keys')}`;
    }

    // A series and the same of the period before have one colour.
    colour(place) {
        const {before, of} = this.series[place];
        return (before ? of : this.series.slice(0, place).filter(one => !one.before).length) + 1;
    }

    highest() {
        if (this.unit.most) {
            return this.unit.most;
        }
        const top = Math.max(0, ...spread(this.series.flatMap(one => one.points.map(([, value]) => value))));
        return nice(top || 1);
    }

    // Drawing

    draw() {
        this.width = Math.max(200, this.stage.clientWidth);
        this.svg.setAttribute('width', this.width);
        this.svg.setAttribute('viewBox', `0 0 ${this.width} ${this.height}`);
        this.svg.replaceChildren(...this.weekends(), ...this.grid(), ...this.lines(), this.mark(), this.brush());
    }

    x(at) {
        return LEFT + ((at - this.from) / (this.to - this.from)) * (this.width - LEFT - RIGHT);
    }

    y(value) {
        return TOP + (1 - value / this.most) * (this.height - TOP - BOTTOM);
    }

    weekends() {
        const length = this.to - this.from;
        if (length > WEEKENDS_UP_TO) {
            return [];
        }
        const found = [];
        for (const at = midnight(this.from); at.getTime() < this.to; at.setDate(at.getDate() + 1)) {
            if (at.getDay() === 0 || at.getDay() === 6) {
                const begin = Math.max(this.from, at.getTime());
                const end = Math.min(this.to, new Date(at.getFullYear(), at.getMonth(), at.getDate() + 1).getTime());
                found.push(make('rect', {class: 'weekend', x: this.x(begin), y: TOP, width: Math.max(0, this.x(end) - this.x(begin)),
                    height: this.height - TOP - BOTTOM}));
            }
        }
        return found;
    }

    grid() {
        const found = [];
        for (let step = 0; step <= 4; step += 1) {
            const value = (this.most * step) / 4;
            const y = this.y(value);
            found.push(make('line', {class: 'grid', x1: LEFT, x2: this.width - RIGHT, y1: y, y2: y}),
                make('text', {class: 'axis', x: LEFT - 8, y: y + 4, 'text-anchor': 'end'}, this.unit.axis(value)));
        }
        const {step, label} = this.ticks();
        for (const at of moments(this.from, this.to, step)) {
            const x = this.x(at);
            found.push(make('line', {class: 'tick', x1: x, x2: x, y1: this.height - BOTTOM, y2: this.height - BOTTOM + 4}));
            if (x > LEFT + 12 && x < this.width - RIGHT - 16) {
                found.push(make('text', {class: 'axis', x, y: this.height - 6, 'text-anchor': 'middle'}, label(at)));
            }
        }
        return found;
    }

    ticks() {
        const room = Math.max(1, Math.floor((this.width - LEFT - RIGHT) / LABEL_ROOM));
        const step = STEPS.find(one => (this.to - this.from) / one <= room) ?? STEPS.at(-1);
        const label = at => {
            const moment = new Date(at);
            if (step >= 30 * DAY) {
                return month.format(moment);
            }
            return step >= DAY || (moment.getHours() === 0 && moment.getMinutes() === 0) ? day.format(moment) : clock.format(moment);
        };
        return {step, label};
    }

    lines() {
        const drawn = this.series.map((one, place) => ({one, place, points: this.thinned(one.points)})).reverse();
        return drawn.flatMap(({one, place, points}) => {
            const colour = `s${this.colour(place)}`;
            if (!points.length) {
                return [];
            }
            const line = this.path(points);
            const open = one.running && points.at(-1)[0] === this.to;
            if (points.length === 1) {
                const [[at, value]] = points;
                return [make('circle', {class: `dot ${colour}`, cx: this.x(at).toFixed(1), cy: this.y(Math.min(value, this.most)).toFixed(1), r: 3})];
            }
            const floor = this.y(0).toFixed(1);
            const area = `${line}L${this.x(points.at(-1)[0]).toFixed(1)} ${floor}L${this.x(points[0][0]).toFixed(1)} ${floor}Z`;
            return [
                place === 0 && make('path', {class: `area ${colour}`, d: area}),
                make('path', {class: `line ${colour}${one.before ? ' before' : ''}`, d: open ? this.path(points.slice(0, -1)) : line}),
                open && make('path', {class: `line ${colour} running`, d: this.path(points.slice(-2))}),
            ].filter(Boolean);
        });
    }

    path(points) {
        return points.map(([at, value], index) =>
            `${index ? 'L' : 'M'}${this.x(at).toFixed(1)} ${this.y(Math.min(value, this.most)).toFixed(1)}`).join('');
    }

    // One point for each pixel at most, the highest: a peak must not get lost.
    thinned(points) {
        if (points.length <= this.width) {
            return points;
        }
        const found = new Map();
        for (const [at, value] of points) {
            const column = Math.round(this.x(at));
            if (!found.has(column) || found.get(column)[1] < value) {
                found.set(column, [at, value]);
            }
        }
        return [...found.values()];
    }

    // Pointing

    mark() {
        this.cross = make('line', {class: 'cross', y1: TOP, y2: this.height - BOTTOM, visibility: 'hidden'});
        return this.cross;
    }

    brush() {
        this.part = make('rect', {class: 'brush', y: TOP, height: this.height - TOP - BOTTOM, visibility: 'hidden'});
        return this.part;
    }

    moved(event) {
        const x = this.within(event);
        if (this.start !== undefined && Math.abs(x - this.start) > DRAG) {
            const [left, right] = [Math.min(x, this.start), Math.max(x, this.start)];
            set(this.part, {x: left, width: right - left, visibility: 'visible'});
        }
        this.point(this.nearest(x));
    }

    within(event) {
        return event.clientX - this.svg.getBoundingClientRect().left;
    }

    moment(x) {
        const share = (x - LEFT) / (this.width - LEFT - RIGHT);
        return this.from + Math.min(1, Math.max(0, share)) * (this.to - this.from);
    }

    nearest(x) {
        const at = this.moment(x);
        let best = null;
        for (const [place, one] of this.times.entries()) {
            if (best === null || Math.abs(one - at) < Math.abs(this.times[best] - at)) {
                best = place;
            }
        }
        return best;
    }

    pressed(event) {
        if (this.onZoom && event.button === 0 && event.pointerType === 'mouse') {
            this.start = this.within(event);
            this.stage.setPointerCapture(event.pointerId);
        }
    }

    released(event) {
        const start = this.start;
        this.start = undefined;
        this.part?.setAttribute('visibility', 'hidden');
        const x = this.within(event);
        if (start !== undefined && Math.abs(x - start) > DRAG) {
            this.onZoom(Math.round(this.moment(Math.min(x, start))), Math.round(this.moment(Math.max(x, start))));
        }
    }

    point(place) {
        if (place === null || !this.cross) {
            return;
        }
        this.place = place;
        const at = this.times[place];
        const x = this.x(at);
        set(this.cross, {x1: x, x2: x, visibility: 'visible'});
        this.tip.replaceChildren(h('b', null, dateTime(at / 1000)), h('ul', null, this.series.map((one, index) =>
            h('li', {class: ['series', `s${this.colour(index)}`, one.before && 'before']}, h('span', {class: 'swatch'}),
                `${one.name}: `, h('b', null, this.values[index].has(at) ? this.unit.text(this.values[index].get(at)) : '–')))));
        this.tip.hidden = false;
        const right = x > this.width / 2;
        this.tip.style.insetInlineStart = right ? '' : `${x + 10}px`;
        this.tip.style.insetInlineEnd = right ? `${this.width - x + 10}px` : '';
    }

    unpoint() {
        this.tip.hidden = true;
        this.cross?.setAttribute('visibility', 'hidden');
    }

    steer(event) {
        const last = this.times.length - 1;
        const here = this.place ?? last + 1;
        const to = {ArrowLeft: here - 1, ArrowRight: here + 1, Home: 0, End: last}[event.key];
        if (to !== undefined && last >= 0) {
            event.preventDefault();
            this.point(Math.min(last, Math.max(0, to)));
            this.said.textContent = this.tip.textContent;
        } else if (event.key === 'Escape') {
            this.unpoint();
        }
    }
}

function make(tag, attributes, text) {
    const element = set(document.createElementNS(SVG, tag), attributes);
    if (text !== undefined) {
        element.textContent = text;
    }
    return element;
}

function set(element, attributes) {
    for (const [name, value] of Object.entries(attributes)) {
        element.setAttribute(name, value);
    }
    return element;
}

// Few enough for the arguments of a function, with the extremes among them.
function spread(values) {
    if (values.length <= 10_000) {
        return values;
    }
    let [least, most] = [values[0], values[0]];
    for (const value of values) {
        least = Math.min(least, value);
        most = Math.max(most, value);
    }
    return [least, most];
}

// The next number upwards of which quarters look well.
function nice(value) {
    const power = 10 ** Math.floor(Math.log10(value));
    const lead = [1, 2, 4, 6, 8, 10].find(one => one * power >= value - power * 1e-9);
    return lead * power;
}

function midnight(at) {
    const moment = new Date(at);
    return new Date(moment.getFullYear(), moment.getMonth(), moment.getDate());
}

// The moments of an axis, on whole hours, days or months of the zone of whoever looks.
function moments(from, to, step) {
    const found = [];
    const at = midnight(from);
    if (step >= 30 * DAY) {
        const months = step >= 365 * DAY ? 12 : step >= 91 * DAY ? 3 : 1;
        at.setDate(1);
        at.setMonth(at.getMonth() - (at.getMonth() % months));
        for (; at.getTime() <= to; at.setMonth(at.getMonth() + months)) {
            found.push(at.getTime());
        }
    } else if (step >= DAY) {
        for (; at.getTime() <= to; at.setDate(at.getDate() + step / DAY)) {
            found.push(at.getTime());
        }
    } else {
        for (let moment = at.getTime(); moment <= to; moment += step) {
            found.push(moment);
        }
    }
    return found.filter(moment => moment >= from);
}
