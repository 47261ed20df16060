// Presets: ready ones, and one's own.

import {h, icon} from '../core/dom.js';
import {menuButton} from '../core/menu.js';
import {promptText} from '../core/dialog.js';
import {toast} from '../core/toast.js';
import {t} from '../core/texts.js';
import {PRESETS, dropPreset, keepPreset, ownPresets} from './presets.js';

// `take`: puts the values of one in force
// `present`: the values that are in force
export function presetsMenu({take, present}) {
    const menu = new PresetsMenu({take, present});
    menu.load();
    return menu.element;
}

class PresetsMenu {
    #own = [];

    constructor({take, present}) {
        this.take = take;
        this.present = present;
        this.list = h('select', {id: 'pub-preset', on: {change: () => this.#chosen && take(this.#chosen.values)}});
        const more = h('button', {type: 'button', class: 'button icon-only', 'aria-label': t('preset_more')}, icon('more'));
        menuButton(more, [
            {label: t('preset_keep'), icon: 'plus', run: () => this.#keep()},
            {label: t('preset_drop'), icon: 'trash', run: () => this.#drop()},
        ]);
        this.element = h('div', {class: 'pub-presets'}, h('label', {for: 'pub-preset'}, t('preset')), this.list, more);
        this.#show([]);
    }

    async load() {
        this.#show(await ownPresets(), this.list.value);
    }

    get #chosen() {
        return this.#ownChosen ?? PRESETS.find(one => this.list.value === valueOf('ready', one));
    }

    get #ownChosen() {
        return this.#own.find(one => this.list.value === valueOf('own', one));
    }

    #show(own, selected = '') {
        this.#own = own;
        const options = (kind, presets, text) => presets.map(one => h('option', {value: valueOf(kind, one)}, text(one)));
        this.list.replaceChildren(
            h('option', {value: ''}, t('preset_choose')),
            h('optgroup', {label: t('presets_ready')}, options('ready', PRESETS, one => t(`preset_${one.name}`))),
            ...(own.length ? [h('optgroup', {label: t('presets_own')}, options('own', own, one => one.name))] : []),
        );
        this.list.value = selected;
    }

    async #keep() {
        const typed = await promptText({
            title: t('preset_keep'),
            label: t('preset_name'),
            check: text => (text.trim() ? null : t('preset_name_missing')),
        });
        if (!typed) return;
        const name = typed.trim();
        this.#show(await keepPreset(name, this.present()), valueOf('own', {name}));
        toast(t('preset_kept', {name}), {kind: 'good'});
    }

    async #drop() {
        const gone = this.#ownChosen;
        if (!gone) {
            toast(t('preset_drop_which'), {kind: 'info'});
            return;
        }
        this.#show(await dropPreset(gone.name));
        const back = async () => this.#show(await keepPreset(gone.name, gone.values));
        toast(t('preset_dropped', {name: gone.name}), {kind: 'good', action: {label: t('undo'), run: back}});
    }
}

function valueOf(kind, preset) {
    return `${kind}:${preset.name}`;
}
