// What is set: a value is a text by the parameter's name, the empty text means nothing. Pure functions.

import {CONTROLS, control} from './controls.js';

const IN_URL = CONTROLS.filter(one => one.only !== 'template');

// The one spelling of a value: '' for all that means nothing.
export function plain(one, value) {
    let text = String(value ?? '').trim();
    if (!one.exact) text = text.toLowerCase();
    text = one.same?.[text] ?? text;
    if (one.kind === 'fill' && /^[0-9a-f]{6}$/.test(text)) text = `#${text}`;
    if (one.kind === 'fill' && text === 'transparent') text = 'none';
    if (isNumber(one) && text !== '' && Number.isFinite(Number(text))) text = rounded(Number(text), one.decimals ?? 0);
    return one.nothing.includes(text) ? '' : text;
}

export function same(one, first, second) {
    return plain(one, first) === plain(one, second);
}

// The number as a text with at most that many decimals, never with an exponent.
export function rounded(number, decimals) {
    const text = number.toFixed(decimals);
    return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}

// Whether a flag's box is ticked.
export function ticked(one, value) {
    return one.on ? value !== '0' : value === '1';
}

// The parameters of the address for `values`: what differs from `base`, the values of the template, in the order of the
// table.
// `where`: name of the template if it is not the default one, and the
//   source's extension, which stands for the format "as the original"
export function parameters(values, base = {}, {tmp = '', extension = ''} = {}) {
    const found = {};
    if (tmp) found.tmp = tmp;
    for (const one of IN_URL) {
        const value = plain(one, values[one.name]);
        if (value === plain(one, base[one.name])) continue;
        if (value !== '') found[one.name] = spelled(one, value);
        else if (one.name === 'format') found.format = extension;
        else if (one.name === 'overlay') found.ovopacity = '0';
        else if (one.cancel) found[one.name] = one.cancel;
    }
    if ('ovopacity' in found && found.ovopacity === '0' && !plain(control('overlay'), values.overlay)) {
        delete found.ovsize;
        delete found.ovpos;
    }
    return found;
}

// Values from the parameters of an address: the other way round.
export function fromParameters(given, base = {}) {
    const values = {...base};
    for (const one of IN_URL) {
        if (one.name in given) values[one.name] = one.on ? flag(given[one.name]) : plain(one, given[one.name]);
    }
    if (given.ovopacity === '0' && !given.overlay) values.overlay = '';
    return values;
}

// Values from the JSON of a template.
export function fromTemplate(document) {
    const values = {};
    for (const one of CONTROLS) {
        const value = document?.[one.field]?.value;
        if (value === null || value === undefined || value === '') continue;
        values[one.name] = typeof value === 'boolean' ? (value ? '1' : '0') : String(value);
        if (!one.on && one.kind === 'flag') values[one.name] = plain(one, values[one.name]);
    }
    return values;
}

// The JSON of a template; what is not set is null.
export function toTemplate(values) {
    const document = {};
    for (const one of CONTROLS) {
        const value = templateValue(one, values[one.name] ?? '');
        document[one.field] = {value};
        if (one.twin) document[one.twin] = {value};
    }
    return document;
}

// What is wrong with a value: the key of a text and its values, or null.
export function fault(one, value, limits = {}) {
    const text = String(value ?? '').trim();
    if (text === '' || one.kind === 'flag') return null;
    if (isNumber(one)) {
        const whole = one.decimals === undefined;
        if (!(whole ? /^[+-]?\d+$/ : /^[+-]?(\d+(\.\d*)?|\.\d+)$/).test(text)) {
            return {key: whole ? 'fault_whole' : 'fault_number', values: {}};
        }
        const high = one.length ? (limits.size ?? one.high) : one.high;
        const low = one.length ? 0 : one.low;
        if (Number(text) < low || Number(text) > high) return {key: 'fault_range', values: {low, high}};
    }
    return null;
}

// Names of the parameters in which the values differ from the base.
export function changed(values, base) {
    return CONTROLS.filter(one => !same(one, values[one.name], base[one.name])).map(one => one.name);
}

function isNumber(one) {
    return ['number', 'fraction', 'angle', 'level'].includes(one.kind);
}

function spelled(one, value) {
    return one.kind === 'fill' ? value.replace(/^#/, '') : value;
}

function flag(text) {
    return /^(1|t|y|true|yes)$/i.test(text) ? '1' : '0';
}

function templateValue(one, value) {
    const text = String(value).trim();
    if (text === '') return one.kind === 'flag' && one.on ? true : null;
    if (one.kind === 'flag') return ticked(one, text);
    if (isNumber(one)) return Number(text);
    return one.exact ? text : text.toLowerCase();
}
