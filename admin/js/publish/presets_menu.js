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
    const list = h('select', {
        id: 'pub-preset',
        on: {
            change: () => {
                const [kind, name] = list.value.split(':');
                const chosen = (kind === 'own' ? ownPresets() : PRESETS).find(
                    one => one.name === decodeURIComponent(name ?? ''),
                );
                if (chosen) take(chosen.values);
            },
        },
    });
    const fill = (selected = '') => {
        const own = ownPresets();
        const option = (kind, name, text) => h('option', {value: `${kind}:${encodeURIComponent(name)}`}, text);
        list.replaceChildren(
            h('option', {value: ''}, t('preset_choose')),
            h(
                'optgroup',
                {label: t('presets_ready')},
                ...PRESETS.map(one => option('ready', one.name, t(`preset_${one.name}`))),
            ),
            ...(own.length
                ? [h('optgroup', {label: t('presets_own')}, ...own.map(one => option('own', one.name, one.name)))]
                : []),
        );
        list.value = selected;
    };
    const more = h('button', {type: 'button', class: 'button icon-only', 'aria-label': t('preset_more')}, icon('more'));
    menuButton(more, [
        {
            label: t('preset_keep'),
            icon: 'plus',
            run: async () => {
                const name = await promptText({
                    title: t('preset_keep'),
                    label: t('preset_name'),
                    check: text => (text.trim() ? null : t('preset_name_missing')),
                });
                if (!name) return;
                keepPreset(name.trim(), present());
                fill(`own:${encodeURIComponent(name.trim())}`);
                toast(t('preset_kept', {name: name.trim()}), {kind: 'good'});
            },
        },
        {
            label: t('preset_drop'),
            icon: 'trash',
            run: () => {
                const [kind, name] = list.value.split(':');
                if (kind !== 'own') {
                    toast(t('preset_drop_which'), {kind: 'info'});
                    return;
                }
                const gone = ownPresets().find(one => one.name === decodeURIComponent(name));
                dropPreset(gone.name);
                fill();
                toast(t('preset_dropped', {name: gone.name}), {
                    kind: 'good',
                    action: {
                        label: t('undo'),
                        run: () => {
                            keepPreset(gone.name, gone.values);
                            fill();
                        },
                    },
                });
            },
        },
    ]);
    fill();
    return h('div', {class: 'pub-presets'}, h('label', {for: 'pub-preset'}, t('preset')), list, more);
}
