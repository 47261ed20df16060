// The bar of changes that wait: what they would open to everybody or close, discard, apply, undo.

import {ApiError, api} from '../core/api.js';
import {confirmDeed} from '../core/dialog.js';
import {h, icon} from '../core/dom.js';
import {t} from '../core/texts.js';
import {toast} from '../core/toast.js';
import {PUBLIC} from './levels.js';

export class PendingBar {
    // `applied()`: called when something has changed on the server; `discarded()`: when nothing waits any more.
    constructor(container, settings, {applied, discarded}) {
        this.container = container;
        this.settings = settings;
        this.applied = applied;
        this.discarded = discarded;
        this.asked = 0;
        this.publicity = {opened: 0, closed: 0};
        window.addEventListener('beforeunload', event => {
            if (settings.pending.size) {
                event.preventDefault();
            }
        });
    }

    // Shows what waits now.
    async update() {
        const changes = this.settings.changes();
        this.publicity = {opened: 0, closed: 0};
        this.draw(changes);
        if (changes.some(change => change.group_id === PUBLIC)) {
            const number = ++this.asked;
            const found = await post('preview/', changes);
            if (number === this.asked && found) {
                this.publicity = found;
                this.draw(changes);
            }
        }
    }

    draw(changes) {
        const n = changes.length;
        const {opened, closed} = this.publicity;
        this.container.hidden = n === 0;
        this.container.replaceChildren(
            h('p', {role: 'status', class: 'grow'}, t('changes_n', {n}), ' ',
                opened > 0 && h('strong', {class: 'opens'}, icon('alert'), t('opens', {n: opened})), ' ',
                closed > 0 && h('strong', {class: 'closes'}, icon('alert'), t('closes', {n: closed}))),
            h('button', {type: 'button', class: 'button', on: {click: () => this.discard()}}, t('discard')),
            h('button', {type: 'button', class: 'button primary', on: {click: () => this.apply(changes)}}, t('apply_n', {n})));
    }

    discard() {
        this.settings.pending.clear();
        this.update();
        this.discarded();
    }

    async apply(changes) {
        const publicity = changes.some(change => change.group_id === PUBLIC) ? await post('preview/', changes) : this.publicity;
        if (!publicity || !await this.sure(publicity)) {
            return;
        }
        const made = await post('changes/', changes);
        if (made) {
            this.settings.pending.clear();
            await this.applied();
            this.update();
            toast(t('applied_n', {n: made.before.length}), {
                action: {label: t('undo'), run: () => this.undo(made.before)},
            });
        }
    }

    async undo(before) {
        if (await post('changes/', before)) {
            await this.applied();
            toast(t('undone'));
        }
    }

    async sure({opened, closed}) {
        if (!opened && !closed) {
            return true;
        }
        const words = [opened && t('opens', {n: opened}), closed && t('closes', {n: closed})].filter(Boolean).join(' ');
        return confirmDeed({
            title: t('sure_title'),
            text: words,
            deed: t('apply_n', {n: this.settings.pending.size}),
            count: opened,
        });
    }
}

async function post(path, changes) {
    try {
        return await api.post(`admin/permissions/${path}`, {changes: JSON.stringify(changes)});
    } catch (error) {
        if (!(error instanceof ApiError)) {
            throw error;
        }
        toast(error.message, {kind: 'bad'});
        return null;
    }
}
