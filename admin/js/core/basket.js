// The basket: images collected for portfolios. Kept for each user in this browser, and the same in all its tabs.

import {store} from './state.js';

const NAME = 'basket';
const MOST = 5000; // as many as a portfolio takes

const listeners = new Set();

function read() {
    const kept = store.get(NAME);
    return Array.isArray(kept) ? kept.filter(one => typeof one?.src === 'string') : [];
}

function write(items) {
    store.set(NAME, items);
    tell();
}

function tell() {
    const items = read();
    for (const listener of listeners) {
        listener(items);
    }
}

// Paths go with and without a slash before them.
function plain(src) {
    return String(src ?? '').replace(/^\/+/, '');
}

export const basket = {
    // Images as {id, src, title}, in the order in which they were put in; `id` is null where nobody knew it.
    items: read,

    get size() {
        return read().length;
    },

    has(src) {
        return read().some(one => one.src === plain(src));
    },

    // Put images in, objects with at least a `src`; those that are there already stay where they are. Returns how many
    // have come.
    add(images) {
        const items = read();
        const known = new Set(items.map(one => one.src));
        const fresh = images
            .map(one => ({id: one.id || null, src: plain(one.src), title: one.title || ''}))
            .filter(one => one.src && !known.has(one.src) && known.add(one.src))
            .slice(0, MOST - items.length);
        if (fresh.length) {
            write([...items, ...fresh]);
        }
        return fresh.length;
    },

    // Take images out, by their paths.
    remove(srcs) {
        const gone = new Set(srcs.map(plain));
        write(read().filter(one => !gone.has(one.src)));
    },

    // Put everything at once, as an undo does.
    set(items) {
        write(items);
    },

    clear() {
        write([]);
    },

    // Calls `change(items)` now and after each change, also by another tab. Returns a function that ends it.
    on(change) {
        listeners.add(change);
        change(read());
        return () => listeners.delete(change);
    },
};

store.on(NAME, tell);
