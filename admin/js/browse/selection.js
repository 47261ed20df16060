// Which entries are chosen: by their paths, so that they stay chosen whatever is loaded or sorted anew.

export class Selection extends EventTarget {
    #chosen = new Map();
    #anchor = null;

    get size() {
        return this.#chosen.size;
    }

    has(item) {
        return this.#chosen.has(item.path);
    }

    // In the order in which they were chosen.
    items() {
        return [...this.#chosen.values()];
    }

    // Where a range begins.
    get anchor() {
        return this.#anchor;
    }

    // Nothing but `items`.
    set(items, anchor = null) {
        this.#chosen = new Map(items.filter(Boolean).map(item => [item.path, item]));
        this.#anchor = anchor ?? this.#anchor;
        this.#tell();
    }

    add(items) {
        for (const item of items.filter(Boolean)) {
            this.#chosen.set(item.path, item);
        }
        this.#tell();
    }

    toggle(item, index, chosen = !this.has(item)) {
        if (chosen) {
            this.#chosen.set(item.path, item);
        } else {
            this.#chosen.delete(item.path);
        }
        this.#anchor = index;
        this.#tell();
    }

    // From the anchor to `index`; `more` leaves chosen what is chosen elsewhere.
    range(source, index, more) {
        const from = this.#anchor ?? 0;
        const items = [];
        for (let at = Math.min(from, index); at <= Math.max(from, index); at += 1) {
            items.push(source.item(at));
        }
        if (more) {
            this.add(items);
        } else {
            this.set(items);
        }
    }

    remove(paths) {
        for (const path of paths) {
            this.#chosen.delete(path);
        }
        this.#tell();
    }

    clear() {
        this.#chosen.clear();
        this.#anchor = null;
        this.#tell();
    }

    #tell() {
        this.dispatchEvent(new Event('changed'));
    }
}
