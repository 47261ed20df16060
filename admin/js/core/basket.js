// The basket: images collected for portfolios. Kept for each user in this browser, and the same in all its tabs.

import {store} from './state.js';

const NAME = 'basket';
const MOST = 5000; // as many as a portfolio takes

const listeners = new Set();

function read() {
    const kept = store.get(NAME);
    return Array.isArray(kept) ? kept.filter(one => Number.isInteger(one?.id)) : [];
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

export const basket = {
    // Images as {id, src, title}, in the order in which they were put in.
    items: read,

    get size() {
        return read().length;
    },

    has(id) {
        return read().some(one => one.id === id);
    },

    // Put images in; those that are there already stay where they are. Returns how many have come.
    add(images) {
        const items = read();
        const known = new Set(items.map(one => one.id));
        const fresh = images
            .filter(one => Number.isInteger(one?.id) && one.id > 0 && !known.has(one.id) && known.add(one.id))
            .map(one => ({id: one.id, src: one.src, title: one.title || ''}))
            .slice(0, MOST - items.length);
        if (fresh.length) {
            write([...items, ...fresh]);
        }
        return fresh.length;
    },

    remove(ids) {
        const gone = new Set(ids);
        write(read().filter(one => !gone.has(one.id)));
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
