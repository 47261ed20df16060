// The keys with which entries are steered and something is done to them, wherever they are shown.

import {t} from '../core/texts.js';
import {openPreview} from './preview.js';

export function entryKeys(entries, bar) {
    const deed = (key, text) => ({run: () => bar.run(key, entries.meant), text});
    return {
        Delete: deed('delete', t('browse_key_delete')),
        m: deed('move', t('browse_move')),
        c: deed('copy', t('browse_copy')),
        p: deed('publish', t('browse_publish')),
        x: {run: () => entries.toggle(), text: t('browse_key_select')},
        ' ': {run: () => openPreview(entries), text: t('browse_preview')},
        Enter: {run: () => false, text: t('browse_key_open')},
        ArrowDown: {run: () => entries.focus(), text: t('browse_key_arrows')},
    };
}
