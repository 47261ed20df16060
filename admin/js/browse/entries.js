// The entries of a folder or of a search, as a grid or a list: seen, chosen, steered by keys, dragged.

import {ACCESS} from '../core/access.js';
import {$, h} from '../core/dom.js';
import {VirtualList} from '../core/virtual.js';
import {card, ghost, linkOf, row} from './cells.js';
import {asTarget, beginDrag, endDrag} from './dragging.js';
import {Hover} from './hover.js';
import {Lasso} from './lasso.js';
import {Selection} from './selection.js';

const ROW = 48;
const ROW_NARROW = 60;
const NARROW = 640;
const BELOW = 64; // what a card has below its picture
const WHERE = 22; // and the line that names the folder
const LONG_PRESS = 500;

// Fires `choose` when the selection has changed, `open` with {detail: item} when an entry is to be opened here, and
// `drop` with {items, folder, copy}.
export class Entries extends EventTarget {
    selection = new Selection();
    view = 'list';
    size = 180;
    current = 0;
    #source;
    #list;
    #wanted = [];
    #due = false; // the entry that is to get the focus isn't here yet
    #where;
    #hover;

    constructor(container, source, {where = false} = {}) {
        super();
        this.container = container;
        this.#source = source;
        this.#where = where;
        this.#hover = new Hover();
        this.#list = new VirtualList({
            container,
            count: 0,
            rowHeight: ROW,
            columns: width => this.#columns(width),
            render: index => this.#cell(index),
            role: 'list',
        });
        source.addEventListener('changed', () => this.#changed());
        source.addEventListener('renewed', () => this.#renewed());
        this.selection.addEventListener('changed', () => this.#chosen());
        this.#listen();
    }

    get source() {
        return this.#source;
    }

    // The entries that something is done to: those that are chosen, else the one that the keyboard is at.
    get meant() {
        if (this.selection.size) {
            return this.selection.items();
        }
        const item = this.container.contains(document.activeElement) && this.#source.item(this.current);
        return item ? [item] : [];
    }

    show(view, size = this.size) {
        this.view = view;
        this.size = size;
        this.container.dataset.view = view;
        this.layout();
    }

    // After the room for it has changed.
    layout() {
        this.#redraw({rowHeight: this.#rowHeight(), keep: true});
    }

    // Something else is shown now: begin at its top.
    restart() {
        this.current = 0;
        this.selection.clear();
        this.#list.refresh({count: this.#source.total});
    }

    reveal(index, {focus = false} = {}) {
        this.current = index;
        this.#list.reveal(index);
        this.#mark();
        if (focus) {
            this.#focus();
        }
    }

    // Fetch all anew.
    renew() {
        const rows = Math.ceil(window.innerHeight / this.#rowHeight()) + 1;
        return this.#source.again(this.first, rows * this.#list.columns);
    }

    // The first entry that can be seen.
    get first() {
        const top = Math.max(0, window.scrollY - this.#top());
        return Math.floor(top / this.#rowHeight()) * this.#list.columns;
    }

    focus() {
        this.#focus();
    }

    element(index) {
        return this.#list.element(index);
    }

    // Chooses the entry that the keyboard is at, or leaves it.
    toggle() {
        const item = this.#source.item(this.current);
        if (item) {
            this.selection.toggle(item, this.current);
        }
    }

    async chooseAll() {
        this.selection.set(await this.#source.everything());
    }

    // Layout

    #columns(width) {
        return this.view === 'grid' ? Math.max(2, Math.floor(width / this.size)) : 1;
    }

    #rowHeight() {
        const width = this.container.clientWidth;
        if (this.view === 'grid') {
            const cell = width / this.#columns(width);
            return Math.round(Math.min(cell, this.size * 1.25) + BELOW + (this.#where ? WHERE : 0));
        }
        return width < NARROW ? ROW_NARROW : ROW;
    }

    #top() {
        return this.container.getBoundingClientRect().top + window.scrollY;
    }

    // Cells

    #cell(index) {
        const item = this.#source.item(index);
        // By what the list goes by already: to ask for the width here would lay out the page for each cell.
        const options = {pixels: Math.round(this.#list.rowHeight - BELOW), where: this.#where};
        let inner;
        if (!item) {
            this.#want(index);
            inner = ghost(this.view);
        } else {
            inner = this.view === 'grid' ? card(item, options) : row(item, options);
        }
        const cell = h(
            'div',
            {
                class: ['entry', item?.folder && 'folder', index === this.current && 'current'],
                role: 'listitem',
                'aria-setsize': this.#source.total,
                'aria-posinset': index + 1,
                'aria-busy': item ? null : 'true',
                dataset: {index},
            },
            inner,
        );
        if (item) {
            this.#dress(cell, item, index);
        }
        return cell;
    }

    // Have an entry fetched, together with all others that are drawn at this moment.
    #want(index) {
        if (this.#wanted.push(index) === 1) {
            queueMicrotask(() => {
                const first = Math.min(...this.#wanted);
                this.#source.need(first, Math.max(...this.#wanted) + 1 - first);
                this.#wanted = [];
            });
        }
    }

    #dress(cell, item, index) {
        const chosen = this.selection.has(item);
        cell.classList.toggle('chosen', chosen);
        const box = $('input', cell);
        box.checked = chosen;
        if (index === this.current) {
            this.#inTurn(cell, true);
        }
        if (item.folder) {
            asTarget(cell, () => (item.level >= ACCESS.view ? item.path : null), (items, folder, copy) =>
                this.#tell('drop', {items, folder, copy}),
            );
        }
    }

    #inTurn(cell, on) {
        cell.classList.toggle('current', on);
        for (const one of [$('.entry-name', cell), $('input', cell)]) {
            if (one) {
                one.tabIndex = on ? 0 : -1;
            }
        }
    }

    #mark() {
        for (const cell of this.container.querySelectorAll('.entry')) {
            this.#inTurn(cell, Number(cell.dataset.index) === this.current);
        }
    }

    #focus() {
        const cell = this.#list.reveal(this.current);
        const target = cell && ($('a.entry-name', cell) ?? $('input', cell));
        this.#due = !target;
        if (target) {
            this.#mark();
            target.focus({preventScroll: true});
        }
    }

    // What has changed

    #changed() {
        if (this.#list.count !== this.#source.total) {
            this.current = Math.min(this.current, Math.max(0, this.#source.total - 1));
            this.#redraw({count: this.#source.total, keep: true});
        } else {
            for (const cell of this.container.querySelectorAll('.entry[aria-busy]')) {
                this.#list.update(Number(cell.dataset.index));
            }
            if (this.#due && this.#source.item(this.current)) {
                this.#focus();
            }
        }
    }

    #renewed() {
        this.current = Math.min(this.current, Math.max(0, this.#source.total - 1));
        this.#redraw({count: this.#source.total});
    }

    // Draws all anew, and leaves the focus where it was.
    #redraw(changes) {
        const focused = this.container.contains(document.activeElement);
        this.#list.refresh(changes);
        if (focused) {
            this.#focus();
        }
    }

    #chosen() {
        for (const cell of this.container.querySelectorAll('.entry')) {
            const item = this.#source.item(Number(cell.dataset.index));
            if (item) {
                const chosen = this.selection.has(item);
                cell.classList.toggle('chosen', chosen);
                $('input', cell).checked = chosen;
            }
        }
        this.container.classList.toggle('choosing', this.selection.size > 0);
        this.#tell('choose');
    }

    #tell(name, detail = null) {
        this.dispatchEvent(new CustomEvent(name, {detail}));
    }

    // Events

    #listen() {
        const on = (name, listener) => this.container.addEventListener(name, listener);
        on('click', event => this.#click(event));
        on('dblclick', event => this.#doubleClick(event));
        on('keydown', event => this.#key(event));
        on('focusin', event => this.#focused(event));
        on('dragstart', event => this.#dragStart(event));
        on('dragend', endDrag);
        on('pointerdown', event => this.#press(event));
        on('mouseover', event => this.#over(event));
        on('mouseout', () => this.#hover.hide());
        let width = this.container.clientWidth;
        new ResizeObserver(() => {
            if (this.container.clientWidth !== width) {
                width = this.container.clientWidth;
                this.layout();
            }
        }).observe(this.container);
        new Lasso(this.container, {
            cells: box => this.#within(box),
            choose: (items, more) => (more ? this.selection.add(items) : this.selection.set(items)),
            clear: () => this.selection.clear(),
        });
    }

    #at(event) {
        const cell = event.target.closest?.('.entry');
        const index = cell ? Number(cell.dataset.index) : -1;
        return {cell, index, item: index < 0 ? null : this.#source.item(index)};
    }

    #click(event) {
        const {item, index} = this.#at(event);
        if (!item || event.defaultPrevented) {
            return;
        }
        if (event.target.matches('input')) {
            if (event.shiftKey) {
                this.selection.range(this.#source, index, true);
            } else {
                this.selection.toggle(item, index, event.target.checked);
            }
        } else if (event.target.closest('.entry-check, .entry-where')) {
            return;
        } else if (event.shiftKey) {
            event.preventDefault();
            this.selection.range(this.#source, index, event.ctrlKey || event.metaKey);
        } else if (event.ctrlKey || event.metaKey) {
            event.preventDefault();
            this.selection.toggle(item, index);
        } else if (event.target.closest('a.entry-name')) {
            this.#follow(event, item);
            return;
        } else if (this.touched && !this.selection.size) {
            this.#open(item);
            return;
        } else if (this.touched) {
            this.selection.toggle(item, index);
        } else {
            this.selection.set([item], index);
        }
        this.current = index;
        this.#mark();
        if (!event.target.matches('input')) {
            this.#focus();
        }
    }

    #follow(event, item) {
        if (item.folder) {
            event.preventDefault();
            this.#tell('open', item);
        }
    }

    #open(item) {
        if (item.folder) {
            this.#tell('open', item);
        } else if (linkOf(item)) {
            location.href = linkOf(item);
        }
    }

    #doubleClick(event) {
        const {item} = this.#at(event);
        if (item && !event.target.closest('.entry-check, a')) {
            this.#open(item);
        }
    }

    // A long press of a finger chooses, as nothing hovers there.
    #press(event) {
        this.touched = event.pointerType === 'touch';
        const {item, index} = this.#at(event);
        if (!this.touched || !item) {
            return;
        }
        const timer = setTimeout(() => {
            this.selection.toggle(item, index, true);
            window.addEventListener('click', one => one.preventDefault(), {capture: true, once: true});
        }, LONG_PRESS);
        for (const name of ['pointerup', 'pointercancel', 'pointermove']) {
            window.addEventListener(name, () => clearTimeout(timer), {once: true});
        }
    }

    #focused(event) {
        const {index} = this.#at(event);
        if (index >= 0 && index !== this.current) {
            this.current = index;
            this.#mark();
        }
    }

    #over(event) {
        const {item} = this.#at(event);
        if (!this.touched && this.view === 'list' && item?.supported && event.target.closest('.entry-name, .entry-thumb')) {
            this.#hover.wait(item, event.target);
        }
    }

    #dragStart(event) {
        const {item, index, cell} = this.#at(event);
        if (!item) {
            return;
        }
        if (!this.selection.has(item)) {
            this.selection.set([item], index);
        }
        beginDrag(event, this.selection.items(), $('.entry-thumb', cell));
    }

    #within({left, top, right, bottom}) {
        const {columns} = this.#list;
        const width = this.container.clientWidth / columns;
        const height = this.#rowHeight();
        const found = [];
        const rows = Math.ceil(this.#source.total / columns);
        for (let one = Math.max(0, Math.floor(top / height)); one <= Math.min(rows - 1, Math.floor(bottom / height)); one += 1) {
            for (let at = Math.max(0, Math.floor(left / width)); at <= Math.min(columns - 1, Math.floor(right / width)); at += 1) {
                found.push(this.#source.item(one * columns + at));
            }
        }
        return found;
    }

    // Keys that steer; what else they do is a matter of the page.
    #key(event) {
        const {total} = this.#source;
        const {columns} = this.#list;
        const page = Math.max(1, Math.floor(window.innerHeight / this.#rowHeight()) - 1) * columns;
        const sign = document.dir === 'rtl' ? -1 : 1;
        const to = {
            ArrowRight: columns > 1 ? this.current + sign : null,
            ArrowLeft: columns > 1 ? this.current - sign : null,
            ArrowDown: this.current + columns,
            ArrowUp: this.current - columns,
            Home: 0,
            End: total - 1,
            PageDown: this.current + page,
            PageUp: this.current - page,
        }[event.key];
        const item = this.#source.item(this.current);
        if (to !== undefined && to !== null && total) {
            event.preventDefault();
            this.#go(Math.min(Math.max(to, 0), total - 1), event);
        } else if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'a') {
            event.preventDefault();
            this.chooseAll();
        } else if (event.key === ' ' && item && (event.ctrlKey || event.metaKey)) {
            event.preventDefault();
            this.selection.toggle(item, this.current);
        } else if (event.key === ' ' && item && !event.target.matches('input')) {
            event.preventDefault();
            this.#tell('preview', item);
        } else if (event.key === 'Enter' && item && !event.target.matches('a')) {
            event.preventDefault();
            this.#open(item);
        }
    }

    #go(index, event) {
        const anchor = this.selection.anchor ?? this.current;
        this.current = index;
        this.#focus();
        if (event.shiftKey) {
            this.selection.set([], anchor);
            this.selection.range(this.#source, index, false);
        }
    }
}
