// HTML in colours: nodes for a text, which stays what it is.

import {h} from '../core/dom.js';

const PIECES = /(<\/?[a-z][a-z0-9-]*)|(\s[a-z-]+=)("[^"]*")|(>)/gi;

// Text nodes and spans that together say just `html`.
export function coloured(html) {
    const nodes = [];
    let at = 0;
    for (const match of html.matchAll(PIECES)) {
        if (match.index > at) nodes.push(html.slice(at, match.index));
        const [, tag, name, value, end] = match;
        if (tag ?? end) nodes.push(h('span', {class: 'code-tag'}, tag ?? end));
        else nodes.push(h('span', {class: 'code-name'}, name), h('span', {class: 'code-value'}, value));
        at = match.index + match[0].length;
    }
    if (at < html.length) nodes.push(html.slice(at));
    return nodes;
}
