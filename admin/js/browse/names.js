// Whether a name can be one, said before anything is sent.

import {t} from '../core/texts.js';

const SHORTEST = 3;

// What is wrong with the name of a folder; nothing, if it can be one.
export function folderNameFault(name) {
    const text = name.trim();
    if (!text) {
        return t('browse_name_empty');
    }
    if (text.startsWith('.')) {
        return t('browse_name_dot');
    }
    return /[/\u0000-\u001f]/.test(text) || text.includes('..') ? t('browse_name_slash') : '';
}

// The same for a file.
export function fileNameFault(name) {
    const text = name.trim();
    const dot = text.lastIndexOf('.');
    if (text.length < SHORTEST || dot < 1 || dot === text.length - 1) {
        return t('browse_name_file');
    }
    return folderNameFault(text);
}
