// Numbers, sizes and times as the one who looks writes them.

import {h, page} from './dom.js';

const lang = page.lang || 'en';
const numbers = new Intl.NumberFormat(lang);
const decimals = new Intl.NumberFormat(lang, {maximumFractionDigits: 1});
// As people of their country write it, if the page speaks their language; the month as a word, so that 4/5 is one day.
const place = navigator.languages.find(one => one.split('-')[0] === lang) ?? lang;
const DAY = {year: 'numeric', month: 'short', day: 'numeric'};
const days = new Intl.DateTimeFormat(place, DAY);
const moments = new Intl.DateTimeFormat(place, {...DAY, hour: '2-digit', minute: '2-digit'});
const sizes = new Map(); // how to write bytes, by unit and digits: making one of these takes longer than a whole cell
const relatives = new Intl.RelativeTimeFormat(lang, {numeric: 'auto'});

const SIZES = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte', 'petabyte'];
const STEPS = [
    ['year', 31_536_000], ['month', 2_592_000], ['week', 604_800], ['day', 86_400], ['hour', 3600], ['minute', 60],
];

export function number(value) {
    return numbers.format(value);
}

// In powers of 1000.
export function bytes(value) {
    let size = value;
    let step = 0;
    while (Math.abs(size) >= 1000 && step < SIZES.length - 1) {
        size /= 1000;
        step += 1;
    }
    const digits = step === 0 || size >= 100 ? 0 : 1;
    const kind = step * 2 + digits;
    if (!sizes.has(kind)) {
        sizes.set(kind, new Intl.NumberFormat(lang, {
            style: 'unit', unit: SIZES[step], unitDisplay: step ? 'short' : 'long', maximumFractionDigits: digits,
        }));
    }
    return sizes.get(kind).format(size);
}

export function date(value) {
    return days.format(moment(value));
}

export function dateTime(value) {
    return moments.format(moment(value));
}

// "40 ms", "3.2 s", "2 min 5 s", "1 h 4 min".
export function duration(seconds) {
    const unit = (value, name) => new Intl.NumberFormat(lang, {
        style: 'unit', unit: name, unitDisplay: 'short', maximumFractionDigits: value < 10 && name === 'second' ? 1 : 0,
    }).format(value);
    if (seconds > 0 && seconds < 0.9995) {
        return unit(seconds * 1000, 'millisecond');
    }
    if (seconds < 60) {
        return unit(seconds, 'second');
    }
    const whole = Math.round(seconds);
    if (whole < 3600) {
        return [unit(Math.floor(whole / 60), 'minute'), whole % 60 && unit(whole % 60, 'second')].filter(Boolean).join(' ');
    }
    const minutes = Math.round((whole % 3600) / 60);
    return [unit(Math.floor(whole / 3600), 'hour'), minutes && unit(minutes, 'minute')].filter(Boolean).join(' ');
}

// "5 minutes ago", "tomorrow".
export function relative(value, now = Date.now()) {
    const seconds = (moment(value).getTime() - now) / 1000;
    for (const [unit, size] of STEPS) {
        if (Math.abs(seconds) >= size) {
            return relatives.format(Math.round(seconds / size), unit);
        }
    }
    return relatives.format(0, 'minute');
}

export function percent(share) {
    return `${decimals.format(share * 100)} %`;
}

// A <time> element in the zone of whoever looks, with UTC in its tooltip. `form`: 'dateTime', 'date' or 'relative'.
export function time(value, form = 'dateTime') {
    const at = moment(value);
    const text = {date, dateTime, relative}[form](at);
    const utc = at.toISOString();
    return h('time', {datetime: utc, title: `${utc.slice(0, 16).replace('T', ' ')} UTC`}, text);
}

// Texts of the API have a zone or are UTC; numbers are seconds since 1970.
function moment(value) {
    if (value instanceof Date) {
        return value;
    }
    if (typeof value === 'number') {
        return new Date(value * 1000);
    }
    return new Date(/([zZ]|[+-]\d\d:?\d\d)$/.test(value) || !value.includes('T') ? value : `${value}Z`);
}
