// What a view of entries shows: items that are fetched when they are needed, some at a time.

import {api} from '../core/api.js';
import {below} from '../core/paths.js';

const AT_ONCE = 200;
const MOST = 1000;

// Common to both kinds. `changed` is called when items have come, or their number has changed.
class Source extends EventTarget {
    total = 0;
    items = [];
    failed = null;
    #asked = new AbortController();

    get signal() {
        return this.#asked.signal;
    }

    item(index) {
        return this.items[index];
    }

    // All that is known by now, with their places.
    known() {
        return this.items.map((item, index) => ({item, index})).filter(one => one.item);
    }

    // Forget everything: what is on its way does not count any more.
    forget() {
        this.#asked.abort();
        this.#asked = new AbortController();
        this.items = [];
        this.total = 0;
        this.failed = null;
    }

    put(start, items, total) {
        items.forEach((item, number) => {
            this.items[start + number] = item;
        });
        this.total = total;
        this.tell();
    }

    tell() {
        this.dispatchEvent(new Event('changed'));
    }

    fail(error) {
        if (error.name !== 'AbortError') {
            this.failed = error;
            this.tell();
        }
    }
}

// A folder: any part of it can be asked for.
export class FolderSource extends Source {
    #pending = new Map();
    wish = {path: '/', sort: 'name', descending: false, q: '', type: ''};

    // `first`: the part that came with the page, as {start, total, items}.
    show(wish, first = null) {
        this.forget();
        this.#pending.clear();
        this.wish = wish;
        if (first) {
            this.put(first.start, first.items.map(item => entryOf(item, wish.path)), first.total);
            return Promise.resolve();
        }
        return this.#load(0);
    }

    // Fetch it anew, beginning with what can be seen; until that is here, all stays as it was.
    async again(start, count) {
        const {wish} = this;
        const from = Math.floor(start / AT_ONCE) * AT_ONCE;
        const limit = Math.min(MOST, Math.ceil((start + count - from) / AT_ONCE) * AT_ONCE);
        const {items, total} = await api.page('list/', {...query(wish), facts: 1, start: from, limit});
        if (wish === this.wish) {
            this.forget();
            this.#pending.clear();
            items.forEach((item, number) => {
                this.items[from + number] = entryOf(item, wish.path);
            });
            this.total = total;
            this.dispatchEvent(new Event('renewed'));
        }
    }

    need(start, count) {
        const last = Math.min(start + count, this.total) - 1;
        for (let page = Math.floor(start / AT_ONCE); page <= Math.floor(last / AT_ONCE); page += 1) {
            if (!this.#isThere(page)) {
                this.#load(page);
            }
        }
    }

    // All entries, however many: names and paths suffice.
    async everything() {
        const found = this.items.slice();
        const {signal} = this;
        for (let start = 0; start < this.total; start += MOST) {
            const part = Array.from({length: Math.min(MOST, this.total - start)}, (_, number) => found[start + number]);
            if (part.some(item => !item)) {
                const {items} = await api.page('list/', {...query(this.wish), start, limit: MOST}, {signal});
                items.forEach((item, number) => {
                    found[start + number] ??= entryOf(item, this.wish.path);
                });
            }
        }
        return found;
    }

    #isThere(page) {
        const start = page * AT_ONCE;
        const end = Math.min(start + AT_ONCE, this.total);
        for (let index = start; index < end; index += 1) {
            if (!this.items[index]) {
                return false;
            }
        }
        return true;
    }

    #load(page) {
        if (!this.#pending.has(page)) {
            this.#pending.set(page, this.#fetch(page));
        }
        return this.#pending.get(page);
    }

    async #fetch(page) {
        const {wish, signal} = this;
        try {
            const start = page * AT_ONCE;
            const {items, total} = await api.page('list/', {...query(wish), facts: 1, start, limit: AT_ONCE}, {signal});
            if (!signal.aborted) {
                this.put(start, items.map(item => entryOf(item, wish.path)), total);
            }
        } catch (error) {
            this.fail(error);
        } finally {
            if (!signal.aborted) {
                this.#pending.delete(page);
            }
        }
    }
}

// What was found: one part after the other.
export class SearchSource extends Source {
    #next = null;
    #loading = null;
    #wanted = 0;
    asked = {};

    show(asked, first = null) {
        this.forget();
        this.asked = asked;
        this.#next = '';
        this.#loading = null;
        this.#wanted = 0;
        if (first) {
            this.#take(first);
            return Promise.resolve();
        }
        return this.#go();
    }

    need(start, count) {
        this.#wanted = Math.max(this.#wanted, start + count);
        if (this.items.length < this.#wanted && this.#next !== null) {
            this.#go();
        }
    }

    async again() {
        await this.show(this.asked);
        this.dispatchEvent(new Event('renewed'));
    }

    async everything() {
        while (this.#next !== null) {
            await this.#go();
            if (this.failed) {
                throw this.failed;
            }
        }
        return this.items.slice();
    }

    #go() {
        this.#loading ??= this.#fetch();
        return this.#loading;
    }

    async #fetch() {
        const {signal} = this;
        try {
            const counted = this.items.length ? {} : {count: 1};
            const place = this.#next ? {cursor: this.#next} : {};
            const given = {q: this.asked.q, sort: this.asked.sort, limit: AT_ONCE, ...counted, ...place};
            const {items, total, next} = await api.page('search/images/', given, {signal});
            if (!signal.aborted) {
                this.#loading = null;
                this.#take({items, total: total ?? this.total, next});
                this.need(0, 0);
            }
        } catch (error) {
            if (!signal.aborted) {
                this.#loading = null;
                this.#next = null;
            }
            this.fail(error);
        }
    }

    #take({items, total, next}) {
        this.#next = next;
        const start = this.items.length;
        const end = start + items.length;
        this.put(start, items.map(item => entryOf(item, null)), next === null ? end : Math.max(total, end + 1));
    }
}

function query({path, sort, descending, q, type, files = true}) {
    return {
        path,
        folders: 1,
        files: files ? null : 'no',
        sort,
        descending: descending ? 1 : null,
        filter: q || null,
        types: type || null,
    };
}

// An entry as the views want it: `path` with a slash at its start, of files and folders alike.
export function entryOf(item, folder) {
    if (item.is_folder) {
        return {...item, folder: true, name: item.filename};
    }
    const path = item.src === undefined ? below(folder, item.filename) : `/${item.src}`;
    return {...item, size: item.size ?? item.filesize ?? 0, folder: false, name: item.filename, path};
}
