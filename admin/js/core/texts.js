// The texts of the page, in the language of whoever looks. The catalogues of the page are here before any module that
// imports this one runs; others are loaded when they are wanted.

import {page} from './dom.js';

const FIRST = 'en';
const TURNING = /[\u0590-\u08ff\u200e\u200f\u202a-\u202e\u2066-\u2069\ufb1d-\ufdff\ufe70-\ufefc]/;
const plural = new Intl.PluralRules(page.lang || FIRST);
const catalogue = {};
const loading = new Map();

// The text of `key`, with `values` in place of {name}. Where it has forms for plurals, `values.n` chooses.
export function t(key, values = {}) {
    let text = catalogue[key];
    if (text === undefined) {
        console.error(`There is no text "${key}"`);
        return key;
    }
    if (typeof text !== 'string') {
        text = text[plural.select(Number(values.n))] ?? text.other;
    }
    return text.replace(/\{(\w+)\}/g, (place, name) => (name in values ? shown(values[name]) : place));
}

// Names that run from right to left, or hold marks that turn the direction, are isolated: the sentence around them stays.
function shown(value) {
    if (typeof value === 'number') {
        return value.toLocaleString(page.lang);
    }
    const text = String(value);
    return TURNING.test(text) ? `\u2068${text}\u2069` : text;
}

// Loads the texts of another area, for what is shown on pages of others.
export function loadTexts(area) {
    if (!loading.has(area)) {
        loading.set(area, load(area));
    }
    return loading.get(area);
}

async function load(area) {
    const languages = page.lang === FIRST ? [FIRST] : [FIRST, page.lang];
    for (const language of languages) {
        const answer = await fetch(`${page.static}texts/${language}/${area}.json`);
        if (answer.ok) {
            Object.assign(catalogue, await answer.json());
        }
    }
}

await Promise.all(['common', page.area].filter(area => page.texts?.includes(area)).map(loadTexts));
