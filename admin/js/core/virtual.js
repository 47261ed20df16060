// Long lists and grids of which only what can be seen is in the page.

import {h} from './dom.js';

const BEYOND = 4; // rows above and below what can be seen

// A list of `count` entries in rows of `rowHeight` pixels, `columns` in each (a number, or a function of the width).
// `render(index)` gives the element of an entry; `load(start, count)` is told which entries are wanted, in blocks of
// `block`, once each until `refresh` is called, and may return a promise after which they are drawn again.
export class VirtualList {
    constructor({container, count = 0, rowHeight, columns = 1, render, load = null, block = 200, role = null}) {
        Object.assign(this, {container, rowHeight, render, load, block});
        this.columnsOf = typeof columns === 'function' ? columns : () => columns;
        this.count = count;
        this.shown = new Map();
        this.asked = new Set();
        this.space = h('div', {class: 'virtual', role});
        container.append(this.space);
        this.scroller = scrollerOf(container);
        this.onScroll = () => this.later();
        this.scroller.addEventListener('scroll', this.onScroll, {passive: true});
        this.observer = new ResizeObserver(() => this.later());
        this.observer.observe(container);
        this.draw();
    }

    // Something has changed: how many there are, their sizes, or (by default) what they show.
    refresh({count = this.count, rowHeight = this.rowHeight, columns, keep = false} = {}) {
        this.count = count;
        this.rowHeight = rowHeight;
        if (columns !== undefined) {
            this.columnsOf = typeof columns === 'function' ? columns : () => columns;
        }
        if (!keep) {
            this.asked.clear();
        }
        this.clear();
        this.draw();
    }

    // Draw one entry again.
    update(index) {
        const old = this.shown.get(index);
        if (old) {
            const element = this.place(index, this.render(index));
            old.replaceWith(element);
            this.shown.set(index, element);
        }
    }

    // Bring an entry into view, and give its element.
    reveal(index) {
        const top = Math.floor(index / this.columns) * this.rowHeight + this.offset();
        const start = this.scrollTop();
        const height = this.height();
        if (top < start || top + this.rowHeight > start + height) {
            const to = top < start ? top : top + this.rowHeight - height;
            this.scroller === document ? window.scrollTo(0, to) : (this.scroller.scrollTop = to);
            this.draw();
        }
        return this.shown.get(index) ?? null;
    }

    element(index) {
        return this.shown.get(index) ?? null;
    }

    destroy() {
        this.scroller.removeEventListener('scroll', this.onScroll);
        this.observer.disconnect();
        this.space.remove();
    }

    later() {
        this.pending ??= requestAnimationFrame(() => {
            this.pending = null;
            this.draw();
        });
    }

    draw() {
        const columns = Math.max(1, this.columnsOf(this.container.clientWidth));
        if (columns !== this.columns || this.drawnHeight !== this.rowHeight) {
            this.clear();
            this.columns = columns;
            this.drawnHeight = this.rowHeight;
        }
        const rows = Math.ceil(this.count / columns);
        this.space.style.height = `${rows * this.rowHeight}px`;
        const top = this.scrollTop() - this.offset();
        const firstRow = Math.max(0, Math.floor(top / this.rowHeight) - BEYOND);
        const lastRow = Math.min(rows, Math.ceil((top + this.height()) / this.rowHeight) + BEYOND);
        const first = firstRow * columns;
        const last = Math.min(this.count, lastRow * columns);
        for (const [index, element] of this.shown) {
            // What has the focus stays, or the keyboard would be lost.
            if ((index < first || index >= last) && !element.contains(document.activeElement)) {
                element.remove();
                this.shown.delete(index);
            }
        }
        for (let index = first; index < last; index += 1) {
            if (!this.shown.has(index)) {
                const element = this.place(index, this.render(index));
                this.insert(index, element);
                this.shown.set(index, element);
            }
        }
        this.ask(first, last);
    }

    // In the order of the entries, so that the keyboard and screen readers meet them so.
    insert(index, element) {
        let next = null;
        let nearest = Infinity;
        for (const [other, one] of this.shown) {
            if (other > index && other < nearest) {
                nearest = other;
                next = one;
            }
        }
        this.space.insertBefore(element, next);
    }

    place(index, element) {
        const column = index % this.columns;
        element.style.position = 'absolute';
        element.style.top = `${Math.floor(index / this.columns) * this.rowHeight}px`;
        element.style.insetInlineStart = `${(column * 100) / this.columns}%`;
        element.style.width = `${100 / this.columns}%`;
        element.style.height = `${this.rowHeight}px`;
        return element;
    }

    async ask(first, last) {
        if (!this.load || last <= first) {
            return;
        }
        for (let block = Math.floor(first / this.block); block <= Math.floor((last - 1) / this.block); block += 1) {
            if (this.asked.has(block)) {
                continue;
            }
            this.asked.add(block);
            const start = block * this.block;
            try {
                await this.load(start, Math.min(this.block, this.count - start));
            } catch (error) {
                this.asked.delete(block);
                if (error.name !== 'AbortError') {
                    throw error;
                }
                return;
            }
            for (const index of [...this.shown.keys()]) {
                if (index >= start && index < start + this.block) {
                    this.update(index);
                }
            }
        }
    }

    clear() {
        for (const element of this.shown.values()) {
            element.remove();
        }
        this.shown.clear();
    }

    scrollTop() {
        return this.scroller === document ? window.scrollY : this.scroller.scrollTop;
    }

    height() {
        return this.scroller === document ? window.innerHeight : this.scroller.clientHeight;
    }

    // How far below the top of what scrolls the list begins.
    offset() {
        const top = this.space.getBoundingClientRect().top;
        return this.scroller === document
            ? top + window.scrollY
            : top - this.scroller.getBoundingClientRect().top + this.scroller.scrollTop;
    }
}

function scrollerOf(element) {
    for (let one = element; one && one !== document.body; one = one.parentElement) {
        if (/(auto|scroll)/.test(getComputedStyle(one).overflowY)) {
            return one;
        }
    }
    return document;
}
