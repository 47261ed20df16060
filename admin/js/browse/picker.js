// Dialogs in which a folder or images are chosen.

import {ACCESS} from '../core/access.js';
import {openDialog} from '../core/dialog.js';
import {h} from '../core/dom.js';
import {loadStyle} from '../core/style.js';
import {loadTexts, t} from '../core/texts.js';
import {Chooser} from './chooser.js';

// The path of a folder, or null. `path`: where one begins; `level`: what one must be allowed to there.
export async function pickFolder({path = '/', level = ACCESS.view, title} = {}) {
    await Promise.all([loadTexts('browse'), loadStyle('chooser')]);
    const chooser = new Chooser({mode: 'folder', level});
    const chosen = h('output', {class: 'chooser-chosen', dir: 'auto'});
    chooser.addEventListener('changed', () => {
        chosen.textContent = chooser.whyNot || chooser.path;
    });
    const opened = openDialog({
        title: title ?? t('browse_pick_folder'),
        body: [chooser.element, chosen],
        actions: [{label: t('cancel'), value: 'no'}, {label: t('browse_choose_folder'), value: 'yes', kind: 'primary'}],
        onSubmit: value => value !== 'yes' || !chooser.whyNot,
        wide: true,
    });
    chooser.open(path);
    return (await opened) === 'yes' ? chooser.path : null;
}

// The path of an image, or null; with `multiple` a list of them. `filter`: extensions, with commas between.
export async function pickFile({path = '/', multiple = false, filter = '', title} = {}) {
    await Promise.all([loadTexts('browse'), loadStyle('chooser')]);
    const chooser = new Chooser({mode: multiple ? 'files' : 'file', filter});
    const chosen = h('output', {class: 'chooser-chosen'});
    chooser.addEventListener('changed', () => {
        chosen.textContent = multiple && chooser.chosen.size ? t('browse_chosen', {n: chooser.chosen.size}) : '';
    });
    const actions = [{label: t('cancel'), value: 'no'}];
    if (multiple) {
        actions.push({label: t('browse_choose'), value: 'yes', kind: 'primary'});
    }
    const opened = openDialog({
        title: title ?? t(multiple ? 'browse_pick_files' : 'browse_pick_file'),
        body: [chooser.element, chosen],
        actions,
        onSubmit: value => value !== 'yes' || chooser.chosen.size > 0,
        wide: true,
    });
    chooser.addEventListener('picked', () => opened.close());
    chooser.open(path);
    const value = await opened;
    const found = [...chooser.chosen.keys()];
    if (!multiple) {
        return found[0] ?? null;
    }
    return value === 'yes' ? found : null;
}
