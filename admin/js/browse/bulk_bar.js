// The bar with what can be done to the chosen entries.

import {ACCESS} from '../core/access.js';
import {basket} from '../core/basket.js';
import {h, icon, page, url} from '../core/dom.js';
import {parentOf} from '../core/paths.js';
import {pickFolder} from '../core/picker.js';
import {t} from '../core/texts.js';
import {toast} from '../core/toast.js';
import {withIds} from './ids.js';

const PUBLISHED = 100; // images that are published at once

// `level()`: what the one who looks may in the folder of all entries; null where they are of several.
export class BulkBar {
    #entries;
    #deeds;
    #level;
    #bar;
    #count;
    #buttons = [];

    constructor(entries, deeds, {level}) {
        this.#entries = entries;
        this.#deeds = deeds;
        this.#level = level;
        this.#count = h('strong', {class: 'bulk-count', 'aria-live': 'polite'});
        this.#bar = h('div', {class: 'bulk-bar', role: 'region', 'aria-label': t('browse_bulk_label')},
            this.#count,
            h('div', {class: 'bulk-deeds'}, this.#table().map(deed => this.#button(deed))),
            h('button', {type: 'button', class: 'button quiet', on: {click: () => entries.selection.clear()}}, t('browse_clear')));
        this.#bar.hidden = true;
        entries.container.after(this.#bar);
        entries.addEventListener('choose', () => this.#show());
    }

    // What can be done: `needs(items)` is the level that it takes, `files`: only to files.
    #table() {
        const ofBoth = items => (items.some(item => item.folder) ? ACCESS.removeFolder : ACCESS.remove);
        return [
            {key: 'move', icon: 'move', needs: ofBoth, run: items => this.move(items)},
            {key: 'copy', icon: 'copy', needs: () => ACCESS.download, files: true, run: items => this.copy(items)},
            {key: 'metadata', icon: 'edit', needs: () => ACCESS.edit, files: true, run: items => this.#describe(items)},
            {key: 'publish', icon: 'publish', needs: () => ACCESS.download, files: true, run: items => this.publish(items)},
            {key: 'basket_add', icon: 'basket', needs: () => 0, files: true, run: items => this.#collect(items)},
            {key: 'zip', icon: 'zip', needs: () => ACCESS.download, files: true, run: items => this.#zip(items)},
            page.may('admin_all') && {key: 'precache', icon: 'play', needs: () => 0, run: items => this.#deeds.precache(items)},
            {key: 'delete', icon: 'trash', needs: ofBoth, danger: true, run: items => this.remove(items)},
        ].filter(Boolean);
    }

    #button(deed) {
        const label = t(deed.key === 'delete' ? 'delete' : `browse_${deed.key}`);
        const button = h('button', {type: 'button', class: ['button', 'quiet', deed.danger && 'removes'], on: {click: () => this.#run(deed)}},
            icon(deed.icon), h('span', {}, label));
        this.#buttons.push({deed, button});
        return button;
    }

    #show() {
        const items = this.#entries.selection.items();
        this.#bar.hidden = !items.length;
        this.#count.textContent = t('browse_chosen', {n: items.length});
        for (const {deed, button} of this.#buttons) {
            const why = this.#whyNot(deed, items);
            button.setAttribute('aria-disabled', String(Boolean(why)));
            button.title = why;
        }
    }

    #whyNot(deed, items) {
        if (deed.files && items.every(item => item.folder)) {
            return t('browse_why_files');
        }
        const level = this.#level();
        return level !== null && level < deed.needs(items) ? t('browse_why_level', {level: t(`browse_level_${deed.needs(items)}`)}) : '';
    }

    async #run(deed, items = this.#entries.selection.items()) {
        const why = this.#whyNot(deed, items);
        if (why) {
            toast(why, {kind: 'info'});
            return;
        }
        await deed.run(deed.files ? items.filter(item => !item.folder) : items);
    }

    // By its key, for the keyboard.
    async run(key, items) {
        const found = this.#buttons.find(({deed}) => deed.key === key);
        if (found && items.length) {
            await this.#run(found.deed, items);
        }
    }

    async move(items, folder = null) {
        const from = parentOf(items[0].path);
        const to = folder ?? (await pickFolder({path: from, level: ACCESS.upload, title: t('browse_move_title', {n: items.length})}));
        if (to !== null) {
            this.#entries.selection.clear();
            await this.#deeds.move(items, to);
        }
    }

    async copy(items, folder = null) {
        const from = parentOf(items[0].path);
        const to = folder ?? (await pickFolder({path: from, level: ACCESS.upload, title: t('browse_copy_title', {n: items.length})}));
        if (to !== null) {
            this.#entries.selection.clear();
            await this.#deeds.copy(items, to);
        }
    }

    async remove(items) {
        await this.#deeds.remove(items);
        this.#entries.selection.remove(items.map(item => item.path));
    }

    async #describe(items) {
        const {openBulkEdit} = await import('../image/bulk_edit.js');
        const outcome = await openBulkEdit(await withIds(items));
        if (outcome?.changed.length) {
            await this.#entries.renew();
        }
    }

    publish(items) {
        const [first, ...others] = items.slice(0, PUBLISHED);
        const more = others.map(item => item.path).join('\n');
        location.href = url('publish/', {src: first.path, more: more || null});
    }

    #collect(items) {
        const before = basket.items();
        const count = basket.add(items.map(({id, path, title}) => ({id, src: path, title})));
        toast(t('browse_collected', {n: count}), {kind: 'good', action: {label: t('undo'), run: () => basket.set(before)}});
    }

    // As a form, so that the browser saves what comes while it comes.
    #zip(items) {
        const fields = {srcs: JSON.stringify(items.map(item => item.path)), _csrf_token: page.csrf};
        const form = h('form', {method: 'post', action: `${page.root}api/v1/admin/bulk/zip/`, hidden: true},
            Object.entries(fields).map(([name, value]) => h('input', {type: 'hidden', name, value})));
        document.body.append(form);
        form.submit();
        form.remove();
    }
}
