// What a page remembers: in its address, so that it can be shared and Back works; and for each user in this browser.

import {page} from './dom.js';

export const urlState = {
    // The parameters of the address, as an object of texts.
    get() {
        return Object.fromEntries(new URLSearchParams(location.search));
    },

    // Changes some of them; null, undefined and '' go. `push`: Back leads to what was before.
    set(changes, {push = false} = {}) {
        const query = new URLSearchParams(location.search);
        for (const [name, value] of Object.entries(changes)) {
            if (value === null || value === undefined || value === '') {
                query.delete(name);
            } else {
                query.set(name, String(value));
            }
        }
        const text = query.toString().replaceAll('%2F', '/');
        const address = `${location.pathname}${text ? `?${text}` : ''}${location.hash}`;
        if (address !== location.pathname + location.search + location.hash) {
            history[push ? 'pushState' : 'replaceState'](null, '', address);
        }
    },
};

const PREFIX = `qisd:${page.root ?? '/'}:${page.user?.id ?? 0}:`;

export const store = {
    // A value kept for this user in this browser, or `otherwise`.
    get(name, otherwise = null) {
        try {
            const text = localStorage.getItem(PREFIX + name);
            return text === null ? otherwise : JSON.parse(text);
        } catch {
            return otherwise; // barred, or somebody else's
        }
    },

    // Keep a value; null forgets it. False when there is no room, or the browser doesn't allow it.
    set(name, value) {
        try {
            if (value === null || value === undefined) {
                localStorage.removeItem(PREFIX + name);
            } else {
                localStorage.setItem(PREFIX + name, JSON.stringify(value));
            }
            return true;
        } catch {
            return false;
        }
    },

    // Calls `change(value)` when another tab has changed it.
    on(name, change) {
        window.addEventListener('storage', event => {
            if (event.key === PREFIX + name || event.key === null) {
                change(store.get(name));
            }
        });
    },
};
