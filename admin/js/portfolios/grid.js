// The images of a portfolio: in their order, which is changed by dragging, by keys and by "move to …"; each with a name
// for zips and options of its own.

import {THUMB, api, imageUrl} from '../core/api.js';
import {basket} from '../core/basket.js';
import {promptText} from '../core/dialog.js';
import {$, h, icon, url} from '../core/dom.js';
import {menuButton} from '../core/menu.js';
import {t} from '../core/texts.js';
import {toast} from '../core/toast.js';
import {chooseImages} from './chooser.js';
import {addImages, told} from './fill.js';
import {editEntry, summaryOf} from './entry.js';

export class Grid {
    #address;
    #entries;
    #hidden;
    #changed;
    #list = $('#images');
    #dragged = null;

    // `changed()`: called after each change; gives the portfolio as it is then.
    constructor(id, portfolio, {changed}) {
        this.id = id;
        this.#address = `portfolios/${id}/images/`;
        this.#changed = changed;
        this.#take(portfolio);
        $('#image-tools').append(
            h('button', {type: 'button', class: 'button primary', id: 'add-images', on: {click: () => this.#choose()}}, icon('plus'), t('add_images')),
            h('button', {type: 'button', class: 'button', id: 'add-basket', on: {click: () => this.#fromBasket()}}, icon('basket'), h('span', {})),
        );
        basket.on(items => {
            const button = $('#add-basket');
            button.disabled = !items.length;
            button.lastChild.textContent = t('add_basket', {n: items.length});
        });
        this.#listenToDrags();
        this.#list.addEventListener('keydown', event => this.#steer(event));
        this.#draw();
    }

    get count() {
        return this.#entries.length + this.#hidden;
    }

    #take(portfolio) {
        this.#entries = portfolio.images;
        this.#hidden = portfolio.images_hidden;
    }

    #draw() {
        this.#list.removeAttribute('aria-busy');
        this.#list.replaceChildren(...this.#entries.map((entry, index) => this.#tile(entry, index)));
        if (!this.#entries.length) {
            this.#list.append(h('li', {class: 'empty'}, icon('portfolio'), h('p', {}, t('no_images')), h('p', {class: 'muted'}, t('no_images_how'))));
        }
        this.#tell();
    }

    #tell() {
        const counted = this.#entries.length ? t('images_n', {n: this.#entries.length}) : '';
        $('#image-count').textContent = [counted, this.#hidden ? t('hidden', {n: this.#hidden}) : '', this.#entries.length > 1 ? t('order_how') : '']
            .filter(Boolean)
            .join(' · ');
    }

    #tile(entry, index) {
        const name = entry.filename || entry.image.filename;
        const more = menuButton(
            h('button', {type: 'button', class: 'button quiet icon-only', 'aria-label': t('more_of', {name}), title: t('more')}, icon('more')),
            () => this.#menu(entry),
        );
        const handle = h(
            'button',
            {type: 'button', class: 'folio-handle', dataset: {handle: entry.image_id}, 'aria-label': t('position_of', {name, n: index + 1, total: this.#entries.length}), 'aria-keyshortcuts': 'Alt+ArrowLeft Alt+ArrowRight'},
            h('span', {class: 'folio-number'}, String(index + 1)),
            icon('drag'),
        );
        return h(
            'li',
            {class: 'folio-tile', draggable: 'true', dataset: {id: entry.image_id}},
            entry.image.status
                ? h('img', {src: thumbnail(entry), alt: '', width: 200, height: 200, loading: 'lazy', draggable: 'false'})
                : h('p', {class: 'folio-gone'}, icon('trash'), t('image_gone')),
            h('div', {class: 'folio-tile-text'}, h('a', {href: url('details/', {src: `/${entry.image.src}`}), draggable: 'false'}, name), h('span', {class: 'muted'}, summaryOf(entry.parameters))),
            h('div', {class: 'folio-tile-tools'}, handle, more),
        );
    }

    #menu(entry) {
        const place = this.#entries.indexOf(entry);
        const last = this.#entries.length - 1;
        return [
            {label: t('settings'), icon: 'settings', run: () => this.#edit(entry)},
            {label: t('move_first'), icon: 'up', run: () => this.#move(entry, 0), disabled: place === 0},
            {label: t('move_earlier'), icon: 'left', run: () => this.#move(entry, place - 1), disabled: place === 0},
            {label: t('move_later'), icon: 'right', run: () => this.#move(entry, place + 1), disabled: place === last},
            {label: t('move_last'), icon: 'down', run: () => this.#move(entry, last), disabled: place === last},
            {label: t('move_to'), icon: 'move', run: () => this.#moveTo(entry), disabled: last === 0},
            {label: t('publish_one'), icon: 'publish', href: url('publish/', {src: `/${entry.image.src}`})},
            {label: t('remove'), icon: 'close', run: () => this.#remove(entry)},
        ];
    }

    // Order

    #listenToDrags() {
        const list = this.#list;
        list.addEventListener('dragstart', event => {
            this.#dragged = event.target.closest?.('.folio-tile');
            this.#dragged?.classList.add('dragged');
            event.dataTransfer.effectAllowed = 'move';
            event.dataTransfer.setData('text/plain', this.#dragged?.dataset.id ?? '');
        });
        list.addEventListener('dragover', event => {
            const over = event.target.closest?.('.folio-tile');
            if (!this.#dragged) {
                return;
            }
            event.preventDefault();
            this.#mark(over, over && isAfter(over, event) ? 'after' : 'before');
        });
        list.addEventListener('drop', event => {
            const over = event.target.closest?.('.folio-tile');
            if (this.#dragged && over && over !== this.#dragged) {
                event.preventDefault();
                const entry = this.#entryOf(this.#dragged);
                const others = this.#entries.filter(one => one !== entry);
                const place = others.indexOf(this.#entryOf(over)) + (isAfter(over, event) ? 1 : 0);
                this.#move(entry, place);
            }
        });
        list.addEventListener('dragend', () => {
            this.#dragged?.classList.remove('dragged');
            this.#dragged = null;
            this.#mark(null);
        });
    }

    #mark(tile, side) {
        for (const one of this.#list.querySelectorAll('[data-drop]')) {
            delete one.dataset.drop;
        }
        if (tile && tile !== this.#dragged) {
            tile.dataset.drop = side;
        }
    }

    #entryOf(tile) {
        return this.#entries.find(entry => entry.image_id === Number(tile.dataset.id));
    }

    // Alt with arrows, Home and End moves; without it they lead from image to image.
    #steer(event) {
        const tile = event.target.closest('.folio-tile');
        const entry = tile && this.#entryOf(tile);
        const place = this.#entries.indexOf(entry);
        const last = this.#entries.length - 1;
        const to = {ArrowLeft: place - 1, ArrowRight: place + 1, Home: 0, End: last}[event.key];
        if (!entry || to === undefined || !event.target.closest('.folio-handle')) {
            return;
        }
        event.preventDefault();
        if (event.altKey) {
            this.#move(entry, to);
        } else if (this.#entries[to]) {
            this.#focus(this.#entries[to]);
        }
    }

    async #moveTo(entry) {
        const total = this.#entries.length;
        const text = await promptText({
            title: t('move_to_title'),
            label: t('move_to_label', {total: String(total)}),
            value: String(this.#entries.indexOf(entry) + 1),
            check: value => (/^\d+$/.test(value.trim()) && Number(value) >= 1 ? '' : t('move_to_fault')),
        });
        if (text !== null) {
            await this.#move(entry, Math.min(Number(text), total) - 1);
        }
    }

    // To another place: at once here, then at the server. With hidden images between, the server alone knows.
    async #move(entry, index, {undo = true} = {}) {
        const before = this.#entries.indexOf(entry);
        const place = Math.max(0, Math.min(index, this.#entries.length - 1));
        if (place === before) {
            return;
        }
        this.#entries.splice(before, 1);
        this.#entries.splice(place, 0, entry);
        this.#draw();
        this.#focus(entry);
        try {
            await api.put(`${this.#address}${entry.image_id}/position/`, {index: place});
        } catch (error) {
            toast(error.message, {kind: 'bad'});
            await this.reload();
            return;
        }
        if (undo) {
            const back = {label: t('undo'), run: () => this.#move(entry, before, {undo: false})};
            toast(t('moved', {n: place + 1}), {kind: 'good', action: back});
        }
        await this.#changed();
    }

    #focus(entry) {
        this.#list.querySelector(`[data-handle="${entry.image_id}"]`)?.focus();
    }

    // Contents

    async #edit(entry) {
        const changed = await editEntry(this.id, entry);
        if (changed) {
            this.#entries[this.#entries.indexOf(entry)] = changed;
            this.#draw();
            this.#focus(changed);
            await this.#changed();
        }
    }

    async #remove(entry) {
        const place = this.#entries.indexOf(entry);
        await api.delete(`${this.#address}${entry.image_id}/`);
        await this.reload();
        const next = this.#entries[Math.min(place, this.#entries.length - 1)];
        if (next) {
            this.#focus(next);
        }
        const back = {label: t('undo'), run: () => this.#putBack(entry, place)};
        toast(t('removed', {name: entry.image.filename}), {kind: 'good', action: back});
    }

    async #putBack(entry, place) {
        await api.post(this.#address, {
            image_id: entry.image_id,
            filename: entry.filename,
            image_parameters: entry.parameters,
            index: entry.order_num,
        });
        await api.put(`${this.#address}${entry.image_id}/position/`, {index: place});
        await this.reload();
    }

    async #choose() {
        const chosen = await chooseImages();
        if (chosen?.length) {
            await this.#add(chosen);
        }
    }

    async #fromBasket() {
        const sum = await this.#add(basket.items());
        if (!sum.faults.length) {
            basket.clear();
        }
    }

    async #add(images) {
        const sum = await addImages(this.id, images);
        await this.reload();
        toast(told(sum), {kind: sum.faults.length ? 'bad' : 'good'});
        return sum;
    }

    async reload() {
        this.#take(await this.#changed());
        this.#draw();
    }
}

function isAfter(tile, event) {
    const box = tile.getBoundingClientRect();
    return event.clientX > box.left + box.width / 2;
}

// With the options of its own that are seen in a small picture.
function thumbnail(entry) {
    const query = Object.fromEntries(new URLSearchParams(entry.url.split('?')[1] ?? ''));
    for (const name of ['src', 'attach', 'width', 'height', 'dpi', 'quality', 'format', 'colorspace']) {
        delete query[name];
    }
    return imageUrl(entry.image.src, {...query, ...THUMB});
}
