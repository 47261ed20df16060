// Styles of what is shown on pages of others.

import {$, h, page} from './dom.js';

const loading = new Map();

// Loads `css/<name>.css`, unless the page has it already.
export function loadStyle(name) {
    if (!loading.has(name)) {
        loading.set(name, load(`${page.static}css/${name}.css`));
    }
    return loading.get(name);
}

function load(href) {
    if ($(`link[rel="stylesheet"][href="${href}"]`)) {
        return null;
    }
    return new Promise(resolve => {
        document.head.append(h('link', {rel: 'stylesheet', href, on: {load: resolve, error: resolve}}));
    });
}
