// What one works on, as the address of the page: the parameters of the image by their own names, and what is chosen for
// the code. Pure functions.

import {query} from './address.js';
import {START} from './output_choices.js';

const OWN = new Set(['src', 'more', 'embed', 'onClose', ...Object.keys(START)]);

export function stateAddress(src, parameters, extras, more = []) {
    const chosen = Object.entries(extras).filter(([name, value]) => name in START && value !== START[name]);
    return `?${query({src, ...(more.length ? {more: more.join('\n')} : {}), ...parameters, ...Object.fromEntries(chosen)})}`;
}

// The parameters of the image, and what was chosen besides, of a page's query.
export function openAddress(text) {
    const given = {};
    const extras = {};
    for (const [name, value] of new URLSearchParams(text)) {
        if (name in START) extras[name] ??= value;
        else if (!OWN.has(name)) given[name] ??= value;
    }
    return {given, extras};
}
