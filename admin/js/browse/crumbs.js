// The way to a folder: each folder above it, and its own name.

import {h, url} from '../core/dom.js';
import {nameOf, parentOf} from '../core/paths.js';
import {t} from '../core/texts.js';

// `open(path)`: called instead of following the link; `dress(link, path)`: for each.
export function crumbs(path, {open, heading = false, dress = () => {}}) {
    const places = [];
    for (let at = path; at !== '/'; at = parentOf(at)) {
        places.unshift(at);
    }
    places.unshift('/');
    return h('ol', {}, places.map(place => {
        const name = place === '/' ? t('browse_root') : nameOf(place);
        if (place === path) {
            return h('li', {}, h(heading ? 'h1' : 'span', {dir: 'auto', 'aria-current': 'page'}, name));
        }
        const link = h('a', {href: url('list/', {path: place}), dir: 'auto', on: {click: event => follow(event, place, open)}}, name);
        dress(link, place);
        return h('li', {}, link);
    }));
}

function follow(event, path, open) {
    if (!(event.ctrlKey || event.metaKey || event.shiftKey)) {
        event.preventDefault();
        open(path);
    }
}
